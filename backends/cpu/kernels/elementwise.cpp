#include "backends/cpu/kernels/kernel.hpp"

// Arithmetic of one to three rows. Sums and products wrap: the planner gives 32 bits only where the
// proven range of the result fits, so that intermediate wrapping cannot show.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

struct Sum {
  template <class T>
  static T of(T a, T b) {
    using U = Unsigned<T>;
    return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
  }
};
struct Difference {
  template <class T>
  static T of(T a, T b) {
    using U = Unsigned<T>;
    return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
  }
};
struct ProductOf {
  template <class T>
  static T of(T a, T b) {
    using U = Unsigned<T>;
    return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
  }
};
struct Less {
  template <class T>
  static std::int32_t of(T a, T b) {
    return a < b;
  }
};
struct LessEqual {
  template <class T>
  static std::int32_t of(T a, T b) {
    return a <= b;
  }
};
struct Equal {
  template <class T>
  static std::int32_t of(T a, T b) {
    return a == b;
  }
};
struct NotEqual {
  template <class T>
  static std::int32_t of(T a, T b) {
    return a != b;
  }
};

template <int E, class T, class Out, class Op>
void binary(const void* data, const Frame& frame) {
  const auto& t = as<Elementwise>(data);
  for_elements<E>(t, true, [&](std::uint32_t i, int lanes) {
    const T* a = row<E, T>(frame, t.a[i]);
    const T* b = row<E, T>(frame, t.b[i]);
    Out* out = row<E, Out>(frame, t.out[i]);
#pragma GCC ivdep
    for (int lane = 0; lane < lanes; ++lane) out[lane] = Op::of(a[lane], b[lane]);
  });
}

template <int E, class T>
void select(const void* data, const Frame& frame) {
  const auto& t = as<Elementwise>(data);
  for_elements<E>(t, true, [&](std::uint32_t i, int lanes) {
    const auto* condition = row<E, std::int32_t>(frame, t.a[i]);
    const T* one = row<E, T>(frame, t.b[i]);
    const T* zero = row<E, T>(frame, t.c[i]);
    T* out = row<E, T>(frame, t.out[i]);
#pragma GCC ivdep
    for (int lane = 0; lane < lanes; ++lane) out[lane] = condition[lane] != 0 ? one[lane] : zero[lane];
  });
}

template <int E, class T, class Out>
void clamp(const void* data, const Frame& frame) {
  const auto& t = as<Clamp>(data);
  const T low = static_cast<T>(t.low);
  const T high = static_cast<T>(t.high);
  for_elements<E>(t.rows, true, [&](std::uint32_t i, int lanes) {
    const T* in = row<E, T>(frame, t.rows.a[i]);
    Out* out = row<E, Out>(frame, t.rows.out[i]);
#pragma GCC ivdep
    for (int lane = 0; lane < lanes; ++lane) {
      const T raised = in[lane] < low ? low : in[lane];
      out[lane] = static_cast<Out>(raised > high ? high : raised);
    }
  });
}

template <int E, class T>
void leaky(const void* data, const Frame& frame) {
  const auto& t = as<Clamp>(data);
  using U = Unsigned<T>;
  for_elements<E>(t.rows, true, [&](std::uint32_t i, int lanes) {
    const T* in = row<E, T>(frame, t.rows.a[i]);
    T* out = row<E, T>(frame, t.rows.out[i]);
#pragma GCC ivdep
    for (int lane = 0; lane < lanes; ++lane) {
      out[lane] = in[lane] >= 0 ? static_cast<T>(static_cast<U>(in[lane]) << t.shift) : in[lane];
    }
  });
}

template <int E, class T, class Out>
void threshold(const void* data, const Frame& frame) {
  const auto& t = as<Threshold>(data);
  for (std::uint32_t i = 0; i < t.rows.count; ++i) {
    const T* in = row<E, T>(frame, t.rows.a[i]);
    Out* out = row<E, Out>(frame, t.rows.out[i]);
    const std::size_t entry = t.entry[i];
    const std::int64_t* thresholds = t.thresholds + entry * t.steps;
    Out count[E] = {};
    for (std::uint32_t step = 0; step < t.steps; ++step) {
      const std::int64_t edge = thresholds[step];
#pragma GCC ivdep
      for (int lane = 0; lane < E; ++lane) count[lane] += in[lane] >= edge;
    }
    const auto base = static_cast<Out>(t.base[entry]);
    const Out sign = t.sign[entry];
    for (int lane = 0; lane < E; ++lane) out[lane] = base + sign * count[lane];
  }
}

