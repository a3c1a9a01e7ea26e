#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/importers/trees/encode.hpp"
#include "engine/importers/trees/ensemble.hpp"
#include "engine/network/build.hpp"

namespace crible::importers::trees {
namespace {

constexpr int depth_limit = 256;
constexpr std::size_t node_limit = 4'000'000;
constexpr int stored_width_limit = 32;  // wider scores stay in their accumulator

/// Fraction bits that hold `value` exactly.
int exact_fraction(double value) {
  if (value == 0) return 0;
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  const auto integer = static_cast<std::int64_t>(std::ldexp(std::abs(mantissa), 53));
  return std::max(0, 53 - exponent - std::countr_zero(static_cast<std::uint64_t>(integer)));
}

/// Rebuilds one tree on integer features; children come after their parents.
class TreeLowering {
 public:
  TreeLowering(const RealTree& tree, const FeatureEncoding& encoding, const std::string& where)
      : tree_(tree), encoding_(encoding), where_(where) {}

  network::Tree run(std::vector<std::int64_t> leaves) {
    result_.output = tree_.output;
    result_.leaves = std::move(leaves);
    if (!tree_.splits.empty()) copy(0, 0);
    return std::move(result_);
  }

 private:
  int copy(int index, int depth) {
    if (index < 0) return index;
    if (depth > depth_limit) {
      throw Error(where_ + " is deeper than " + std::to_string(depth_limit) +
                  " splits or its children form a cycle; retrain with a smaller depth");
    }
    const Split& split = tree_.splits[static_cast<std::size_t>(index)];
    if (split.zero_is_missing && zero_goes_left(split) != split.missing_left) {
      return detour_of_zero(split, depth);
    }
    return copy_split(split, depth);
  }

  int copy_split(const Split& split, int depth) {
    const int id = append(split, encoding_.split(split));
    const int left = copy(split.left, depth + 1);
    const int right = copy(split.right, depth + 1);
    return connect(id, left, right);
  }

  /// A split that only zeros take, to the side of missing values, before the split itself.
  int detour_of_zero(const Split& split, int depth) {
    const int id = append(split, encoding_.zero(split.feature));
    const int zero_side = copy(split.missing_left ? split.left : split.right, depth + 1);
    const int other_side = copy_split(split, depth + 1);
    return connect(id, zero_side, other_side);
  }

  static bool zero_goes_left(const Split& split) {
    switch (split.kind) {
      case SplitKind::less:
        return 0 < split.threshold;
      case SplitKind::less_equal:
        return 0 <= split.threshold;
      case SplitKind::member:
        break;
    }
    return !split.categories.empty() && split.categories.front() == 0;
  }

  int append(const Split& split, IntegerSplit integer) {
    if (result_.nodes.size() >= node_limit) {
      throw Error(where_ + " has more than " + std::to_string(node_limit) + " splits; retrain with fewer");
    }
    network::TreeNode node;
    node.feature = split.feature;
    node.threshold = integer.categories.empty() ? integer.threshold : 0;
    node.categories = std::move(integer.categories);
    node.missing_left = split.missing_left;
    result_.nodes.push_back(std::move(node));
    return static_cast<int>(result_.nodes.size()) - 1;
  }

  int connect(int id, int left, int right) {
    result_.nodes[static_cast<std::size_t>(id)].left = left;
    result_.nodes[static_cast<std::size_t>(id)].right = right;
    return id;
  }

  const RealTree& tree_;
  const FeatureEncoding& encoding_;
  const std::string& where_;
  network::Tree result_;
};

/// How leaves become integers: the fraction, and the rounding where the model or the user asks for one.
class LeafEncoding {
 public:
  LeafEncoding(const Ensemble& ensemble, std::optional<network::Type> score_type)
      : source_(ensemble.source), rounded_(score_type), wrapped_(ensemble.leaf_type) {
    if (wrapped_) {
      fraction_ = wrapped_->fraction;
    } else if (rounded_) {
      fraction_ = rounded_->fraction;
    } else {
      fraction_ = exact_fraction_of(ensemble);
    }
  }

