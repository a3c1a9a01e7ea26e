#include "engine/menu/program.hpp"

#include <algorithm>
#include <cstring>

#include "engine/menu/comparison.hpp"

namespace crible::menu {

namespace {

/// Adds one object's result; returns false when the others cannot change the loop's result any more.
bool fold(Fold kind, std::int64_t& result, std::int64_t value) noexcept {
  switch (kind) {
    case Fold::any:
      result = value;
      return value == 0;
    case Fold::all:
      result = value;
      return value != 0;
    case Fold::count:
    case Fold::sum:
      result += value;
      return true;
    case Fold::max:
      result = std::max(result, value);
      return true;
    case Fold::min:
      result = std::min(result, value);
      return true;
  }
  return false;
}

struct Loop {
  std::uint32_t collection;
  std::uint32_t object;
  std::uint32_t count;
  const std::byte* record;
};

bool within(const Instruction& in, std::int64_t value) noexcept {
  const bool inside = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(in.value) <= in.span;
  return inside != in.outside;
}

/// How many of the `count` objects have their field within the range. No branch depends on data.
template <class Read>
std::int64_t count_within(const Instruction& in, const std::byte* const* objects, std::uint32_t count,
                          Read read) noexcept {
  std::int64_t number = 0;
  for (std::uint32_t o = 0; o < count; ++o) number += within(in, read(objects[o] + in.offset)) ? 1 : 0;
  return number;
}

std::int64_t fold_compared(const Instruction& in, const detector::Event& event) noexcept {
  const std::uint32_t count = event.count(in.index);
  const std::byte* const* const objects = event.objects(in.index);
  const auto read_short = [](const std::byte* place) -> std::int64_t {
    std::int16_t value;
    std::memcpy(&value, place, sizeof value);
    return value;
  };
  const auto read_any = [&in](const std::byte* place) { return detector::read_integer(in.type, place); };
  const std::int64_t number = in.type == detector::FieldType::i16
                                  ? count_within(in, objects, count, read_short)
                                  : count_within(in, objects, count, read_any);
  if (in.fold == Fold::count) return number;
  return in.fold == Fold::any ? number != 0 : number == count;
}

std::int64_t fold_field(const Instruction& in, const detector::Event& event) noexcept {
  std::int64_t result = in.value;
  for (std::uint32_t o = 0; o < event.count(in.index); ++o)
    fold(in.fold, result, detector::read_integer(in.type, event.object(in.index, o) + in.offset));
  return result;
}

}  // namespace

bool holds(const Program& program, const detector::Event& event, const std::int64_t* outputs) noexcept {
  std::int64_t stack[max_stack];
  std::int64_t* top = stack;  // one behind the last value
  Loop loops[max_loops];
  const Instruction* const code = program.data();
  const Instruction* const end = code + program.size();
  for (const Instruction* i = code; i != end;) {
    const Instruction& in = *i++;
    switch (in.code) {
      case Code::push:
        *top++ = in.value;
        break;
      case Code::load:
        *top++ = detector::read_integer(in.type, event.payload(in.index) + in.offset);
        break;
      case Code::load_object:
        *top++ = detector::read_integer(in.type, loops[in.loop].record + in.offset);
        break;
      case Code::load_output:
        *top++ = outputs[in.index];
        break;
      case Code::load_answer:
        *top++ = outputs[in.index + in.offset * loops[in.loop].object];
        break;
      case Code::add:
        --top;
        top[-1] += top[0];
        break;
      case Code::subtract:
        --top;
        top[-1] -= top[0];
        break;
      case Code::multiply:
        --top;
        top[-1] *= top[0];
        break;
      case Code::negate:
        top[-1] = -top[-1];
        break;
      case Code::absolute:
        top[-1] = top[-1] < 0 ? -top[-1] : top[-1];
        break;
      case Code::invert:
        top[-1] = top[-1] == 0 ? 1 : 0;
        break;
      case Code::compare:
        --top;
        top[-1] = compare(in.comparison, top[-1], top[0]) ? 1 : 0;
        break;
      case Code::compare_value:
        top[-1] = compare(in.comparison, top[-1], in.value) ? 1 : 0;
        break;
      case Code::skip_if_false:
        if (top[-1] == 0) {
          i = code + in.target;
        } else {
          --top;
        }
        break;
      case Code::skip_if_true:
        if (top[-1] != 0) {
          i = code + in.target;
        } else {
          --top;
        }
        break;
      case Code::begin_loop: {
        *top++ = in.value;
        Loop& loop = loops[in.loop];
        loop.collection = in.index;
        loop.object = 0;
        loop.count = event.count(in.index);
        if (loop.count == 0) {
          i = code + in.target;
        } else {
          loop.record = event.object(in.index, 0);
        }
        break;
      }
      case Code::end_loop: {
        --top;
        Loop& loop = loops[in.loop];
        if (fold(in.fold, top[-1], top[0]) && ++loop.object < loop.count) {
          loop.record = event.object(loop.collection, loop.object);
          i = code + in.target;
        }
        break;
      }
      case Code::within:
        top[-1] = within(in, top[-1]);
        break;
      case Code::load_within:
        *top++ = within(in, detector::read_integer(in.type, event.payload(in.index) + in.offset));
        break;
      case Code::load_object_within:
        *top++ = within(in, detector::read_integer(in.type, loops[in.loop].record + in.offset));
        break;
      case Code::load_output_within:
        *top++ = within(in, outputs[in.index]);
        break;
      case Code::fold_field:
        *top++ = fold_field(in, event);
        break;
      case Code::fold_compared:
        *top++ = fold_compared(in, event);
        break;
    }
  }
  return stack[0] != 0;
}

std::string to_text(const Program& program) {
  static constexpr const char* names[] = {
      "push",          "load",          "load_object",  "load_output", "load_answer", "add",
      "subtract",      "multiply",      "negate",       "absolute",    "invert",      "compare",
      "compare_value", "skip_if_false", "skip_if_true", "begin_loop",  "end_loop"};
  std::string text;
  for (const Instruction& in : program) {
    text += std::string("    ") + names[static_cast<std::size_t>(in.code)] + " " + to_string(in.type) + " " +
            to_string(in.comparison) + " " + std::to_string(static_cast<int>(in.fold));
    for (const std::uint32_t number : {std::uint32_t{in.loop}, in.index, in.offset, in.target}) {
      text += " " + std::to_string(number);
    }
    text += " " + std::to_string(in.value) + "\n";
  }
  return text;
}

}  // namespace crible::menu
