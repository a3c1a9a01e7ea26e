#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/network/text.hpp"
#include "tools/commands/commands.hpp"
#include "tools/json_file.hpp"
#include "tools/network_file.hpp"

namespace crible::tools {

namespace {

constexpr const char* examples =
    "  crible import model.onnx -o tagger.crn                     QONNX, QDQ, QLinear: whatever the file "
    "holds\n"
    "  crible import model.onnx -o tagger.crn --input-type s16.10  signed, 16 bits, 10 of them fraction\n"
    "  crible import two.onnx -o two.crn --input-type jets=s8.3 --input-type met=u12.1\n"
    "  crible import image.onnx -o image.crn --input-type u8.0 --input-step 1/255\n"
    "  crible import trees.json -o trees.crn                      XGBoost, LightGBM, conifer, ONNX-ML\n"
    "\n"
    "The network computes the exact value of the model; what cannot be exact is refused with the node's "
    "name.";

struct Options {
  std::string model;
  std::string output;
  std::vector<std::string> input_types;
  std::vector<std::string> input_steps;
  std::string score_type;
  std::string json;
};

int run_import(const Options& options) {
  importers::ImportResult result = importers::import_model(
      options.model, import_options(options.input_types, options.input_steps, options.score_type));
  // Many models are called model.onnx; the name that the user chose says more.
  result.network.name = std::filesystem::path(options.output).stem().string();
  network::save(result.network, options.output);
  print_summary(result.network);
  print_report(result.report);
  nlohmann::ordered_json json = describe(result.network);
  json["import"] = describe(result.report);
  write_json_file(options.json, json);
  return 0;
}

}  // namespace

void add_import(CommandLine& line) {
  auto options = std::make_shared<Options>();
  Command command = line.add("import", "Turn a trained model into an exact integer network", examples,
                             [options] { return run_import(*options); });
  command.option("model", options->model, "The model's file").required().type_name("MODEL");
  command.option("-o,--output", options->output, "The network's file").required().type_name("NET.crn");
  command
      .option("--input-type", options->input_types,
              "Type of an input that the model leaves open, such as s16.10")
      .type_name("[NAME=]TYPE")
      .repeatable();
  command
      .option("--input-step", options->input_steps,
              "Real value of one step of that input where it is no power of two, such as 1/255")
      .type_name("[NAME=]VALUE")
      .repeatable();
  command
      .option(
          "--score-type", options->score_type,
          "Trees: type to which each leaf is rounded once, half to even, where the exact sum does not fit")
      .type_name("TYPE");
  command.option("--json", options->json, "Write a machine-readable result to this file").type_name("FILE");
}

}  // namespace crible::tools
