#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/network/serve.hpp"

namespace crible::bench::peers {

inline constexpr std::size_t batch_events = 1024;

/// One layer as bench_network --dump writes it.
struct Layer {
  std::string kind;           // dense, conv, pool
  int inputs = 0;             // dense
  int outputs = 0;            // dense; conv: filters
  std::vector<int> in_shape;  // conv, pool: channels, rows, columns
  std::vector<int> kernel;
  std::vector<int> pad;
  std::vector<std::int8_t> weights;  // [outputs][inputs], [filters][channels][rows][columns]
  std::vector<std::int32_t> bias;
  int shift = -1;  // half to even, then 0 to 255; -1: the sums themselves
};

struct Model {
  std::string name;
  std::vector<int> in_shape;
  bool is_signed = false;
  std::vector<Layer> layers;
  std::vector<std::vector<int>> events;
  std::vector<std::vector<std::int64_t>> answers;  // of the first events

  std::size_t event_elements() const { return events[0].size(); }
  /// By how much the last sums must be shifted to fit signed bytes.
  int last_shift() const;
};

std::vector<Model> load_models(const std::string& file);

/// A model set up in a peer: `run` on what lies in `input`, for one event or for batch_events.
struct Prepared {
  std::byte* input = nullptr;
  std::size_t event_bytes = 0;
  const std::byte* output = nullptr;
  std::function<void()> run;
};

/// The nanoseconds for an event, of as many calls as take about a millisecond.
double measure(const Prepared& one, const Prepared& batch, const std::vector<std::byte>& events, Mode mode);

/// Makes the entry that `serve` asks.
Entry entry(Prepared one, Prepared batch, std::vector<std::byte> events);

/// Runs the first events one by one and as a batch; throws when `right(event, output)` says no.
void check(const Prepared& one, const Prepared& batch, std::size_t output_bytes,
           const std::vector<std::byte>& events, std::size_t checked,
           const std::function<bool(std::size_t, const std::byte*)>& right);

}  // namespace crible::bench::peers
