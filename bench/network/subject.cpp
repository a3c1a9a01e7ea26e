#include "bench/network/subject.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include "bench/network/thread_clock.hpp"
#include "engine/base/error.hpp"
#include "engine/reference/reference.hpp"

namespace crible::bench {
namespace {

std::int64_t read(const std::byte* p, network::Type type) {
  const std::size_t bytes = network::storage_bytes(type);
  std::int64_t value = 0;
  std::memcpy(&value, p, bytes);
  const int unused = static_cast<int>(64 - bytes * 8);
  return type.is_signed ? static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << unused) >> unused
                        : value;
}

void must(backends::Status status) {
  if (status != backends::Status::ok) throw Error(backends::sentence(status), Fault::failure);
}

}  // namespace

Subject::Subject(const network::Network& network, const std::string& device)
    : program_(backends::find("cpu").compile(network, {device, events_held, 1})) {
  if (program_->device() != device) throw Error("asked for " + device + ", got " + program_->device());
  fill();
  check(network);
}

void Subject::fill() {
  std::mt19937_64 random(11);
  const network::Network& network = program_->network();
  for (network::NodeId id : network::inputs_of(network)) {
    const network::Node& node = network.nodes[static_cast<std::size_t>(id)];
    const std::size_t bytes = network::storage_bytes(node.type);
    const std::size_t elements = network::element_count(node.shape);
    std::uniform_int_distribution<std::int64_t> values(network::lowest(node.type),
                                                       network::highest(node.type));
    std::vector<std::byte> array(events_held * elements * bytes);
    for (std::size_t i = 0; i < events_held * elements; ++i) {
      const std::int64_t value = values(random);
      std::memcpy(array.data() + i * bytes, &value, bytes);
    }
    inputs_.push_back(std::move(array));
    row_bytes_.push_back(elements * bytes);
  }
}

void Subject::check(const network::Network& network) {
  constexpr std::size_t checked_events = 100;
  const auto in = network::inputs_of(network);
  const auto out = network::outputs_of(network);
  const auto compare = [&](std::size_t event, std::size_t row) {
    std::vector<reference::Tensor> event_inputs;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const network::Node& node = network.nodes[static_cast<std::size_t>(in[i])];
      reference::Tensor tensor(network::element_count(node.shape));
      const std::byte* p = inputs_[i].data() + event * row_bytes_[i];
      for (std::int64_t& x : tensor) {
        x = read(p, node.type);
        p += network::storage_bytes(node.type);
      }
      event_inputs.push_back(std::move(tensor));
    }
    const auto expected = reference::evaluate(network, event_inputs);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const network::Type type = network.nodes[static_cast<std::size_t>(out[i])].type;
      const std::byte* p =
          program_->slots()[0].outputs[i].data() + row * expected[i].size() * network::storage_bytes(type);
      for (std::int64_t x : expected[i]) {
        if (read(p, type) != x)
          throw Error(network.name + " differs from the reference on " + program_->device(), Fault::failure);
        p += network::storage_bytes(type);
      }
    }
  };
  for (std::size_t event = 0; event < checked_events; ++event) {
    next_ = event;
    run_one();
    compare(event, 0);
  }
  batch_ns(1);
  for (std::size_t event = 0; event < checked_events; ++event) compare(event * 10, event * 10);
}

void Subject::run_one() noexcept {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    std::memcpy(program_->slots()[0].inputs[i].data(), inputs_[i].data() + next_ * row_bytes_[i],
                row_bytes_[i]);
  }
  next_ = (next_ + 1) % events_held;
  (void)program_->run(0, 1);
}

double Subject::one_by_one_ns(std::size_t calls) {
  const ThreadClock clock;
  for (std::size_t i = 0; i < calls; ++i) run_one();
  return clock.elapsed_ns() / static_cast<double>(calls);
}

double Subject::chained_ns(std::size_t calls) {
  static volatile unsigned char always_zero = 0;
  const unsigned char mask = always_zero;
  std::byte* input = inputs_[0].data();
  const std::byte* output = program_->slots()[0].outputs[0].data();
  const ThreadClock clock;
  for (std::size_t i = 0; i < calls; ++i) {
    // Nothing changes, but the processor cannot know that.
    for (std::size_t b = 0; b < row_bytes_[0]; ++b) {
      input[next_ * row_bytes_[0] + b] ^= output[0] & std::byte{mask};
    }
    run_one();
  }
  return clock.elapsed_ns() / static_cast<double>(calls);
}

Subject::Call Subject::call(std::size_t events) {
  return {program_.get(), program_->slots()[0].inputs[0].data(), inputs_[0].data(), events * row_bytes_[0],
          events};
}

void Subject::Call::operator()() const noexcept {
  std::memcpy(to, from, bytes);
  (void)program->run(0, events);
}

double Subject::batch_ns(std::size_t calls) {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    std::memcpy(program_->slots()[0].inputs[i].data(), inputs_[i].data(), inputs_[i].size());
  }
  const ThreadClock clock;
  for (std::size_t i = 0; i < calls; ++i) must(program_->run(0, events_held));
  return clock.elapsed_ns() / static_cast<double>(calls * events_held);
}

}  // namespace crible::bench
