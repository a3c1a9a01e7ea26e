#include "backends/cpu/kernels/kernel.hpp"
#include "backends/cpu/kernels/transpose.hpp"

// Between the batch's arrays, rows of either integer width, and packed rows.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

inline std::size_t event_of_lane(const Frame& frame, int lane) {
  const auto event = static_cast<std::size_t>(lane);
  return event < frame.events ? event : frame.events - 1;
}

#if defined(__AVX2__)

/// Part `part` of each lane, sign- or zero-extended.
template <class Stored>
inline __m256i part_of(__m256i lanes, int part) {
  constexpr int bits = sizeof(Stored) * 8;
  const __m256i top = _mm256_slli_epi32(lanes, 32 - bits * (part + 1));
  return static_cast<Stored>(-1) < 0 ? _mm256_srai_epi32(top, 32 - bits) : _mm256_srli_epi32(top, 32 - bits);
}

/// 32 bytes of 8 events at a time; returns how many elements of the list are done.
template <class Stored>
std::uint32_t load_squares(const Transfer& t, const Frame& frame) {
  constexpr std::uint32_t parts = 4 / sizeof(Stored);
  constexpr std::uint32_t elements = square * parts;
  const std::size_t stride = t.row_elements * sizeof(Stored);
  std::uint32_t done = 0;
  for (; done + elements <= t.count; done += elements) {
    for (int lane = 0; lane < tile_events; lane += square) {
      __m256i r[square];
      fetch_square(
          r,
          frame.inputs[t.port] + static_cast<std::size_t>(lane) * stride + t.element[done] * sizeof(Stored),
          stride);
      for (std::uint32_t i = 0; i < elements; ++i) {
        auto* out = row<tile_events, std::int32_t>(frame, t.row[done + i]) + lane;
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                            part_of<Stored>(r[i / parts], static_cast<int>(i % parts)));
      }
    }
  }
  return done;
}

#endif

template <int E, class Stored, class T>
void load(const void* data, const Frame& frame) {
  const auto& t = as<Transfer>(data);
  const auto* array = reinterpret_cast<const Stored*>(frame.inputs[t.port]);
  if constexpr (E == 1) {
    if (t.consecutive) {
      const Stored* from = array + t.element[0];
      T* to = row<1, T>(frame, t.row[0]);
#pragma GCC ivdep
      for (std::uint32_t i = 0; i < t.count; ++i) to[i] = from[i];
      return;
    }
  }
  std::uint32_t done = 0;
#if defined(__AVX2__)
  if constexpr (E == tile_events && sizeof(T) == 4) {
    if (t.consecutive && frame.events == static_cast<std::size_t>(E)) done = load_squares<Stored>(t, frame);
  }
#endif
  for (int lane = 0; lane < E; ++lane) {
    const Stored* event = array + event_of_lane(frame, lane) * t.row_elements;
    for (std::uint32_t i = done; i < t.count; ++i) row<E, T>(frame, t.row[i])[lane] = event[t.element[i]];
  }
}

template <int E, class T, class Stored>
void store(const void* data, const Frame& frame) {
  const auto& t = as<Transfer>(data);
  auto* array = reinterpret_cast<Stored*>(frame.outputs[t.port]);
  const int events = E == 1 ? 1 : static_cast<int>(frame.events);
  std::uint32_t done = 0;
#if defined(__AVX2__)
  if constexpr (E == tile_events && sizeof(T) == 4 && sizeof(Stored) == 4) {
    if (t.consecutive && events == E) {
      for (; done < t.count; done += square) {
        const std::uint32_t left = t.count - done;
        for (int lane = 0; lane < E; lane += square) {
          auto* corner =
              reinterpret_cast<std::byte*>(array + static_cast<std::size_t>(lane) * t.row_elements + done);
          const auto row_at = [&](int i) {
            return row<E, T>(frame, t.row[done + static_cast<std::uint32_t>(i)]) + lane;
          };
          const std::size_t stride = std::size_t{t.row_elements} * 4;
          if (left >= square) {
            store_square(row_at, corner, stride);
          } else {
            store_part(row_at, static_cast<int>(left), corner, stride);
          }
        }
      }
      return;
    }
  }
#endif
  for (int lane = 0; lane < events; ++lane) {
    Stored* event = array + static_cast<std::size_t>(lane) * t.row_elements;
    for (std::uint32_t i = done; i < t.count; ++i) {
      event[t.element[i]] = static_cast<Stored>(row<E, T>(frame, t.row[i])[lane]);
    }
  }
}

#if defined(__AVX2__)

