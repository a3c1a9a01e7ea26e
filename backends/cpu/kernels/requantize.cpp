#include "backends/cpu/kernels/kernel.hpp"

// Requantize in all its modes. Products that a requantize follows have it fused instead.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

template <int E, class T, class Out>
void requantize_wide(const Requantize& t, const Frame& frame) {
  for (std::uint32_t i = 0; i < t.rows.count; ++i) {
    const T* in = row<E, T>(frame, t.rows.a[i]);
    Out* out = row<E, Out>(frame, t.rows.out[i]);
    const RequantizeEntry& p = t.entries[t.entry[i]];
    const std::int64_t mask = (std::int64_t{1} << p.shift) - 1;
#pragma GCC ivdep
    for (int lane = 0; lane < E; ++lane) {
      const std::int64_t scaled = in[lane] * p.multiplier + p.offset;
      const std::int64_t quotient = scaled >> p.shift;
      const std::int64_t rest =
          (scaled & mask) + p.plus + ((scaled >> 63) & p.if_negative) + (quotient & p.if_odd);
      const std::int64_t rounded = quotient + (rest >> p.shift) + p.zero_point;
      if (t.wrap) {
        const std::int64_t bits = rounded & t.wrap_mask;
        out[lane] = static_cast<Out>((bits ^ t.wrap_sign) - t.wrap_sign);
      } else {
        const std::int64_t raised = rounded < t.low ? t.low : rounded;
        out[lane] = static_cast<Out>(raised > t.high ? t.high : raised);
      }
    }
  }
}

/// The same in 32 bits, for the many that fit.
template <int E>
void requantize_narrow(const Requantize& t, const Frame& frame) {
  const auto low = static_cast<std::int32_t>(t.low);
  const auto high = static_cast<std::int32_t>(t.high);
  for_elements<E>(t.rows, t.uniform, [&](std::uint32_t i, int lanes) {
    const auto* in = row<E, std::int32_t>(frame, t.rows.a[i]);
    auto* out = row<E, std::int32_t>(frame, t.rows.out[i]);
    const RequantizeEntry& p = t.entries[t.entry[i]];
    const auto multiplier = static_cast<std::int32_t>(p.multiplier);
    const auto offset = static_cast<std::int32_t>(p.offset);
    const auto shift = static_cast<std::int32_t>(p.shift);
    const auto plus = static_cast<std::int32_t>(p.plus);
    const auto if_negative = static_cast<std::int32_t>(p.if_negative);
    const auto if_odd = static_cast<std::int32_t>(p.if_odd);
    const auto zero_point = static_cast<std::int32_t>(p.zero_point);
#pragma GCC ivdep
    for (int lane = 0; lane < lanes; ++lane) {
      const std::int32_t scaled = in[lane] * multiplier + offset;
      const std::int32_t raised =
          scaled + plus + ((scaled >> 31) & if_negative) + ((scaled >> shift) & if_odd);
      const std::int32_t rounded = (raised >> shift) + zero_point;
      const std::int32_t above = rounded < low ? low : rounded;
      out[lane] = above > high ? high : above;
    }
  });
}

template <int E, class T, class Out>
void requantize(const void* data, const Frame& frame) {
  const auto& t = as<Requantize>(data);
  if constexpr (sizeof(T) == 4 && sizeof(Out) == 4) {
    if (t.narrow) return requantize_narrow<E>(t, frame);
  }
  requantize_wide<E, T, Out>(t, frame);
}

}  // namespace

template <int E>
void add_requantize(StepFunction* table) {
  using i32 = std::int32_t;
  using i64 = std::int64_t;
  table[index(Kind::requantize_32_32)] = requantize<E, i32, i32>;
  table[index(Kind::requantize_32_64)] = requantize<E, i32, i64>;
  table[index(Kind::requantize_64_32)] = requantize<E, i64, i32>;
  table[index(Kind::requantize_64_64)] = requantize<E, i64, i64>;
}

template void add_requantize<1>(StepFunction* table);
template void add_requantize<tile_events>(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
