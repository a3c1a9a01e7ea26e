#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "bench/suites/figures.hpp"
#include "bench/suites/suite.hpp"
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

/// Every runtime at the same arrivals, crible among them.
Table arrivals_table(const Json& arrivals) {
  Table table{
      fmt::format("one event at a time, Poisson arrivals, {:.0f} a second: latency from when it was due",
                  arrivals.at("rate_hz").get<double>()),
      TableKind::measured,
      {"network", "runtime", "p50 us", "p99 us", "p99.9 us"},
      {}};
  for (const auto& [name, ns] : arrivals.at("ns").items()) {
    const std::size_t at = name.find('@');
    const auto us = [&ns = ns](const char* key) { return ns.at(key).get<double>() * 1e-3; };
    table.rows.push_back({name.substr(0, at), name.substr(at + 1), us("p50"), us("p99"), us("p999")});
  }
  return table;
}

/// What MLPerf's LoadGen says of the whole trigger beside what crible says of the same queries.
void take_referee(const Json& result, Suite& suite) {
  Table table{"LoadGen and crible on the same queries",
              TableKind::measured,
              {"scenario", "figure", "crible", "LoadGen", "LoadGen asks no trigger", "agree"},
              {}};
  for (const Json& scenario : result.at("scenarios")) {
    for (const Json& row : scenario.at("rows"))
      table.rows.push_back({scenario.at("scenario").get<std::string>(), row.at("figure").get<std::string>(),
                            row.at("crible").get<double>(), row.at("loadgen").get<double>(),
                            row.at("way").is_null() ? 0 : row.at("way").get<double>(),
                            row.at("agrees").get<bool>() ? "yes" : "no"});
    suite.notes.push_back(fmt::format(
        "LoadGen, {}: {}; {} decisions compared with the reference.",
        scenario.at("scenario").get<std::string>(),
        scenario.at("valid").get<bool>() ? "its rules hold (VALID)" : "its own rules do not hold (INVALID)",
        scenario.at("checked").get<std::uint64_t>()));
  }
  suite.notes.push_back(
      fmt::format("They agree when LoadGen's figure, less what it measures without a trigger, is within "
                  "{:.0f} % or {:.0f} us of "
                  "crible's.",
                  100 * result.at("margin").get<double>(), result.at("margin_ns").get<double>() * 1e-3));
  suite.tables.push_back(std::move(table));
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
  suite.tables.push_back(arrivals_table(result.at("arrivals")));
  for (const auto& [name, settings] : result.at("settings").items())
    suite.notes.push_back("Settings, " + name + ": " + settings.get<std::string>());
  std::string versions;
  for (const auto& [name, version] : result.at("machine").at("versions").items())
    if (!version.is_null())
      versions += (versions.empty() ? "" : ", ") + name + " " + version.get<std::string>();
  suite.notes.push_back(
      fmt::format("One thread each, the same inputs, answers compared first, {} interleaved rounds, medians "
                  "of processor time; "
                  "an empty network's time through the same binding is taken off a Python runtime's single "
                  "calls. Versions: {}.",
                  rounds, versions));
}

/// What the script wrote, or nothing, and a note says why.
std::optional<Json> run_script(const std::filesystem::path& script, const std::string& arguments,
                               const std::filesystem::path& folder, Suite& suite) {
  const std::filesystem::path json = folder / "result.json", said = folder / "said";
  std::filesystem::remove(json);
  const std::string command =
      fmt::format("{} {} --json {} >{} 2>&1", quoted(script), arguments, quoted(json), quoted(said));
  const int status = std::system(command.c_str());
  std::istringstream lines(text_of(said));
  for (std::string line; std::getline(lines, line);)
    if (line.find("left out") != std::string::npos) suite.notes.push_back(line);
  if (status == 0 && std::filesystem::exists(json)) return Json::parse(text_of(json));
  const std::string text = text_of(said);
  suite.notes.push_back("left out: bench/peers/run " + arguments +
                        " failed: " + text.substr(text.size() - std::min<std::size_t>(text.size(), 300)));
  return std::nullopt;
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
  if (options.quick && options.all) {
    suite.notes.push_back(
        "left out of a quick run of everything, as it takes minutes; `crible bench peers --quick`");
    return suite;
  }
  const TemporaryFolder folder("crible-peers");
  const std::size_t rounds = options.repeats_or(3, 9);
  const auto result = run_script(script, fmt::format("--rounds {}", rounds), folder.path(), suite);
  if (result) take(*result, rounds, suite);
  const auto referee =
      run_script(script, fmt::format("--loadgen --seconds {}", options.quick ? 2 : 10), folder.path(), suite);
  if (referee) take_referee(*referee, suite);
  return suite;
}

}  // namespace crible::bench
