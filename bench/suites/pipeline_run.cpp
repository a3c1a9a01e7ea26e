#include "bench/suites/pipeline_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "bench/instrument/clock.hpp"
#include "bench/instrument/cores.hpp"
#include "bench/instrument/hiccups.hpp"
#include "bench/instrument/open_loop.hpp"
#include "bench/instrument/process.hpp"
#include "bench/suites/kept_decisions.hpp"
#include "bench/suites/sender.hpp"
#include "engine/base/error.hpp"
#include "engine/base/free_address.hpp"
#include "engine/pipeline/decision_collector.hpp"
#include "engine/pipeline/run.hpp"

namespace crible::bench {

namespace {

constexpr std::uint64_t most_checked = 4000;     // decisions of a run; all of them when there are fewer
constexpr std::uint64_t least_backlog = 20'000;  // events under way that mean nothing yet
constexpr double backlog_s = 0.5;                // of load under way: it will never be caught up
constexpr auto settle = std::chrono::milliseconds(150);  // until sockets are connected

std::size_t events_of(const PipelineSetup& setup) {
  const double events = setup.arrivals.rate_hz * setup.seconds;
  if (!(events >= 1)) return setup.arrivals.rate_hz > 0 ? 1 : 0;
  return static_cast<std::size_t>(events);
}

/// The arrivals of a run and how they are packed.
struct Plan {
  std::vector<std::int64_t> times;
  std::vector<Shot> shots;

  explicit Plan(const PipelineSetup& setup)
      : times(schedule(setup.arrivals, events_of(setup))),
        shots(pack(times, setup.packet_events, setup.packet_wait_ns)) {}

