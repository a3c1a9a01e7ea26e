#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/network/network.hpp"
#include "engine/quantize/quantize.hpp"
#include "tools/evaluation.hpp"

/// The rows that `crible quantize` calibrates and compares with.
namespace crible::tools {

/// Reads .npy (one input) or .npz (by input name): floats as they are, integers as those of the input's
/// given type. Throws Error naming the file, the input, the event.
quantize::Rows read_rows(const quantize::Program& program, const quantize::Options& options,
                         const std::filesystem::path& path);

/// One whole number for each event. Throws Error when there are more or fewer than `events`.
std::vector<std::int64_t> read_labels(const std::filesystem::path& path, std::size_t events);

/// Rows for calibration and rows for the comparison, and which those were.
struct Split {
  quantize::Rows calibration;
  quantize::Rows held_back;
  std::vector<std::size_t> places;  // of the held-back events in the file
};

/// Holds back every event at which i * fraction passes a whole number, spread evenly over the file; with
/// fraction 0 all rows serve both. Throws Error when one of the two would be empty.
Split split(const quantize::Rows& rows, double fraction);

/// The rows as integers of the network's inputs, each encoded as the input says.
EventArrays encode_rows(const network::Network& network, const quantize::Rows& rows);

}  // namespace crible::tools
