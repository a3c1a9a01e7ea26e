#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/detector/description.hpp"
#include "engine/detector/event.hpp"
#include "engine/menu/expression.hpp"
#include "engine/menu/outputs.hpp"

/// Conditions compiled to a flat program for a small stack machine over 64-bit integers. The compiler has
/// proven that nothing can overflow and how deep the stack gets, so that running checks nothing.
namespace crible::menu {

enum class Code : std::uint8_t {
  push,         // value
  load,         // integer of type `type` at `offset` of the payload of source `index`
  load_object,  // ... of the current object of loop `loop`
  load_output,  // network output `index`
  load_answer,  // network output `index` + `offset` * (number of the current object of loop `loop`)
  add,
  subtract,
  multiply,
  negate,
  absolute,
  invert,         // 0 and 1
  compare,        // two operands, `comparison`
  compare_value,  // one operand with `value`
  skip_if_false,  // 0 on top: keep it and go to `target`; otherwise drop it
  skip_if_true,
  begin_loop,  // push `value`; over the objects of collection `index`; none: go to `target`
  end_loop,    // drop the body's result into the loop's result below it; go to `target` for the next object

  // Made by shorten() alone. "Within": from `value` to `value` + `span`, or with `outside` not so.
  within,       // the operand
  load_within,  // what load, load_object and load_output would push
  load_object_within,
  load_output_within,
  fold_field,     // a whole loop over collection `index`: sum, max or min of one field; none: `value`
  fold_compared,  // a whole loop: any, all or count of one field being within
};

/// How a loop joins the results of its body.
enum class Fold : std::uint8_t { any, all, count, sum, max, min };

struct Instruction {
  Code code = Code::push;
  detector::FieldType type = detector::FieldType::i16;
  Operator comparison = Operator::less;
  Fold fold = Fold::any;
  std::uint8_t loop = 0;
  std::uint32_t index = 0;
  std::uint32_t offset = 0;
  std::uint32_t target = 0;
  std::int64_t value = 0;
  std::uint64_t span = 0;
  bool outside = false;
};

inline constexpr std::size_t max_stack = 64;
inline constexpr std::size_t max_loops = 4;  // one inside the other

using Program = std::vector<Instruction>;

/// Compiles a condition. Throws ExpressionError.
Program compile_condition(const std::string& text, const detector::Description& description,
                          const OutputLayout& outputs);

/// The same condition in fewer instructions, for evaluation.
Program shorten(const Program& program);

/// Whether the condition holds. `event` is valid and all outputs are answered.
bool holds(const Program& program, const detector::Event& event, const std::int64_t* outputs) noexcept;

/// One line for each instruction of a compiled program: equal programs give equal text.
std::string to_text(const Program& program);

}  // namespace crible::menu
