#include "engine/importers/trees/encode.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/base/error.hpp"

namespace crible::importers::trees {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// float32 and the infinities around it as doubles: the next value after FLT_MAX is 2^128.
double next_float(double value) {
  const float next = std::nextafter(static_cast<float>(value), std::numeric_limits<float>::infinity());
  return std::isinf(next) ? std::ldexp(1.0, 128) : static_cast<double>(next);
}

double previous_float(double value) {
  if (value >= std::ldexp(1.0, 128)) return std::numeric_limits<float>::max();
  return static_cast<double>(
      std::nextafter(static_cast<float>(value), -std::numeric_limits<float>::infinity()));
}

bool has_even_mantissa(double value) {
  return (std::bit_cast<std::uint32_t>(static_cast<float>(value)) & 1U) == 0;
}

/// Maximal runs of consecutive categories, as [first, last].
std::vector<std::pair<std::int64_t, std::int64_t>> runs_of(const std::vector<std::int64_t>& categories) {
  std::vector<std::pair<std::int64_t, std::int64_t>> runs;
  for (const std::int64_t category : categories) {
    if (!runs.empty() && runs.back().second + 1 == category) {
      runs.back().second = category;
    } else {
      runs.emplace_back(category, category);
    }
  }
  return runs;
}

}  // namespace

FeatureEncoding::FeatureEncoding(const Ensemble& ensemble, network::Type type)
    : type_(type),
      float32_features_(ensemble.float32_features),
      cut_negative_to_zero_(ensemble.cut_negative_to_zero),
      rounding_(ensemble.feature_type ? network::Rounding::floor : network::Rounding::half_even) {
  const int magnitude_bits = type.width - (type.is_signed ? 1 : 0);
  if (float32_features_ && magnitude_bits > std::numeric_limits<float>::digits) {
    throw Error(ensemble.source + ": the model's library compares in float32, which cannot hold every " +
                network::to_string(type) + "; give an input type of at most 24 bits and sign");
  }
}

FeatureEncoding::FeatureEncoding(const Ensemble& ensemble)
    : float32_features_(ensemble.float32_features),
      cut_negative_to_zero_(ensemble.cut_negative_to_zero),
      edges_(static_cast<std::size_t>(ensemble.features)) {
  for (const RealTree& tree : ensemble.trees) {
    for (const Split& split : tree.splits) add_edges(split);
  }
  std::size_t longest = 0;
  for (std::vector<double>& row : edges_) {
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    longest = std::max(longest, row.size());
  }
  missing_ = static_cast<std::int64_t>(longest) + 1;
  type_ = {.is_signed = false, .width = static_cast<int>(std::bit_width(longest + 1)), .fraction = 0};
}

network::Encoding FeatureEncoding::encoding() const {
  network::Encoding result;
  result.scale = std::ldexp(1.0, -type_.fraction);
  result.rounding = rounding_;
  result.edges = edges_;
  return result;
}

void FeatureEncoding::add_edges(const Split& split) {
  std::vector<double>& row = edges_[static_cast<std::size_t>(split.feature)];
  switch (split.kind) {
    case SplitKind::less:
      row.push_back(edge_at_least(split.threshold));
      break;
    case SplitKind::less_equal:
      row.push_back(edge_above(split.threshold));
      break;
    case SplitKind::member:
      for (const auto& [first, last] : runs_of(split.categories)) {
        row.push_back(first == 0 && cut_negative_to_zero_ ? -1.0 : edge_at_least(static_cast<double>(first)));
        row.push_back(edge_at_least(static_cast<double>(last + 1)));
      }
      break;
  }
  if (split.zero_is_missing) {
    row.push_back(std::nextafter(-zero_threshold, -infinity));
    row.push_back(zero_threshold);
  }
}

/// The double e for which x > e says that the library sees a feature x as at least `value`.
double FeatureEncoding::edge_at_least(double value) const {
  if (!float32_features_) return std::nextafter(value, -infinity);
  // x rounds up to `value` from the middle between it and its predecessor; ties go to the even mantissa.
  const double middle = (previous_float(value) + value) / 2;
  return has_even_mantissa(value) || value >= std::ldexp(1.0, 128) ? std::nextafter(middle, -infinity)
                                                                   : middle;
}

