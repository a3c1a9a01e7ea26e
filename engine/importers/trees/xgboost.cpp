#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/base/error.hpp"
#include "engine/importers/trees/readers.hpp"

namespace crible::importers::trees {
namespace {

using nlohmann::json;

/// How an objective turns base_score into a margin; XGBoost does it in float32.
enum class BaseScore { margin, logit, logarithm };

struct Objective {
  const char* name;
  BaseScore base_score;
};

constexpr std::array objectives{
    Objective{"binary:logistic", BaseScore::logit},
    Objective{"binary:logitraw", BaseScore::logit},
    Objective{"reg:logistic", BaseScore::logit},
    Objective{"count:poisson", BaseScore::logarithm},
    Objective{"reg:gamma", BaseScore::logarithm},
    Objective{"reg:tweedie", BaseScore::logarithm},
    Objective{"survival:cox", BaseScore::logarithm},
    Objective{"multi:softmax", BaseScore::margin},
    Objective{"multi:softprob", BaseScore::margin},
    Objective{"reg:squarederror", BaseScore::margin},
    Objective{"reg:absoluteerror", BaseScore::margin},
    Objective{"reg:squaredlogerror", BaseScore::margin},
    Objective{"reg:pseudohubererror", BaseScore::margin},
    Objective{"reg:quantileerror", BaseScore::margin},
    Objective{"binary:hinge", BaseScore::margin},
    Objective{"rank:pairwise", BaseScore::margin},
    Objective{"rank:ndcg", BaseScore::margin},
    Objective{"rank:map", BaseScore::margin},
};

BaseScore base_score_of(const std::string& objective, const std::string& source) {
  for (const Objective& known : objectives) {
    if (objective == known.name) return known.base_score;
  }
  throw Error(source + ": objective '" + objective +
              "' is not one whose base score crible knows; train with a built-in objective");
}

double margin_of(float score, BaseScore kind, const std::string& source) {
  const bool valid = kind == BaseScore::margin || (score > 0 && (kind == BaseScore::logarithm || score < 1));
  if (!valid) throw Error(source + ": base_score " + std::to_string(score) + " does not fit the objective");
  switch (kind) {
    case BaseScore::margin:
      return score;
    case BaseScore::logit:
      return -std::log(1.0F / score - 1.0F);
    case BaseScore::logarithm:
      return std::log(score);
  }
  return score;
}

/// XGBoost writes parameters as strings, and base_score as "5E-1", "[5E-1]" or "[1E-1,2E-1]".
std::vector<float> numbers_in(std::string text) {
  for (char& c : text) {
    if (c == '[' || c == ']' || c == ',') c = ' ';
  }
  std::istringstream stream(text);
  std::vector<float> result;
  for (float value = 0; stream >> value;) result.push_back(value);
  return result;
}

int integer_parameter(const json& parameters, const char* key) {
  return std::stoi(parameters.at(key).get<std::string>());
}

/// JSON holds float32 values in decimal.
double float32(const json& value) {
  return static_cast<double>(static_cast<float>(value.get<double>()));
}

bool is_true(const json& flag) {
  return flag.is_boolean() ? flag.get<bool>() : flag.get<int>() != 0;
}

std::vector<std::int64_t> categories_of(const json& tree, int node) {
  const json& nodes = tree.at("categories_nodes");
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    if (nodes[k].get<int>() != node) continue;
    const auto first = tree.at("categories_segments").at(k).get<std::size_t>();
    const auto count = tree.at("categories_sizes").at(k).get<std::size_t>();
    std::vector<std::int64_t> result;
    for (std::size_t i = first; i < first + count; ++i) {
      result.push_back(tree.at("categories").at(i).get<std::int64_t>());
    }
    return result;
  }
  return {};
}

RealTree read_tree(const json& tree, double weight, const std::string& where) {
  if (const auto& parameters = tree.at("tree_param");
      parameters.contains("size_leaf_vector") && integer_parameter(parameters, "size_leaf_vector") > 1) {
    throw Error(where + " has vector leaves; train with multi_strategy one_output_per_tree");
  }
  const json& left = tree.at("left_children");
  const json& right = tree.at("right_children");
  const json& value = tree.at("split_conditions");
  std::vector<int> index(left.size());  // node of the file -> split, or ~leaf
  RealTree result;
  int splits = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].get<int>() < 0) {
      index[i] = ~static_cast<int>(result.leaves.size());
      result.leaves.push_back(float32(value.at(i)) * weight);
    } else {
      index[i] = splits++;
    }
  }
  const auto child = [&](const json& node) {
    const auto i = node.get<std::size_t>();
    if (i >= index.size()) throw Error(where + " has a child that does not exist; the file is damaged");
    return index[i];
  };
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (index[i] < 0) continue;
    Split split;
    split.feature = tree.at("split_indices").at(i).get<int>();
    split.left = child(left[i]);
    split.right = child(right.at(i));
    split.missing_left = is_true(tree.at("default_left").at(i));
    const bool categorical = tree.contains("split_type") && tree["split_type"].at(i).get<int>() == 1;
    if (categorical) {  // XGBoost sends members of the set to the right
      split.kind = SplitKind::member;
      split.categories = categories_of(tree, static_cast<int>(i));
      std::swap(split.left, split.right);
      split.missing_left = !split.missing_left;
    } else {
      split.kind = SplitKind::less;
      split.threshold = float32(value.at(i));
    }
    result.splits.push_back(std::move(split));
  }
  return result;
}

