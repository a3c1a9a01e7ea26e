#pragma once

#include <functional>
#include <string>

#include "engine/base/error.hpp"

namespace crible::network {

/// The sentence of the Error that an action throws.
inline std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

}  // namespace crible::network
