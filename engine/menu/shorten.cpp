#include <algorithm>
#include <limits>

#include "engine/menu/program.hpp"

namespace crible::menu {

namespace {

constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

/// The integers for which a comparison with `limit` holds, or with `outside` those for which it does not.
struct Inside {
  std::int64_t low = lowest;
  std::int64_t high = highest;
  bool outside = false;
  bool empty = false;
};

Inside inside_of(Operator op, std::int64_t limit) {
  switch (op) {
    case Operator::less:
      return {lowest, limit - 1, false, limit == lowest};
    case Operator::less_equal:
      return {lowest, limit, false, false};
    case Operator::greater:
      return {limit + 1, highest, false, limit == highest};
    case Operator::greater_equal:
      return {limit, highest, false, false};
    case Operator::equal:
      return {limit, limit, false, false};
    case Operator::not_equal:
      return {limit, limit, true, false};
    case Operator::either:
    case Operator::both:
    case Operator::negation:
    case Operator::add:
    case Operator::subtract:
    case Operator::multiply:
    case Operator::minus:
      break;  // no comparison
  }
  return {lowest, highest, false, true};
}

bool jumps(Code code) {
  return code == Code::skip_if_false || code == Code::skip_if_true || code == Code::begin_loop ||
         code == Code::end_loop;
}

/// Replaces groups of instructions by one. A group is never entered but at its first instruction.
class Shortener {
 public:
  explicit Shortener(const Program& program) : program_(program), target_(program.size() + 1, false) {
    for (const Instruction& in : program)
      if (jumps(in.code)) target_[in.target] = true;
  }

  Program shorten() {
    std::vector<std::uint32_t> place(program_.size() + 1);
    for (std::size_t i = 0; i < program_.size();) {
      const std::size_t count = std::max<std::size_t>(loop(i), 1);
      const std::size_t used = count > 1 ? count : single(i);
      for (std::size_t k = i; k < i + used; ++k) place[k] = static_cast<std::uint32_t>(short_.size() - 1);
      i += used;
    }
    place[program_.size()] = static_cast<std::uint32_t>(short_.size());
    for (Instruction& in : short_)
      if (jumps(in.code)) in.target = place[in.target];
    return std::move(short_);
  }

 private:
  bool is(std::size_t i, Code code) const { return i < program_.size() && program_[i].code == code; }

  /// A comparison with a constant, as a range. False when no range says it.
  static bool to_range(const Instruction& comparison, Instruction& in) {
    const Inside inside = inside_of(comparison.comparison, comparison.value);
    if (inside.empty) return false;
    in.value = inside.low;
    in.span = static_cast<std::uint64_t>(inside.high) - static_cast<std::uint64_t>(inside.low);
    in.outside = inside.outside;
    return true;
  }

  /// A loop over one field of its own objects is one instruction: compared with a constant (any, all, count)
  /// or not (sum, max, min; the compiler gives each kind of loop a body of its kind). Returns the length of
  /// the loop, or 0.
  std::size_t loop(std::size_t i) {
    if (!is(i, Code::begin_loop) || !is(i + 1, Code::load_object)) return 0;
    const std::uint8_t level = program_[i].loop;
    const bool compared = is(i + 2, Code::compare_value);
    const std::size_t end = i + (compared ? 3 : 2);
    if (!is(end, Code::end_loop) || program_[end].loop != level || program_[i + 1].loop != level) return 0;
    Instruction in = program_[i + 1];
    in.code = compared ? Code::fold_compared : Code::fold_field;
    in.index = program_[i].index;
    in.fold = program_[end].fold;
    in.value = program_[i].value;
    if (compared && !to_range(program_[i + 2], in)) return 0;
    short_.push_back(in);
    return end + 1 - i;
  }

  /// One instruction, or a load and the comparison of what it loaded. Returns how many there were.
  std::size_t single(std::size_t i) {
    Instruction in = program_[i];
    if (in.code == Code::compare_value && to_range(program_[i], in)) in.code = Code::within;
    const bool pair = is(i + 1, Code::compare_value) && !target_[i + 1];
    Code joined = in.code;
    if (in.code == Code::load) joined = Code::load_within;
    if (in.code == Code::load_object) joined = Code::load_object_within;
    if (in.code == Code::load_output) joined = Code::load_output_within;
    const bool join = pair && joined != in.code && to_range(program_[i + 1], in);
    if (join) in.code = joined;
    short_.push_back(in);
    return join ? 2 : 1;
  }

  const Program& program_;
  std::vector<bool> target_;  // of a jump
  Program short_;
};

}  // namespace

Program shorten(const Program& program) {
  return Shortener(program).shorten();
}

}  // namespace crible::menu
