#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/network/network.hpp"

/// Boosted trees as their libraries mean them: real thresholds, real leaves, the library's own rules for
/// ties, missing values and categories. Readers fill an Ensemble; `lower` turns it into integers.
namespace crible::importers::trees {

/// When a split sends an event to the left.
enum class SplitKind {
  less,        // x < threshold
  less_equal,  // x <= threshold
  member,      // x, cut to an integer, is one of `categories`
};

struct Split {
  int feature = 0;
  SplitKind kind = SplitKind::less_equal;
  double threshold = 0;
  std::vector<std::int64_t> categories{};  // ascending, not negative
  bool missing_left = false;               // where NaN goes
  bool zero_is_missing = false;            // |x| <= 1e-35 goes where NaN goes (LightGBM's missing type Zero)
  int left = 0;                            // index of a split, or ~index of a leaf
  int right = 0;
};

/// splits[0] is the root; without splits the tree is its leaf 0. `leaves` are added to element `output`.
struct RealTree {
  int output = 0;
  std::vector<Split> splits;
  std::vector<double> leaves;
};

struct Ensemble {
  std::string name;
  std::string source;  // file, for messages
  int features = 0;
  int outputs = 1;
  std::vector<double> bias;  // one for each output
  std::vector<RealTree> trees;

  /// The library compares and stores in float32: a double feature is narrowed before it is compared.
  bool float32_features = false;
  /// (-1, 0) is cut to category 0, as a C conversion does; else negative values belong to no category.
  bool cut_negative_to_zero = false;

  /// Types that the file itself prescribes (conifer); absent where the user chooses. Features floor to
  /// theirs.
  std::optional<network::Type> feature_type;
  std::optional<network::Type> leaf_type;  // leaves floor to it and wrap; the sum wraps

  std::vector<std::string> notes;  // for the import report
};

/// Ensemble to network. Without a feature type the input is encoded by rank among the thresholds, which is
/// exact for every float; with one, features are its integers and thresholds move to them exactly.
/// Leaves are summed exactly, or, given `score_type`, each is rounded to it once, half to even.
/// Throws Error naming the tree when neither is possible.
network::Network lower(const Ensemble& ensemble, std::optional<network::Type> feature_type,
                       std::optional<network::Type> score_type);

}  // namespace crible::importers::trees
