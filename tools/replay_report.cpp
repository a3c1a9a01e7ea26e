#include "tools/replay_report.hpp"

#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace crible::tools {
namespace {

using Json = nlohmann::ordered_json;
using pipeline::ChainComparison;
using pipeline::ReplayResult;

[[gnu::format(printf, 2, 3)]] void print(std::string& text, const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  text += line;
}

unsigned long long number(std::uint64_t value) {
  return value;
}

const char* remark(const ChainComparison& chain) {
  if (!chain.recorded) return "  (not in the recording)";
  if (!chain.here) return "  (no more in the menu)";
  return "";
}

void print_chains(std::string& text, const ReplayResult& result) {
  std::size_t width = 5;
  for (const ChainComparison& chain : result.comparison.chains) width = std::max(width, chain.name.size());
  const int columns = static_cast<int>(std::min<std::size_t>(width, 40));
  print(text, "%-*s %12s %12s %10s %10s\n", columns, "chain", "kept", "identical", "gained", "lost");
  for (const ChainComparison& chain : result.comparison.chains)
    print(text, "%-*s %12llu %12llu %10llu %10llu%s\n", columns, chain.name.c_str(), number(chain.kept),
          number(chain.identical), number(chain.gained), number(chain.lost), remark(chain));
}

}  // namespace

bool damaged(const record::Reader& reader) {
  return reader.damage().skipped_bytes > 0 || reader.damage().missing_blocks > 0;
}

std::string replay_text(const record::Reader& reader, const ReplayResult& result) {
  const pipeline::Comparison& comparison = result.comparison;
  std::string text;
  if (reader.damage().any()) text += reader.damage_sentence() + "\n";
  for (const std::string& sentence : result.bad_blocks) text += sentence + "\n";
  for (const std::string& sentence : result.changes) text += sentence + "\n";
  print_chains(text, result);
  for (const pipeline::Difference& example : comparison.examples)
    text += "event " + std::to_string(example.event) + ": " + example.what + "\n";
  if (comparison.different() > comparison.examples.size())
    print(text, "... and %llu more events that differ\n",
          number(comparison.different() - comparison.examples.size()));
  for (const std::string& sentence : result.ledger.violations) text += "ledger: " + sentence + "\n";
  print(text, "ledger: %zu books of %zu luminosity blocks, %s\n", result.ledger.books,
        result.ledger.luminosity_blocks, result.ledger.balanced() ? "balanced" : "NOT balanced");
  if (result.stopped) text += "stopped before the end\n";
  print(text, "%llu events: %llu identical, %llu different (%llu gained, %llu lost by a chain)\n",
        number(comparison.events), number(comparison.identical), number(comparison.different()),
        number(comparison.gained()), number(comparison.lost()));
  print(text, "%.2f s, %.0f events/s, %.2f GB/s\n", result.seconds,
        static_cast<double>(comparison.events) / result.seconds,
        static_cast<double>(result.body_bytes) * 1e-9 / result.seconds);
  return text;
}

Json replay_json(const record::Reader& reader, const ReplayResult& result) {
  const pipeline::Comparison& comparison = result.comparison;
  Json chains = Json::array();
  for (const ChainComparison& chain : comparison.chains)
    chains.push_back({{"name", chain.name},
                      {"recorded", chain.recorded},
                      {"here", chain.here},
                      {"kept", chain.kept},
                      {"identical", chain.identical},
                      {"gained", chain.gained},
                      {"lost", chain.lost},
                      {"gained_before_prescale", chain.gained_before},
                      {"lost_before_prescale", chain.lost_before}});
  Json examples = Json::array();
  for (const auto& example : comparison.examples)
    examples.push_back({{"event", example.event}, {"what", example.what}});
  const record::Damage& damage = reader.damage();
  return {{"recording", reader.file().string()},
          {"run", reader.run_header().run},
          {"events", comparison.events},
          {"identical", comparison.identical},
          {"different", comparison.different()},
          {"gained", comparison.gained()},
          {"lost", comparison.lost()},
          {"chains_differ", comparison.chains_differ},
          {"outputs_differ", comparison.outputs_differ},
          {"outcome_differs", comparison.outcome_differs},
          {"unreadable_decisions", comparison.unreadable},
          {"chains", chains},
          {"examples", examples},
          {"changes", result.changes},
          {"ledger",
           {{"balanced", result.ledger.balanced()},
            {"books", result.ledger.books},
            {"luminosity_blocks", result.ledger.luminosity_blocks},
            {"violations", result.ledger.violations}}},
          {"damage",
           {{"closed", !damage.no_footer},
            {"cut_bytes", damage.cut_bytes},
            {"skipped_bytes", damage.skipped_bytes},
            {"missing_blocks", damage.missing_blocks},
            {"bad_blocks", result.bad_blocks},
            {"bad_events", result.bad_events}}},
          {"seconds", result.seconds},
          {"processor_seconds", result.processor_seconds},
          {"events_per_s", static_cast<double>(comparison.events) / result.seconds},
          {"bytes", result.body_bytes},
          {"bytes_per_s", static_cast<double>(result.body_bytes) / result.seconds},
          {"stopped", result.stopped}};
}

}  // namespace crible::tools
