#include <onnx.pb.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "engine/base/error.hpp"
#include "engine/importers/trees/readers.hpp"

namespace crible::importers::trees {
namespace {

/// A branch mode of ONNX-ML, as a split whose children may change places.
struct BranchMode {
  const char* name;
  SplitKind kind;
  bool swapped;  // the true branch is the right one
};

constexpr std::array branch_modes{
    BranchMode{"BRANCH_LEQ", SplitKind::less_equal, false},
    BranchMode{"BRANCH_LT", SplitKind::less, false},
    BranchMode{"BRANCH_GT", SplitKind::less_equal, true},
    BranchMode{"BRANCH_GTE", SplitKind::less, true},
};

/// The attributes of a tree ensemble node, by name.
class Attributes {
 public:
  Attributes(const onnx::NodeProto& node, std::string where) : where_(std::move(where)) {
    for (const onnx::AttributeProto& attribute : node.attribute()) by_name_[attribute.name()] = &attribute;
  }

  const std::string& where() const { return where_; }
  bool has(const std::string& name) const { return by_name_.contains(name); }

  std::vector<std::int64_t> integers(const std::string& name) const {
    const onnx::AttributeProto& attribute = get(name);
    return {attribute.ints().begin(), attribute.ints().end()};
  }

  std::vector<std::string> strings(const std::string& name) const {
    const onnx::AttributeProto& attribute = get(name);
    return {attribute.strings().begin(), attribute.strings().end()};
  }

  std::string string(const std::string& name, const std::string& otherwise) const {
    return has(name) ? get(name).s() : otherwise;
  }

  /// Floats, or the doubles of `name`_as_tensor that newer files have instead.
  std::vector<double> reals(const std::string& name) const {
    if (has(name)) return {get(name).floats().begin(), get(name).floats().end()};
    const onnx::TensorProto& tensor = get(name + "_as_tensor").t();
    if (tensor.data_type() != onnx::TensorProto::DOUBLE) {
      throw Error(where_ + ": attribute " + name +
                  "_as_tensor is not of doubles; export it as float or double");
    }
    if (tensor.raw_data().empty()) return {tensor.double_data().begin(), tensor.double_data().end()};
    std::vector<double> result(tensor.raw_data().size() / sizeof(double));
    std::copy_n(tensor.raw_data().data(), result.size() * sizeof(double),
                reinterpret_cast<char*>(result.data()));
    return result;
  }

  bool has_reals(const std::string& name) const { return has(name) || has(name + "_as_tensor"); }

 private:
  const onnx::AttributeProto& get(const std::string& name) const {
    const auto found = by_name_.find(name);
    if (found == by_name_.end())
      throw Error(where_ + ": attribute '" + name + "' is missing; export the model again");
    return *found->second;
  }

  std::string where_;
  std::map<std::string, const onnx::AttributeProto*> by_name_;
};

/// (tree id, node id) as the file numbers them.
using NodeKey = std::pair<std::int64_t, std::int64_t>;

struct LeafWeight {
  std::int64_t output;
  double weight;
};

/// The flat node lists of one operator, gathered by tree.
class OnnxForest {
 public:
  OnnxForest(const Attributes& attributes, const std::string& target)
      : attributes_(attributes),
        trees_(attributes.integers("nodes_treeids")),
        nodes_(attributes.integers("nodes_nodeids")),
        features_(attributes.integers("nodes_featureids")),
        modes_(attributes.strings("nodes_modes")),
        values_(attributes.reals("nodes_values")),
        true_nodes_(attributes.integers("nodes_truenodeids")),
        false_nodes_(attributes.integers("nodes_falsenodeids")) {
    if (attributes.has("nodes_missing_value_tracks_true")) {
      missing_true_ = attributes.integers("nodes_missing_value_tracks_true");
    }
    missing_true_.resize(nodes_.size(), 0);
    for (const std::size_t size : {trees_.size(), features_.size(), modes_.size(), values_.size(),
                                   true_nodes_.size(), false_nodes_.size(), missing_true_.size()}) {
      if (size != nodes_.size()) throw Error(attributes.where() + ": the lists of nodes differ in length");
    }
    read_leaf_weights(target);
    for (std::size_t i = 0; i < nodes_.size(); ++i) members_[trees_[i]].push_back(i);
  }