template <class Out>
const Out* table_of(const Lookup& t);
template <>
const std::int32_t* table_of<std::int32_t>(const Lookup& t) {
  return t.table;
}
template <>
const std::int64_t* table_of<std::int64_t>(const Lookup& t) {
  return t.wide_table;
}

template <int E, class T, class Out>
void lookup(const void* data, const Frame& frame) {
  const auto& t = as<Lookup>(data);
  const T first = static_cast<T>(t.first);
  for_elements<E>(t.rows, t.uniform, [&](std::uint32_t i, int lanes) {
    const T* in = row<E, T>(frame, t.rows.a[i]);
    Out* out = row<E, Out>(frame, t.rows.out[i]);
    const Out* table = table_of<Out>(t) + std::size_t{t.entry[i]} * t.entries;
    using U = Unsigned<T>;
    const U last = t.entries - 1;
#pragma GCC ivdep
    for (int lane = 0; lane < lanes; ++lane) {
      // An input outside its type must not read outside the table.
      const U at = static_cast<U>(in[lane]) - static_cast<U>(first);
      out[lane] = table[at < last ? at : last];
    }
  });
}

}  // namespace

template <int E>
void add_elementwise(StepFunction* table) {
  using i32 = std::int32_t;
  using i64 = std::int64_t;
  table[index(Kind::add_32)] = binary<E, i32, i32, Sum>;
  table[index(Kind::add_64)] = binary<E, i64, i64, Sum>;
  table[index(Kind::subtract_32)] = binary<E, i32, i32, Difference>;
  table[index(Kind::subtract_64)] = binary<E, i64, i64, Difference>;
  table[index(Kind::multiply_32)] = binary<E, i32, i32, ProductOf>;
  table[index(Kind::multiply_64)] = binary<E, i64, i64, ProductOf>;
  table[index(Kind::less_32)] = binary<E, i32, i32, Less>;
  table[index(Kind::less_64)] = binary<E, i64, i32, Less>;
  table[index(Kind::less_equal_32)] = binary<E, i32, i32, LessEqual>;
  table[index(Kind::less_equal_64)] = binary<E, i64, i32, LessEqual>;
  table[index(Kind::equal_32)] = binary<E, i32, i32, Equal>;
  table[index(Kind::equal_64)] = binary<E, i64, i32, Equal>;
  table[index(Kind::not_equal_32)] = binary<E, i32, i32, NotEqual>;
  table[index(Kind::not_equal_64)] = binary<E, i64, i32, NotEqual>;
  table[index(Kind::select_32)] = select<E, i32>;
  table[index(Kind::select_64)] = select<E, i64>;
  table[index(Kind::clamp_32_32)] = clamp<E, i32, i32>;
  table[index(Kind::clamp_64_32)] = clamp<E, i64, i32>;
  table[index(Kind::clamp_64_64)] = clamp<E, i64, i64>;
  table[index(Kind::leaky_32)] = leaky<E, i32>;
  table[index(Kind::leaky_64)] = leaky<E, i64>;
  table[index(Kind::threshold_32_32)] = threshold<E, i32, i32>;
  table[index(Kind::threshold_32_64)] = threshold<E, i32, i64>;
  table[index(Kind::threshold_64_32)] = threshold<E, i64, i32>;
  table[index(Kind::threshold_64_64)] = threshold<E, i64, i64>;
  table[index(Kind::lookup_32_32)] = lookup<E, i32, i32>;
  table[index(Kind::lookup_32_64)] = lookup<E, i32, i64>;
  table[index(Kind::lookup_64_32)] = lookup<E, i64, i32>;
  table[index(Kind::lookup_64_64)] = lookup<E, i64, i64>;
}

template void add_elementwise<1>(StepFunction* table);
template void add_elementwise<tile_events>(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
