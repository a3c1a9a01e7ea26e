#pragma once

#include "engine/codegen/render.hpp"
#include "tests/conformance/executors.hpp"

namespace crible::conformance {

/// Generated host C, compiled by the machine's C compiler with checks against overflow and against indices
/// outside of arrays (a finding ends the program), and loaded. What was compiled once is kept, by its hash.
Executor host_executor(const std::string& name, const codegen::Options& options);

}  // namespace crible::conformance
