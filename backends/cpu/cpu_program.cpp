#include "backends/cpu/cpu_program.hpp"

#include <algorithm>
#include <chrono>

#include "backends/cpu/plan/plan.hpp"
#include "engine/base/error.hpp"

namespace crible::backends::cpu {
namespace {

/// Rows of all plans that are small and have no constants: programs take turns on a thread.
constexpr std::size_t shared_row_bytes = 32768;
alignas(64) thread_local std::byte shared_rows[shared_row_bytes];

/// A plan with its rows, run on one tile at a time.
class Engine {
 public:
  explicit Engine(Plan plan) : plan_(std::move(plan)) {
    const bool shares = plan_.constants.empty() && plan_.row_bytes() <= shared_row_bytes;
    if (!shares) rows_ = plan_.make_rows();
    first_ = plan_.steps.front();
    more_ = plan_.keep(plan_.steps) + 1;
    end_ = more_ + plan_.steps.size() - 1;
  }

  void run(const std::byte* const* inputs, std::byte* const* outputs, std::size_t events) const noexcept {
    const Frame frame{rows_.data() != nullptr ? rows_.data() : shared_rows, inputs, outputs, events};
    first_.run(first_.data, frame);
    for (const Step* step = more_; step != end_; ++step) step->run(step->data, frame);
  }

 private:
  Step first_{};  // here, because what it leads to is waited for longest; every plan stores an output
  const Step* more_ = nullptr;
  const Step* end_ = nullptr;
  Buffer rows_;
  Plan plan_;
};

/// An input or output of a slot, and where the tile in work stands in it.
struct Port {
  std::byte* first = nullptr;
  std::size_t row_bytes = 0;
};

std::vector<std::size_t> row_bytes_of(const network::Network& network,
                                      const std::vector<network::NodeId>& ids) {
  std::vector<std::size_t> bytes;
  for (network::NodeId id : ids) {
    const network::Node& node = network.nodes[static_cast<std::size_t>(id)];
    bytes.push_back(network::element_count(node.shape) * network::storage_bytes(node.type));
  }
  return bytes;
}

class alignas(64) CpuProgram : public Program {
 public:
  CpuProgram(const network::Network& network, const Variant& variant, const CompileOptions& options)
      : max_batch_(options.max_batch),
        slot_count_(options.slots),
        single_(make_plan(network, network::verify(network), variant.kernels, Layout::single)),
        tile_(make_plan(network, network::verify(network), variant.kernels, Layout::tile)),
        network_(network),
        device_(variant.name) {
    const std::vector<std::size_t> inputs = row_bytes_of(network, network::inputs_of(network));
    const std::vector<std::size_t> outputs = row_bytes_of(network, network::outputs_of(network));
    input_count_ = inputs.size();
    port_count_ = static_cast<std::uint32_t>(inputs.size() + outputs.size());
    // What a call reads lies side by side, with the plan of single events.
    port_memory_ = Buffer(port_count_ * (slot_count_ * sizeof(Port) + sizeof(std::byte*)), Use::single_plan);
    ports_ = reinterpret_cast<Port*>(port_memory_.data());
    cursors_ = reinterpret_cast<std::byte**>(ports_ + slot_count_ * port_count_);
    Port* port = ports_;
    for (std::size_t i = 0; i < slot_count_; ++i) {
      Slot slot;
      for (std::size_t bytes : inputs) slot.inputs.push_back(new_array(*port++, bytes));
      for (std::size_t bytes : outputs) slot.outputs.push_back(new_array(*port++, bytes));
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
    return slot < slot_count_ ? Status::ok : Status::bad_batch;
  }

  Status run(std::size_t slot, std::size_t events) noexcept override {
    if (slot >= slot_count_ || events == 0 || events > max_batch_) return Status::bad_batch;
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
  std::span<std::byte> new_array(Port& port, std::size_t row_bytes) {
    const std::size_t bytes = row_bytes * max_batch_;
    arrays_.emplace_back(bytes + 64, Use::batches);
    port = {arrays_.back().data(), row_bytes};
    return {port.first, bytes};
  }

  void run_tile(std::size_t slot, std::size_t first, std::size_t events, const Engine& engine) noexcept {
    const Port* ports = ports_ + slot * port_count_;
    for (std::size_t i = 0; i < port_count_; ++i) cursors_[i] = ports[i].first + first * ports[i].row_bytes;
    engine.run(cursors_, cursors_ + input_count_, events);
  }

  /// From how many events on a tile costs less than one event after the other.
  void measure() noexcept {
    const std::size_t events = std::min<std::size_t>(max_batch_, tile_events);
    const double tile_ns = fastest_ns(tile_, events);
    const double single_ns = fastest_ns(single_, 1);
    const double break_even = single_ns > 0 ? tile_ns / single_ns : 1;
    tiles_from_ = 1 + static_cast<std::uint32_t>(std::clamp(break_even, 1.0, double{tile_events}));
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

  // In the order of use: a call of one event should touch few cache lines.
  std::size_t max_batch_;
  std::size_t slot_count_;
  std::uint32_t tiles_from_ = 2;
  std::uint32_t port_count_ = 0;
  std::size_t input_count_ = 0;
  Port* ports_ = nullptr;  // [slot][inputs, then outputs]
  std::byte** cursors_ = nullptr;
  Engine single_;
  Engine tile_;
  Buffer port_memory_;
  std::vector<Slot> slots_;
  std::vector<Buffer> arrays_;
  network::Network network_;
  std::string device_;
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
