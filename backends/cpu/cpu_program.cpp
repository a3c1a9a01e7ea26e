#include "backends/cpu/cpu_program.hpp"

#include <algorithm>
#include <chrono>

#include "backends/cpu/plan/plan.hpp"
#include "engine/base/error.hpp"

namespace crible::backends::cpu {
namespace {

/// A plan with its rows, run on one tile at a time.
class Engine {
 public:
  explicit Engine(Plan plan) : plan_(std::move(plan)), rows_(plan_.make_rows()) {}

  void run(const std::byte* const* inputs, std::byte* const* outputs, std::size_t events) const noexcept {
    const Frame frame{rows_.data(), inputs, outputs, events};
    for (const Step& step : plan_.steps) step.run(step.data, frame);
  }

 private:
  Plan plan_;
  Buffer rows_;
};

struct Port {
  std::size_t row_bytes = 0;
};

std::vector<Port> ports_of(const network::Network& network, const std::vector<network::NodeId>& ids) {
  std::vector<Port> ports;
  for (network::NodeId id : ids) {
    const network::Node& node = network.nodes[static_cast<std::size_t>(id)];
    ports.push_back({network::element_count(node.shape) * network::storage_bytes(node.type)});
  }
  return ports;
}

class CpuProgram : public Program {
 public:
  CpuProgram(const network::Network& network, const Variant& variant, const CompileOptions& options)
      : network_(network),
        device_(variant.name),
        max_batch_(options.max_batch),
        inputs_(ports_of(network, network::inputs_of(network))),
        outputs_(ports_of(network, network::outputs_of(network))),
        single_(make_plan(network, network::verify(network), variant.kernels, Layout::single)),
        tile_(make_plan(network, network::verify(network), variant.kernels, Layout::tile)),
        input_cursor_(inputs_.size()),
        output_cursor_(outputs_.size()) {
    for (std::size_t i = 0; i < options.slots; ++i) {
      Slot slot;
      for (const Port& port : inputs_) slot.inputs.push_back(new_array(port));
      for (const Port& port : outputs_) slot.outputs.push_back(new_array(port));
      slots_.push_back(std::move(slot));
    }
    measure();
  }

  const network::Network& network() const override { return network_; }
  const std::string& device() const override { return device_; }
  std::size_t max_batch() const override { return max_batch_; }
  std::span<Slot> slots() override { return slots_; }

  Status submit(std::size_t slot, std::size_t events) noexcept override { return run(slot, events); }

  Status poll(std::size_t slot) noexcept override {
    return slot < slots_.size() ? Status::ok : Status::bad_batch;
  }

  Status run(std::size_t slot, std::size_t events) noexcept override {
    if (slot >= slots_.size() || events == 0 || events > max_batch_) return Status::bad_batch;
    std::size_t done = 0;
    while (done < events) {
      const std::size_t left = events - done;
      const std::size_t now = left < tiles_from_ ? 1 : std::min<std::size_t>(left, tile_events);
      run_tile(slot, done, now, left < tiles_from_ ? single_ : tile_);
      done += now;
    }
    return Status::ok;
  }

 private:
  std::span<std::byte> new_array(const Port& port) {
    const std::size_t bytes = port.row_bytes * max_batch_;
    arrays_.emplace_back(bytes + 64);
    return {arrays_.back().data(), bytes};
  }

  void run_tile(std::size_t slot, std::size_t first, std::size_t events, const Engine& engine) noexcept {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      input_cursor_[i] = slots_[slot].inputs[i].data() + first * inputs_[i].row_bytes;
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      output_cursor_[i] = slots_[slot].outputs[i].data() + first * outputs_[i].row_bytes;
    }
    engine.run(input_cursor_.data(), output_cursor_.data(), events);
  }

  /// From how many events on a tile costs less than one event after the other.
  void measure() noexcept {
    const std::size_t events = std::min<std::size_t>(max_batch_, tile_events);
    const double tile_ns = fastest_ns(tile_, events);
    const double single_ns = fastest_ns(single_, 1);
    const double break_even = single_ns > 0 ? tile_ns / single_ns : 1;
    tiles_from_ = 1 + static_cast<std::size_t>(std::clamp(break_even, 1.0, double{tile_events}));
  }

  double fastest_ns(const Engine& engine, std::size_t events) noexcept {
    using Clock = std::chrono::steady_clock;
    constexpr int repeats = 5;
    double fastest = 0;
    for (int i = 0; i < repeats; ++i) {
      const auto start = Clock::now();
      run_tile(0, 0, events, engine);
      const double ns = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
      if (i == 0 || ns < fastest) fastest = ns;
    }
    return fastest;
  }

  network::Network network_;
  std::string device_;
  std::size_t max_batch_;
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
  Engine single_;
  Engine tile_;
  std::vector<Slot> slots_;
  std::vector<Buffer> arrays_;
  std::vector<const std::byte*> input_cursor_;
  std::vector<std::byte*> output_cursor_;
  std::size_t tiles_from_ = 2;
};

}  // namespace

std::unique_ptr<Program> make_program(const network::Network& network, const Variant& variant,
                                      const CompileOptions& options) {
  if (options.max_batch == 0 || options.slots == 0) {
    throw Error("A program needs a batch of at least one event and at least one slot.");
  }
  return std::make_unique<CpuProgram>(network, variant, options);
}

}  // namespace crible::backends::cpu
