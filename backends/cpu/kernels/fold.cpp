#include "backends/cpu/kernels/kernel.hpp"

// Results that read a list of rows: pools, reductions, and sums of products of any width.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

template <int E, class T>
void sum_of_products(const void* data, const Frame& frame) {
  using U = Unsigned<T>;
  const auto& t = as<Fold>(data);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    U sum[E];
    for (int lane = 0; lane < E; ++lane) sum[lane] = static_cast<U>(t.bias[i]);
    for (std::uint32_t j = t.begin[i]; j < t.begin[i + 1]; ++j) {
      const U* in = row<E, U>(frame, t.in[j]);
      const U weight = static_cast<U>(t.weights[j]);
#pragma GCC ivdep
      for (int lane = 0; lane < E; ++lane) sum[lane] += weight * in[lane];
    }
    U* out = row<E, U>(frame, t.out[i]);
    for (int lane = 0; lane < E; ++lane) out[lane] = sum[lane];
  }
}

struct FoldSum {
  template <class T>
  static T first(T x) {
    return x;
  }
  template <class T>
  static T next(T folded, T x) {
    using U = Unsigned<T>;
    return static_cast<T>(static_cast<U>(folded) + static_cast<U>(x));
  }
};
struct FoldSquares {
  template <class T>
  static T first(T x) {
    using U = Unsigned<T>;
    return static_cast<T>(static_cast<U>(x) * static_cast<U>(x));
  }
  template <class T>
  static T next(T folded, T x) {
    return FoldSum::next(folded, first(x));
  }
};
struct FoldMax {
  template <class T>
  static T first(T x) {
    return x;
  }
  template <class T>
  static T next(T folded, T x) {
    return x > folded ? x : folded;
  }
};
struct FoldMin {
  template <class T>
  static T first(T x) {
    return x;
  }
  template <class T>
  static T next(T folded, T x) {
    return x < folded ? x : folded;
  }
};

/// An empty list (a sum-pool window wholly in the padding) gives 0.
template <int E, class T, class Op>
void fold(const void* data, const Frame& frame) {
  const auto& t = as<Fold>(data);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    T folded[E] = {};
    std::uint32_t j = t.begin[i];
    if (j < t.begin[i + 1]) {
      const T* in = row<E, T>(frame, t.in[j]);
      for (int lane = 0; lane < E; ++lane) folded[lane] = Op::first(in[lane]);
    }
    for (++j; j < t.begin[i + 1]; ++j) {
      const T* in = row<E, T>(frame, t.in[j]);
      for (int lane = 0; lane < E; ++lane) folded[lane] = Op::next(folded[lane], in[lane]);
    }
    T* out = row<E, T>(frame, t.out[i]);
    for (int lane = 0; lane < E; ++lane) out[lane] = folded[lane];
  }
}

template <int E, class T>
void argmax(const void* data, const Frame& frame) {
  const auto& t = as<Fold>(data);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    T best[E];
    std::int32_t where[E] = {};
    const T* start = row<E, T>(frame, t.in[t.begin[i]]);
    for (int lane = 0; lane < E; ++lane) best[lane] = start[lane];
    for (std::uint32_t j = t.begin[i] + 1; j < t.begin[i + 1]; ++j) {
      const T* in = row<E, T>(frame, t.in[j]);
      const auto position = static_cast<std::int32_t>(j - t.begin[i]);
      for (int lane = 0; lane < E; ++lane) {
        const bool larger = in[lane] > best[lane];
        best[lane] = larger ? in[lane] : best[lane];
        where[lane] = larger ? position : where[lane];
      }
    }
    auto* out = row<E, std::int32_t>(frame, t.out[i]);
    for (int lane = 0; lane < E; ++lane) out[lane] = where[lane];
  }
}

}  // namespace

template <int E>
void add_folds(StepFunction* table) {
  using i32 = std::int32_t;
  using i64 = std::int64_t;
  table[index(Kind::sum_of_products_32)] = sum_of_products<E, i32>;
  table[index(Kind::sum_of_products_64)] = sum_of_products<E, i64>;
  table[index(Kind::fold_sum_32)] = fold<E, i32, FoldSum>;
  table[index(Kind::fold_sum_64)] = fold<E, i64, FoldSum>;
  table[index(Kind::fold_max_32)] = fold<E, i32, FoldMax>;
  table[index(Kind::fold_max_64)] = fold<E, i64, FoldMax>;
  table[index(Kind::fold_min_32)] = fold<E, i32, FoldMin>;
  table[index(Kind::fold_min_64)] = fold<E, i64, FoldMin>;
  table[index(Kind::fold_squares_32)] = fold<E, i32, FoldSquares>;
  table[index(Kind::fold_squares_64)] = fold<E, i64, FoldSquares>;
  table[index(Kind::fold_argmax_32)] = argmax<E, i32>;
  table[index(Kind::fold_argmax_64)] = argmax<E, i64>;
}

template void add_folds<1>(StepFunction* table);
template void add_folds<tile_events>(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
