#pragma once

#include "backends/cpu/kernels/kernel.hpp"
#include "backends/cpu/kernels/simd.hpp"

// From the sum of a product to what is stored: requantize and threshold in vector registers.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

/// Parameters of one output for all lanes: tiles, where lanes are events.
struct Broadcast {
  static V get(const std::int32_t* p) { return set1(*p); }
  static D low(const std::int64_t* p) { return set1_64(*p); }
  static D high(const std::int64_t* p) { return set1_64(*p); }
};

/// Parameters of consecutive outputs: single events, where lanes are outputs.
struct Consecutive {
  static V get(const std::int32_t* p) { return load(p); }
  static D low(const std::int64_t* p) { return load_64(p); }
  static D high(const std::int64_t* p) { return load_64(p + vector_lanes / 2); }
};

/// `sum` includes half of the last bit that stays, less one: with that bit added, a tie carries where it is
/// odd, and nothing else does. `bit` is 1; 0 where nothing is shifted out.
inline V round_to_even(V sum, V shift, V bit) {
  return shift_right(add(sum, bit_and(shift_right(sum, shift), bit)), shift);
}

template <class Get>
inline V shifted(const Epilogue& e, std::uint32_t output, V sum) {
  const V shift = Get::get(e.shift + output);
  if (e.odd) return round_to_even(sum, shift, Get::get(e.mask + output));
  if (!e.negative) return shift_right(sum, shift);
  const V raised = add(bit_and(sign_of(sum), Get::get(e.mask + output)), Get::get(e.plus + output));
  return shift_right(add(sum, raised), shift);
}

inline D raised_if_odd(D value, D shift, D plus) {
  return add_64(value, add_64(and_64(shift_right_64(value, shift), set1_64(1)), plus));
}

template <class Get>
inline V scaled(const Epilogue& e, std::uint32_t output, V sum) {
  const V multiplier = Get::get(e.multiplier + output);
  const V shift = Get::get(e.shift + output);
  D low = add_64(multiply_64(low_half(sum), low_half(multiplier)), Get::low(e.offset + output));
  D high = add_64(multiply_64(high_half(sum), high_half(multiplier)), Get::high(e.offset + output));
  if (e.odd) {
    low = raised_if_odd(low, low_half(shift), Get::low(e.wide_plus + output));
    high = raised_if_odd(high, high_half(shift), Get::high(e.wide_plus + output));
  }
  low = shift_right_64(low, low_half(shift));
  high = shift_right_64(high, high_half(shift));
  return add(narrow(low, high), Get::get(e.correction + output));
}

/// The high halves of 64-bit products, which lie where sums of 32 bits lie.
template <class Get>
inline V scaled_high(const Epilogue& e, std::uint32_t output, V sum) {
  const V high = high_products(sum, Get::get(e.multiplier + output), Get::low(e.offset + output),
                               Get::high(e.offset + output));
  return shift_right(high, Get::get(e.shift + output));
}

template <class Get>
inline V counted(const Epilogue& e, std::uint32_t output, V sum) {
  V count = zero();
  for (std::uint32_t step = 0; step < e.steps; ++step) {
    count = sub(count, greater_equal(sum, Get::get(e.thresholds + std::size_t{step} * e.stride + output)));
  }
  return mul(count, Get::get(e.sign + output));
}

/// The result, less the offset of the stored form.
template <class Get>
inline V finish(const Epilogue& e, std::uint32_t output, V sum) {
  switch (e.finish) {
    case Finish::none:
      return sum;
    case Finish::shift:
      sum = shifted<Get>(e, output, sum);
      break;
    case Finish::scale:
      sum = scaled<Get>(e, output, sum);
      break;
    case Finish::scale_high:
      sum = scaled_high<Get>(e, output, sum);
      break;
    case Finish::count:
      sum = counted<Get>(e, output, sum);
      break;
  }
  if (e.adds) sum = add(sum, Get::get(e.add + output));
  if (e.lows != nullptr) return min(max(sum, Get::get(e.lows + output)), Get::get(e.highs + output));
  return min(max(sum, set1(e.low)), set1(e.high));
}

/// What most layers are: one shift for all outputs, results as bytes.
inline bool shifts_uniformly_to_bytes(const Product& p) {
  const Epilogue& e = p.epilogue;
  return e.finish == Finish::shift && e.uniform && !e.adds && !e.negative && p.out_form == Form::bytes;
}

/// What is looked up in tables: one shift and the same bounds for all outputs, results in a lane each.
inline bool shifts_uniformly_to_lanes(const Product& p) {
  const Epilogue& e = p.epilogue;
  return e.finish == Finish::shift && e.uniform && e.lows == nullptr && !e.adds && !e.negative &&
         p.out_form == Form::wide;
}

/// What the layers of a loop are: one shift for all outputs, bounds of their own.
inline bool shifts_within_bounds(const Product& p) {
  const Epilogue& e = p.epilogue;
  return e.finish == Finish::shift && e.uniform && e.lows != nullptr && !e.adds && !e.negative &&
         p.out_form == Form::wide;
}

template <bool Odd>
struct UniformShift {
  V shift;
  V mask;
  V low;
  V high;

  explicit UniformShift(const Epilogue& e)
      : shift(set1(e.shift[0])), mask(set1(e.mask[0])), low(set1(e.low_bytes)), high(set1(e.high_bytes)) {}
  explicit UniformShift(const DenseLayer& l)
      : shift(set1(l.shift)), mask(set1(l.mask)), low(set1(l.low_bytes)), high(set1(l.high_bytes)) {}

  V shifted(V sum) const {
    if constexpr (Odd) return round_to_even(sum, shift, mask);
    return shift_right(sum, shift);
  }
  V bounded(V bytes) const { return min_bytes(max_bytes(bytes, low), high); }
};

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
