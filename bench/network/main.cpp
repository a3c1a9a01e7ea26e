#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/network/dump.hpp"
#include "bench/network/serve.hpp"
#include "bench/network/subject.hpp"
#include "bench/network/thread_clock.hpp"
#include "bench/report/statistics.hpp"
#include "bench/suites/networks.hpp"
#include "engine/base/error.hpp"
#include "engine/network/cost.hpp"
#include "engine/network/text.hpp"

// Nanoseconds for an event of the CPU backend's variants: answers are checked first, then every case is
// measured in turn, round after round, so that a busy machine disturbs all alike; medians are printed.

namespace crible::backends::cpu {
namespace portable {
std::size_t multiply_rounds(std::size_t rounds, std::int32_t* sink);
}
namespace avx2 {
std::size_t multiply_rounds(std::size_t rounds, std::int32_t* sink);
}
namespace avx512vnni {
std::size_t multiply_rounds(std::size_t rounds, std::int32_t* sink);
}
}  // namespace crible::backends::cpu

namespace crible::bench {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> devices(const std::string& only) {
  std::vector<std::string> names;
  for (const backends::Device& device : backends::find("cpu").devices()) {
    if (!device.usable)
      std::fprintf(stderr, "%s is left out: %s\n", device.name.c_str(), device.reason.c_str());
    if (device.usable && (only.empty() || only == device.name)) names.push_back(device.name);
  }
  return names;
}

/// Multiply-accumulates a nanosecond that registers alone allow.
double peak(const std::string& device) {
  namespace cpu = backends::cpu;
  std::size_t (*rounds)(std::size_t, std::int32_t*) = cpu::portable::multiply_rounds;
#if defined(CRIBLE_CPU_X86)
  if (device == "cpu:avx2") rounds = cpu::avx2::multiply_rounds;
  if (device == "cpu:avx512vnni") rounds = cpu::avx512vnni::multiply_rounds;
#endif
  constexpr std::size_t round_count = 20000;
  std::int32_t sink = 0;
  const ThreadClock clock;
  const std::size_t products = rounds(round_count, &sink);
  return static_cast<double>(products) / clock.elapsed_ns();
}

struct Case {
  std::string network;
  std::string device;
  double products = 0;
  std::unique_ptr<Subject> subject;
  std::size_t calls = 1;    // of one event
  std::size_t batches = 1;  // of events_held
  std::vector<double> single, chained, batch;
};

std::size_t calls_for(double ns, double wanted_ns) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(wanted_ns / std::max(ns, 1.0)));
}

Json report(const std::vector<Case>& cases, const std::map<std::string, double>& peaks) {
  std::printf("%-14s %-16s %12s %12s %12s %12s %8s\n", "network", "device", "1 event ns", "chained ns",
              "of 1024 ns", "M events/s", "of peak");
  Json rows = Json::array();
  for (const Case& c : cases) {
    const double batch = median(c.batch);
    const double share = c.products / batch / peaks.at(c.device);
    std::printf("%-14s %-16s %12.1f %12.1f %12.2f %12.3f %7.1f%%\n", c.network.c_str(), c.device.c_str(),
                median(c.single), median(c.chained), batch, 1e3 / batch, share * 100);
    rows.push_back({{"network", c.network},
                    {"device", c.device},
                    {"multiply_accumulates", c.products},
                    {"single_ns", median(c.single)},
                    {"single_chained_ns", median(c.chained)},
                    {"batch_1024_ns_per_event", batch},
                    {"batch_1024_events_per_s", 1e9 / batch},
                    {"share_of_peak", share}});
  }
  return rows;
}

Json measure(const std::vector<Named>& networks, const std::vector<std::string>& names, int rounds) {
  std::vector<Case> cases;
  for (const Named& named : networks) {
    for (const std::string& device : names) {
      Case c{named.name,
             device,
             static_cast<double>(network::cost(named.network).multiply_accumulates),
             std::make_unique<Subject>(named.network, device),
             1,
             1,
             {},
             {},
             {}};
      c.calls = calls_for(c.subject->one_by_one_ns(100), 3e5);
      c.batches = calls_for(c.subject->batch_ns(1) * Subject::events_held, 1e6);
      cases.push_back(std::move(c));
    }
  }
  std::map<std::string, std::vector<double>> peaks;
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& device : names) peaks[device].push_back(peak(device));
    for (Case& c : cases) {
      c.single.push_back(c.subject->one_by_one_ns(c.calls));
      c.chained.push_back(c.subject->chained_ns(c.calls));
      c.batch.push_back(c.subject->batch_ns(c.batches));
    }
  }
  std::map<std::string, double> medians;
  Json peak_json;
  for (const auto& [device, values] : peaks) {
    medians[device] = median(values);
    peak_json[device] = medians[device] * 1e9;
    std::printf("%s: peak %.1f G multiply-accumulates/s\n", device.c_str(), medians[device]);
  }
  return {{"peak_multiply_accumulates_per_s", peak_json}, {"networks", report(cases, medians)}};
}