Ensemble read(const json& file, const std::string& source) {
  const json& learner = file.at("learner");
  const json& parameters = learner.at("learner_model_param");
  const std::string objective = learner.at("objective").at("name").get<std::string>();
  const json& booster = learner.at("gradient_booster");
  const std::string booster_name = booster.at("name").get<std::string>();
  if (booster_name != "gbtree" && booster_name != "dart") {
    throw Error(source + ": booster '" + booster_name + "' has no trees; train with gbtree or dart");
  }

  Ensemble result;
  result.name = "xgboost";
  result.source = source;
  result.features = integer_parameter(parameters, "num_feature");
  result.float32_features = true;
  if (parameters.contains("num_target") && integer_parameter(parameters, "num_target") > 1) {
    throw Error(source + ": the model has several targets; train one model for each");
  }
  result.outputs = std::max(1, integer_parameter(parameters, "num_class"));

  const BaseScore kind = base_score_of(objective, source);
  const std::vector<float> scores = numbers_in(parameters.at("base_score").get<std::string>());
  if (scores.size() != 1 && scores.size() != static_cast<std::size_t>(result.outputs)) {
    throw Error(source + ": base_score has " + std::to_string(scores.size()) + " values for " +
                std::to_string(result.outputs) + " outputs; the file is damaged");
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(result.outputs); ++i) {
    result.bias.push_back(margin_of(scores.size() == 1 ? scores[0] : scores[i], kind, source));
  }

  const bool dart = booster_name == "dart";
  const json& model = dart ? booster.at("gbtree").at("model") : booster.at("model");
  const json& trees = model.at("trees");
  for (std::size_t i = 0; i < trees.size(); ++i) {
    const double weight = dart ? float32(booster.at("weight_drop").at(i)) : 1.0;
    RealTree tree = read_tree(trees[i], weight, source + ": tree " + std::to_string(i));
    tree.output = model.at("tree_info").at(i).get<int>();
    result.trees.push_back(std::move(tree));
  }
  result.notes.push_back("the outputs are the margins of objective " + objective + ", base score included");
  return result;
}

}  // namespace

Ensemble read_xgboost(std::string_view text, const std::string& source) {
  try {
    Ensemble result = read(json::parse(text), source);
    check(result);
    return result;
  } catch (const json::exception& error) {
    throw Error(source + ": not an XGBoost JSON model that crible can read (" + error.what() +
                "); save it again with Booster.save_model(\"model.json\")");
  } catch (const std::logic_error& error) {  // std::stoi
    throw Error(source + ": a parameter of the XGBoost model is not a number; the file is damaged");
  }
}

}  // namespace crible::importers::trees
