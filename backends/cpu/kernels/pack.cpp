#include "backends/cpu/kernels/kernel.hpp"
#include "backends/cpu/kernels/simd.hpp"

// From one element in a lane to four bytes or two int16.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

/// Four vectors to bytes, or two to int16; the planner has proven that the values fit.
template <int Parts>
inline V packed(const V* y) {
  if constexpr (Parts == 4) return quads(y);
  return bit_or(bit_and(y[0], set1(0xffff)), shift_left<16>(y[1]));
}

template <int Parts>
void pack_tile(const Pack& t, const Frame& frame) {
  const V offset = set1(t.offset);
  constexpr int bytes = vector_lanes * 4;
  for (std::uint32_t i = 0; i < t.count; ++i) {
    auto* out = row<tile_events, std::byte>(frame, t.out[i]);
    for (int at = 0; at < tile_events * 4; at += bytes) {
      V y[Parts];
      for (int part = 0; part < Parts; ++part) {
        const Row in = t.in[i * Parts + static_cast<std::uint32_t>(part)];
        y[part] = sub(load(row<tile_events, std::byte>(frame, in) + at), offset);
      }
      store(out + at, packed<Parts>(y));
    }
  }
}

/// Elements side by side: whole vectors, for which the planner leaves room.
template <int Parts>
void pack_side_by_side(const Pack& t, const Frame& frame) {
  const V offset = set1(t.offset);
  const auto* in = row<1, std::int32_t>(frame, t.in[0]);
  auto* out = row<1, std::byte>(frame, t.out[0]);
  const std::uint32_t elements = t.count * Parts;
  for (std::uint32_t i = 0; i < elements; i += vector_lanes) {
    const V y = sub(load(in + i), offset);
    if constexpr (Parts == 4) {
      store_bytes(out + i, y);
    } else {
      store_shorts(out + 2 * i, y);
    }
  }
}

template <int Parts>
void pack_single(const Pack& t, const Frame& frame) {
  if (t.contiguous) return pack_side_by_side<Parts>(t, frame);
  constexpr int bits = 32 / Parts;
  constexpr std::uint32_t mask = Parts == 4 ? 0xffu : 0xffffu;
  const auto offset = static_cast<std::uint32_t>(t.offset);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    std::uint32_t lane = 0;
    for (int part = 0; part < Parts; ++part) {
      const Row in = t.in[i * Parts + static_cast<std::uint32_t>(part)];
      lane |= ((*row<1, std::uint32_t>(frame, in) - offset) & mask) << (part * bits);
    }
    *row<1, std::uint32_t>(frame, t.out[i]) = lane;
  }
}

template <int E, int Parts>
void pack(const void* data, const Frame& frame) {
  if constexpr (E == 1) {
    pack_single<Parts>(as<Pack>(data), frame);
  } else {
    pack_tile<Parts>(as<Pack>(data), frame);
  }
}

}  // namespace

template <int E>
void add_packs(StepFunction* table) {
  table[index(Kind::pack_bytes)] = pack<E, 4>;
  table[index(Kind::pack_shorts)] = pack<E, 2>;
}

template void add_packs<1>(StepFunction* table);
template void add_packs<tile_events>(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
