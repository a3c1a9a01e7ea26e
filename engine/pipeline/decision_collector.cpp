#include "engine/pipeline/decision_collector.hpp"

#include <utility>

namespace crible::pipeline {

DecisionCollector::DecisionCollector(const std::string& address, Take take)
    : take_(std::move(take)), socket_(context_, zmq::socket_type::pull) {
  constexpr int look_for_stop_ms = 50;
  socket_.set(zmq::sockopt::rcvtimeo, look_for_stop_ms);
  socket_.bind(address);
  address_ = socket_.get(zmq::sockopt::last_endpoint);
  thread_ = std::thread([this] { receive(); });
}

DecisionCollector::~DecisionCollector() {
  stop();
}

void DecisionCollector::stop() {
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
}

void DecisionCollector::receive() {
  zmq::message_t message;
  for (;;) {
    const bool got = socket_.recv(message).has_value();
    if (!got && stop_.load()) return;
    if (!got) continue;
    for (const PublishedDecision& decision : reader_.read({message.data<const std::byte>(), message.size()}))
      take_(decision);
    decisions_.store(reader_.counters().decisions, std::memory_order_release);
  }
}

}  // namespace crible::pipeline
