#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/network/network.hpp"

/// Arrays of events in and out of a network.
namespace crible::tools {

/// For each input of a network (in network order) its integers, event after event.
struct EventArrays {
  std::size_t events = 0;
  std::vector<std::vector<std::int64_t>> values;
};

/// Reads .npy (one input) or .npz (by input name). Integers are checked against the input's type, floats are
/// encoded. Throws Error naming the file, the input, the event.
EventArrays read_inputs(const network::Network& network, const std::filesystem::path& path);

struct Evaluated {
  std::string device;                              // what really ran
  std::vector<std::vector<std::int64_t>> outputs;  // in network order, event after event
};

/// `backend`: "reference", a backend's name or a device's ("cpu:avx2").
Evaluated evaluate(const network::Network& network, const EventArrays& inputs, const std::string& backend);

/// Throws Error when the path cannot take the network's outputs (several need .npz).
void check_output_path(const network::Network& network, const std::filesystem::path& path);

/// Integers in the smallest NumPy type of the output's type, or float32 when `real`.
void write_outputs(const network::Network& network, const std::vector<std::vector<std::int64_t>>& outputs,
                   std::size_t events, bool real, const std::filesystem::path& path);

}  // namespace crible::tools