/// So many lanes of all events, from lane `done` on.
template <int Rows>
void load_rows(const LoadLanes& t, const Frame& frame, std::uint32_t done) {
  for (int lane = 0; lane < tile_events; lane += square) {
    const std::byte* corner =
        frame.inputs[t.port] + static_cast<std::size_t>(lane) * t.row_bytes + t.byte[done];
    load_square<Rows>(
        [&](int i) {
          return row<tile_events, std::uint32_t>(frame, t.row[done + static_cast<std::uint32_t>(i)]) + lane;
        },
        corner, t.row_bytes, t.flip);
  }
}

#endif

template <int E>
void load_lanes(const void* data, const Frame& frame) {
  const auto& t = as<LoadLanes>(data);
  std::uint32_t done = 0;
#if defined(__AVX2__)
  if constexpr (E == tile_events) {
    if (t.consecutive && frame.events == static_cast<std::size_t>(E)) {
      for (; done + square <= t.count; done += square) load_rows<square>(t, frame, done);
      for (; done + square / 2 <= t.count; done += square / 2) load_rows<square / 2>(t, frame, done);
    }
  }
#endif
  for (int lane = 0; lane < E; ++lane) {
    const std::byte* event = frame.inputs[t.port] + event_of_lane(frame, lane) * t.row_bytes;
    for (std::uint32_t i = done; i < t.count; ++i) {
      std::uint32_t bits;
      __builtin_memcpy(&bits, event + t.byte[i], 4);
      row<E, std::uint32_t>(frame, t.row[i])[lane] = bits ^ t.flip;
    }
  }
}

template <int E>
void widen(const void* data, const Frame& frame) {
  const auto& t = as<Elementwise>(data);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    const auto* in = row<E, std::int32_t>(frame, t.a[i]);
    auto* out = row<E, std::int64_t>(frame, t.out[i]);
#pragma GCC ivdep
    for (int lane = 0; lane < E; ++lane) out[lane] = in[lane];
  }
}

template <int E>
void unpack_bytes(const void* data, const Frame& frame) {
  const auto& t = as<Unpack>(data);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    const auto* in = row<E, std::uint32_t>(frame, t.in[i]);
    auto* out = row<E, std::int32_t>(frame, t.out[i]);
    const int shift = t.part[i] * 8;
#pragma GCC ivdep
    for (int lane = 0; lane < E; ++lane) {
      out[lane] = static_cast<std::int32_t>((in[lane] >> shift) & 255u) + t.offset;
    }
  }
}

template <int E>
void unpack_shorts(const void* data, const Frame& frame) {
  const auto& t = as<Unpack>(data);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    const auto* in = row<E, std::uint32_t>(frame, t.in[i]);
    auto* out = row<E, std::int32_t>(frame, t.out[i]);
    const int left = t.part[i] == 0 ? 16 : 0;
#pragma GCC ivdep
    for (int lane = 0; lane < E; ++lane) {
      out[lane] = (static_cast<std::int32_t>(in[lane] << left) >> 16) + t.offset;
    }
  }
}

}  // namespace

template <int E>
void add_transfers(StepFunction* table) {
  using i8 = std::int8_t;
  using i16 = std::int16_t;
  using i32 = std::int32_t;
  using i64 = std::int64_t;
  table[index(Kind::load_s8)] = load<E, i8, i32>;
  table[index(Kind::load_u8)] = load<E, std::uint8_t, i32>;
  table[index(Kind::load_s16)] = load<E, i16, i32>;
  table[index(Kind::load_u16)] = load<E, std::uint16_t, i32>;
  table[index(Kind::load_s32)] = load<E, i32, i32>;
  table[index(Kind::load_u32)] = load<E, std::uint32_t, i64>;
  table[index(Kind::load_s64)] = load<E, i64, i64>;
  table[index(Kind::load_lanes)] = load_lanes<E>;
  table[index(Kind::store_8)] = store<E, i32, i8>;
  table[index(Kind::store_16)] = store<E, i32, i16>;
  table[index(Kind::store_32)] = store<E, i32, i32>;
  table[index(Kind::store_64)] = store<E, i32, i64>;
  table[index(Kind::store_from_64_8)] = store<E, i64, i8>;
  table[index(Kind::store_from_64_16)] = store<E, i64, i16>;
  table[index(Kind::store_from_64_32)] = store<E, i64, i32>;
  table[index(Kind::store_from_64_64)] = store<E, i64, i64>;
  table[index(Kind::widen)] = widen<E>;
  table[index(Kind::unpack_bytes)] = unpack_bytes<E>;
  table[index(Kind::unpack_shorts)] = unpack_shorts<E>;
}

template void add_transfers<1>(StepFunction* table);
template void add_transfers<tile_events>(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
