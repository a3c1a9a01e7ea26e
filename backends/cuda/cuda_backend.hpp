#pragma once

#include <memory>

#include "backends/backend.hpp"

namespace crible::backends::cuda {

/// The CUDA backend: devices "cuda:0", "cuda:1", ... Where there is none, one device that is not usable says
/// why. The driver and NVRTC are opened when they are first needed.
std::unique_ptr<Backend> make_backend();

}  // namespace crible::backends::cuda