  std::set<std::int64_t> outputs() const {
    std::set<std::int64_t> result;
    for (const auto& [key, weights] : weights_) {
      for (const LeafWeight& weight : weights) result.insert(weight.output);
    }
    return result;
  }

  std::int64_t largest_feature() const {
    std::int64_t result = 0;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (modes_[i] != "LEAF") result = std::max(result, features_[i]);
    }
    return result;
  }

  /// One tree for each output that a tree's leaves add to.
  std::vector<RealTree> trees(const std::map<std::int64_t, int>& output_index) const {
    std::vector<RealTree> result;
    for (const auto& [tree, members] : members_) {
      std::set<std::int64_t> targets;
      for (const std::size_t i : members) {
        const auto found = weights_.find({tree, nodes_[i]});
        if (found == weights_.end()) continue;
        for (const LeafWeight& weight : found->second) targets.insert(weight.output);
      }
      for (const std::int64_t target : targets) {
        result.push_back(one_tree(tree, members, target));
        result.back().output = output_index.at(target);
      }
    }
    return result;
  }

 private:
  void read_leaf_weights(const std::string& target) {
    const auto trees = attributes_.integers(target + "_treeids");
    const auto nodes = attributes_.integers(target + "_nodeids");
    const auto outputs = attributes_.integers(target + "_ids");
    const auto weights = attributes_.reals(target + "_weights");
    if (nodes.size() != trees.size() || outputs.size() != trees.size() || weights.size() != trees.size()) {
      throw Error(attributes_.where() +
                  ": the lists of leaf weights differ in length; export the model again");
    }
    for (std::size_t i = 0; i < trees.size(); ++i) {
      weights_[{trees[i], nodes[i]}].push_back({outputs[i], weights[i]});
    }
  }

  RealTree one_tree(std::int64_t tree, const std::vector<std::size_t>& members, std::int64_t target) const {
    RealTree result;
    std::map<std::int64_t, int> index;  // node id of the file -> split, or ~leaf
    int splits = 0;
    for (const std::size_t i : members) {
      if (modes_[i] != "LEAF") {
        index[nodes_[i]] = splits++;
        continue;
      }
      index[nodes_[i]] = ~static_cast<int>(result.leaves.size());
      double leaf = 0;
      if (const auto found = weights_.find({tree, nodes_[i]}); found != weights_.end()) {
        for (const LeafWeight& weight : found->second) leaf += weight.output == target ? weight.weight : 0;
      }
      result.leaves.push_back(leaf);
    }
    for (const std::size_t i : members) {
      if (modes_[i] != "LEAF") result.splits.push_back(split(tree, i, index));
    }
    return result;
  }

  Split split(std::int64_t tree, std::size_t i, const std::map<std::int64_t, int>& index) const {
    const std::string where = attributes_.where() + ": tree " + std::to_string(tree);
    const auto mode = std::find_if(branch_modes.begin(), branch_modes.end(),
                                   [&](const BranchMode& known) { return modes_[i] == known.name; });
    if (mode == branch_modes.end()) {
      throw Error(where + " has mode '" + modes_[i] + "'; crible takes BRANCH_LT, LEQ, GT and GTE");
    }
    const auto child = [&](std::int64_t node) {
      const auto found = index.find(node);
      if (found == index.end())
        throw Error(where + " has a child that does not exist; export the model again");
      return found->second;
    };
    Split result;
    result.feature = static_cast<int>(std::clamp<std::int64_t>(features_[i], -1, 1 << 30));
    result.kind = mode->kind;
    result.threshold = values_[i];
    result.left = child(true_nodes_[i]);
    result.right = child(false_nodes_[i]);
    result.missing_left = missing_true_[i] != 0;
    if (mode->swapped) {
      std::swap(result.left, result.right);
      result.missing_left = !result.missing_left;
    }
    return result;
  }