  int fraction() const { return fraction_; }

  std::int64_t integer(double leaf, const std::string& where) const {
    if (wrapped_) return wrapped_floor(leaf, *wrapped_);
    const long double scaled = std::ldexp(static_cast<long double>(leaf), fraction_);
    if (std::abs(scaled) >= std::ldexp(1.0L, 62)) throw Error(too_wide(where));
    return static_cast<std::int64_t>(std::nearbyint(scaled));
  }

 private:
  int exact_fraction_of(const Ensemble& ensemble) const {
    int fraction = 0;
    for (const double bias : ensemble.bias) fraction = std::max(fraction, exact_fraction(bias));
    double sum = 0;
    for (const RealTree& tree : ensemble.trees) {
      double largest = 0;
      for (const double leaf : tree.leaves) {
        fraction = std::max(fraction, exact_fraction(leaf));
        largest = std::max(largest, std::abs(leaf));
      }
      sum += largest;
    }
    if (fraction + std::max(0, std::ilogb(std::max(sum, 1.0)) + 1) > 62) throw Error(too_wide(source_));
    return fraction;
  }

  std::string too_wide(const std::string& where) const {
    return where +
           ": the leaves cannot be summed exactly in 64 bits; give --score-type, for example s32.24, " +
           "to round each leaf once, half to even";
  }

  std::string source_;
  std::optional<network::Type> rounded_;
  std::optional<network::Type> wrapped_;
  int fraction_ = 0;
};

network::TreeEnsemble integer_ensemble(const Ensemble& ensemble, const FeatureEncoding& features,
                                       const LeafEncoding& leaves) {
  network::TreeEnsemble result;
  result.outputs = ensemble.outputs;
  result.leaf_fraction = leaves.fraction();
  result.missing = features.missing();
  for (const double bias : ensemble.bias) result.bias.push_back(leaves.integer(bias, ensemble.source));
  for (std::size_t i = 0; i < ensemble.trees.size(); ++i) {
    const RealTree& tree = ensemble.trees[i];
    const std::string where = ensemble.source + ": tree " + std::to_string(i);
    std::vector<std::int64_t> integers;
    for (const double leaf : tree.leaves) integers.push_back(leaves.integer(leaf, where));
    result.trees.push_back(TreeLowering(tree, features, where).run(std::move(integers)));
  }
  return result;
}

network::Requantize exact_narrowing(network::Overflow overflow) {
  network::Requantize result;
  result.overflow = overflow;
  return result;
}

}  // namespace

network::Network lower(const Ensemble& ensemble, std::optional<network::Type> feature_type,
                       std::optional<network::Type> score_type) {
  if (ensemble.feature_type) feature_type = ensemble.feature_type;
  const FeatureEncoding features =
      feature_type ? FeatureEncoding(ensemble, *feature_type) : FeatureEncoding(ensemble);
  const LeafEncoding leaves(ensemble, score_type);

  network::Builder builder(ensemble.name);
  const network::NodeId input =
      builder.input("features", {ensemble.features}, features.type(), features.encoding());
  network::NodeId score = builder.add("trees", integer_ensemble(ensemble, features, leaves), {input});
  if (ensemble.leaf_type) {
    score =
        builder.add("wrapped_sum", exact_narrowing(network::Overflow::wrap), {score}, *ensemble.leaf_type);
  } else if (score_type) {
    const network::Interval sum = network::hull(builder.range(score));
    if (sum.low < network::lowest(*score_type) || sum.high > network::highest(*score_type)) {
      throw Error(ensemble.source + ": the sum of the leaves reaches " + std::to_string(sum.low) + " to " +
                  std::to_string(sum.high) + " and does not fit " + network::to_string(*score_type) +
                  "; give a wider --score-type");
    }
    if (score_type->width <= stored_width_limit) {
      score = builder.add("score_type", exact_narrowing(network::Overflow::saturate), {score}, *score_type);
    }
  }
  builder.output("score", score);
  return builder.finish();
}

}  // namespace crible::importers::trees
