#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/quantize/compare.hpp"
#include "engine/quantize/quantize.hpp"

/// What `crible quantize` tells: the layers, and what each output costs.
namespace crible::tools {

/// Float and integer AUC of one column of an output.
struct ColumnAuc {
  std::string name;
  double real = 0;
  double integer = 0;
};

struct OutputCost {
  std::string name;
  std::size_t columns = 1;
  quantize::Difference difference;
  std::optional<double> same_class;  // outputs of several columns: fraction of events with the same largest
  std::vector<ColumnAuc> aucs;       // with labels
};

/// One column: labels other than 0 are signal. Several: each column against the others, by its index.
/// Throws Error when a label has no column.
std::vector<ColumnAuc> compare_aucs(const std::vector<double>& real, const std::vector<double>& integer,
                                    std::size_t columns, const std::vector<std::int64_t>& labels,
                                    const std::string& output);

void print_layers(const std::vector<quantize::LayerReport>& layers);
void print_cost(const OutputCost& cost);

nlohmann::ordered_json describe(const quantize::LayerReport& layer);
nlohmann::ordered_json describe(const OutputCost& cost);

}  // namespace crible::tools
