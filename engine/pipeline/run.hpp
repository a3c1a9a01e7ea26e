#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/builder/ledger.hpp"
#include "engine/pipeline/run_control.hpp"
#include "engine/pipeline/shard.hpp"
#include "engine/pipeline/trigger.hpp"
#include "engine/record/writer.hpp"

namespace crible::pipeline {

/// What a run did, so far or in all.
struct RunSummary {
  std::uint32_t run = 0;
  State state = State::initial;
  ShardStatus shards;  // summed
  builder::Ledger ledger;
  std::vector<std::string> violations;  // equations that do not hold, a sentence each; empty: balanced
  record::Counters recorded;
  std::string recording_failure;  // the last refusal of the disk
  bool recording_closed = true;   // at the end: all books and the final block are in the file
};

/// The trigger: shards, recording, ledger, run control. The owner constructs it (configured), start()s it
/// (running), and calls finish() (draining, stopped) when ended() or at any time.
class Run {
 public:
  /// Binds the sockets, compiles the networks. Throws Error. The trigger must outlive the run. `config` may
  /// differ from trigger.run. `trace`, which must outlive the run and have a list for each shard, gets the
  /// stamps of every published event.
  Run(const Trigger& trigger, const RunConfig& config, EventTrace* trace = nullptr);
  ~Run();

  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Creates the recording (throws Error) and starts the shards. From here on the process keeps the memory
  /// that it frees (mallopt), up to 256 MiB.
  void start();

  /// Asks the shards to drain. From any thread and from signal handlers.
  void request_stop() noexcept { control_.request_stop(); }

  /// Every shard has drained: because of a request, the end of the run, or a failure.
  bool ended() const noexcept { return running_.load(std::memory_order_acquire) == 0; }

  State state() const noexcept { return control_.state(); }

  /// The sums as they stand; `violations` is only filled in at the end. Any thread.
  RunSummary summary();

  /// Drains, closes the books, writes the final block. Throws the failure of a shard, if there was one,
  /// after everything was written that could be.
  RunSummary finish();

 private:
  void check_books(RunSummary& summary) const;

  const Trigger& trigger_;
  RunConfig config_;
  zmq::context_t zmq_;
  RunControl control_;
  std::unique_ptr<record::Writer> recording_;
  RunLedger ledger_;
  ShardContext context_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> running_{0};
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

}  // namespace crible::pipeline
