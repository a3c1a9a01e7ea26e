#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/network/network.hpp"

/// Third-party models to integer networks. What comes out computes the exact real-number value of the model:
/// its float constants taken as exact numbers, sums and products unrounded, rounding only where the model has
/// a quantizer. What cannot be exact is refused with the node's name, the reason and a remedy.
namespace crible::importers {

/// The type of an input that the model leaves open.
struct InputType {
  network::Type type;
  /// Real value of one integer step, as numerator / denominator of two doubles; absent: 2^-fraction.
  std::optional<std::pair<double, double>> step;
};

struct ImportOptions {
  /// By input name; the empty name means the model's only input.
  std::map<std::string, InputType> input_types;

  /// Trees: the type to which each leaf is rounded once, half to even, where exact sums do not fit 64 bits.
  std::optional<network::Type> score_type;
};

/// How a model's quantizers became integer operations.
struct Exactness {
  std::size_t shifts = 0;       // power-of-two scale: a shift with the model's own rounding
  std::size_t multipliers = 0;  // multiplier and shift, proven equal to the quantizer at every step
  std::size_t tables = 0;       // threshold tables
  std::size_t steps = 0;        // steps that were compared in these proofs
  /// Accumulator values so close to a rounding edge that a runtime in float32 may give the neighbour.
  std::size_t near_edges = 0;
};

/// What an importer did, for people and for --json.
struct Report {
  std::string format;    // "QONNX", "ONNX QDQ", "XGBoost JSON", ...
  std::string producer;  // as the file says
  std::vector<std::string> outputs;
  Exactness exactness;
  std::vector<std::string> notes;  // sentences: dropped softmax, assumed shapes, ...
};

struct ImportResult {
  network::Network network;
  Report report;
};

/// Reads a model of any known format, chosen by the file's content and name. Throws Error with one sentence
/// (which node, why, what to do) when it cannot become an exact integer network.
ImportResult import_model(const std::filesystem::path& path, const ImportOptions& options = {});

/// A network file (.crn) or any model that import_model reads without options.
network::Network load_network(const std::filesystem::path& path);

}  // namespace crible::importers
