#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace crible::bench {

/// How events reach a subject: one a call; one a call, each waiting for the one before; 1024 a call.
enum class Mode { single, chained, batch };

/// What can be measured by request.
struct Entry {
  std::function<double(Mode)> measure;  // the nanoseconds for an event
  std::function<void()> one;            // one event, another one each time
};
using Served = std::map<std::string, Entry>;

/// Latencies, ascending, of one event at each of these times (nanoseconds from a start), from when it was
/// due: an open loop in one thread, which spins until an event is due.
inline std::vector<std::int64_t> latencies_at(const std::vector<std::int64_t>& times,
                                              const std::function<void()>& one) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::int64_t> latencies;
  latencies.reserve(times.size());
  const Clock::time_point start = Clock::now();
  for (const std::int64_t time_ns : times) {
    const Clock::time_point due = start + std::chrono::nanoseconds(time_ns);
    while (Clock::now() < due) {
    }
    one();
    latencies.push_back(std::chrono::nanoseconds(Clock::now() - due).count());
  }
  std::ranges::sort(latencies);
  return latencies;
}

/// "p50 p99 p99.9 max" of the latencies of one event at each time of a file, which has one a line.
inline std::string arrivals(const std::string& file, const std::function<void()>& one) {
  std::vector<std::int64_t> times;
  std::ifstream stream(file);
  for (std::int64_t time = 0; stream >> time;) times.push_back(time);
  const std::vector<std::int64_t> latencies = latencies_at(times, one);
  std::string text;
  for (const double part : {0.5, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1));
    text += std::to_string(latencies[rank]) + " ";
  }
  return text;
}

/// Names what there is, one a line, then "ready"; answers each line "NAME MODE" with nanoseconds, and "NAME
/// arrivals:FILE" with four of them, until the input ends. So one script can measure several programs in
/// turn.
inline void serve(const Served& served) {
  for (const auto& [name, entry] : served) std::cout << name << "\n";
  std::cout << "ready" << std::endl;
  const std::string at_times = "arrivals:";
  std::string name, mode;
  while (std::cin >> name >> mode) {
    const Entry& entry = served.at(name);
    if (mode.starts_with(at_times)) {
      std::cout << arrivals(mode.substr(at_times.size()), entry.one) << std::endl;
      continue;
    }
    const Mode wanted = mode == "single" ? Mode::single : mode == "chained" ? Mode::chained : Mode::batch;
    std::cout << entry.measure(wanted) << std::endl;
  }
}

}  // namespace crible::bench
