#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/codegen/render.hpp"
#include "engine/network/cost.hpp"
#include "engine/network/text.hpp"
#include "engine/network/verify.hpp"
#include "tools/commands/commands.hpp"
#include "tools/json_file.hpp"
#include "tools/network_file.hpp"

namespace crible::tools {

namespace {

constexpr const char* examples =
    "  crible inspect tagger.crn                types, proven ranges, operations and costs, node by node\n"
    "  crible inspect model.onnx                the same for a model, with what its import found\n"
    "  crible inspect tagger.crn --json tagger.json\n"
    "  crible inspect tagger.crn --emit opencl  the text of the kernel: opencl, cuda or host (C)\n"
    "  crible inspect tagger.crn --emit opencl --form block  as a processor runs it: block or single";

struct Options {
  std::string network;
  std::string json;
  std::string emit;
  std::string form;
};

const std::map<std::string, const codegen::Dialect*> dialects{
    {"opencl", &codegen::opencl_c}, {"cuda", &codegen::cuda_c}, {"host", &codegen::host_c}};

constexpr int tile_events = 32;

/// As the backends call them: a program's `path`, and what the graph and the persistent kernel run.
const std::map<std::string, codegen::Options> forms{
    {"item", {.form = codegen::Form::item}},
    {"group", {.form = codegen::Form::group}},
    {"tiles", {.form = codegen::Form::group, .events = tile_events}},
    {"block", {.form = codegen::Form::block}},
    {"single", {.form = codegen::Form::single}}};

/// What an option that chooses from `table` takes.
template <typename Value>
std::vector<std::string> words(const std::map<std::string, Value>& table) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : table) keys.push_back(key);
  return keys;
}

/// Without a form: that of a GPU for batches, where an event's tensors fit a work-item.
int emit(const network::Network& network, const codegen::Dialect& dialect, std::string form) {
  constexpr std::size_t private_bytes = 4 * 1024;
  const bool fits = codegen::fits_private(network, codegen::Form::item, private_bytes);
  if (form.empty()) form = fits ? "item" : "group";
  codegen::Options options = forms.at(form);
  options.packed_dots = &dialect == &codegen::cuda_c;
  std::fputs(codegen::render(network, dialect, options).text.c_str(), stdout);
  return 0;
}

/// "[-128, 127]": the proven smallest and largest over the elements.
std::string range_text(const network::Interval& range) {
  return "[" + std::to_string(range.low) + ", " + std::to_string(range.high) + "]";
}

/// Operations that round or map; all others are exact sums, products and rearrangements.
bool loses_bits(const network::Operation& operation) {
  return std::holds_alternative<network::Requantize>(operation) ||
         std::holds_alternative<network::Threshold>(operation) ||
         std::holds_alternative<network::Lookup>(operation);
}

int run_inspect(const Options& options) {
  const bool is_network = options.network.ends_with(".crn");
  importers::ImportResult imported;
  if (is_network) {
    imported.network = network::load(options.network);
  } else {
    imported = importers::import_model(options.network);
  }
  const network::Network& network = imported.network;
  if (!options.emit.empty()) {
    return emit(network, *dialects.at(options.emit), options.form);
  }
  const network::Ranges ranges = network::verify(network);

  print_summary(network);
  if (!is_network) print_report(imported.report);
  std::size_t rounding = 0;
  for (const network::Node& node : network.nodes) rounding += loses_bits(node.operation);
  std::printf(
      "%-11s no sum can overflow; only %zu of %zu nodes (requantize, threshold, lookup) drop bits\n\n",
      "proven", rounding, network.nodes.size());

  std::size_t name_width = 4;
  for (const network::Node& node : network.nodes) name_width = std::max(name_width, node.name.size());
  const int width = static_cast<int>(std::min<std::size_t>(name_width, 40));
  std::printf("%-*s %-13s %-8s %-16s %-26s %12s %12s\n", width, "node", "operation", "type", "shape", "range",
              "products", "parameters");
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const network::Node& node = network.nodes[i];
    const network::Interval range = network::hull(ranges[i]);
    const network::Cost cost = network::cost(network, node);
    std::printf("%-*s %-13s %-8s %-16s %-26s %12llu %12llu\n", width, node.name.c_str(),
                network::keyword(node.operation), network::to_string(node.type).c_str(),
                to_string(node.shape).c_str(), range_text(range).c_str(),
                static_cast<unsigned long long>(cost.multiply_accumulates),
                static_cast<unsigned long long>(cost.parameters));
    nodes.push_back({{"name", node.name},
                     {"operation", network::keyword(node.operation)},
                     {"type", network::to_string(node.type)},
                     {"shape", node.shape},
                     {"range", {range.low, range.high}},
                     {"multiply_accumulates", cost.multiply_accumulates},
                     {"operations", cost.operations},
                     {"parameters", cost.parameters}});
  }
  nlohmann::ordered_json json = describe(network);
  if (!is_network) json["import"] = describe(imported.report);
  json["node_list"] = nodes;
  write_json_file(options.json, json);
  return 0;
}

}  // namespace

void add_inspect(CommandLine& line) {
  auto options = std::make_shared<Options>();
  Command command = line.add("inspect", "Types, proven ranges, operations and costs of a network", examples,
                             [options] { return run_inspect(*options); });
  command.option("network", options->network, "A network (.crn) or a model").required().type_name("NET");
  command.option("--json", options->json, "Write a machine-readable result to this file").type_name("FILE");
  const Option emitted =
      command.option("--emit", options->emit, "Print generated code instead: opencl, cuda or host")
          .one_of(words(dialects))
          .type_name("DIALECT");
  command
      .option("--form", options->form,
              "Of the generated code: item, group or tiles as GPUs run it, block or single as processors do")
      .needs(emitted)
      .one_of(words(forms))
      .type_name("FORM");
}

}  // namespace crible::tools
