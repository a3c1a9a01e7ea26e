#pragma once

#include "tests/conformance/executors.hpp"

namespace crible::conformance {

/// Generated firmware in Verilator, as `crible eval --backend rtl` runs it. Refuses where Verilator is
/// missing and what the generator refuses. It is not one of executors(): a module takes seconds to compile,
/// so that it meets networks that are joined into one.
Executor rtl_executor();

}  // namespace crible::conformance
