#include "engine/menu/measure.hpp"

#include <limits>

#include "engine/menu/comparison.hpp"

namespace crible::menu {

namespace {

constexpr Wide lowest_integer = std::numeric_limits<std::int64_t>::min();
constexpr Wide highest_integer = std::numeric_limits<std::int64_t>::max();

/// A written number in steps of a measured one: numerator / denominator, denominator > 0.
struct Threshold {
  Wide numerator = 0;
  Wide denominator = 1;

  bool exact() const { return numerator % denominator == 0; }
  Wide floor() const { return numerator / denominator - (numerator % denominator < 0 ? 1 : 0); }
};

ExpressionError wrong_unit(const Value& measured, const Value& written) {
  const std::string has =
      measured.unit ? "is measured in " + measured.unit->name : std::string("has no unit");
  return {written.at, "cannot be in " + written.literal->unit + ": what it is joined with " + has};
}

Threshold steps(const Value& measured, const Value& written) {
  const Literal& literal = *written.literal;
  const Wide numerator = literal.negative ? -Wide{literal.value.numerator} : Wide{literal.value.numerator};
  const Wide denominator = literal.value.denominator;
  if (literal.unit.empty() && measured.unit && numerator != 0) {
    throw ExpressionError{written.at, "is joined with something measured in steps of " +
                                          to_string(*measured.unit) + "; give the number a unit: '" +
                                          measured.unit->name + "' or 'lsb'"};
  }
  if (literal.unit.empty() || literal.unit == "lsb") {
    if (denominator == 1) return {numerator, 1};
    throw ExpressionError{written.at, "is no integer, and has no unit to turn it into one"};
  }
  if (literal.unit == "real" && measured.real) {
    const Wide zero = Wide{measured.zero_point} * denominator * measured.real->numerator;
    return {numerator * measured.real->denominator + zero, denominator * measured.real->numerator};
  }
  if (!measured.unit || measured.unit->name != literal.unit) throw wrong_unit(measured, written);
  return {numerator * measured.unit->denominator, denominator * measured.unit->numerator};
}

/// How all integers of an interval compare with `limit`; empty when they do not all do so in one way.
std::optional<bool> foregone(Operator op, Wide low, Wide high, Wide limit) {
  // With the limit inside there are integers below, at and above it: no comparison has one result for all
  // three.
  if (low < limit && limit < high) return std::nullopt;
  const bool at_low = compare(op, low, limit);
  return at_low == compare(op, high, limit) ? std::optional(at_low) : std::nullopt;
}

}  // namespace

IntegerComparison integer_comparison(const SyntaxNode& node, Operator op, const Value& measured,
                                     const Value& written) {
  const Threshold threshold = steps(measured, written);
  if (!threshold.exact()) {
    if (op == Operator::equal || op == Operator::not_equal) {
      throw ExpressionError{written.at, "lies between two steps of what it is compared with, so that '" +
                                            std::string(to_string(op)) +
                                            "' can never tell; write a multiple of the LSB"};
    }
    // Between two steps x < t is x <= floor(t), and x >= t is x > floor(t).
    if (op == Operator::less) op = Operator::less_equal;
    if (op == Operator::greater_equal) op = Operator::greater;
  }
  const Wide limit = threshold.floor();
  if (const auto result = foregone(op, measured.low, measured.high, limit)) {
    throw ExpressionError{node.at, std::string("this comparison is ") + (*result ? "always" : "never") +
                                       " true: the compared integer can only be " +
                                       std::to_string(static_cast<std::int64_t>(measured.low)) + " to " +
                                       std::to_string(static_cast<std::int64_t>(measured.high))};
  }
  return {op, static_cast<std::int64_t>(limit)};
}

std::int64_t integer_of(const Value& written, const std::optional<detector::Unit>& unit) {
  Value partner;
  partner.unit = unit;
  const Threshold threshold = steps(partner, written);
  if (!threshold.exact())
    throw ExpressionError{written.at, "is no whole number of steps of " + to_string(*unit)};
  Value exact;
  exact.low = exact.high = threshold.floor();
  return static_cast<std::int64_t>(checked(exact, written.at).low);
}

void need_equal_units(const SyntaxNode& node, const Value& left, const Value& right) {
  if (left.unit == right.unit) return;
  const auto text = [](const Value& value) {
    return value.unit ? "steps of " + to_string(*value.unit) : std::string("no unit");
  };
  throw ExpressionError{node.at, std::string("'") + to_string(node.op) +
                                     "' needs two numbers of one unit and one LSB; these have " + text(left) +
                                     " and " + text(right)};
}

Operator mirrored(Operator op) {
  switch (op) {
    case Operator::less:
      return Operator::greater;
    case Operator::less_equal:
      return Operator::greater_equal;
    case Operator::greater:
      return Operator::less;
    case Operator::greater_equal:
      return Operator::less_equal;
    case Operator::equal:
    case Operator::not_equal:
    case Operator::either:
    case Operator::both:
    case Operator::negation:
    case Operator::add:
    case Operator::subtract:
    case Operator::multiply:
    case Operator::minus:
      break;
  }
  return op;
}

const Value& checked(const Value& value, std::size_t at) {
  if (value.low >= lowest_integer && value.high <= highest_integer) return value;
  throw ExpressionError{at, "can overflow 64 bits"};
}

}  // namespace crible::menu
