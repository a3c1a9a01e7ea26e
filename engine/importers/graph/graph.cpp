#include "engine/importers/graph/graph.hpp"

#include <algorithm>
#include <set>

#include "engine/base/error.hpp"
#include "engine/importers/graph/translation.hpp"

namespace crible::importers::graph {

namespace {

/// Operators that no output depends on are left alone: exporters leave them behind.
void remove_unused(Model& model) {
  std::set<std::string> needed;
  for (const Declaration& output : model.outputs) needed.insert(output.name);
  std::vector<Operator> used;
  for (auto op = model.operators.rbegin(); op != model.operators.rend(); ++op) {
    const bool is_used = std::any_of(op->outputs.begin(), op->outputs.end(), [&](const std::string& name) {
      return !name.empty() && needed.contains(name);
    });
    if (!is_used) continue;
    needed.insert(op->inputs.begin(), op->inputs.end());
    used.push_back(std::move(*op));
  }
  std::reverse(used.begin(), used.end());
  model.operators = std::move(used);
}

std::string format_of(const Model& model) {
  bool qonnx = false;
  bool qdq = false;
  bool qlinear = false;
  for (const Operator& op : model.operators) {
    const std::string& kind = op.kind;
    qonnx =
        qonnx || kind == "Quant" || kind == "IntQuant" || kind == "BipolarQuant" || kind == "MultiThreshold";
    qdq = qdq || kind == "QuantizeLinear" || kind == "DequantizeLinear";
    qlinear = qlinear || kind.starts_with("QLinear") || kind == "QGemm" || kind.ends_with("Integer");
  }
  if (qonnx) return "QONNX";
  if (qlinear) return "ONNX with QLinear operators";
  if (qdq) return "ONNX with QuantizeLinear and DequantizeLinear";
  return "ONNX";
}

}  // namespace

ImportResult import_onnx(std::string_view bytes, const std::string& source, const std::string& name,
                         const ImportOptions& options) {
  Model model = read_model(bytes, source);
  remove_unused(model);
  model.name = name;
  const std::string format = format_of(model);
  try {
    ImportResult result = Translation(model, options, source).run();
    result.report.format = format;
    return result;
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.starts_with(source)) throw;
    throw Error(source + ": " + what, error.fault());
  }
}

}  // namespace crible::importers::graph
