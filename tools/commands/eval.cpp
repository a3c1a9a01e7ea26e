#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/importers/import.hpp"
#include "engine/network/text.hpp"
#include "tools/commands/commands.hpp"
#include "tools/evaluation.hpp"
#include "tools/json_file.hpp"

namespace crible::tools {

namespace {

constexpr const char* examples =
    "  crible eval tagger.crn --input x.npy --output y.npy --backend reference\n"
    "  crible eval tagger.crn --input x.npy --output y.npy --backend cpu\n"
    "  crible eval tagger.crn --input x.npy --output y.npy --backend cpu:avx2   a variant, forced\n"
    "  crible eval tagger.crn --input x.npy --output y.npy --real               decoded float32 outputs\n"
    "  crible eval two.crn --input inputs.npz --output outputs.npz              several inputs or outputs, "
    "by name\n"
    "\n"
    "The first axis of an array counts events. Integer arrays hold integers of the input's type; float "
    "arrays are\n"
    "encoded as the model's own input quantizer does.";

struct Options {
  std::string network;
  std::string input;
  std::string output;
  std::string backend = "cpu";
  std::string json;
  bool real = false;
};

int run_eval(const Options& options) {
  const network::Network network = importers::load_network(options.network);
  const EventArrays inputs = read_inputs(network, options.input);
  check_output_path(network, options.output);
  const auto start = std::chrono::steady_clock::now();
  const Evaluated result = evaluate(network, inputs, options.backend);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_outputs(network, result.outputs, inputs.events, options.real, options.output);
  std::printf("%zu events on %s: %s\n", inputs.events, result.device.c_str(), options.output.c_str());
  write_json_file(options.json, {{"network", network.name},
                                 {"hash", network::content_hash(network)},
                                 {"events", inputs.events},
                                 {"backend", result.device},
                                 {"seconds", seconds},
                                 {"output", options.output}});
  return 0;
}

}  // namespace

void add_eval(CommandLine& line) {
  auto options = std::make_shared<Options>();
  Command command = line.add("eval", "Run a network on an array of events", examples,
                             [options] { return run_eval(*options); });
  command.option("network", options->network, "A network (.crn) or a model").required().type_name("NET");
  command.option("--input", options->input, "Events: .npy, or .npz with an array for each input")
      .required()
      .type_name("FILE");
  command.option("--output", options->output, "Results: .npy, or .npz with an array for each output")
      .required()
      .type_name("FILE");
  command
      .option("--backend", options->backend,
              "reference, rtl (its firmware, simulated), or a backend or device that `crible devices` "
              "lists")
      .show_default()
      .type_name("NAME");
  command.flag("--real", options->real, "Write decoded real numbers (float32) instead of integers");
  command.option("--json", options->json, "Write a machine-readable result to this file").type_name("FILE");
}

}  // namespace crible::tools