/// 200 small networks in one process: calls of each one alone, then of each in turn.
Json measure_many(const std::string& device, std::size_t events, int rounds) {
  constexpr int network_count = 200;
  std::vector<std::unique_ptr<Subject>> subjects;
  for (const network::Network& network : small_networks(network_count)) {
    subjects.push_back(std::make_unique<Subject>(network, device));
  }
  std::vector<Subject::Call> calls;
  for (const auto& subject : subjects) calls.push_back(subject->call(events));
  constexpr std::size_t call_count = 50;
  std::vector<double> alone, together;
  for (int round = 0; round < rounds; ++round) {
    double sum = 0;
    for (const Subject::Call& call : calls) {
      const ThreadClock clock;
      for (std::size_t i = 0; i < call_count; ++i) call();
      sum += clock.elapsed_ns() / call_count;
    }
    alone.push_back(sum);
    const ThreadClock clock;
    for (std::size_t i = 0; i < call_count; ++i) {
      for (const Subject::Call& call : calls) call();
    }
    together.push_back(clock.elapsed_ns() / call_count);
  }
  const double ratio = median(together) / median(alone);
  std::printf("%d networks on %s, %zu events a call: each alone %.1f us, in turn %.1f us, ratio %.2f\n",
              network_count, device.c_str(), events, median(alone) / 1e3, median(together) / 1e3, ratio);
  return {{"device", device},          {"networks", network_count},      {"events", events},
          {"alone_ns", median(alone)}, {"in_turn_ns", median(together)}, {"ratio", ratio}};
}

void serve_all(const std::vector<Named>& networks, const std::vector<std::string>& names) {
  std::map<std::string, std::shared_ptr<Subject>> subjects;
  Served served;
  for (const Named& named : networks) {
    for (const std::string& device : names) {
      const auto subject = std::make_shared<Subject>(named.network, device);
      const std::size_t calls = calls_for(subject->one_by_one_ns(100), 2e5);
      const std::size_t batches = calls_for(subject->batch_ns(1) * Subject::events_held, 1e6);
      const auto measure = [subject, calls, batches](Mode mode) {
        if (mode == Mode::single) return subject->one_by_one_ns(calls);
        return mode == Mode::chained ? subject->chained_ns(calls) : subject->batch_ns(batches);
      };
      served[named.name + "@" + device] = {measure, [subject] { subject->run_one(); }};
    }
  }
  serve(served);
}

int run(int argc, char** argv) {
  CLI::App app{"Nanoseconds for an event of the CPU backend, answers checked first"};
  std::string json_file, device, only, dump_file;
  bool served = false;
  std::vector<std::string> files;
  int rounds = 21;
  app.add_option("--json", json_file, "write the figures to this file");
  app.add_option("--device", device, "only this device, e.g. cpu:avx2");
  app.add_option("--network", only, "only this network");
  app.add_option("--file", files, "measure these .crn files instead");
  app.add_option("--rounds", rounds, "repeats, of which the median counts")->check(CLI::Range(1, 1000));
  app.add_option("--dump", dump_file, "only write the 8-bit layered networks, events and answers as JSON");
  app.add_flag("--serve", served, "measure what standard input asks for, see serve.hpp");
  CLI11_PARSE(app, argc, argv);

  std::vector<Named> networks;
  for (const std::string& file : files) networks.push_back({file, network::load(file)});
  if (files.empty()) networks = comparison_networks();
  std::erase_if(networks, [&](const Named& named) { return !only.empty() && named.name != only; });
  if (!dump_file.empty()) {
    std::ofstream(dump_file) << layers_of(networks, Subject::events_held).dump() << "\n";
    return 0;
  }
  const std::vector<std::string> names = devices(device);
  if (served) {
    serve_all(networks, names);
    return 0;
  }
  Json result = measure(networks, names, rounds);
  if (files.empty() && only.empty()) {
    for (const std::string& name : names) {
      for (std::size_t events : {1u, 32u})
        result["many_networks"].push_back(measure_many(name, events, rounds));
    }
  }
  if (!json_file.empty()) std::ofstream(json_file) << result.dump(2) << "\n";
  return 0;
}

}  // namespace
}  // namespace crible::bench

int main(int argc, char** argv) {
  try {
    return crible::bench::run(argc, argv);
  } catch (const crible::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.fault() == crible::Fault::user ? 2 : 1;
  }
}
