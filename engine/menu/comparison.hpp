#pragma once

#include "engine/menu/expression.hpp"

namespace crible::menu {

/// Whether `left op right` holds; false for what is no comparison. Of 64-bit integers when events are
/// decided, of wider ones when conditions are compiled.
template <class Integer>
constexpr bool compare(Operator op, Integer left, Integer right) noexcept {
  switch (op) {
    case Operator::less:
      return left < right;
    case Operator::less_equal:
      return left <= right;
    case Operator::greater:
      return left > right;
    case Operator::greater_equal:
      return left >= right;
    case Operator::equal:
      return left == right;
    case Operator::not_equal:
      return left != right;
    case Operator::either:
    case Operator::both:
    case Operator::negation:
    case Operator::add:
    case Operator::subtract:
    case Operator::multiply:
    case Operator::minus:
      break;
  }
  return false;
}

}  // namespace crible::menu