  const Attributes& attributes_;
  std::vector<std::int64_t> trees_, nodes_, features_;
  std::vector<std::string> modes_;
  std::vector<double> values_;
  std::vector<std::int64_t> true_nodes_, false_nodes_, missing_true_;
  std::map<NodeKey, std::vector<LeafWeight>> weights_;
  std::map<std::int64_t, std::vector<std::size_t>> members_;
};

const onnx::NodeProto& only_ensemble(const onnx::ModelProto& model, const std::string& source) {
  const onnx::NodeProto* found = nullptr;
  for (const onnx::NodeProto& node : model.graph().node()) {
    if (node.op_type() == "TreeEnsemble") {
      throw Error(source + ": node " + node.name() +
                  " is TreeEnsemble of ai.onnx.ml 5; export it for ai.onnx.ml 3");
    }
    const bool is_ensemble =
        node.op_type() == "TreeEnsembleRegressor" || node.op_type() == "TreeEnsembleClassifier";
    if (is_ensemble && found != nullptr)
      throw Error(source + ": the graph has several tree ensembles; export each alone");
    if (is_ensemble) found = &node;
    static const std::set<std::string> harmless{"ZipMap", "Cast", "Identity"};
    if (!is_ensemble && !harmless.contains(node.op_type())) {
      throw Error(source + ": node " + node.name() + " (" + node.op_type() +
                  ") stands beside a tree ensemble; export the trees alone");
    }
  }
  if (found == nullptr) throw Error(source + ": the graph has no tree ensemble");
  return *found;
}

int feature_count(const onnx::ModelProto& model, const OnnxForest& forest) {
  const std::int64_t needed = forest.largest_feature() + 1;
  std::int64_t declared = 0;
  if (model.graph().input_size() > 0) {
    const auto& shape = model.graph().input(0).type().tensor_type().shape();
    if (shape.dim_size() == 2) declared = shape.dim(1).dim_value();
  }
  return static_cast<int>(std::clamp<std::int64_t>(std::max(needed, declared), 1, 1 << 30));
}

}  // namespace

Ensemble read_onnx_ml(const onnx::ModelProto& model, const std::string& source) {
  const onnx::NodeProto& node = only_ensemble(model, source);
  const Attributes attributes(node,
                              source + ": node " + (node.name().empty() ? node.op_type() : node.name()));
  if (const std::string sum = attributes.string("aggregate_function", "SUM"); sum != "SUM") {
    throw Error(attributes.where() + ": aggregate_function " + sum +
                " is not a sum of leaves; only SUM is exact");
  }
  const bool classifier = node.op_type() == "TreeEnsembleClassifier";
  const OnnxForest forest(attributes, classifier ? "class" : "target");

  Ensemble result;
  result.name = "onnx_trees";
  result.source = source;
  result.features = feature_count(model, forest);
  result.float32_features = attributes.has("nodes_values");
  // A binary classifier writes one score, under either class; otherwise every class has its own.
  const std::set<std::int64_t> outputs = forest.outputs();
  const bool one_score = classifier && outputs.size() == 1;
  std::map<std::int64_t, int> output_index;
  for (const std::int64_t output : outputs) {
    if (output < 0 || output >= (1 << 16)) throw Error(attributes.where() + ": output index out of range");
    output_index[output] = one_score ? 0 : static_cast<int>(output);
  }
  result.outputs = one_score || outputs.empty() ? 1 : static_cast<int>(*outputs.rbegin()) + 1;
  if (attributes.has_reals("base_values")) result.bias = attributes.reals("base_values");
  if (!one_score && result.bias.size() > static_cast<std::size_t>(result.outputs) &&
      result.bias.size() < (1U << 16)) {
    result.outputs = static_cast<int>(result.bias.size());
  }
  if (result.bias.empty()) result.bias.assign(static_cast<std::size_t>(result.outputs), 0.0);
  result.trees = forest.trees(output_index);
  if (const std::string transform = attributes.string("post_transform", "NONE"); transform != "NONE") {
    result.notes.push_back("the outputs are the scores before " + transform);
  }
  check(result);
  return result;
}

}  // namespace crible::importers::trees
