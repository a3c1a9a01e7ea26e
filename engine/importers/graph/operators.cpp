#include "engine/importers/graph/operators.hpp"

#include <algorithm>

namespace crible::importers::graph {

namespace {

std::vector<OperatorEntry> collect() {
  std::vector<OperatorEntry> all;
  for (const auto table :
       {quantizer_operators, linear_operators, qlinear_operators, elementwise_operators, layout_operators,
        shape_operators, pool_operators, reduce_operators, recurrent_operators, compare_operators}) {
    const auto entries = table();
    all.insert(all.end(), entries.begin(), entries.end());
  }
  return all;
}

}  // namespace

std::string_view domain_family(const std::string& domain) {
  for (const std::string_view qonnx : {"qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas",
                                       "qonnx.custom_op.channels_last"}) {
    if (domain == qonnx) return "qonnx";
  }
  return domain;
}

const OperatorEntry* find_operator(const std::string& domain, const std::string& kind) {
  static const std::vector<OperatorEntry> all = collect();
  const std::string_view family = domain_family(domain);
  const auto matches = [&](const OperatorEntry& entry) {
    // QONNX's operators are also found in the default domain.
    return entry.kind == kind && (entry.domain == family || (entry.domain == "qonnx" && family.empty()));
  };
  const auto found = std::find_if(all.begin(), all.end(), matches);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace crible::importers::graph
