#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/importers/trees/encode.hpp"
#include "engine/importers/trees/readers.hpp"

namespace crible::importers::trees {
namespace {

using nlohmann::json;

/// "ap_fixed<16,6>", "ap_ufixed<8,0>", "ap_int<12>": a type in the default modes, truncate and wrap.
/// Empty for float and double.
std::optional<network::Type> precision(const std::string& text, const std::string& key,
                                       const std::string& source) {
  if (text == "float" || text == "double") return std::nullopt;
  const auto refuse = [&](const std::string& why) {
    return Error(source + ": " + key + " '" + text + "' " + why);
  };
  const std::size_t open = text.find('<');
  const std::string kind = text.substr(0, open);
  const bool integral = kind == "ap_int" || kind == "ap_uint";
  if (open == text.npos || text.back() != '>' || (!integral && kind != "ap_fixed" && kind != "ap_ufixed")) {
    throw refuse("is not a type that crible knows; use ap_fixed<W,I>, ap_int<W>, float or double");
  }
  int numbers[2] = {0, 0};
  const char* at = text.data() + open + 1;
  const char* const end = text.data() + text.size() - 1;
  for (int i = 0; i < (integral ? 1 : 2); ++i) {
    while (at != end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc{}) throw refuse("is not a type that crible knows; use ap_fixed<W,I>");
    at = next;
    if (!integral && i == 0 && at != end && *at == ',') ++at;
  }
  if (at != end)
    throw refuse("has a rounding or overflow mode; crible takes conifer's default, truncate and wrap");
  const int width = numbers[0];
  if (width < 1 || width > 32) throw refuse("is not 1 to 32 bits wide");
  return network::Type{.is_signed = kind == "ap_int" || kind == "ap_fixed",
                       .width = width,
                       .fraction = integral ? 0 : width - numbers[1]};
}

/// The first of several spellings that the configuration has; older files write CamelCase.
std::string setting(const json& config, std::initializer_list<const char*> keys,
                    const std::string& otherwise) {
  for (const char* key : keys) {
    if (config.contains(key) && config[key].is_string()) return config[key].get<std::string>();
  }
  return otherwise;
}

double quantized(double value, const std::optional<network::Type>& type) {
  return type ? std::ldexp(static_cast<double>(wrapped_floor(value, *type)), -type->fraction) : value;
}

/// An oblique split weighs several features; an ordinary one has a single weight of one.
void refuse_oblique(const json& tree, std::size_t node, const std::string& where) {
  if (!tree.contains("weight") || !tree["weight"].is_array() || node >= tree["weight"].size()) return;
  int nonzero = 0;
  for (const json& weight : tree["weight"][node]) nonzero += weight.get<double>() != 0 ? 1 : 0;
  if (nonzero > 1) throw Error(where + " has an oblique split; train with axis-aligned splits");
}

RealTree read_tree(const json& tree, SplitKind kind, const std::optional<network::Type>& threshold_type,
                   const std::string& where) {
  const json& feature = tree.at("feature");
  std::vector<int> index(feature.size());
  RealTree result;
  int splits = 0;
  for (std::size_t i = 0; i < feature.size(); ++i) {
    if (feature[i].get<int>() < 0) {
      index[i] = ~static_cast<int>(result.leaves.size());
      result.leaves.push_back(tree.at("value").at(i).get<double>());
    } else {
      index[i] = splits++;
    }
  }
  const auto child = [&](const char* side, std::size_t node) {
    const auto i = tree.at(side).at(node).get<std::int64_t>();
    if (i < 0 || static_cast<std::size_t>(i) >= index.size()) {
      throw Error(where + " has a child that does not exist; the file is damaged");
    }
    return index[static_cast<std::size_t>(i)];
  };
  for (std::size_t i = 0; i < feature.size(); ++i) {
    if (index[i] < 0) continue;
    refuse_oblique(tree, i, where);
    Split split;
    split.feature = feature[i].get<int>();
    split.kind = kind;
    split.threshold = quantized(tree.at("threshold").at(i).get<double>(), threshold_type);
    split.left = child("children_left", i);
    split.right = child("children_right", i);
    result.splits.push_back(std::move(split));
  }
  return result;
}

SplitKind splitting_convention(const json& file, const std::string& source) {
  const std::string text = file.value("splitting_convention", "<=");
  if (text == "<=") return SplitKind::less_equal;
  if (text == "<") return SplitKind::less;
  throw Error(source + ": splitting_convention '" + text + "' is unknown; it is < or <=");
}

Ensemble read(const json& file, const std::string& source) {
  if (file.at("norm").get<double>() != 1) {
    throw Error(source + ": key 'norm' is " + file["norm"].dump() +
                "; crible sums leaves exactly, fold the norm into the leaves");
  }
  Ensemble result;
  result.name = "conifer";
  result.source = source;
  result.features = file.at("n_features").get<int>();
  const int classes = file.at("n_classes").get<int>();
  result.outputs = classes == 2 ? 1 : classes;

  const json config = file.value("config", json::object());
  const std::string common = setting(config, {"precision", "Precision"}, "float");
  const std::string input = setting(config, {"input_precision", "InputPrecision"}, common);
  const std::string threshold = setting(config, {"threshold_precision", "ThresholdPrecision"}, input);
  const std::string score = setting(config, {"score_precision", "ScorePrecision"}, common);
  result.feature_type = precision(input, "input_precision", source);
  const auto threshold_type = precision(threshold, "threshold_precision", source);
  result.leaf_type = precision(score, "score_precision", source);

  const SplitKind kind = splitting_convention(file, source);
  const json& rounds = file.at("trees");
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    for (std::size_t output = 0; output < rounds[i].size(); ++output) {
      RealTree tree =
          read_tree(rounds[i][output], kind, threshold_type, source + ": tree " + std::to_string(i));
      tree.output = static_cast<int>(output);
      result.trees.push_back(std::move(tree));
    }
  }
  const json& start = file.at("init_predict");
  for (const json& value : start) result.bias.push_back(value.get<double>());
  if (result.bias.size() == 1 && result.outputs > 1) {
    result.bias.assign(static_cast<std::size_t>(result.outputs), result.bias[0]);
  }
  if (result.feature_type) {
    result.notes.push_back("inputs beyond " + input + " saturate, where conifer's ap_fixed wraps");
  }
  return result;
}

}  // namespace

Ensemble read_conifer(std::string_view text, const std::string& source) {
  try {
    Ensemble result = read(json::parse(text), source);
    check(result);
    return result;
  } catch (const json::exception& error) {
    throw Error(source + ": not a conifer JSON model that crible can read (" + error.what() +
                "); save it again with model.save()");
  }
}

}  // namespace crible::importers::trees
