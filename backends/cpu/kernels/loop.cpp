#include "backends/cpu/kernels/kernel.hpp"
#include "backends/cpu/kernels/simd.hpp"

// Recurrent nodes: the steps of the body again and again, and rows that go in and out of it.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

/// Exactly `lanes` lanes: what follows may be in use.
inline void copy_lanes(std::int32_t* out, const std::int32_t* in, std::size_t lanes) {
  std::size_t i = 0;
  for (; i + vector_lanes <= lanes; i += vector_lanes) store(out + i, load(in + i));
  for (; i < lanes; ++i) out[i] = in[i];
}

template <int E>
void copy(const void* data, const Frame& frame) {
  const auto& t = as<Copy>(data);
  const Row* in = t.in + (t.in_moves ? frame.iteration * t.count : 0);
  const Row* out = t.out + (t.out_moves ? frame.iteration * t.count : 0);
  if (t.contiguous) {
    return copy_lanes(row<E, std::int32_t>(frame, out[0]), row<E, std::int32_t>(frame, in[0]),
                      std::size_t{t.count} * E);
  }
  for (std::uint32_t i = 0; i < t.count; ++i) {
    __builtin_memcpy(row<E, std::byte>(frame, out[i]), row<E, std::byte>(frame, in[i]), E * 4);
  }
}

void loop(const void* data, const Frame& frame) {
  const auto& t = as<Loop>(data);
  Frame inner = frame;
  for (std::uint32_t i = 0; i < t.iterations; ++i) {
    inner.iteration = t.reverse ? t.iterations - 1 - i : i;
    for (std::uint32_t step = 0; step < t.steps; ++step) t.step[step].run(t.step[step].data, inner);
  }
}

}  // namespace

template <int E>
void add_loops(StepFunction* table) {
  table[index(Kind::copy)] = copy<E>;
  table[index(Kind::loop)] = loop;
}

template void add_loops<1>(StepFunction* table);
template void add_loops<tile_events>(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
