#pragma once

#include <string>

/// The functions that generated text calls, common to all dialects: the roundings and overflows of
/// requantize.
namespace crible::codegen {

/// Each rounding as NAME32 and NAME64, and clamp and wrap. Uses FUNCTION and the integer types of the
/// dialect.
std::string prelude();

}  // namespace crible::codegen
