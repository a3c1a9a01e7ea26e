#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "engine/detector/unit.hpp"
#include "engine/menu/expression.hpp"

/// Numbers in conditions: what is known of a measured one, and the integer that a written one stands for.
namespace crible::menu {

/// Holds every sum and product of two 64-bit integers, and every threshold before it is rounded.
__extension__ using Wide = __int128;

/// A number as written. It has no integer value before it meets something that has a unit.
struct Literal {
  detector::Ratio value;
  bool negative = false;
  std::string unit;  // empty: none
};

/// What is known of a subexpression whose code has been emitted, or of a literal, which has none yet.
struct Value {
  std::size_t at = 0;  // in the text
  bool is_condition = false;
  Wide low = 0;  // proven range of the integer
  Wide high = 0;
  std::optional<detector::Unit> unit;
  std::optional<detector::Unit> real;  // of a network output: its step as a real number
  std::int64_t zero_point = 0;         // and the integer that stands for 0.0
  std::optional<Literal> literal;
};

/// The comparison of an integer with a constant one.
struct IntegerComparison {
  Operator op = Operator::less;
  std::int64_t limit = 0;
};

/// `measured op written` as a comparison of integers that gives the same for every event. Throws
/// ExpressionError when there is none, or when it comes out the same for every event.
IntegerComparison integer_comparison(const SyntaxNode& node, Operator op, const Value& measured,
                                     const Value& written);

/// The literal `written` as an integer in steps of `unit`. Throws ExpressionError when there is none.
std::int64_t integer_of(const Value& written, const std::optional<detector::Unit>& unit);

/// Throws ExpressionError unless both have the same unit with the same LSB, or none.
void need_equal_units(const SyntaxNode& node, const Value& left, const Value& right);

/// a < b means b > a.
Operator mirrored(Operator op);

/// The value, when it fits 64 bits; throws ExpressionError otherwise.
const Value& checked(const Value& value, std::size_t at);

}  // namespace crible::menu
