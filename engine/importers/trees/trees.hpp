#pragma once

#include <string>
#include <string_view>

#include "engine/importers/import.hpp"

namespace crible::importers::trees {

/// Whether the bytes are a tree ensemble of any kind, also one that is refused.
bool is_tree_file(std::string_view bytes);

/// XGBoost JSON, LightGBM text, conifer JSON or ONNX-ML. `source` names the file in messages.
ImportResult import_trees(std::string_view bytes, const std::string& source, const ImportOptions& options);

}  // namespace crible::importers::trees
