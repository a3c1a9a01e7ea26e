#include "engine/detector/lanes.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace crible::detector {

namespace {

constexpr std::size_t group = 8;
constexpr int factor_bits = 14;  // the largest power of two whose product with an int16 pmaddwd can take
constexpr std::int64_t lowest = std::numeric_limits<std::int16_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int16_t>::max();

std::int64_t cut(std::int64_t value) {
  return std::clamp(value, lowest, highest);
}

}  // namespace

bool Lanes::exact(network::Interval range, std::int64_t offset, int right, std::int64_t low,
                  std::int64_t high) {
  if (offset < lowest || offset > highest || right > factor_bits) return false;
  // Where cutting changes a value, what is left of it must still lie at or behind the bound.
  const bool cut_above = range.high > highest || range.high - offset > highest;
  const bool cut_below = range.low < lowest || range.low - offset < lowest;
  if (cut_above && cut(cut(range.high) - offset) >> right < high) return false;
  return !cut_below || cut(cut(range.low) - offset) >> right <= low;
}

Lanes::Lanes(std::size_t count, bool is_signed) : count_(count), is_signed_(is_signed) {
  const std::size_t padded = (count + group - 1) / group * group;
  offset_.resize(padded);
  factor_.resize(padded);
  low_.resize(padded);
  high_.resize(padded);
}

void Lanes::set(std::size_t lane, std::int64_t offset, int right, std::int64_t low, std::int64_t high) {
  offset_[lane] = static_cast<std::int16_t>(offset);
  factor_[lane] = 1 << (factor_bits - right);
  low_[lane] = static_cast<std::int16_t>(low);
  high_[lane] = static_cast<std::int16_t>(high);
}

#ifdef __SSE2__

void Lanes::apply(const std::int16_t* raw, std::byte* target) const noexcept {
  const auto load = [](const auto* place) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(place));
  };
  const __m128i zero = _mm_setzero_si128();
  for (std::size_t i = 0; i < count_; i += group) {
    const __m128i moved = _mm_subs_epi16(load(raw + i), load(offset_.data() + i));
    const __m128i first = _mm_madd_epi16(_mm_unpacklo_epi16(moved, zero), load(factor_.data() + i));
    const __m128i second =
        _mm_madd_epi16(_mm_unpackhi_epi16(moved, zero), load(factor_.data() + i + group / 2));
    __m128i value = _mm_packs_epi32(_mm_srai_epi32(first, factor_bits), _mm_srai_epi32(second, factor_bits));
    value = _mm_min_epi16(_mm_max_epi16(value, load(low_.data() + i)), load(high_.data() + i));
    const __m128i bytes = is_signed_ ? _mm_packs_epi16(value, zero) : _mm_packus_epi16(value, zero);
    if (count_ - i >= group) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(target + i), bytes);
    } else {
      std::byte rest[group];
      _mm_storel_epi64(reinterpret_cast<__m128i*>(rest), bytes);
      for (std::size_t r = 0; r < count_ - i; ++r) target[i + r] = rest[r];
    }
  }
}

#else

void Lanes::apply(const std::int16_t* raw, std::byte* target) const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    const std::int64_t moved = (cut(raw[i] - offset_[i]) * factor_[i]) >> factor_bits;
    target[i] = static_cast<std::byte>(std::clamp<std::int64_t>(moved, low_[i], high_[i]));
  }
}

#endif

}  // namespace crible::detector
