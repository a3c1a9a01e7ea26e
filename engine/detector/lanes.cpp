#include "engine/detector/lanes.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#if defined(__SSE2__) && defined(__x86_64__)
#define CRIBLE_DETECTOR_LANES 1
#include <emmintrin.h>
#endif

namespace crible::detector {

namespace {

constexpr int factor_bits = 14;  // the largest power of two whose product with an int16 pmaddwd can take
constexpr std::int64_t lowest = std::numeric_limits<std::int16_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int16_t>::max();

std::int64_t cut(std::int64_t value) {
  return std::clamp(value, lowest, highest);
}

/// How the elements of a row are laid out in lanes. Rows that are no multiple of a vector are done with
/// vectors that overlap, so that nothing outside of the row is read or written.
enum class RowShape : std::uint8_t {
  pairs,   // 2 or 3 elements: the first two and the last two, of two rows in one vector
  halves,  // 4 to 7: the first four and the last four
  wholes,  // 8 and more: eight by eight, and the last eight
};

constexpr RowShape shape_of(std::size_t count) {
  return count < 4 ? RowShape::pairs : count < lane_count ? RowShape::halves : RowShape::wholes;
}

constexpr std::size_t blocks_of(std::size_t count) {
  return (count + lane_count - 1) / lane_count;
}

/// The first element of block `block` of a row of 8 or more.
constexpr std::size_t block_begin(std::size_t block, std::size_t count) {
  return std::min(block * lane_count, count - lane_count);
}

/// The element of the row that `lane` of `block` holds.
std::size_t element_of(std::size_t count, std::size_t block, std::size_t lane) {
  switch (shape_of(count)) {
    case RowShape::pairs:
      return lane % 2 + (lane % 4 < 2 ? 0 : count - 2);
    case RowShape::halves:
      return lane % 4 + (lane < 4 ? 0 : count - 4);
    case RowShape::wholes:
      return block_begin(block, count) + lane;
  }
  return 0;
}

}  // namespace

bool fits_lanes(network::Interval range, const Transform<std::int64_t>& t) {
  if (t.left != 0 || t.offset < lowest || t.offset > highest || t.right > factor_bits) return false;
  // Where cutting changes a value, what is left of it must still lie at or behind the bound.
  const bool cut_above = range.high > highest || range.high - t.offset > highest;
  const bool cut_below = range.low < lowest || range.low - t.offset < lowest;
  if (cut_above && cut(cut(range.high) - t.offset) >> t.right < t.high) return false;
  return !cut_below || cut(cut(range.low) - t.offset) >> t.right <= t.low;
}

std::vector<Lanes> make_lanes(std::size_t count, std::span<const Transform<std::int64_t>> transforms) {
  const bool uniform = transforms.size() == 1;
  std::vector<Lanes> blocks(uniform ? 1 : blocks_of(count));
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
      const auto& t = transforms[uniform ? 0 : element_of(count, b, lane)];
      blocks[b].offset[lane] = static_cast<std::int16_t>(t.offset);
      blocks[b].low[lane] = static_cast<std::int16_t>(t.low);
      blocks[b].high[lane] = static_cast<std::int16_t>(t.high);
      blocks[b].factor[lane] = 1 << (factor_bits - t.right);
      blocks[b].right = t.right;
    }
  }
  return blocks;
}

#ifdef CRIBLE_DETECTOR_LANES

namespace {

template <class Integer>
Integer load(const std::byte* place) noexcept {
  Integer value;
  std::memcpy(&value, place, sizeof value);
  return value;
}

__m128i load_lanes(const void* place) noexcept {
  return _mm_loadu_si128(static_cast<const __m128i*>(place));
}

void store(std::byte* place, std::uint64_t bytes, std::size_t count) noexcept {
  std::memcpy(place, &bytes, count);
}

/// The transforms of eight lanes in registers.
template <class Element, bool uniform>
class Transformer {
 public:
  explicit Transformer(const Lanes& lanes) noexcept
      : offset_(load_lanes(lanes.offset)),
        low_(load_lanes(lanes.low)),
        high_(load_lanes(lanes.high)),
        first_factors_(load_lanes(lanes.factor)),
        last_factors_(load_lanes(lanes.factor + lane_count / 2)),
        right_(_mm_cvtsi32_si128(lanes.right)) {}

