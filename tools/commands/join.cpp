#include "engine/network/join.hpp"

#include <boost/lexical_cast/try_lexical_convert.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/base/error.hpp"
#include "engine/network/text.hpp"
#include "tools/commands/commands.hpp"
#include "tools/json_file.hpp"
#include "tools/network_file.hpp"

namespace crible::tools {

namespace {

constexpr const char* examples =
    "  crible join tagger=jet.crn energy=calo.crn -o both.crn       two networks in one, inputs side by "
    "side\n"
    "  crible join a=one.crn b=two.crn -o ten.crn --feed b/x=a/x     both read the same input\n"
    "  crible join net=features.crn cut=trees.crn -o chain.crn --feed cut/x=net/y --hide net/y\n"
    "  crible join m1=param.crn m2=param.crn -o scan.crn --feed m2/x=m1/x \\\n"
    "      --constant m1/mass=10 --constant m2/mass=20               one network at two hypotheses\n"
    "\n"
    "The inputs and outputs of part NAME become NAME/input and NAME/output. Where one part feeds another,\n"
    "types and shapes must be equal.";

struct Options {
  std::vector<std::string> parts;
  std::vector<std::string> feeds;
  std::vector<std::string> constants;
  std::vector<std::string> hidden;
  std::string output;
  std::string json;
};

/// "left=right" in two; `what` is the option that it was given to.
std::pair<std::string, std::string> halves(const std::string& text, const std::string& what) {
  const std::size_t at = text.find('=');
  if (at == 0 || at == std::string::npos || at + 1 == text.size())
    throw Error(what + " '" + text + "' is not of the form NAME=VALUE");
  return {text.substr(0, at), text.substr(at + 1)};
}

/// The part that "part/port" names, and the port.
std::pair<network::Part*, std::string> port(std::vector<network::Part>& parts, const std::string& text,
                                            const std::string& what) {
  const std::size_t slash = text.find('/');
  for (network::Part& part : parts) {
    if (slash != std::string::npos && part.prefix == text.substr(0, slash))
      return {&part, text.substr(slash + 1)};
  }
  throw Error(what + " '" + text + "' names no part; write PART/NAME with one of the parts given");
}

std::vector<std::int64_t> integers(const std::string& list, const std::string& what) {
  std::vector<std::int64_t> values;
  std::istringstream items(list);
  for (std::string item; std::getline(items, item, ',');) {
    std::int64_t value = 0;
    if (!boost::conversion::try_lexical_convert(item, value))
      throw Error(what + ": '" + item + "' is no integer; write integers with commas between them");
    values.push_back(value);
  }
  return values;
}

int run_join(const Options& options) {
  std::vector<network::Part> parts;
  for (const std::string& text : options.parts) {
    const auto [prefix, file] = halves(text, "part");
    parts.push_back({prefix, importers::load_network(file), {}, {}});
  }
  for (const std::string& text : options.feeds) {
    const auto [input, from] = halves(text, "--feed");
    const auto [part, name] = port(parts, input, "--feed");
    part->feeds.push_back({name, from, {}});
  }
  for (const std::string& text : options.constants) {
    const auto [input, list] = halves(text, "--constant");
    const auto [part, name] = port(parts, input, "--constant");
    part->feeds.push_back({name, "", integers(list, "--constant " + input)});
  }
  for (const std::string& text : options.hidden) {
    const auto [part, name] = port(parts, text, "--hide");
    part->hidden_outputs.push_back(name);
  }
  const network::Network joint = network::join(std::filesystem::path(options.output).stem().string(), parts);
  network::save(joint, options.output);
  print_summary(joint);
  write_json_file(options.json, describe(joint));
  return 0;
}

}  // namespace

void add_join(CommandLine& line) {
  auto options = std::make_shared<Options>();
  Command command = line.add("join", "Make one network of several: side by side, in a chain, as a scan",
                             examples, [options] { return run_join(*options); });
  const auto list = [&](const char* name, std::vector<std::string>& into, const char* what,
                        const char* form) { command.option(name, into, what).type_name(form).repeatable(); };
  command.option("parts", options->parts, "Networks, or models that need no options, in order")
      .required()
      .type_name("NAME=NET");
  command.option("-o,--output", options->output, "The joint network's file").required().type_name("NET.crn");
  list("--feed", options->feeds, "An input takes an output or input of an earlier part",
       "PART/INPUT=PART/NAME");
  list("--constant", options->constants, "An input becomes constant: one integer for each of its elements",
       "PART/INPUT=INTEGERS");
  list("--hide", options->hidden, "An output that only feeds other parts", "PART/OUTPUT");
  command.option("--json", options->json, "Write a machine-readable result to this file").type_name("FILE");
}

}  // namespace crible::tools
