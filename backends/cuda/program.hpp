#pragma once

#include <memory>

#include "backends/backend.hpp"
#include "backends/cuda/driver.hpp"

namespace crible::backends::cuda {

/// Compiles the network's forms, captures graphs, starts the persistent kernel, and measures which path is
/// the fastest for each size of batch. Throws Error with the compiler's log, or saying what does not fit.
std::unique_ptr<Program> make_program(const network::Network& network, const DeviceInfo& device,
                                      const CompileOptions& options);

}  // namespace crible::backends::cuda
