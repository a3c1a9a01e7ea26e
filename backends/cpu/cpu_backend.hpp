#pragma once

#include <memory>

#include "backends/backend.hpp"

namespace crible::backends::cpu {

/// The CPU backend: devices "cpu:avx512vnni", "cpu:avx2" and "cpu:portable", the fastest usable one first.
std::unique_ptr<Backend> make_backend();

}  // namespace crible::backends::cpu
