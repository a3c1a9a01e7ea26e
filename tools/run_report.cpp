#include "tools/run_report.hpp"

#include <fmt/format.h>

namespace crible::tools {

using nlohmann::ordered_json;
using pipeline::RunSummary;
using pipeline::Stage;

namespace {

double seconds_of(const RunSummary& summary) {
  return static_cast<double>(summary.shards.last_ns - summary.shards.first_ns) * 1e-9;
}

ordered_json rates(const RunSummary& summary) {
  const double seconds = seconds_of(summary);
  const auto per_second = [seconds](auto count) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0.0;
  };
  const auto received = summary.ledger.total().total().fragments.received;
  return {{"seconds", seconds},
          {"events_per_s", per_second(summary.shards.decisions)},
          {"fragments_per_s", per_second(received)},
          {"bytes_per_s", per_second(summary.shards.bytes)}};
}

ordered_json latency(const RunSummary& summary) {
  ordered_json result = ordered_json::object();
  for (std::size_t i = 0; i < pipeline::stage_count; ++i) {
    const auto stage = static_cast<Stage>(i);
    const pipeline::StageTimes times = summary.shards.stages.times(stage);
    result[pipeline::to_string(stage)] = {{"count", times.count},
                                          {"p50", times.p50_ns},
                                          {"p99", times.p99_ns},
                                          {"p999", times.p999_ns},
                                          {"max", times.max_ns}};
  }
  return result;
}

ordered_json chains(const RunSummary& summary, const menu::Menu& menu) {
  ordered_json result = ordered_json::object();
  for (std::size_t c = 0; c < menu.chains().size(); ++c) {
    const auto& counts = summary.shards.chains[c];
    result[menu.chains()[c].name] = {{"before_prescale", counts.before}, {"after_prescale", counts.after}};
  }
  return result;
}

/// Which device took how many batches of a network, and why.
ordered_json routing(const batching::Routing& routing) {
  ordered_json devices = ordered_json::array();
  for (const batching::RouteCounts& route : routing.routes) {
    ordered_json paths = ordered_json::object();
    for (const batching::PathCounts& path : route.paths) paths[path.path] = path.batches;
    devices.push_back({{"device", route.device},
                       {"paths", paths},
                       {"paths_how", route.paths_how},
                       {"batches", route.batches},
                       {"events", route.events},
                       {"one_event_ns", route.one_event_ns},
                       {"full_batch_ns", route.full_batch_ns}});
  }
  return {{"devices", devices},         {"why", routing.why},     {"moved_to_cpu", routing.moved},
          {"checked", routing.checked}, {"wrong", routing.wrong}, {"troubles", routing.troubles}};
}

ordered_json batches(const RunSummary& summary, const pipeline::Trigger& trigger) {
  ordered_json result = ordered_json::object();
  for (std::size_t n = 0; n < summary.shards.batches.size(); ++n) {
    const auto& counts = summary.shards.batches[n];
    result[trigger.bindings[n].name()] = {
        {"hash", trigger.network_hashes[n]}, {"requests", counts.requests},
        {"batches", counts.batches},         {"full", counts.full},
        {"deadline", counts.deadline},       {"idle", counts.idle},
        {"failed", counts.failed},           {"routing", routing(summary.shards.routing[n])}};
  }
  return result;
}

ordered_json ledger(const RunSummary& summary) {
  ordered_json result = {{"balanced", summary.violations.empty()}, {"violations", summary.violations}};
  ordered_json books = ordered_json::parse(builder::to_json(summary.ledger));
  for (const char* key : {"sources", "total", "luminosity_blocks", "books"}) {
    if (books.contains(key)) result[key] = books[key];
  }
  return result;
}

}  // namespace

ordered_json to_json(const RunSummary& summary, const pipeline::Trigger& trigger) {
  const auto& shards = summary.shards;
  ordered_json streams = ordered_json::object();
  for (std::size_t s = 0; s < shards.streams.size(); ++s) {
    streams[trigger.menu.streams()[s].name] = shards.streams[s];
  }
  ordered_json causes = ordered_json::object();
  for (std::size_t c = 0; c < shards.causes.size(); ++c) {
    causes[menu::to_string(static_cast<menu::Cause>(c))] = shards.causes[c];
  }
  return {{"run", summary.run},
          {"menu", {{"name", trigger.menu.name()}, {"hash", trigger.menu.hash()}}},
          {"events", shards.decisions},
          {"rates", rates(summary)},
          {"latency_ns", latency(summary)},
          {"chains", chains(summary, trigger.menu)},
          {"streams", streams},
          {"causes", causes},
          {"networks", batches(summary, trigger)},
          {"decisions",
           {{"published", shards.published.published},
            {"dropped", shards.published.dropped},
            {"frames", shards.published.frames},
            {"bytes", shards.published.bytes}}},
          {"recording",
           {{"offered", shards.offered},
            {"recorded", summary.recorded.recorded},
            {"write_failed", summary.recorded.write_failed},
            {"bytes", summary.recorded.file_bytes},
            {"failure", summary.recording_failure}}},
          {"ledger", ledger(summary)}};
}

