#pragma once

#include <string>
#include <vector>

#include "backends/cpu/steps.hpp"

namespace crible::backends::cpu {

/// The kernels of one instruction set, and whether this machine can run them.
struct Variant {
  std::string name;  // "cpu:avx2"
  std::string description;
  bool usable = true;
  std::string reason;  // why not, and what to do
  Kernels kernels{};
};

/// The fastest first. Found out once, by CPUID.
const std::vector<Variant>& variants();

}  // namespace crible::backends::cpu
