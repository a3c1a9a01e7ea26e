#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "bench/instrument/clock.hpp"
#include "bench/instrument/fingerprint.hpp"
#include "bench/instrument/hgrm.hpp"
#include "bench/instrument/objective.hpp"
#include "bench/report/compare.hpp"
#include "bench/report/html.hpp"
#include "bench/report/result.hpp"
#include "bench/report/summary.hpp"
#include "bench/suites/suite.hpp"
#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "tools/commands/commands.hpp"
#include "tools/json_file.hpp"

namespace crible::tools {

namespace {

constexpr const char* examples =
    "  crible bench --quick                              every suite, in under two minutes\n"
    "  crible bench --json today.json --html today.html  every suite, five minutes of it a soak\n"
    "  crible bench pipeline --arrivals lhc --objective 'p99.9<200us'\n"
    "  crible bench network --network tagger.crn         a network of your own beside the others\n"
    "  crible bench compare yesterday.json today.json    better, worse or indistinguishable\n"
    "  crible bench report today.json --html today.html  a result of before, as summary and page\n";

struct CompareFiles {
  std::filesystem::path before;
  std::filesystem::path after;
  std::filesystem::path json;
  bench::CompareOptions options;
};

struct ReportFiles {
  std::filesystem::path result;
  std::filesystem::path html;
};

struct Options {
  std::vector<std::string> suites;
  bench::SuiteOptions suite;
  std::string arrivals = "poisson";
  std::string objective;
  std::optional<double> rate_hz;
  std::filesystem::path json;
  std::filesystem::path html;
  std::filesystem::path hgrm;
};

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// As it was typed, but for the quotes and the folder of the program.
std::string command_line() {
  std::string text = read_file("/proc/self/cmdline");
  if (!text.empty()) text.pop_back();
  text.erase(0, text.substr(0, text.find('\0')).find_last_of('/') + 1);
  std::ranges::replace(text, '\0', ' ');
  return text;
}

/// Mistakes are found before minutes are spent.
std::vector<bench::NamedSuite> prepare(Options& options) {
  std::vector<bench::NamedSuite> chosen;
  std::string known;
  for (const bench::NamedSuite& suite : bench::all_suites) {
    known += std::string(known.empty() ? "" : ", ") + suite.name;
    const bool wanted = std::ranges::find(options.suites, suite.name) != options.suites.end();
    if (wanted || options.suites.empty()) chosen.push_back(suite);
  }
  for (const std::string& name : options.suites) {
    const auto is_name = [&](const bench::NamedSuite& suite) { return suite.name == name; };
    if (std::ranges::none_of(bench::all_suites, is_name))
      throw Error("there is no suite '" + name + "'; known are " + known);
  }
  if (options.rate_hz && !(*options.rate_hz > 0))
    throw Error("--rate must be above 0 events/s: nothing would arrive");
  constexpr double least_hz = 1, most_hz = 1e8;  // what is outside would take for ever, or all memory
  if (options.rate_hz && (*options.rate_hz < least_hz || *options.rate_hz > most_hz))
    throw Error(
        "--rate must be between 1 and 1e8 events/s: beyond that a run never ends, or takes all memory");
  options.suite.all = options.suites.empty();
  options.suite.rate_hz = options.rate_hz.value_or(0);
  const double soak_s = options.suite.soak_s;  // 0: not given
  if (soak_s != 0 && !(soak_s >= 0.1 && soak_s <= 1e6))
    throw Error("--soak-seconds must be between 0.1 and 1e6: twelve days at most");
  options.suite.arrivals = bench::parse_arrivals(options.arrivals);
  if (!options.objective.empty()) options.suite.objective = bench::parse_objective(options.objective);
  if (std::ranges::find(chosen, std::string_view("scale"), &bench::NamedSuite::name) != chosen.end())
    bench::require_shards(options.suite);
  for (const auto& file : {options.json, options.html})
    if (!file.empty()) bench::require_writable(file);
  if (!options.hgrm.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.hgrm, error);
    if (error) throw Error("cannot make the folder " + options.hgrm.string() + ": " + error.message());
    bench::require_writable(options.hgrm / "probe.hgrm");
  }
  return chosen;
}

void write_hgrm(const std::filesystem::path& folder, const std::vector<bench::NamedHistogram>& histograms) {
  for (const bench::NamedHistogram& named : histograms) {
    std::string name = named.name;
    for (char& c : name)
      if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    write_file(folder / (name + ".hgrm"), bench::to_hgrm(named.histogram));
  }
}

int run_bench(Options& options) {
  const std::vector<bench::NamedSuite> suites = prepare(options);
  const auto started = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  };
  bench::Result result;
  result.created = utc_now();
  result.command = command_line();
  result.machine = bench::fingerprint(bench::Clock().describe());
  std::vector<bench::NamedHistogram> histograms;
  bench::Shared shared{result.machine, histograms};
  for (const bench::NamedSuite& suite : suites) {
    std::fprintf(stderr, "%5.1f s  %s: %s\n", seconds(), suite.name, suite.what);
    result.suites.push_back(suite.run(options.suite, shared));
  }
  result.duration_s = seconds();
  std::fprintf(stderr, "%5.1f s  done\n", seconds());
  if (!options.json.empty()) bench::write_result(options.json, result);
  if (!options.html.empty()) write_file(options.html, bench::html_report(result));
  if (!options.hgrm.empty()) write_hgrm(options.hgrm, histograms);
  std::fputs(bench::terminal_summary(result).c_str(), stdout);
  return 0;
}

