// The whole trigger, asked by somebody else: reads the numbers of queries from standard input, sends an event
// for each at once, and writes a number back when the event's decision has arrived. So MLPerf's LoadGen can
// drive crible (bench/peers/loadgen.py), and what crible says of the same events stands beside what LoadGen
// says.
//
//   bench_referee SUMMARY.json [--echo]    --echo: answers without a trigger, which is the cost of asking

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/instrument/clock.hpp"
#include "bench/suites/kept_decisions.hpp"
#include "bench/suites/load.hpp"
#include "bench/suites/pipeline_run.hpp"
#include "bench/suites/sender.hpp"
#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/pipeline/decision_collector.hpp"
#include "engine/pipeline/run.hpp"

namespace crible::bench {

namespace {

/// Whole numbers from standard input; none at its end.
std::vector<std::uint64_t> read_queries() {
  static std::vector<std::byte> rest;
  std::vector<std::byte> bytes = std::move(rest);
  rest.clear();
  std::size_t used = bytes.size();
  bytes.resize(used + (1 << 16));
  const ssize_t got = read(STDIN_FILENO, bytes.data() + used, 1 << 16);
  if (got <= 0) return {};
  used += static_cast<std::size_t>(got);
  std::vector<std::uint64_t> queries(used / sizeof(std::uint64_t));
  std::memcpy(queries.data(), bytes.data(), queries.size() * sizeof(std::uint64_t));
  rest.assign(bytes.begin() + static_cast<std::ptrdiff_t>(queries.size() * sizeof(std::uint64_t)),
              bytes.begin() + static_cast<std::ptrdiff_t>(used));
  return queries;
}

void answer(std::span<const std::uint64_t> queries) {
  const auto* bytes = reinterpret_cast<const char*>(queries.data());
  for (std::size_t left = queries.size_bytes(); left != 0;) {
    const ssize_t written = write(STDOUT_FILENO, bytes, left);
    if (written <= 0) throw Error("nobody reads the answers", Fault::failure);
    bytes += written;
    left -= static_cast<std::size_t>(written);
  }
}

/// What was asked and when, by the number of its event; two threads.
class Asked {
 public:
  void add(std::span<const std::uint64_t> queries, std::int64_t now_ns) {
    const std::lock_guard lock(mutex_);
    for (const std::uint64_t query : queries) asked_.push_back({query, now_ns});
  }

  std::uint64_t answered(std::uint64_t event, std::int64_t now_ns) {
    const std::lock_guard lock(mutex_);
    const Query& query = asked_.at(event);
    latency_.add(now_ns - query.asked_ns);
    last_ns_ = now_ns;
    return query.number;
  }

  nlohmann::json summary() const {
    const auto at = [&](double part) { return latency_.percentile_ns(part); };
    const std::int64_t first_ns = asked_.empty() ? 0 : asked_.front().asked_ns;
    return {{"count", latency_.count()},
            {"p50_ns", at(0.5)},
            {"p90_ns", at(0.9)},
            {"p99_ns", at(0.99)},
            {"p999_ns", at(0.999)},
            {"max_ns", latency_.max_ns()},
            {"seconds", static_cast<double>(last_ns_ - first_ns) * 1e-9}};
  }

 private:
  struct Query {
    std::uint64_t number;
    std::int64_t asked_ns;
  };

  std::mutex mutex_;
  std::vector<Query> asked_;
  pipeline::Histogram latency_;
  std::int64_t last_ns_ = 0;
};

nlohmann::json echo() {
  Asked asked;
  std::uint64_t event = 0;
  for (std::vector<std::uint64_t> queries; !(queries = read_queries()).empty();) {
    asked.add(queries, Clock::system_ns());
    for (std::size_t i = 0; i < queries.size(); ++i) asked.answered(event++, Clock::system_ns());
    answer(queries);
  }
  return asked.summary();
}

nlohmann::json trigger() {
  const Load load{SuiteOptions{}};
  Asked asked;
  KeptDecisions kept(1);
  std::vector<std::uint64_t> answers;
  pipeline::DecisionCollector collector(
      "tcp://127.0.0.1:*", [&](const pipeline::PublishedDecision& decision) {
        kept.take(decision);
        const std::uint64_t query = asked.answered(decision.header.event, Clock::system_ns());
        answer({&query, 1});
      });
  PipelineSetup setup;
  pipeline::RunConfig config = config_of(load, setup);
  config.decisions.address = collector.address();
  pipeline::Run run(load.trigger(), config);
  run.start();
  zmq::context_t context;
  Sender sender(context, load, config, addresses_of(config, load.sources()));
  std::uint64_t events = 0;
  std::vector<std::int64_t> sent_ns;
  for (std::vector<std::uint64_t> queries; !(queries = read_queries()).empty();) {
    asked.add(queries, Clock::system_ns());
    constexpr std::size_t most = 256;  // in a packet
    for (std::size_t first = 0; first < queries.size(); first += most) {
      const std::size_t count = std::min(most, queries.size() - first);
      sender.send(events, count, sent_ns);
      events += count;
    }
  }
  sender.end();
  while (!run.ended()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const pipeline::RunSummary summary = run.finish();
  collector.stop();
  if (!summary.violations.empty()) throw Error(summary.violations.front(), Fault::failure);
  if (collector.faults() != 0 || collector.decisions() != events)
    throw Error("decisions are missing", Fault::failure);
  nlohmann::json result = asked.summary();
  result["checked"] = check_answers(load, summary.run, kept.all());
  return result;
}

}  // namespace

}  // namespace crible::bench

int main(int argc, char** argv) try {
  const bool is_echo = argc == 3 && std::strcmp(argv[2], "--echo") == 0;
  if (argc < 2 || (argc == 3 && !is_echo) || argc > 3) {
    std::fprintf(stderr, "bench_referee SUMMARY.json [--echo]\n");
    return 2;
  }
  crible::write_file(argv[1], (is_echo ? crible::bench::echo() : crible::bench::trigger()).dump(1) + "\n");
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_referee: %s\n", error.what());
  return 1;
}
