#include "sim/proof/words.hpp"

#include <optional>

namespace crible::sim::proof {

namespace {

/// The run of bits below `top` (inclusive) that belong together: bit i is bit i + low of `form`, as far as
/// `sign`; the bits from there to `top` repeat that one.
struct Run {
  FormId form = -1;
  int low = 0;  // may be negative: the word has zeros below the form
  int top = 0;
  int sign = 0;
  int bottom = 0;
};

Run find_run(Forms& forms, std::span<const BitId> bits, int top) {
  int first = top;  // the lowest place of the repeated sign
  while (first > 0 && bits[static_cast<std::size_t>(first) - 1] == bits[static_cast<std::size_t>(top)])
    --first;
  const BitId head = bits[static_cast<std::size_t>(first)];
  Run run{head.form, head.index - first, top, top, first};
  for (int i = top; i > first; --i) {
    if (!(forms.bit(run.form, i + run.low) == head)) run.sign = first;  // a sign of the word, not of the form
  }
  while (run.bottom > 0 && run.bottom - 1 + run.low >= 0 &&
         forms.bit(run.form, run.bottom - 1 + run.low) == bits[static_cast<std::size_t>(run.bottom) - 1]) {
    --run.bottom;
  }
  return run;
}

/// The value of a run: bits [top : bottom] of the word as a number.
FormId value_of(Forms& forms, const Run& run, bool is_signed) {
  const int width = run.top - run.bottom + 1;
  if (run.sign == run.top) return forms.slice(run.form, run.bottom + run.low, width, is_signed);
  const FormId extended = forms.slice(run.form, run.bottom + run.low, run.sign - run.bottom + 1, true);
  return is_signed ? extended : forms.slice(extended, 0, width);
}

int highest_variable(std::span<const BitId> bits) {
  int top = static_cast<int>(bits.size()) - 1;
  while (top >= 0 && bits[static_cast<std::size_t>(top)].is_constant()) --top;
  return top;
}

Integer constant_bits(std::span<const BitId> bits, int from, int to) {
  Integer value = 0;
  for (int i = from; i < to; ++i) {
    if (bits[static_cast<std::size_t>(i)].index == 1) value += power_of_two(i);
  }
  return value;
}

/// One form whose lowest bits are all of the word's, if there is one.
std::optional<FormId> whole_word(Forms& forms, std::span<const BitId> bits) {
  const int width = static_cast<int>(bits.size());
  const int top = highest_variable(bits);
  if (top < 0) return std::nullopt;
  const Run run = find_run(forms, bits, top);
  if (run.sign != run.top) {
    if (run.top + 1 < width || run.bottom > 0) return std::nullopt;
    return value_of(forms, run, true);
  }
  for (int i = top + 1; i < width; ++i) {
    if (!(forms.bit(run.form, i + run.low) == bits[static_cast<std::size_t>(i)])) return std::nullopt;
  }
  if (run.bottom == 0) return forms.slice(run.form, run.low, 0);
  for (int i = 0; i < run.bottom; ++i) {
    if (!bits[static_cast<std::size_t>(i)].is_constant()) return std::nullopt;
  }
  if (run.bottom + run.low != 0) return std::nullopt;  // the form's own low bits are missing
  return forms.sum({{run.form, power_of_two(run.bottom)}}, constant_bits(bits, 0, run.bottom));
}

/// The word as a sum of its runs.
FormId joined_word(Forms& forms, std::span<const BitId> bits, bool is_signed) {
  const int width = static_cast<int>(bits.size());
  std::vector<std::pair<FormId, Integer>> parts;
  int end = width;  // what is above is done
  Integer constant = 0;
  while (end > 0) {
    const int top = highest_variable(bits.first(static_cast<std::size_t>(end)));
    constant += constant_bits(bits, top + 1, end);
    if (top < 0) break;
    const Run run = find_run(forms, bits, top);
    parts.emplace_back(value_of(forms, run, is_signed && top == width - 1), power_of_two(run.bottom));
    end = run.bottom;
  }
  if (is_signed && bits.back().is_constant() && bits.back().index == 1) constant -= power_of_two(width);
  return forms.sum(parts, constant);
}

}  // namespace

FormId modular_word(Forms& forms, std::span<const BitId> bits) {
  if (const auto whole = whole_word(forms, bits)) return *whole;
  return joined_word(forms, bits, true);  // a multiple of 2^width more or less
}

FormId integer_word(Forms& forms, std::span<const BitId> bits, bool is_signed) {
  const int width = static_cast<int>(bits.size());
  if (const auto whole = whole_word(forms, bits)) return forms.slice(*whole, 0, width, is_signed);
  return joined_word(forms, bits, is_signed);
}

FormId bit_word(Forms& forms, BitId bit) {
  if (bit.is_constant()) return forms.constant(bit.index);
  return forms.slice(bit.form, bit.index, 1);
}

Bits bits_of(Forms& forms, FormId form, int width) {
  Bits bits;
  for (int i = 0; i < width; ++i) bits.push_back(forms.bit(form, i));
  return bits;
}

}  // namespace crible::sim::proof
