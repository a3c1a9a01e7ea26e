#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/suites/figures.hpp"
#include "bench/suites/suite.hpp"
#include "engine/base/error.hpp"
#include "engine/base/temporary_folder.hpp"

// Other runtimes, by the script that makes their environment.
namespace crible::bench {

namespace {

using Json = nlohmann::json;

const std::filesystem::path folder_of_source = CRIBLE_SOURCE_FOLDER;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string quoted(const std::filesystem::path& path) {
  std::string result = "'";
  for (const char c : path.string()) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

void take(const Json& result, std::size_t rounds, Suite& suite) {
  const std::pair<const char*, const char*> modes[] = {{"single", "one event, independent calls"},
                                                       {"chained", "one event, chained calls"},
                                                       {"batch", "batches of 1024"}};
  for (const auto& [name, figures] : result.at("ns_per_event").items()) {
    const std::size_t at = name.find('@');
    for (const auto& [mode, words] : modes) {
      if (!figures.contains(mode) || figures[mode].is_null()) continue;
      suite.figures.push_back(
          make_figure(fmt::format("{} {}, {}, an event", name.substr(0, at), name.substr(at + 1), words),
                      "ns", Better::lower, {figures[mode].get<double>()}));
    }
  }
  Table table{"crible over its best peer",
              TableKind::measured,
              {"network", "device", "one event", "best peer", "batch rate", "best peer in batches"},
              {}};
  for (const Json& row : result.at("compared")) {
    const Json& best = row.at("best_peers");
    table.rows.push_back({row.at("network").get<std::string>(), row.at("device").get<std::string>(),
                          row.at("single").get<double>(), best.at("single").get<std::string>(),
                          row.at("rate").get<double>(), best.at("batch").get<std::string>()});
  }
  suite.tables.push_back(std::move(table));
  std::string versions;
  for (const auto& [name, version] : result.at("machine").at("versions").items())
    versions += (versions.empty() ? "" : ", ") + name + " " + version.get<std::string>();
  suite.notes.push_back(
      fmt::format("One thread each, the same inputs, answers compared first, {} interleaved rounds, medians "
                  "of processor time; "
                  "an empty network's time through the same binding is taken off a Python runtime's single "
                  "calls. Versions: {}.",
                  rounds, versions));
}

}  // namespace

Suite peers_suite(const SuiteOptions& options, Shared&) {
  Suite suite;
  suite.name = "peers";
  const std::filesystem::path script = folder_of_source / "bench/peers/run";
  if (!std::filesystem::exists(script)) {
    suite.notes.push_back("left out: " + script.string() + " is not there; peers need the source tree");
    return suite;
  }
  if (options.quick && !std::filesystem::exists(folder_of_source / "build/peers/bin/python")) {
    suite.notes.push_back(
        "left out: the peers' environment is not there yet and making it takes minutes; `crible bench peers` "
        "without --quick makes it");
    return suite;
  }
  const TemporaryFolder folder("crible-peers");
  const std::size_t rounds = options.repeats_or(3, 9);
  const std::filesystem::path json = folder.path() / "peers.json", said = folder.path() / "said";
  const std::string command =
      fmt::format("{} --json {} --rounds {} >{} 2>&1", quoted(script), quoted(json), rounds, quoted(said));
  const int status = std::system(command.c_str());
  if (status != 0 || !std::filesystem::exists(json)) {
    suite.notes.push_back("left out: bench/peers/run failed: " + text_of(said).substr(0, 500));
    return suite;
  }
  std::istringstream lines(text_of(said));
  for (std::string line; std::getline(lines, line);)
    if (line.find("left out") != std::string::npos) suite.notes.push_back(line);
  take(Json::parse(text_of(json)), rounds, suite);
  suite.notes.push_back("No inference server over gRPC is among the peers.");
  return suite;
}

}  // namespace crible::bench
