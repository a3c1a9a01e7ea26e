#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/importers/import.hpp"
#include "engine/quantize/calibrate.hpp"
#include "engine/quantize/program.hpp"

namespace crible::quantize {

struct Bits {
  int weights = 8;
  int activations = 8;
};

/// "8", "w6a8", "w4", "a10"; what is left out stays as in `otherwise`. Throws Error for anything else;
/// weights have 2 to 16 bits, activations 2 to 16.
Bits parse_bits(const std::string& text, Bits otherwise = {});

struct Options {
  Bits bits;
  std::map<std::string, Bits> layers;  // by name of the model's node
  RangeRule range;
  bool per_channel = true;  // a step of its own for the weights of each output
  int table_bits = 0;       // of the argument of a sigmoid or tanh table; 0: activations + 3, at most 12
  int state_bits = 16;      // of what a recurrent cell carries from step to step

  /// By input name, the empty name for an only input; others get a type by calibration.
  std::map<std::string, importers::InputType> input_types;
};

/// How one layer of the model came out.
struct LayerReport {
  std::string name;  // of the node
  std::string kind;  // "dense"
  int weight_bits = 0;
  network::Type type;    // of its result where that was rounded
  bool rounded = false;  // false: the result stays an exact sum, or only moves
  double low = 0;        // what calibration saw
  double high = 0;
};

struct Result {
  network::Network network;
  std::vector<LayerReport> layers;
};

/// Throws Error when an option names a layer or an input that the model does not have, or when the network
/// cannot be proven (an accumulator of more than 64 bits).
Result quantize(const Program& program, const Calibration& calibration, const Options& options);

}  // namespace crible::quantize
