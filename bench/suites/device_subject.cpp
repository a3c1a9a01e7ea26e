#include "bench/suites/device_subject.hpp"

#include <algorithm>
#include <random>
#include <thread>

#include "backends/paths.hpp"
#include "bench/instrument/clock.hpp"
#include "engine/base/error.hpp"
#include "engine/network/stored.hpp"
#include "engine/reference/reference.hpp"

namespace crible::bench {
namespace {

using network::Node;
using network::NodeId;

void must(backends::Status status) {
  if (status != backends::Status::ok) throw Error(backends::sentence(status), Fault::failure);
}

const Node& node_of(const network::Network& network, NodeId id) {
  return network.nodes[static_cast<std::size_t>(id)];
}

}  // namespace

DeviceSubject::DeviceSubject(const network::Network& network, const std::string& device,
                             std::size_t max_batch) {
  backends::CompileOptions options;
  options.device = device;
  options.max_batch = max_batch;
  program_ = backends::find(device.substr(0, device.find(':'))).compile(network, options);
  if (program_->device() != device) throw Error("asked for " + device + ", got " + program_->device());
  fill();
  check(std::min(max_batch, checked_events));
}

void DeviceSubject::fill() {
  std::mt19937_64 random(11);
  const network::Network& network = program_->network();
  const std::vector<NodeId> ids = inputs_of(network);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Node& node = node_of(network, ids[i]);
    const std::size_t bytes = network::storage_bytes(node.type);
    std::uniform_int_distribution<std::int64_t> values(lowest(node.type), highest(node.type));
    std::vector<std::int64_t> list(program_->max_batch() * network::element_count(node.shape));
    for (std::int64_t& value : list) value = values(random);
    for (const backends::Slot& slot : program_->slots()) {
      for (std::size_t k = 0; k < list.size(); ++k)
        network::store_element(slot.inputs[i].data() + k * bytes, node.type, list[k]);
    }
    inputs_.push_back(std::move(list));
  }
}

void DeviceSubject::check(std::size_t events) {
  const network::Network& network = program_->network();
  must(program_->run(0, events));
  const std::vector<NodeId> in = inputs_of(network);
  const std::vector<NodeId> out = outputs_of(network);
  for (std::size_t e = 0; e < events; ++e) {
    std::vector<reference::Tensor> tensors;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const auto elements =
          static_cast<std::ptrdiff_t>(network::element_count(node_of(network, in[i]).shape));
      const auto begin = inputs_[i].begin() + static_cast<std::ptrdiff_t>(e) * elements;
      tensors.emplace_back(begin, begin + elements);
    }
    const std::vector<reference::Tensor> wanted = reference::evaluate(network, tensors);
    for (std::size_t o = 0; o < out.size(); ++o) {
      const network::Type type = node_of(network, out[o]).type;
      const std::size_t bytes = network::storage_bytes(type);
      const std::byte* row = program_->slots()[0].outputs[o].data() + e * wanted[o].size() * bytes;
      for (std::size_t k = 0; k < wanted[o].size(); ++k) {
        if (network::load_element(row + k * bytes, type) == wanted[o][k]) continue;
        throw Error(program_->device() + " gives wrong answers for " + network.name, Fault::failure);
      }
    }
  }
}

std::string DeviceSubject::path(std::size_t events) const {
  const auto* paths = dynamic_cast<const backends::Paths*>(program_.get());
  return paths == nullptr ? "" : paths->path(events);
}

BatchTimes DeviceSubject::time(std::size_t events, std::int64_t budget_ns) {
  constexpr std::size_t least = 15;
  std::vector<std::int64_t> times;
  const std::int64_t end_ns = Clock::system_ns() + budget_ns;
  while (times.size() < least || Clock::system_ns() < end_ns) {
    const std::int64_t start_ns = Clock::system_ns();
    must(program_->run(0, events));
    times.push_back(Clock::system_ns() - start_ns);
  }
  std::ranges::sort(times);
  return {times[times.size() / 2], times[times.size() * 99 / 100], times.size()};
}

double DeviceSubject::mean_ns(std::size_t events, std::int64_t budget_ns) {
  constexpr std::int64_t series_ns = 20'000;
  const auto series = [&](std::size_t calls) {
    const std::int64_t start_ns = Clock::system_ns();
    for (std::size_t i = 0; i < calls; ++i) must(program_->run(0, events));
    return static_cast<double>(Clock::system_ns() - start_ns) / static_cast<double>(calls);
  };
  const std::int64_t end_ns = Clock::system_ns() + budget_ns;
  const double first_ns = series(1);
  if (first_ns > static_cast<double>(budget_ns)) return first_ns;
  const auto calls = static_cast<std::size_t>(series_ns / std::max(series(1), 20.0)) + 1;
  std::vector<double> means;
  while (means.empty() || Clock::system_ns() < end_ns) means.push_back(series(calls));
  std::ranges::sort(means);
  return means[means.size() / 2];
}

double DeviceSubject::events_per_second(std::size_t events, std::int64_t budget_ns) {
  const std::size_t slots = program_->slots().size();
  const std::int64_t start_ns = Clock::system_ns();
  std::size_t done = 0;
  for (std::size_t slot = 0; slot < slots; ++slot) must(program_->submit(slot, events));
  while (Clock::system_ns() - start_ns < budget_ns) {
    for (std::size_t slot = 0; slot < slots; ++slot) {
      backends::Status status = backends::Status::pending;
      while ((status = program_->poll(slot)) == backends::Status::pending) std::this_thread::yield();
      must(status);
      done += events;
      must(program_->submit(slot, events));
    }
  }
  const std::int64_t elapsed_ns = Clock::system_ns() - start_ns;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    while (program_->poll(slot) == backends::Status::pending) std::this_thread::yield();
  }
  return static_cast<double>(done) * 1e9 / static_cast<double>(elapsed_ns);
}

}  // namespace crible::bench
