#include "tests/conformance/executors.hpp"

#include <algorithm>

#include "backends/backend.hpp"
#include "engine/base/error.hpp"
#include "tests/conformance/host_executor.hpp"
#include "tests/conformance/rows.hpp"

namespace crible::conformance {

namespace {

using network::Network;

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
    store_inputs(program_->network(), events, memory.inputs);
    const backends::Status status = program_->run(slot, events.size());
    if (status != backends::Status::ok) throw Error(backends::sentence(status), Fault::failure);
    fetch_outputs(program_->network(), memory.outputs, events.size(), outputs);
  }

  std::unique_ptr<backends::Program> program_;
  std::size_t next_slot_ = 0;
};

Executor device_executor(const backends::Backend& backend, const std::string& device) {
  Executor executor;
  executor.name = device;
  executor.must_run = backend.name() == "cpu";
  executor.slow_to_prepare = backend.name() != "cpu";
  executor.refuses = [&backend](const Network& network) { return backend.supports(network); };
  executor.prepare = [&backend, device](const Network& network, std::size_t max_batch) {
    backends::CompileOptions options;
    options.device = device;
    options.max_batch = max_batch;
    options.slots = 2;
    options.hang_ns = 300'000'000'000;  // PoCL compiles a kernel when it is first used
    return std::make_unique<OnDevice>(backend.compile(network, options));
  };
  return executor;
}

std::vector<Executor> make_executors() {
  std::vector<Executor> list;
  list.push_back({"reference", [](const Network&) { return std::string(); },
                  [](const Network& network, std::size_t) { return std::make_unique<OnReference>(network); },
                  true});
  using codegen::Form;
  list.push_back(host_executor("host:item", {}));
  list.push_back(host_executor("host:group", {.form = Form::group, .packed_dots = true}));
  list.push_back(host_executor("host:scratch", {.form = Form::group, .shared_bytes = 0}));
  list.push_back(host_executor("host:block", {.form = Form::block}));
  list.push_back(host_executor("host:single", {.form = Form::single}));
  list.push_back(host_executor("host:tiles", {.form = Form::group, .events = 32, .packed_dots = true}));
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
