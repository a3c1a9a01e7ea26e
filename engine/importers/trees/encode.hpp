#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/importers/trees/ensemble.hpp"

namespace crible::importers::trees {

/// A split on the integer feature q: left when q is one of `categories`, or, when there are none, when
/// q <= threshold.
struct IntegerSplit {
  std::int64_t threshold = 0;
  std::vector<std::int64_t> categories;
};

/// Turns real features into integers, and splits on the one into splits on the other, so that every event
/// takes the same side as in the library that wrote the model.
class FeatureEncoding {
 public:
  /// Features are integers of `type`. Throws Error when the library would not see them exactly.
  FeatureEncoding(const Ensemble& ensemble, network::Type type);
  /// Features are real: the integers are ranks among the edges that the ensemble's splits need.
  explicit FeatureEncoding(const Ensemble& ensemble);

  network::Type type() const { return type_; }
  network::Encoding encoding() const;
  /// The integer of NaN, where the encoding has one.
  std::optional<std::int64_t> missing() const { return missing_; }

  IntegerSplit split(const Split& split) const;
  /// Left for exactly the integers that the library takes for zero.
  IntegerSplit zero(int feature) const;

 private:
  bool is_member(double x, const std::vector<std::int64_t>& categories) const;
  double edge_at_least(double value) const;
  double edge_above(double value) const;
  void add_edges(const Split& split);
  std::int64_t rank(int feature, double edge) const;
  IntegerSplit fixed_point_split(const Split& split) const;
  template <class Predicate>
  IntegerSplit ranks_where(int feature, Predicate holds) const;

  network::Type type_;
  bool float32_features_;
  bool cut_negative_to_zero_;
  network::Rounding rounding_ = network::Rounding::half_even;
  std::optional<std::int64_t> missing_;
  std::vector<std::vector<double>> edges_;  // one ascending row a feature; no rows: fixed point
};

/// Largest magnitude that LightGBM takes for zero (kZeroThreshold, include/LightGBM/meta.h).
inline constexpr double zero_threshold = static_cast<double>(1e-35F);

/// The integer of ap_fixed in its default modes, truncate and wrap: the low bits of the floored value.
std::int64_t wrapped_floor(double value, network::Type type);

}  // namespace crible::importers::trees
