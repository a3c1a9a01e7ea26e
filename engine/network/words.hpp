#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "engine/network/network.hpp"

/// The words of the text form, in the order of the enumerators.
namespace crible::network {

template <class Enum>
struct Words;

template <>
struct Words<Rounding> {
  static constexpr std::array<std::string_view, 9> list{
      "floor",     "ceil",      "toward_zero", "away_from_zero",   "half_up",
      "half_down", "half_even", "half_away",   "half_toward_zero",
  };
};

template <>
struct Words<Overflow> {
  static constexpr std::array<std::string_view, 3> list{"wrap", "saturate", "saturate_symmetric"};
};

template <>
struct Words<PoolKind> {
  static constexpr std::array<std::string_view, 2> list{"max", "sum"};
};

template <>
struct Words<ReduceKind> {
  static constexpr std::array<std::string_view, 5> list{"sum", "max", "min", "argmax", "sum_of_squares"};
};

template <>
struct Words<SortResult> {
  static constexpr std::array<std::string_view, 2> list{"values", "indices"};
};

template <>
struct Words<Comparison> {
  static constexpr std::array<std::string_view, 6> list{"less",          "less_equal", "greater",
                                                        "greater_equal", "equal",      "not_equal"};
};

template <class Enum>
constexpr std::string_view word(Enum value) {
  return Words<Enum>::list[static_cast<std::size_t>(value)];
}

}  // namespace crible::network
