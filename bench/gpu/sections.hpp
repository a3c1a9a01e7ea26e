#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/network/network.hpp"

/// Parts of bench_gpu. Each gives an object for its result, or one with the key "absent": why it was not
/// measured.
namespace crible::bench {

/// The device's own ping-pong through a mailbox in mapped host memory, and beside it one event of each
/// network by the persistent kernel.
nlohmann::ordered_json ping_pong(const std::string& models);

/// int8 GEMMs of cuBLASLt in the shapes of 57-256-256-128-1, and the same network fused, end to end from host
/// memory. The library is opened at run time; CRIBLE_CUBLASLT names it where it is in no usual place.
nlohmann::ordered_json gemm_comparison();

struct Arrivals {
  std::string device;
  double events_per_s = 40e6;
  double seconds = 0.3;  // of one run
  std::size_t most_threads = 8;
};

/// Events that arrive at a fixed rate, whatever became of those before, in batches of several sizes on
/// several threads: time from arrival to answer, answers compared with the CPU backend's.
nlohmann::ordered_json arrivals(const network::Network& network, const Arrivals& options);

/// "cuda:0", or empty where no GPU can be used.
std::string first_gpu();

}  // namespace crible::bench