  /// Eight bytes, that of lane 0 lowest.
  std::uint64_t operator()(__m128i raw) const noexcept {
    if constexpr (std::is_unsigned_v<Element>) {
      // 32768 and more become 32767.
      raw = _mm_sub_epi16(raw, _mm_subs_epu16(raw, _mm_set1_epi16(static_cast<short>(highest))));
    }
    const __m128i shifted = shift(_mm_subs_epi16(raw, offset_));
    const __m128i value = _mm_min_epi16(_mm_max_epi16(shifted, low_), high_);
    const __m128i low_bytes = _mm_and_si128(value, _mm_set1_epi16(0xff));
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_packus_epi16(low_bytes, low_bytes)));
  }

 private:
  __m128i shift(__m128i value) const noexcept {
    if constexpr (uniform) return _mm_sra_epi16(value, right_);
    const __m128i zero = _mm_setzero_si128();
    const __m128i first = _mm_madd_epi16(_mm_unpacklo_epi16(value, zero), first_factors_);
    const __m128i last = _mm_madd_epi16(_mm_unpackhi_epi16(value, zero), last_factors_);
    return _mm_packs_epi32(_mm_srai_epi32(first, factor_bits), _mm_srai_epi32(last, factor_bits));
  }

  __m128i offset_, low_, high_, first_factors_, last_factors_, right_;
};

template <class Element, bool uniform>
void pairs(const Run& run, const void* lanes, Rows rows, std::byte* target) noexcept {
  const Transformer<Element, uniform> transform(*static_cast<const Lanes*>(lanes));
  const std::size_t last = run.count - 2;
  const auto row = [&](std::uint32_t r) {
    const std::byte* const source = run.row(rows, r);
    return static_cast<long long>(load<std::uint32_t>(source) |
                                  std::uint64_t{load<std::uint32_t>(source + 2 * last)} << 32);
  };
  const auto put = [&](std::uint32_t r, std::uint64_t bytes) {
    std::byte* const place = target + std::size_t{r} * run.place_step_bytes;
    store(place, bytes, 2);
    store(place + last, bytes >> 16, 2);
  };
  for (std::uint32_t r = 0; r < run.repeat; r += 2) {
    const std::uint32_t next = std::min(r + 1, run.repeat - 1);
    const std::uint64_t bytes = transform(_mm_set_epi64x(row(next), row(r)));
    put(r, bytes);
    put(next, bytes >> 32);
  }
}

template <class Element, bool uniform>
void halves(const Run& run, const void* lanes, Rows rows, std::byte* target) noexcept {
  const Transformer<Element, uniform> transform(*static_cast<const Lanes*>(lanes));
  const std::size_t last = run.count - 4;
  for (std::uint32_t r = 0; r < run.repeat; ++r, target += run.place_step_bytes) {
    const std::byte* const source = run.row(rows, r);
    const std::uint64_t bytes =
        transform(_mm_set_epi64x(load<long long>(source + 2 * last), load<long long>(source)));
    store(target, bytes, 4);
    store(target + last, bytes >> 32, 4);
  }
}

template <class Element, bool uniform>
void wholes(const Run& run, const void* lanes, Rows rows, std::byte* target) noexcept {
  const auto* const blocks = static_cast<const Lanes*>(lanes);
  const Transformer<Element, uniform> first(blocks[0]);
  const std::size_t count = run.count;
  const std::size_t block_count = blocks_of(count);
  for (std::uint32_t r = 0; r < run.repeat; ++r, target += run.place_step_bytes) {
    const std::byte* const source = run.row(rows, r);
    store(target, first(load_lanes(source)), lane_count);
    for (std::size_t b = 1; b < block_count; ++b) {
      const std::size_t at = block_begin(b, count);
      const __m128i raw = load_lanes(source + 2 * at);
      const std::uint64_t bytes = uniform ? first(raw) : Transformer<Element, uniform>(blocks[b])(raw);
      store(target + at, bytes, lane_count);
    }
  }
}

template <class Element, bool uniform>
RunKernel kernel_of(std::size_t count) {
  switch (shape_of(count)) {
    case RowShape::pairs:
      return &pairs<Element, uniform>;
    case RowShape::halves:
      return &halves<Element, uniform>;
    case RowShape::wholes:
      return &wholes<Element, uniform>;
  }
  return nullptr;
}

}  // namespace

RunKernel lanes_kernel(const Run& run, std::size_t target_bytes) {
  if (target_bytes != 1 || run.count < 2) return nullptr;
  if (run.type == FieldType::i16)
    return run.uniform ? kernel_of<std::int16_t, true>(run.count) : kernel_of<std::int16_t, false>(run.count);
  if (run.type == FieldType::u16)
    return run.uniform ? kernel_of<std::uint16_t, true>(run.count)
                       : kernel_of<std::uint16_t, false>(run.count);
  return nullptr;
}

#else

RunKernel lanes_kernel(const Run&, std::size_t) {
  return nullptr;
}

#endif

}  // namespace crible::detector