int run_compare(const CompareFiles& files) {
  const bench::Comparisons comparisons =
      bench::compare(bench::read_result(files.before), bench::read_result(files.after), files.options);
  std::fputs(bench::comparison_text(comparisons).c_str(), stdout);
  write_json_file(files.json, bench::to_json(comparisons));
  return bench::exit_status(comparisons);
}

int run_report(const ReportFiles& files) {
  const bench::Result result = bench::read_result(files.result);
  if (!files.html.empty()) write_file(files.html, bench::html_report(result));
  std::fputs(bench::terminal_summary(result).c_str(), stdout);
  return 0;
}

void add_report(Command& bench_command, ReportFiles& files) {
  Command command = bench_command.subcommand("report", "Show a result that was written before");
  command.option("result", files.result, "What --json wrote").required();
  command.option("--html", files.html, "Write a report of one self-contained page to this file")
      .type_name("FILE");
}

void add_compare(Command& bench_command, CompareFiles& files) {
  Command command = bench_command.subcommand(
      "compare",
      "Better, worse or indistinguishable, figure by figure; exit status 1 when something is worse");
  command.option("before", files.before, "Result to compare with (JSON)").required();
  command.option("after", files.after, "Result of the same suites").required();
  command.option("--json", files.json, "Write the comparison to this file").type_name("FILE");
  command.option("--smallest-change", files.options.smallest_change, "A smaller part does not matter")
      .show_default()
      .not_negative();
}

}  // namespace

void add_bench(CommandLine& line) {
  auto options = std::make_shared<Options>();
  auto files = std::make_shared<CompareFiles>();
  auto report = std::make_shared<ReportFiles>();
  Command command = line.add("bench", "Measure latency, rates and where the time goes on this machine",
                             examples, [options, files, report] {
                               if (!files->before.empty()) return run_compare(*files);
                               return report->result.empty() ? run_bench(*options) : run_report(*report);
                             });
  add_compare(command, *files);
  add_report(command, *report);
  command.option("suites", options->suites, "network wire pipeline replay soak scale peers [all]");
  command.flag("--quick", options->suite.quick, "Less of everything: under two minutes");
  command.option("--json", options->json, "Write the result to this file").type_name("FILE");
  command.option("--html", options->html, "Write a report of one self-contained page to this file")
      .type_name("FILE");
  command.option("--hgrm", options->hgrm, "Write a .hgrm file for each latency into this folder")
      .type_name("DIR");
  command.option("--repeats", options->suite.repeats, "Repeats of each figure").between(1, 1000);
  command.option("--arrivals", options->arrivals, "constant, poisson, lhc, bursts, or a file of times in ns")
      .show_default();
  command.option("--rate", options->rate_hz, "Events/s instead of parts of the highest rate");
  command.option("--objective", options->objective, "Search the highest rate that holds it: p99.9<200us");
  command.option("--shards", options->suite.shards, "For suite scale [1 to the number of cores]").positive();
  command.option("--soak-seconds", options->suite.soak_s, "For suite soak [300, quick: 4]");
  command.option("--config", options->suite.config, "Trigger instead of the demo's (YAML)").existing_file();
  command.option("--sample", options->suite.sample, "Events for it: a sample folder or a recording")
      .existing_path();
  command.option("--network", options->suite.networks, "Another network for suite network").existing_file();
  command.option("--backend", options->suite.backend, "Backend or device instead of run.batch.backend");
  command.flag("--spin", options->suite.spin, "The shards poll without sleeping; wants a core for each");
}

}  // namespace crible::tools
