#include "engine/importers/trees/ensemble.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/importers/trees/readers.hpp"

namespace crible::importers::trees {
namespace {

constexpr int feature_limit = 1 << 20;
constexpr std::int64_t category_limit = 1 << 24;  // float32 holds every integer below

void check_child(int child, const RealTree& tree, const std::string& where) {
  const bool is_split = child >= 0;
  const std::size_t index = static_cast<std::size_t>(is_split ? child : ~child);
  if (index >= (is_split ? tree.splits.size() : tree.leaves.size())) {
    throw Error(where + " has a child " + std::to_string(child) +
                " that does not exist; the file is damaged");
  }
}

void check_split(const Split& split, const RealTree& tree, int features, const std::string& where) {
  if (split.feature < 0 || split.feature >= features) {
    throw Error(where + " splits on feature " + std::to_string(split.feature) + " of " +
                std::to_string(features) + "; the file is damaged");
  }
  if (!std::isfinite(split.threshold)) {
    throw Error(where + " has a threshold that is not a finite number; retrain without infinite features");
  }
  if (!std::is_sorted(split.categories.begin(), split.categories.end()) ||
      (!split.categories.empty() &&
       (split.categories.front() < 0 || split.categories.back() >= category_limit))) {
    throw Error(where + " has categories out of order or outside 0 to 16777215; the file is damaged");
  }
  check_child(split.left, tree, where);
  check_child(split.right, tree, where);
}

}  // namespace

void check(const Ensemble& ensemble) {
  if (ensemble.features < 1 || ensemble.features > feature_limit) {
    throw Error(ensemble.source + ": the model has " + std::to_string(ensemble.features) +
                " features; crible takes 1 to " + std::to_string(feature_limit));
  }
  if (ensemble.outputs < 1 || ensemble.bias.size() != static_cast<std::size_t>(ensemble.outputs)) {
    throw Error(ensemble.source + ": the model has " + std::to_string(ensemble.bias.size()) +
                " base scores for " + std::to_string(ensemble.outputs) + " outputs; the file is damaged");
  }
  for (std::size_t i = 0; i < ensemble.trees.size(); ++i) {
    const RealTree& tree = ensemble.trees[i];
    const std::string where = ensemble.source + ": tree " + std::to_string(i);
    if (tree.output < 0 || tree.output >= ensemble.outputs) {
      throw Error(where + " adds to output " + std::to_string(tree.output) + " of " +
                  std::to_string(ensemble.outputs) + "; the file is damaged");
    }
    if (tree.leaves.empty()) throw Error(where + " has no leaf; the file is damaged");
    for (const double leaf : tree.leaves) {
      if (!std::isfinite(leaf)) throw Error(where + " has a leaf that is not a finite number; retrain it");
    }
    for (const Split& split : tree.splits) check_split(split, tree, ensemble.features, where);
  }
}

}  // namespace crible::importers::trees
