#pragma once

#include <string>
#include <string_view>

#include "engine/importers/trees/ensemble.hpp"

namespace onnx {
class ModelProto;
}

/// One reader for each library's file. `source` names the file in messages. All throw Error with the tree's
/// number and the reason when the file is damaged or says something that cannot be exact.
namespace crible::importers::trees {

/// XGBoost JSON (`save_model("x.json")`, version 1.0 and later): gbtree and dart, numeric and categorical.
Ensemble read_xgboost(std::string_view text, const std::string& source);

/// LightGBM text model (`save_model`, versions v2 to v4): gbdt, dart, goss; numeric and categorical.
Ensemble read_lightgbm(std::string_view text, const std::string& source);

/// conifer JSON, with and without `splitting_convention` (absent: <=), one precision or several.
Ensemble read_conifer(std::string_view text, const std::string& source);

/// ONNX-ML TreeEnsembleRegressor and TreeEnsembleClassifier, alone in their graph or followed by nothing
/// but the conversion of scores to labels and probabilities.
Ensemble read_onnx_ml(const onnx::ModelProto& model, const std::string& source);

/// Refuses an ensemble whose indices, thresholds or leaves no library could have written.
void check(const Ensemble& ensemble);

}  // namespace crible::importers::trees
