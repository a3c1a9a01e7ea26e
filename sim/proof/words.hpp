#pragma once

#include <span>

#include "sim/proof/forms.hpp"

/// Words of a netlist: lists of bits, least significant first, read back as forms.
namespace crible::sim::proof {

using Bits = std::vector<BitId>;

/// A form that has these bits: its value is equal to the word modulo 2^(number of bits).
FormId modular_word(Forms& forms, std::span<const BitId> bits);

/// The form whose value is the word's as an unsigned or signed number.
FormId integer_word(Forms& forms, std::span<const BitId> bits, bool is_signed);

/// The bit as a number, 0 or 1.
FormId bit_word(Forms& forms, BitId bit);

/// The lowest `width` bits of a form.
Bits bits_of(Forms& forms, FormId form, int width);

}  // namespace crible::sim::proof