/// The double e for which x > e says that the library sees x as greater than `value`.
double FeatureEncoding::edge_above(double value) const {
  return float32_features_ ? edge_at_least(next_float(value)) : value;
}

std::int64_t FeatureEncoding::rank(int feature, double edge) const {
  const std::vector<double>& row = edges_[static_cast<std::size_t>(feature)];
  return std::lower_bound(row.begin(), row.end(), edge) - row.begin();
}

bool FeatureEncoding::is_member(double x, const std::vector<std::int64_t>& categories) const {
  if (float32_features_) x = static_cast<double>(static_cast<float>(x));
  if (x < 0 && !(cut_negative_to_zero_ && x > -1)) return false;
  if (x >= std::ldexp(1.0, 53)) return false;
  return std::binary_search(categories.begin(), categories.end(), static_cast<std::int64_t>(x));
}

/// The ranks whose reals all satisfy `holds`; the edges are such that all reals of one rank agree.
template <class Predicate>
IntegerSplit FeatureEncoding::ranks_where(int feature, Predicate holds) const {
  const std::vector<double>& row = edges_[static_cast<std::size_t>(feature)];
  IntegerSplit result{.threshold = -1, .categories = {}};
  for (std::size_t i = 0; i <= row.size(); ++i) {
    const double largest_of_rank =
        i < row.size() ? row[i] : std::nextafter(row.empty() ? 0 : row.back(), infinity);
    if (holds(largest_of_rank)) result.categories.push_back(static_cast<std::int64_t>(i));
  }
  return result;
}

IntegerSplit FeatureEncoding::split(const Split& split) const {
  if (edges_.empty()) return fixed_point_split(split);
  switch (split.kind) {
    case SplitKind::less:
      return {.threshold = rank(split.feature, edge_at_least(split.threshold)), .categories = {}};
    case SplitKind::less_equal:
      return {.threshold = rank(split.feature, edge_above(split.threshold)), .categories = {}};
    case SplitKind::member:
      break;
  }
  return ranks_where(split.feature, [&](double x) { return is_member(x, split.categories); });
}

IntegerSplit FeatureEncoding::zero(int feature) const {
  if (edges_.empty()) return {.threshold = network::lowest(type_) - 1, .categories = {0}};
  return ranks_where(feature, [](double x) { return std::abs(x) <= zero_threshold; });
}

IntegerSplit FeatureEncoding::fixed_point_split(const Split& split) const {
  const std::int64_t never = network::lowest(type_) - 1;
  if (split.kind == SplitKind::member) {
    if (type_.fraction != 0) {
      throw Error("feature " + std::to_string(split.feature) + " is categorical and " +
                  network::to_string(type_) +
                  " has fraction bits; give an input type without them, such as s16.0");
    }
    IntegerSplit result{.threshold = never, .categories = {}};
    for (const std::int64_t category : split.categories) {
      if (category <= network::highest(type_)) result.categories.push_back(category);
    }
    return result;
  }
  // q * 2^-fraction < t as q <= ceil(t * 2^fraction) - 1; a long double holds the product exactly.
  const long double scaled = std::ldexp(static_cast<long double>(split.threshold), type_.fraction);
  const long double bound = split.kind == SplitKind::less ? std::ceil(scaled) - 1 : std::floor(scaled);
  const auto clamped =
      std::clamp(bound, static_cast<long double>(never), static_cast<long double>(network::highest(type_)));
  return {.threshold = static_cast<std::int64_t>(clamped), .categories = {}};
}

std::int64_t wrapped_floor(double value, network::Type type) {
  const long double floored = std::floor(std::ldexp(static_cast<long double>(value), type.fraction));
  const long double modulus = std::ldexp(1.0L, type.width);
  long double low = std::fmod(floored, modulus);
  if (low < 0) low += modulus;
  if (type.is_signed && low >= modulus / 2) low -= modulus;
  return static_cast<std::int64_t>(low);
}

}  // namespace crible::importers::trees
