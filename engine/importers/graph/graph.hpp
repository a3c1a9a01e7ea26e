#pragma once

#include <string>
#include <string_view>

#include "engine/importers/import.hpp"

namespace crible::importers::graph {

/// An ONNX model (QONNX, QDQ, QLinear...) of neural-network operators. `source` names the file in messages,
/// `name` becomes the network's.
ImportResult import_onnx(std::string_view bytes, const std::string& source, const std::string& name,
                         const ImportOptions& options);

}  // namespace crible::importers::graph