std::string time_text(std::int64_t ns) {
  const auto value = static_cast<double>(ns);
  if (ns < 1'000) return fmt::format("{} ns", ns);
  if (ns < 1'000'000) return fmt::format("{:.3g} us", value * 1e-3);
  if (ns < 1'000'000'000) return fmt::format("{:.3g} ms", value * 1e-6);
  return fmt::format("{:.3g} s", value * 1e-9);
}

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t place = text.size(); place > 3; place -= 3) text.insert(place - 3, ",");
  return text;
}

std::string status_line(const RunSummary& summary, std::uint64_t events, double seconds) {
  const auto& shards = summary.shards;
  const pipeline::StageTimes total = shards.stages.times(Stage::total);
  const builder::EventCounts counts = summary.ledger.total().events;
  std::string line =
      fmt::format("{} events, {:.0f} events/s, latency p50 {} p99 {}, accepted {}, incomplete {}",
                  count_text(shards.decisions), static_cast<double>(events) / seconds,
                  time_text(total.p50_ns), time_text(total.p99_ns), counts.accepted + counts.forced,
                  counts.incomplete_timeout + counts.incomplete_stop + counts.evicted);
  if (shards.published.dropped != 0) line += fmt::format(", decisions dropped {}", shards.published.dropped);
  if (summary.recorded.write_failed != 0)
    line += fmt::format(", not recorded {}", summary.recorded.write_failed);
  return line;
}

std::string run_text(const RunSummary& summary, const pipeline::Trigger& trigger) {
  const auto& shards = summary.shards;
  const double seconds = seconds_of(summary);
  std::string text =
      fmt::format("run {}: {} events in {:.2f} s\n", summary.run, count_text(shards.decisions), seconds);
  text += fmt::format("  {:<12}{:>10}{:>10}{:>10}{:>10}\n", "latency", "p50", "p99", "p99.9", "max");
  for (std::size_t i = 0; i < pipeline::stage_count; ++i) {
    const auto stage = static_cast<Stage>(i);
    const pipeline::StageTimes times = shards.stages.times(stage);
    text +=
        fmt::format("  {:<12}{:>10}{:>10}{:>10}{:>10}\n", pipeline::to_string(stage), time_text(times.p50_ns),
                    time_text(times.p99_ns), time_text(times.p999_ns), time_text(times.max_ns));
  }
  text += fmt::format("  {:<24}{:>14}{:>14}\n", "chain", "condition", "kept");
  for (std::size_t c = 0; c < shards.chains.size(); ++c) {
    text += fmt::format("  {:<24}{:>14}{:>14}\n", trigger.menu.chains()[c].name,
                        count_text(shards.chains[c].before), count_text(shards.chains[c].after));
  }
  for (std::size_t c = 0; c < shards.causes.size(); ++c) {
    if (shards.causes[c] == 0) continue;
    text += fmt::format("  cause {}: {} events\n", menu::to_string(static_cast<menu::Cause>(c)),
                        count_text(shards.causes[c]));
  }
  for (std::size_t n = 0; n < shards.routing.size(); ++n) {
    const batching::Routing& way = shards.routing[n];
    text += fmt::format("  network {}: ", trigger.bindings[n].name());
    for (const batching::RouteCounts& route : way.routes) {
      text += fmt::format("{} batches on {}", count_text(route.batches), route.device);
      for (const batching::PathCounts& path : route.paths) {
        text += fmt::format(" ({} by {})", count_text(path.batches), path.path);
      }
      if (!route.paths_how.empty()) text += fmt::format(" (paths: {})", route.paths_how);
      text += ", ";
    }
    text += fmt::format("because {}\n", way.why);
    if (way.moved + way.wrong != 0) {
      text += fmt::format("    {} batches moved to the CPU; {} of {} checked batches wrong\n",
                          count_text(way.moved), count_text(way.wrong), count_text(way.checked));
    }
  }
  if (shards.offered != 0) {
    text += fmt::format("  recorded {} events, {} bytes\n", count_text(summary.recorded.recorded),
                        count_text(summary.recorded.file_bytes));
  }
  text += summary.violations.empty() ? "  ledger: balanced\n" : "  ledger: DOES NOT BALANCE\n";
  for (const std::string& violation : summary.violations) text += "    " + violation + "\n";
  return text;
}

}  // namespace crible::tools
