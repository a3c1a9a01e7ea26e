#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "engine/pipeline/decision_reader.hpp"

namespace crible::pipeline {

/// Takes the decisions that shards push, in a thread of its own, as any program could.
class DecisionCollector {
 public:
  using Take = std::function<void(const PublishedDecision&)>;

  /// Binds `address` (of a tcp port "*" makes a free one) and calls `take`, in that thread, with each
  /// decision of each good frame. Throws zmq::error_t when the address cannot be used.
  DecisionCollector(const std::string& address, Take take);
  ~DecisionCollector();

  DecisionCollector(const DecisionCollector&) = delete;
  DecisionCollector& operator=(const DecisionCollector&) = delete;

  const std::string& address() const { return address_; }

  /// Decisions so far; any thread.
  std::uint64_t decisions() const { return decisions_.load(std::memory_order_acquire); }

  /// Takes what has arrived, then ends.
  void stop();

  /// After stop(): frames that were bad or did not come.
  std::uint64_t faults() const { return reader_.counters().bad_frames + reader_.counters().missing_frames; }

 private:
  void receive();

  Take take_;
  DecisionReader reader_;
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::string address_;
  std::atomic<std::uint64_t> decisions_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace crible::pipeline
