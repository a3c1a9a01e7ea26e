#include "tools/quantize_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"

namespace crible::tools {

using nlohmann::ordered_json;

namespace {

ColumnAuc column_auc(const std::vector<double>& real, const std::vector<double>& integer, std::size_t columns,
                     std::size_t column, const std::vector<bool>& is_signal, const std::string& name) {
  const auto scores = [&](const std::vector<double>& all) {
    std::vector<double> list;
    for (std::size_t i = column; i < all.size(); i += columns) list.push_back(all[i]);
    return list;
  };
  const auto float_auc = quantize::area_under_curve(scores(real), is_signal);
  const auto integer_auc = quantize::area_under_curve(scores(integer), is_signal);
  if (!float_auc || !integer_auc) return {name, -1, -1};
  return {name, *float_auc, *integer_auc};
}

void print_histogram(const quantize::Difference& difference) {
  constexpr std::size_t bar_width = 50;
  const std::size_t most = *std::max_element(difference.histogram.begin(), difference.histogram.end());
  const auto bins = static_cast<double>(difference.histogram.size());
  for (std::size_t i = 0; i < difference.histogram.size(); ++i) {
    const double centre =
        difference.low + (difference.high - difference.low) * (static_cast<double>(i) + 0.5) / bins;
    const std::size_t count = difference.histogram[i];
    // A bin with anything in it shows.
    const std::size_t length = count == 0 ? 0 : std::max<std::size_t>(1, count * bar_width / most);
    fmt::print("  {:>11.4g} {:>9} {}\n", centre, count, std::string(length, '#'));
  }
}

}  // namespace

std::vector<ColumnAuc> compare_aucs(const std::vector<double>& real, const std::vector<double>& integer,
                                    std::size_t columns, const std::vector<std::int64_t>& labels,
                                    const std::string& output) {
  std::vector<ColumnAuc> result;
  for (const std::int64_t label : labels) {
    if (label < 0 || (columns > 1 && label >= static_cast<std::int64_t>(columns)))
      throw Error("label " + std::to_string(label) + " has no column in output '" + output + "' of " +
                  std::to_string(columns) + "; labels count the classes from 0");
  }
  for (std::size_t column = 0; column < columns; ++column) {
    std::vector<bool> is_signal;
    for (const std::int64_t label : labels)
      is_signal.push_back(columns == 1 ? label != 0 : label == static_cast<std::int64_t>(column));
    const std::string name = columns == 1 ? "label 0 against the others" : "class " + std::to_string(column);
    const ColumnAuc auc = column_auc(real, integer, columns, column, is_signal, name);
    if (auc.real >= 0) result.push_back(auc);
  }
  return result;
}

void print_layers(const std::vector<quantize::LayerReport>& layers) {
  fmt::print("{:<26} {:<13} {:>7} {:>9} {:>12} {:>12}\n", "layer", "kind", "weights", "rounded to",
             "smallest", "largest");
  for (const quantize::LayerReport& layer : layers) {
    fmt::print("{:<26} {:<13} {:>7} {:>10} {:>12.5g} {:>12.5g}\n", layer.name, layer.kind,
               layer.weight_bits == 0 ? "" : std::to_string(layer.weight_bits) + " bits",
               layer.rounded ? network::to_string(layer.type) : "", layer.low, layer.high);
  }
}

void print_cost(const OutputCost& cost) {
  const quantize::Difference& d = cost.difference;
  fmt::print("\noutput '{}' against the float model, {} held-back values of standard deviation {:.4g}:\n",
             cost.name, d.count, d.deviation);
  fmt::print("  error: max {:.4g}, mean {:.4g}, rms {:.4g}\n", d.largest, d.mean, d.rms);
  if (cost.same_class) fmt::print("  same largest class in {:.2f} % of the events\n", 100 * *cost.same_class);
  for (const ColumnAuc& auc : cost.aucs)
    fmt::print("  AUC, {}: float {:.4f}, integer {:.4f} ({:+.4f})\n", auc.name, auc.real, auc.integer,
               auc.integer - auc.real);
  fmt::print("  {:>11} {:>9}\n", "difference", "values");
  print_histogram(d);
}

ordered_json describe(const quantize::LayerReport& layer) {
  ordered_json json{
      {"name", layer.name}, {"kind", layer.kind}, {"smallest", layer.low}, {"largest", layer.high}};
  if (layer.weight_bits > 0) json["weight_bits"] = layer.weight_bits;
  if (layer.rounded) json["type"] = network::to_string(layer.type);
  return json;
}

ordered_json describe(const OutputCost& cost) {
  const quantize::Difference& d = cost.difference;
  ordered_json json{{"name", cost.name},
                    {"values", d.count},
                    {"standard_deviation", d.deviation},
                    {"error", {{"max", d.largest}, {"mean", d.mean}, {"rms", d.rms}}},
                    {"histogram", {{"low", d.low}, {"high", d.high}, {"counts", d.histogram}}}};
  if (cost.same_class) json["same_class"] = *cost.same_class;
  ordered_json aucs = ordered_json::array();
  for (const ColumnAuc& auc : cost.aucs)
    aucs.push_back({{"column", auc.name}, {"float", auc.real}, {"integer", auc.integer}});
  if (!cost.aucs.empty()) json["auc"] = aucs;
  return json;
}

}  // namespace crible::tools
