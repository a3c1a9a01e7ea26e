#include "tools/sending.hpp"

#include <algorithm>
#include <cstdio>
#include <future>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/base/yaml.hpp"
#include "engine/detector/description.hpp"
#include "engine/pipeline/run_config.hpp"
#include "tools/interrupt.hpp"
#include "tools/progress.hpp"

namespace crible::tools {
namespace {

using pipeline::Sample;
using pipeline::SourceChoice;
using pipeline::SourceReport;
using Json = nlohmann::ordered_json;

/// Sources of the sample that the configuration knows, and among these the wanted ones.
std::vector<SourceChoice> choose(const Sample& sample, const detector::Description& description,
                                 const pipeline::RunConfig& run, const SendingOptions& options) {
  std::vector<std::string> missing = options.only;
  std::vector<SourceChoice> choices;
  for (std::size_t i = 0; i < sample.sources().size(); ++i) {
    const pipeline::SampleSource& source = sample.sources()[i];
    const auto known = std::ranges::find_if(description.sources, [&](const detector::Source& other) {
      return source.name.empty() ? other.id == source.id : other.name == source.name;
    });
    if (known == description.sources.end())
      throw Error(options.sample.string() + ": source " +
                  (source.name.empty() ? std::to_string(source.id) : source.name) + " is not in " +
                  options.config.string() + "; add it to detector.sources");
    if (!options.only.empty() && std::ranges::find(options.only, known->name) == options.only.end()) continue;
    std::erase(missing, known->name);
    const auto place = static_cast<std::size_t>(known - description.sources.begin());
    choices.push_back({i, static_cast<std::uint16_t>(known->id), input_addresses(run, place)});
  }
  if (!missing.empty())
    throw Error("--only " + missing.front() + ": " + options.sample.string() + " has no source of this name");
  return choices;
}

Json to_json(const SourceReport& report) {
  Json faults = Json::object();
  for (std::size_t fault = 1; fault < report.faults.size(); ++fault)
    if (report.faults[fault].packets > 0)
      faults[std::string(pipeline::fault_names[fault])] = {{"packets", report.faults[fault].packets},
                                                           {"fragments", report.faults[fault].fragments}};
  return {{"name", report.name},       {"id", report.id},
          {"events", report.events},   {"fragments", report.fragments},
          {"packets", report.packets}, {"bytes", report.bytes},
          {"seconds", report.seconds}, {"waited_s", static_cast<double>(report.waited_ns) * 1e-9},
          {"faults", faults}};
}

Json summary(const SendingOptions& options, const std::vector<SourceReport>& reports) {
  std::uint64_t events = 0;
  std::uint64_t fragments = 0;
  std::uint64_t bytes = 0;
  double seconds = 0;
  Json sources = Json::array();
  for (const SourceReport& report : reports) {
    events = std::max(events, report.events);
    fragments += report.fragments;
    bytes += report.bytes;
    seconds = std::max(seconds, report.seconds);
    sources.push_back(to_json(report));
  }
  std::printf("sent %llu events, %llu fragments, %.1f MB by %zu sources in %.2f s: %.0f events/s\n",
              static_cast<unsigned long long>(events), static_cast<unsigned long long>(fragments),
              static_cast<double>(bytes) * 1e-6, reports.size(), seconds,
              static_cast<double>(events) / seconds);
  return {{"sample", options.sample.string()},
          {"run", options.source.run},
          {"events", events},
          {"fragments", fragments},
          {"bytes", bytes},
          {"seconds", seconds},
          {"events_per_s", static_cast<double>(events) / seconds},
          {"sources", sources}};
}

}  // namespace

void add_sending_options(Command& command, SendingOptions& options) {
  pipeline::SourceOptions& source = options.source;
  command.option("--only", options.only, "Send as these sources only (one process for each source)");
  command.option("--events", source.events,
                 "Events to go through; the sample is repeated under new numbers [once]");
  command.option("--rate", source.rate_hz, "Events per second; 0: as fast as they are taken [0]")
      .not_negative();
  command.option("--pack-events", source.pack_events, "Fragments in a packet at most [100]").positive();
  command.option("--flush-us", options.flush_us, "Longest time a fragment waits for its packet [200]")
      .positive();
  command.option("--luminosity-block-events", source.luminosity_block_events,
                 "Event numbers per luminosity block; 0: the sample's own blocks [0]");
  command.option("--faults", options.faults,
                 "Do wrong to packets: drop=0.01,duplicate=...,reorder=...,delay=...,flip_bit=...,"
                 "truncate=...,wrong_run=...,unknown_source=... and seed=N, delay_packets=N");
  command.option("--restart-after", source.restart_after_events,
                 "Start again in mid-run after so many events");
  command.option("--die-after", source.die_after_events, "Stop without a word after so many events");
  command.option("--jump-after", source.jump_after_events, "Event numbers jump by 2^32 after so many events");
  command.option("--give-up-s", options.give_up_s, "Fail when no packet was taken for so long [30]")
      .positive();
}

nlohmann::ordered_json send_sample(SendingOptions options) {
  const yaml::Value document = yaml::load(options.config);
  const detector::Description description = detector::load_description(document.at("detector").included());
  pipeline::RunConfig run;
  if (const auto section = document.find("run")) {
    run = pipeline::load_run_config(section->included(), description.sources.size());
  }
  const Sample sample = Sample::load(options.sample);
  const std::vector<SourceChoice> choices = choose(sample, description, run, options);

  pipeline::SourceOptions& source = options.source;
  source.run = run.number;
  source.block_events = run.build.block_events;
  source.flush_ns = static_cast<std::int64_t>(options.flush_us * 1e3);
  source.give_up_ns = static_cast<std::int64_t>(options.give_up_s * 1e9);
  source.faults = pipeline::parse_faults(options.faults);

  pipeline::SourceControl control;
  const Interrupt interrupt;
  Progress progress("events", source.events > 0 ? source.events : sample.events().size());
  auto sending =
      std::async(std::launch::async, [&] { return send_sources(sample, choices, source, control); });
  while (sending.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {
    progress.update(control.events.load() / choices.size());
    if (interrupt.requested()) control.stop = true;
  }
  std::vector<SourceReport> reports = sending.get();
  for (std::size_t i = 0; i < reports.size(); ++i)
    reports[i].name = std::ranges::find(description.sources, reports[i].id, &detector::Source::id)->name;
  return summary(options, reports);
}

}  // namespace crible::tools
