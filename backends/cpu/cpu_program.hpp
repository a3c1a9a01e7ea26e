#pragma once

#include <memory>

#include "backends/backend.hpp"
#include "backends/cpu/variants.hpp"

namespace crible::backends::cpu {

/// Verifies, plans for single events and for tiles, and measures where tiles begin to pay.
std::unique_ptr<Program> make_program(const network::Network& network, const Variant& variant,
                                      const CompileOptions& options);

}  // namespace crible::backends::cpu
