#pragma once

#include <string>
#include <string_view>

namespace crible::backends {

/// A compiler's log, and before it the first line of `text` that it complains about ("line 12: i32 x = ...").
/// Understands "NAME(12): error" and "NAME:12:3: error".
std::string explain_build(std::string_view log, std::string_view text);

}  // namespace crible::backends
