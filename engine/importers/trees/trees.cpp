#include "engine/importers/trees/trees.hpp"

#include <onnx.pb.h>

#include <algorithm>
#include <cctype>

#include "engine/base/error.hpp"
#include "engine/importers/trees/ensemble.hpp"
#include "engine/importers/trees/readers.hpp"

namespace crible::importers::trees {

namespace {

enum class Format { none, xgboost, xgboost_binary, lightgbm, conifer, onnx_ml };

bool contains(std::string_view bytes, std::string_view what) {
  return bytes.find(what) != std::string_view::npos;
}

bool is_json(std::string_view bytes) {
  const auto first =
      std::find_if(bytes.begin(), bytes.end(), [](unsigned char c) { return !std::isspace(c); });
  return first != bytes.end() && *first == '{';
}

/// The old binary format begins with the base score, a float of moderate size, or with a mark.
bool is_xgboost_binary(std::string_view bytes) {
  if (bytes.starts_with("binf") || bytes.starts_with("bs64")) return true;
  return bytes.size() > 64 && bytes[0] == 0 && bytes[1] == 0 && (bytes[3] == 0x3e || bytes[3] == 0x3f);
}

Format format_of(std::string_view bytes, ::onnx::ModelProto& model) {
  if (is_json(bytes)) {
    if (contains(bytes, "\"learner\"")) return Format::xgboost;
    if (contains(bytes, "\"trees\"") && contains(bytes, "\"n_features\"")) return Format::conifer;
    return Format::none;
  }
  if (bytes.starts_with("tree\n") || bytes.starts_with("tree\r\n")) return Format::lightgbm;
  if (is_xgboost_binary(bytes)) return Format::xgboost_binary;
  if (!contains(bytes, "TreeEnsemble") || !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Format::none;
  const auto& nodes = model.graph().node();
  const bool trees = std::any_of(nodes.begin(), nodes.end(), [](const auto& node) {
    return node.domain() == "ai.onnx.ml" && node.op_type().starts_with("TreeEnsemble");
  });
  return trees ? Format::onnx_ml : Format::none;
}

struct Read {
  Ensemble ensemble;
  const char* format;
};

Read read(std::string_view bytes, const std::string& source) {
  ::onnx::ModelProto model;
  switch (format_of(bytes, model)) {
    case Format::xgboost:
      return {read_xgboost(bytes, source), "XGBoost JSON"};
    case Format::lightgbm:
      return {read_lightgbm(bytes, source), "LightGBM text"};
    case Format::conifer:
      return {read_conifer(bytes, source), "conifer JSON"};
    case Format::onnx_ml:
      return {read_onnx_ml(model, source), "ONNX-ML trees"};
    case Format::xgboost_binary:
      throw Error(source +
                  ": an XGBoost binary model; save it again as JSON with Booster.save_model(\"model.json\")");
    case Format::none:
      break;
  }
  throw Error(source + ": not a tree ensemble", Fault::failure);
}

}  // namespace

bool is_tree_file(std::string_view bytes) {
  ::onnx::ModelProto model;
  return format_of(bytes, model) != Format::none;
}

ImportResult import_trees(std::string_view bytes, const std::string& source, const ImportOptions& options) {
  const Read file = read(bytes, source);
  std::optional<network::Type> feature_type;
  for (const auto& [name, input] : options.input_types) {
    if (!name.empty() && name != "features")
      throw Error(source + ": it has no input '" + name + "' to give a type to; its input is: features");
    if (input.step) throw Error(source + ": the features of trees take a type with a fraction, not a step");
    feature_type = input.type;
  }
  ImportResult result;
  result.network = lower(file.ensemble, feature_type, options.score_type);
  result.report.format = file.format;
  result.report.notes = file.ensemble.notes;
  result.report.outputs = {"score"};
  return result;
}

}  // namespace crible::importers::trees