  std::int64_t counts_from_ns(const PipelineSetup& setup) const {
    return setup.warm_up ? warm_up_ns(times.back()) : 0;
  }
};

/// What the sender's thread knows when it is done.
struct Sent {
  std::int64_t start_ns = 0;
  std::vector<std::int64_t> sent_ns;  // by event
  SenderLateness lateness;
  double cpu_s = 0;
};

Sent send_all(const Plan& plan, std::int64_t counts_from_ns, Sender& sender, SenderCore& core,
              const std::function<bool(std::size_t)>& too_far_ahead) {
  Sent sent;
  sent.sent_ns.reserve(plan.times.size());
  core.sender_begins();
  Clock clock;
  const double cpu_before_s = thread_cpu_s();
  constexpr std::int64_t lead_ns = 5'000'000;
  sent.start_ns = Clock::system_ns() + lead_ns;
  sent.lateness = send_open_loop(
      clock, plan.shots, sent.start_ns, counts_from_ns,
      [&](const Shot& shot, std::int64_t) { sender.send(shot.first, shot.count, sent.sent_ns); },
      [&] { return too_far_ahead(sent.sent_ns.size()); });
  sent.cpu_s = thread_cpu_s() - cpu_before_s;
  core.sender_ends();
  return sent;
}

void account(const Plan& plan, const Sent& sent, const pipeline::EventTrace& trace,
             std::int64_t counts_from_ns, PipelineOutcome& outcome) {
  std::int64_t last_ns = sent.start_ns;
  for (std::size_t shard = 0; shard < trace.shards(); ++shard) {
    for (std::size_t i = 0; i < trace.size(shard); ++i) {
      const pipeline::EventStamps& stamps = trace.at(shard, i);
      last_ns = std::max(last_ns, stamps.published_ns);
      if (plan.times[stamps.event] < counts_from_ns) continue;
      EventTimes times{stamps.event, {}};
      times.ns = {sent.start_ns + plan.times[stamps.event],
                  sent.sent_ns[stamps.event],
                  stamps.received_ns,
                  stamps.built_ns,
                  stamps.queued_ns,
                  stamps.submitted_ns,
                  stamps.computed_ns,
                  stamps.decided_ns,
                  stamps.published_ns};
      outcome.budget.add(times);
    }
  }
  outcome.achieved_hz = 1e9 * static_cast<double>(outcome.decided) /
                        static_cast<double>(last_ns - sent.start_ns - plan.times[0]);
}

/// Nothing is reported of a run whose answers are wrong or whose books do not balance.
void check(const Load& load, const pipeline::RunSummary& summary,
           const pipeline::DecisionCollector& collector, const KeptDecisions& kept,
           PipelineOutcome& outcome) {
  if (!summary.violations.empty()) throw Error(summary.violations.front(), Fault::failure);
  const auto counts = summary.ledger.total().events;
  const auto sent = static_cast<std::int64_t>(outcome.decided);
  if (counts.complete != sent || collector.decisions() != outcome.decided || collector.faults() != 0)
    throw Error(fmt::format("{} events were sent, {} were complete, {} decisions arrived in good frames",
                            sent, counts.complete, collector.decisions()),
                Fault::failure);
  outcome.checked = check_answers(load, summary.run, kept.all());
}

}  // namespace

std::vector<std::vector<std::string>> addresses_of(const pipeline::RunConfig& config, std::size_t sources) {
  std::vector<std::vector<std::string>> addresses;
  for (std::size_t s = 0; s < sources; ++s) addresses.push_back(pipeline::input_addresses(config, s));
  return addresses;
}

pipeline::RunConfig config_of(const Load& load, const PipelineSetup& setup) {
  pipeline::RunConfig config = load.trigger().run;
  config.shards = setup.shards;
  config.spin = setup.spin;
  config.stop_at_end_of_run = true;
  config.stage_times = setup.traced;
  config.batch.around = setup.around;
  config.drain_ns = 20'000'000'000;
  config.deadline.limit_ns = 0;
  config.input.bind = free_addresses(load.sources() * setup.shards);
  config.input.high_water_frames = 1000;
  config.decisions.bind = false;
  config.decisions.publish = false;
  config.decisions.when_full = pipeline::WhenFull::wait;
  config.record.file.clear();
  config.monitoring.prometheus.clear();
  if (!setup.backend.empty()) config.batch.backend = setup.backend;
  return config;
}

PipelineOutcome run_pipeline(const Load& load, const PipelineSetup& setup) {
  const Plan plan(setup);
  SenderCore core;  // before any thread is started
  KeptDecisions kept(std::max<std::uint64_t>(plan.times.size() / most_checked, 1));
  pipeline::DecisionCollector collector(
      "tcp://127.0.0.1:*", [&](const pipeline::PublishedDecision& decision) { kept.take(decision); });
  pipeline::RunConfig config = config_of(load, setup);
  config.decisions.address = collector.address();
  // The last shard may get a block more than its part.
  const std::size_t room =
      setup.traced ? plan.times.size() / setup.shards + 2 * config.build.block_events : 0;
  pipeline::EventTrace trace(setup.shards, room);
  pipeline::Run run(load.trigger(), config, setup.traced ? &trace : nullptr);
  run.start();
  zmq::context_t context;
  context.set(zmq::ctxopt::max_sockets,
              static_cast<int>(std::max<std::size_t>(load.sources() * setup.shards, ZMQ_MAX_SOCKETS_DFLT)));
  Sender sender(context, load, config, addresses_of(config, load.sources()));
  std::this_thread::sleep_for(settle);

  PipelineOutcome outcome;
  outcome.offered_hz = setup.arrivals.rate_hz;
  const auto most_under_way =
      std::max(least_backlog, static_cast<std::uint64_t>(setup.arrivals.rate_hz * backlog_s));
  Hiccups hiccups;
  const double cpu_before_s = process_cpu_s();
  const std::int64_t counts_from_ns = plan.counts_from_ns(setup);
  const Sent sent = send_all(plan, counts_from_ns, sender, core, [&](std::size_t events) {
    outcome.saturated = !setup.may_pile_up && events > collector.decisions() + most_under_way;
    return outcome.saturated;
  });
  sender.end();
  while (!run.ended()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const double cpu_s = process_cpu_s() - cpu_before_s - sent.cpu_s;
  const pipeline::RunSummary summary = run.finish();
  collector.stop();
  outcome.cpu_s = cpu_s;
  outcome.hiccups = hiccups.stop();
  outcome.decided = sent.sent_ns.size();
  outcome.lateness = sent.lateness.late_ns;
  check(load, summary, collector, kept, outcome);
  const double seconds = static_cast<double>(summary.shards.last_ns - summary.shards.first_ns) * 1e-9;
  outcome.throughput_hz = static_cast<double>(outcome.decided) / seconds;
  if (!setup.traced) {
    outcome.achieved_hz = outcome.throughput_hz;
  } else {
    account(plan, sent, trace, counts_from_ns, outcome);
    outcome.slowest = outcome.budget.slowest(
        [&](std::int64_t from_ns, std::int64_t to_ns) { return hiccups.longest_ns(from_ns, to_ns); });
    if (trace.lost() != 0) outcome.invalid = "the stamps of some events had no room";
    if (outcome.budget.disorder() != 0)
      outcome.invalid =
          fmt::format("{} stamps went backwards: the clocks disagree", outcome.budget.disorder());
  }
  if (outcome.saturated)
    outcome.invalid = "saturated: the load was ended early, as events piled up";
  else if (outcome.invalid.empty() && setup.traced)
    outcome.invalid = outcome.sender_late = sent.lateness.problem(outcome.budget.total());
  outcome.sender = core.describe();
  return outcome;
}

PipelineOutcome Retakes::run(const Load& load, PipelineSetup setup, std::size_t most) {
  constexpr std::uint64_t other_arrivals = 1'000'000;
  PipelineOutcome outcome = run_pipeline(load, setup);
  for (; !outcome.sender_late.empty() && most != 0; --most) {
    ++count_;
    setup.arrivals.seed += other_arrivals;
    outcome = run_pipeline(load, setup);
  }
  return outcome;
}

std::string Retakes::note() const {
  if (count_ == 0) return "";
  return fmt::format("{} runs were taken again, as the sender was late by more than a tenth of the latency.",
                     count_);
}

pipeline::Histogram run_bare(const Load& load, const PipelineSetup& setup) {
  const Plan plan(setup);
  SenderCore core;
  pipeline::RunConfig config = config_of(load, setup);
  config.shards = 1;
  config.input.bind = free_addresses(load.sources());
  const auto addresses = addresses_of(config, load.sources());
  zmq::context_t receiving;
  zmq::socket_t socket(receiving, zmq::socket_type::pull);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::rcvtimeo, 2000);
  for (const auto& source : addresses) socket.bind(source[0]);
  std::vector<std::int64_t> received_ns;  // of the last source's packets, which are sent last
  received_ns.reserve(plan.times.size());
  const auto last_source = static_cast<std::uint16_t>(load.trigger().description.sources.back().id);
  std::thread receiver([&] {
    zmq::message_t message;
    while (received_ns.size() < plan.times.size() && socket.recv(message)) {
      const std::int64_t now_ns = Clock::system_ns();
      wire::PacketHeader header;
      std::memcpy(&header, message.data(), sizeof header);
      if (header.source == last_source)
        received_ns.resize(received_ns.size() + header.fragment_count, now_ns);
    }
  });
  zmq::context_t sending;
  Sender sender(sending, load, config, addresses);
  std::this_thread::sleep_for(settle);
  const std::int64_t counts_from_ns = plan.counts_from_ns(setup);
  const Sent sent = send_all(plan, counts_from_ns, sender, core, [](std::size_t) { return false; });
  receiver.join();
  pipeline::Histogram latency;
  for (std::size_t event = 0; event < received_ns.size(); ++event)
    if (plan.times[event] >= counts_from_ns)
      latency.add(received_ns[event] - sent.start_ns - plan.times[event]);
  return latency;
}

}  // namespace crible::bench
