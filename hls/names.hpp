#pragma once

#include <set>
#include <string>

namespace crible::hls {

/// Hands out SystemVerilog identifiers, each once.
class Names {
 public:
  /// `wanted` with everything that an identifier may not hold replaced, and numbered when it is taken.
  std::string unique(const std::string& wanted);

 private:
  std::set<std::string> taken_;
};

/// Letters, digits and underscores only, a letter first, no keyword.
std::string identifier(const std::string& text);

}  // namespace crible::hls
