#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hls/firmware.hpp"

/// Text of modules that take an event at once and work on it over several cycles.
namespace crible::hls {

/// The elements of a port in a row. The first step looks at the lowest places, the next one at those
/// `advance` places on.
struct RowFeed {
  std::vector<int> row;     // [place] element of the port; -1: filler
  std::int64_t filler = 0;  // integer there
  int width_bits = 1;       // of a place
  int advance = 0;
  int steps = 2;
  int window = 0;  // places that a step looks at

  int row_bits() const { return static_cast<int>(row.size()) * width_bits; }
  int waiting_bits() const { return row_bits() - advance * width_bits; }
};

/// Declares what a step needs: `window`, its number `step`, `go_on` (a step after the first one is due) and
/// `event_tag` (of an event whose first step has been).
std::string feed_text(const RowFeed& feed, const DataPort& in, const ControlPorts& control);

/// Where an element of a result lies among the outputs of the steps.
struct StepPlace {
  int step = 0;
  int element = 0;
};

/// Drives `out` from the outputs of all steps, those before the last in registers. `bus`, laid out like
/// `from`, has a step's output when `valid` is high.
std::string collected_text(const std::vector<StepPlace>& results, int steps, const std::string& valid,
                           const std::string& bus, const DataPort& from, const DataPort& out,
                           const std::string& clock);

/// A port of so many elements, all alike.
DataPort uniform_port(const std::string& name, std::size_t elements, int width_bits, bool is_signed);

}  // namespace crible::hls
