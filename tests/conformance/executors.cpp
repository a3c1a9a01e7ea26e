#include "tests/conformance/executors.hpp"

#include <cstring>

#include "backends/backend.hpp"
#include "engine/base/error.hpp"

namespace crible::conformance {

namespace {

using network::Network;
using network::Node;
using network::NodeId;
using network::Type;

class OnReference : public Prepared {
 public:
  explicit OnReference(const Network& network) : network_(network) {}
  Events run(std::span<const Event> events) override {
    return expected(network_, Events(events.begin(), events.end()));
  }
  std::string proof() const override { return "reference"; }

 private:
  Network network_;
};

/// Element `index` of a row of packed little-endian elements.
void store(Type type, std::byte* row, std::size_t index, std::int64_t value) {
  const std::size_t bytes = storage_bytes(type);
  std::memcpy(row + index * bytes, &value, bytes);
}

std::int64_t fetch(Type type, const std::byte* row, std::size_t index) {
  const std::size_t bytes = storage_bytes(type);
  std::uint64_t bits = 0;
  std::memcpy(&bits, row + index * bytes, bytes);
  const std::size_t unused = 64 - 8 * bytes;
  if (!type.is_signed) return static_cast<std::int64_t>(bits);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

class OnDevice : public Prepared {
 public:
  explicit OnDevice(std::unique_ptr<backends::Program> program) : program_(std::move(program)) {}

  Events run(std::span<const Event> events) override {
    Events outputs;
    for (std::size_t done = 0; done < events.size(); done += program_->max_batch()) {
      run_batch(events.subspan(done, std::min(program_->max_batch(), events.size() - done)), outputs);
    }
    return outputs;
  }
  std::string proof() const override { return program_->device(); }

 private:
  void run_batch(std::span<const Event> events, Events& outputs) {
    const std::size_t slot = next_slot_++ % program_->slots().size();
    const backends::Slot& memory = program_->slots()[slot];
    const std::vector<NodeId> inputs = inputs_of(program_->network());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Node& node = node_of(inputs[i]);
      std::byte* row = memory.inputs[i].data();
      for (const Event& event : events) {
        for (std::size_t k = 0; k < event[i].size(); ++k) store(node.type, row, k, event[i][k]);
        row += row_bytes(node);
      }
    }
    const backends::Status status = program_->run(slot, events.size());
    if (status != backends::Status::ok) throw Error(backends::sentence(status), Fault::failure);
    const std::vector<NodeId> results = outputs_of(program_->network());
    for (std::size_t e = 0; e < events.size(); ++e) {
      Event& event = outputs.emplace_back();
      for (std::size_t o = 0; o < results.size(); ++o) {
        const Node& node = node_of(results[o]);
        const std::byte* row = memory.outputs[o].data() + e * row_bytes(node);
        Tensor& tensor = event.emplace_back(network::element_count(node.shape));
        for (std::size_t k = 0; k < tensor.size(); ++k) tensor[k] = fetch(node.type, row, k);
      }
    }
  }

  const Node& node_of(NodeId id) const { return program_->network().nodes[static_cast<std::size_t>(id)]; }
  static std::size_t row_bytes(const Node& node) {
    return network::element_count(node.shape) * storage_bytes(node.type);
  }

  std::unique_ptr<backends::Program> program_;
  std::size_t next_slot_ = 0;
};

Executor device_executor(const backends::Backend& backend, const std::string& device) {
  Executor executor;
  executor.name = device;
  executor.must_run = backend.name() == "cpu";
  executor.refuses = [&backend](const Network& network) { return backend.supports(network); };
  executor.prepare = [&backend, device](const Network& network, std::size_t max_batch) {
    backends::CompileOptions options;
    options.device = device;
    options.max_batch = max_batch;
    options.slots = 2;
    return std::make_unique<OnDevice>(backend.compile(network, options));
  };
  return executor;
}

std::vector<Executor> make_executors() {
  std::vector<Executor> list;
  list.push_back({"reference", [](const Network&) { return std::string(); },
                  [](const Network& network, std::size_t) { return std::make_unique<OnReference>(network); },
                  true});
  for (const auto& backend : backends::registry()) {
    for (const backends::Device& device : backend->devices()) {
      if (device.usable) list.push_back(device_executor(*backend, device.name));
    }
  }
  return list;
}

}  // namespace

const std::vector<Executor>& executors() {
  static const std::vector<Executor> list = make_executors();
  return list;
}

}  // namespace crible::conformance
