#pragma once

#include <memory>

#include "backends/backend.hpp"

namespace crible::backends::opencl {

/// The OpenCL backend: devices "opencl:0", "opencl:1", ... in the order in which the installed drivers give
/// them. Where there is none, one device that is not usable says why.
std::unique_ptr<Backend> make_backend();

}  // namespace crible::backends::opencl
