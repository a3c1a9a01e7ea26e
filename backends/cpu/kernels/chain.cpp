#include "backends/cpu/kernels/epilogue.hpp"
#include "backends/cpu/kernels/look_up.hpp"

// Elementwise operations on blocks of 2048 bytes, one operation after the other.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

inline V zero_or_one(V mask) {
  return bit_and(mask, set1(1));
}
inline V chosen(V mask, V one, V other) {
  return bit_or(bit_and(mask, one), bit_and(sub(set1(-1), mask), other));
}
inline V held(V x, V low, V high) {
  return min(max(x, low), high);
}

/// One operation on one block. Rows that move are counted from the block's first row.
template <int E>
struct Block {
  const ChainOp& op;
  std::byte* const* origin;  // of rows that stay, of rows that move
  int lanes;

  std::byte* at(Row row, bool moves) const { return origin[moves] + std::size_t{row} * E * 4; }
  const std::byte* a() const { return at(op.a, op.a_moves); }
  const std::byte* b() const { return at(op.b, op.b_moves); }
  const std::byte* c() const { return at(op.c, op.c_moves); }
  std::byte* out() const { return at(op.out, op.out_moves); }
};

template <int E, class Op>
inline void each_1(const Block<E>& block, Op op) {
  const std::byte* a = block.a();
  std::byte* out = block.out();
  const int lanes = block.lanes;
  for (int i = 0; i < lanes; i += vector_lanes) store(out + 4 * i, op(load(a + 4 * i)));
}
template <int E, class Op>
inline void each_2(const Block<E>& block, Op op) {
  const std::byte* a = block.a();
  const std::byte* b = block.b();
  std::byte* out = block.out();
  const int lanes = block.lanes;
  for (int i = 0; i < lanes; i += vector_lanes) store(out + 4 * i, op(load(a + 4 * i), load(b + 4 * i)));
}
template <int E, class Op>
inline void each_3(const Block<E>& block, Op op) {
  const std::byte* a = block.a();
  const std::byte* b = block.b();
  const std::byte* c = block.c();
  std::byte* out = block.out();
  const int lanes = block.lanes;
  for (int i = 0; i < lanes; i += vector_lanes) {
    store(out + 4 * i, op(load(a + 4 * i), load(b + 4 * i), load(c + 4 * i)));
  }
}

/// What goes into operations of one operand: a, or what a and b give together.
template <int E, class Op>
inline void each(const Block<E>& block, Op op) {
  switch (block.op.combine) {
    case Combine::none:
      return each_1(block, op);
    case Combine::add:
      return each_2(block, [&](V a, V b) { return op(add(a, b)); });
    case Combine::subtract:
      return each_2(block, [&](V a, V b) { return op(sub(a, b)); });
    case Combine::multiply:
      return each_2(block, [&](V a, V b) { return op(mul(a, b)); });
    case Combine::add_multiply:
      return each_3(block, [&](V a, V b, V c) { return op(mul(add(a, b), c)); });
    case Combine::subtract_multiply:
      return each_3(block, [&](V a, V b, V c) { return op(mul(sub(a, b), c)); });
  }
}

template <int E>
inline void requantized(const ChainOp& op, const Block<E>& o) {
  const V low = set1(op.low), high = set1(op.high), shift = set1(op.shift), plus = set1(op.plus);
  const V multiplier = set1(op.multiplier), offset = set1(op.offset), zero_point = set1(op.zero_point);
  const V if_negative = set1(op.if_negative), if_odd = set1(op.if_odd);
  each(o, [&](V x) {
    const V scaled = add(mul(x, multiplier), offset);
    const V sign = bit_and(sign_of(scaled), if_negative);
    const V odd = bit_and(shift_right(scaled, shift), if_odd);
    const V rounded = shift_right(add(add(scaled, plus), add(sign, odd)), shift);
    return held(add(rounded, zero_point), low, high);
  });
}

template <int E>
inline void shifted_to_even(const ChainOp& op, const Block<E>& o) {
  const V low = set1(op.low), high = set1(op.high), shift = set1(op.shift), plus = set1(op.plus);
  const V one = set1(1);
  each(o, [&](V x) { return held(round_to_even(add(x, plus), shift, one), low, high); });
}

template <int E>
inline void run_op(const Block<E>& o) {
  const ChainOp& op = o.op;
  const V low = set1(op.low);
  const V high = set1(op.high);
  switch (op.code) {
    case ChainCode::add:
      return each_2(o, [](V a, V b) { return add(a, b); });
    case ChainCode::subtract:
      return each_2(o, [](V a, V b) { return sub(a, b); });
    case ChainCode::multiply:
      return each_2(o, [](V a, V b) { return mul(a, b); });
    case ChainCode::less:
      return each_2(o, [](V a, V b) { return add(greater_equal(a, b), set1(1)); });
    case ChainCode::less_equal:
      return each_2(o, [](V a, V b) { return zero_or_one(greater_equal(b, a)); });
    case ChainCode::equal:
      return each_2(o,
                    [](V a, V b) { return zero_or_one(bit_and(greater_equal(a, b), greater_equal(b, a))); });
    case ChainCode::not_equal:
      return each_2(o,
                    [](V a, V b) { return add(bit_and(greater_equal(a, b), greater_equal(b, a)), set1(1)); });
    case ChainCode::select:
      return each_3(o, [](V a, V b, V c) {
        return chosen(bit_or(greater_equal(a, set1(1)), greater_equal(set1(-1), a)), b, c);
      });
    case ChainCode::clamp:
      return each(o, [&](V x) { return held(x, low, high); });
    case ChainCode::leaky: {
      const V factor = set1(op.multiplier);
      return each(o, [&](V x) { return chosen(greater_equal(x, zero()), mul(x, factor), x); });
    }
    case ChainCode::shift: {
      const V plus = set1(op.plus), shift = set1(op.shift);
      return each(o, [&](V x) { return held(shift_right(add(x, plus), shift), low, high); });
    }
    case ChainCode::shift_even:
      return shifted_to_even(op, o);
    case ChainCode::requantize:
      return requantized(op, o);
    // An input outside its type, or a lane that nobody reads, must not read outside the table.
    case ChainCode::lookup: {
      const V offset = set1(op.offset);
      each(o, [&](V x) { return held(add(x, offset), zero(), high); });
      auto* lanes = reinterpret_cast<std::int32_t*>(o.out());
      if (follows_curves && op.curve != nullptr) return follow_curve(op.curve, lanes, o.lanes);
      return look_up(op.table, lanes, o.lanes);
    }
  }
}

template <int E>
void chain(const void* data, const Frame& frame) {
  const auto& t = as<Chain>(data);
  constexpr std::uint32_t block_elements = chain_block_bytes / (4 * E);
  for (std::uint32_t first = 0; first < t.count; first += block_elements) {
    const std::uint32_t left = t.count - first;
    const std::uint32_t elements = left < block_elements ? left : block_elements;
    std::byte* const origin[2] = {frame.rows, row<E, std::byte>(frame, first)};
    for (std::uint32_t i = 0; i < t.ops; ++i) {
      run_op<E>({t.op[i], origin, static_cast<int>(elements * E)});
    }
  }
}

}  // namespace

template <int E>
void add_chains(StepFunction* table) {
  table[index(Kind::chain)] = chain<E>;
}

template void add_chains<1>(StepFunction* table);
template void add_chains<tile_events>(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
