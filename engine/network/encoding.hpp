#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/network/network.hpp"

namespace crible::network {

/// The integer of an input of this encoding and type for the real number `x`, rounded exactly. `lane` is the
/// index along the last axis, for rank encodings. Infinities go to the limits of the type. Throws Error for
/// NaN where the encoding has no integer for it.
std::int64_t encode(const Encoding& encoding, Type type, double x, std::size_t lane = 0);

/// (q - zero_point) * scale + offset in double.
double decode(const Encoding& encoding, std::int64_t q);

}  // namespace crible::network
