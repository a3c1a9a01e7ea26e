#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/network/encoding.hpp"
#include "engine/network/text.hpp"
#include "engine/quantize/read.hpp"
#include "tools/commands/commands.hpp"
#include "tools/json_file.hpp"
#include "tools/network_file.hpp"
#include "tools/progress.hpp"
#include "tools/quantize_report.hpp"
#include "tools/quantize_rows.hpp"

namespace crible::tools {

namespace {

constexpr const char* examples =
    "  crible quantize mlp.onnx --calibrate x.npy -o mlp.crn                8-bit weights and activations\n"
    "  crible quantize mlp.onnx --calibrate x.npy --bits 6 -o mlp.crn       6 bits\n"
    "  crible quantize cnn.onnx --calibrate x.npy --bits w4a8 --layer conv1=w8a8 -o cnn.crn\n"
    "  crible quantize gru.onnx --calibrate x.npy --input-type s8.5 --labels y.npy -o gru.crn\n"
    "  crible quantize two.onnx --calibrate both.npz --range 99.9 --hold-back 0.5 -o two.crn\n"
    "\n"
    "`crible import` is exact and refuses float models; this command approximates, and says what that "
    "costs.\n"
    "x.npy has events along its first axis: real numbers, or integers of --input-type. A part of them is "
    "held\n"
    "back; the others decide the range of every activation. Scales are powers of two, so that rounding is a\n"
    "shift; sigmoid and tanh become tables. Read the report: when the error is too large, give more bits, "
    "give\n"
    "the sensitive layers more (--layer), or train with quantizers (QKeras, Brevitas) and import that.";

struct Options {
  std::string model;
  std::string output;
  std::string calibrate;
  std::string labels;
  std::string bits = "8";
  std::vector<std::string> layers;
  std::vector<std::string> input_types;
  std::vector<std::string> input_steps;
  std::string range = "best";
  std::string backend = "cpu";
  std::string json;
  double hold_back = 0.3;
  int table_bits = 0;
  int state_bits = 16;
  bool per_tensor = false;
};

quantize::RangeRule parse_range(const std::string& text) {
  using Kind = quantize::RangeRule::Kind;
  if (text == "best") return {Kind::least_error, 100};
  if (text == "all") return {Kind::all, 100};
  std::size_t used = 0;
  double percentile = 0;
  try {
    percentile = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || !(percentile > 50 && percentile <= 100))
    throw Error("--range " + text + ": give best, all, or a percentile above 50, such as 99.9");
  return {Kind::percentile, percentile};
}

quantize::Options quantize_options(const Options& options) {
  quantize::Options result;
  result.bits = quantize::parse_bits(options.bits);
  for (const std::string& text : options.layers) {
    const auto equals = text.rfind('=');
    if (equals == std::string::npos) throw Error("--layer " + text + ": give NAME=BITS, as in conv1=w8a8");
    result.layers[text.substr(0, equals)] = quantize::parse_bits(text.substr(equals + 1), result.bits);
  }
  result.range = parse_range(options.range);
  result.per_channel = !options.per_tensor;
  result.table_bits = options.table_bits;
  result.state_bits = options.state_bits;
  result.input_types = import_options(options.input_types, options.input_steps, "").input_types;
  return result;
}

/// For each output of the program its values for all rows, event after event.
std::vector<std::vector<double>> evaluate_float(const quantize::Program& program,
                                                const quantize::Rows& rows) {
  std::vector<std::vector<double>> outputs(program.outputs.size());
  quantize::Evaluator evaluator(program);
  for (std::size_t event = 0; event < rows.events; ++event) {
    evaluator.run(rows.event(event));
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const auto& values = evaluator.result(program.outputs[o].step);
      outputs[o].insert(outputs[o].end(), values.begin(), values.end());
    }
  }
  return outputs;
}

std::vector<OutputCost> costs_of(const quantize::Program& program, const network::Network& network,
                                 const quantize::Rows& rows, const std::vector<std::int64_t>& labels,
                                 const std::string& backend) {
  constexpr std::size_t bins = 15;
  const auto real = evaluate_float(program, rows);
  const Evaluated integer = evaluate(network, encode_rows(network, rows), backend);
  const auto ids = network::outputs_of(network);
  std::vector<OutputCost> costs;
  for (std::size_t o = 0; o < ids.size(); ++o) {
    const network::Node& node = network.nodes[static_cast<std::size_t>(ids[o])];
    std::vector<double> decoded;
    for (const std::int64_t q : integer.outputs[o])
      decoded.push_back(network::decode(std::get<network::Output>(node.operation).encoding, q));
    OutputCost cost;
    cost.name = program.outputs[o].name;
    cost.columns = network::element_count(node.shape);
    cost.difference = quantize::difference(real[o], decoded, bins);
    if (cost.columns > 1) cost.same_class = quantize::same_largest(real[o], decoded, cost.columns);
    if (!labels.empty()) cost.aucs = compare_aucs(real[o], decoded, cost.columns, labels, cost.name);
    costs.push_back(std::move(cost));
  }
  return costs;
}

int run_quantize(const Options& options) {
  const quantize::Options settings = quantize_options(options);
  const quantize::Program program = quantize::read_program(options.model);
  const quantize::Rows rows = read_rows(program, settings, options.calibrate);
  std::vector<std::int64_t> labels;
  if (!options.labels.empty()) labels = read_labels(options.labels, rows.events);
  const Split parts = split(rows, options.hold_back);
  quantize::Result result = [&] {
    Progress progress("events", 2 * parts.calibration.events);
    const quantize::Calibration calibration(program, parts.calibration,
                                            [&](std::size_t done) { progress.update(done); });
    return quantize::quantize(program, calibration, settings);
  }();
  result.network.name = std::filesystem::path(options.output).stem().string();
  std::vector<std::int64_t> held_back_labels;
  for (const std::size_t place : parts.places) {
    if (!labels.empty()) held_back_labels.push_back(labels[place]);
  }
  const auto costs = costs_of(program, result.network, parts.held_back, held_back_labels, options.backend);
  network::save(result.network, options.output);

  print_summary(result.network);
  std::printf("%-11s %zu events calibrated, %zu %s\n\n", "rows", parts.calibration.events,
              parts.held_back.events, options.hold_back > 0 ? "held back" : "compared (the same)");
  print_layers(result.layers);
  for (const std::string& note : program.notes) std::printf("%-11s %s\n", "note", note.c_str());
  for (const OutputCost& cost : costs) print_cost(cost);
  nlohmann::ordered_json json = describe(result.network);
  json["exact"] = false;
  json["calibrated"] = parts.calibration.events;
  json["held_back"] = parts.held_back.events;
  json["notes"] = program.notes;
  for (const auto& layer : result.layers) json["layers"].push_back(describe(layer));
  for (const OutputCost& cost : costs) json["costs"].push_back(describe(cost));
  write_json_file(options.json, json);
  return 0;
}

void add_width_options(Command& command, Options& options) {
  command.option("--bits", options.bits, "Bits of weights and activations: 8, or w6a8")
      .show_default()
      .type_name("BITS");
  command.option("--layer", options.layers, "Other bits for one node of the model, as in conv1=w8a8")
      .type_name("NAME=BITS")
      .repeatable();
  command
      .option("--range", options.range,
              "What a type must hold of the values seen: best (least squared error), all, or a percentile")
      .show_default()
      .type_name("RULE");
  command.flag("--per-tensor", options.per_tensor, "One step for all weights of a layer, not one per output");
  command
      .option("--table-bits", options.table_bits,
              "Bits of the argument of sigmoid and tanh tables; 0: activations + 3, at most 12")
      .show_default()
      .between(0, 14);
  command.option("--state-bits", options.state_bits, "Bits of the state that a recurrent cell carries")
      .show_default()
      .between(4, 16);
}

void add_input_options(Command& command, Options& options) {
  command
      .option("--input-type", options.input_types,
              "Type of an input, such as s16.10; else calibration finds one")
      .type_name("[NAME=]TYPE")
      .repeatable();
  command
      .option("--input-step", options.input_steps,
              "Real value of one step of that input where it is no power of two, such as 1/255")
      .type_name("[NAME=]VALUE")
      .repeatable();
}

}  // namespace

void add_quantize(CommandLine& line) {
  auto options = std::make_shared<Options>();
  Command command =
      line.add("quantize", "Approximate a float model by an integer network, and say what that costs",
               examples, [options] { return run_quantize(*options); });
  command.option("model", options->model, "A float ONNX model: MLP, CNN, GRU, LSTM, RNN")
      .required()
      .type_name("MODEL.onnx");
  command.option("--calibrate", options->calibrate, "Events: .npy, or .npz with an array for each input")
      .required()
      .type_name("FILE");
  command.option("-o,--output", options->output, "The network's file").required().type_name("NET.crn");
  command.option("--labels", options->labels, "A class for each event (.npy): the report gives AUCs")
      .type_name("FILE");
  command.option("--hold-back", options->hold_back, "Fraction of the events that is only compared")
      .show_default()
      .type_name("FRACTION");
  add_width_options(command, *options);
  add_input_options(command, *options);
  command.option("--backend", options->backend, "What runs the network for the comparison")
      .show_default()
      .type_name("NAME");
  command.option("--json", options->json, "Write a machine-readable result to this file").type_name("FILE");
}

}  // namespace crible::tools
