#include "engine/pipeline/run.hpp"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <utility>

#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"

namespace crible::pipeline {

namespace {

constexpr std::uint32_t whole_run = 0xFFFFFFFF;  // in place of a luminosity block

builder::Ledger empty_ledger(const Trigger& trigger, const RunConfig& config) {
  std::vector<std::uint16_t> sources;
  for (const auto& source : trigger.description.sources)
    sources.push_back(static_cast<std::uint16_t>(source.id));
  return {config.number, std::move(sources)};
}

record::RunHeader run_header(const Trigger& trigger, const RunConfig& config) {
  record::RunHeader header;
  header.run = config.number;
  header.started_ns = realtime_ns();
  header.program = "crible";
  header.config = trigger.text;
  header.menu_hash = trigger.menu.hash();
  for (std::size_t i = 0; i < trigger.networks.size(); ++i) {
    header.networks.emplace_back(trigger.bindings[i].name(), trigger.network_hashes[i]);
  }
  for (const auto& chain : trigger.menu.chains()) header.chains.push_back(chain.name);
  return header;
}

/// Throws when the core cannot be had: a run that was to be pinned must not float silently.
void pin(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<unsigned>(core), &cores);
  if (pthread_setaffinity_np(pthread_self(), sizeof cores, &cores) != 0) {
    throw Error("cannot pin a shard to core " + std::to_string(core) + "; check run.cores");
  }
}

/// ZeroMQ allocates each frame that comes in and frees it on another thread. By default glibc returns what
/// is free at the top of a heap to the kernel from 128 kB on, so that a few frames of 50 kB have the kernel
/// give and clear pages all the time. In bench_pipeline nine of ten page faults go away.
void keep_freed_memory() noexcept {
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

}  // namespace

Run::Run(const Trigger& trigger, const RunConfig& config, EventTrace* trace)
    : trigger_(trigger),
      config_(config),
      zmq_(config.io_threads),
      ledger_(empty_ledger(trigger, config),
              [this](std::uint32_t luminosity_block, const std::string& json) {
                if (recording_) recording_->ledger(luminosity_block, json);
              }),
      context_{trigger_, config_, zmq_, control_, ledger_, nullptr, trace} {
  // One for each source and one for the decisions, of each shard.
  const std::size_t sockets = config_.shards * (trigger.description.sources.size() + 1);
  zmq_.set(zmq::ctxopt::max_sockets, static_cast<int>(std::max<std::size_t>(sockets, ZMQ_MAX_SOCKETS_DFLT)));
  for (std::size_t s = 0; s < config_.shards; ++s) shards_.push_back(std::make_unique<Shard>(context_, s));
  control_.advance(State::configured);
}

Run::~Run() {
  request_stop();
  for (std::thread& thread : threads_) thread.join();
}

void Run::start() {
  if (!config_.record.file.empty()) {
    config_.record.shards = config_.shards;
    recording_ = std::make_unique<record::Writer>(config_.record, run_header(trigger_, config_));
    context_.recording = recording_.get();
  }
  keep_freed_memory();
  running_.store(shards_.size());
  control_.advance(State::running);
  for (std::size_t s = 0; s < shards_.size(); ++s) {
    threads_.emplace_back([this, s] {
      try {
        if (!config_.cores.empty()) pin(config_.cores[s % config_.cores.size()]);
        shards_[s]->run();
      } catch (...) {
        const std::lock_guard lock(failure_mutex_);
        if (!failure_) failure_ = std::current_exception();
        request_stop();
      }
      running_.fetch_sub(1, std::memory_order_release);
    });
  }
}

RunSummary Run::summary() {
  RunSummary summary;
  summary.run = config_.number;
  summary.state = state();
  summary.shards.open_books = empty_ledger(trigger_, config_);
  for (const auto& shard : shards_) summary.shards.add(shard->status());
  summary.ledger = ledger_.ledger();
  summary.ledger.merge(summary.shards.open_books);
  // start() makes it before it changes the state.
  if (summary.state >= State::running && recording_) {
    summary.recorded = recording_->counters();
    summary.recording_failure = recording_->failure();
  }
  return summary;
}

RunSummary Run::finish() {
  request_stop();
  control_.advance(State::draining);
  for (std::thread& thread : std::exchange(threads_, {})) thread.join();
  if (recording_) {
    recording_->ledger(whole_run, builder::to_json(ledger_.ledger()));
  }
  const bool closed = !recording_ || recording_->close();
  control_.advance(State::stopped);
  if (failure_) std::rethrow_exception(failure_);
  RunSummary result = summary();
  result.recording_closed = closed;
  check_books(result);
  return result;
}

/// What must hold across the parts, besides each part's own books.
void Run::check_books(RunSummary& summary) const {
  summary.violations = summary.ledger.check_final();
  const auto expect_equal = [&summary](const char* what, std::int64_t left, const char* other,
                                       std::int64_t right) {
    if (left == right) return;
    summary.violations.push_back(std::string("the run: ") + what + " = " + std::to_string(left) + ", but " +
                                 other + " = " + std::to_string(right));
  };
  const auto events = summary.ledger.total().events;
  const auto& shards = summary.shards;
  expect_equal("closed events", events.closed(), "decisions", static_cast<std::int64_t>(shards.decisions));
  if (!config_.decisions.address.empty()) {
    expect_equal("decisions", static_cast<std::int64_t>(shards.decisions), "published + dropped",
                 static_cast<std::int64_t>(shards.published.published + shards.published.dropped));
  }
  if (recording_) {
    const auto& recorded = summary.recorded;
    expect_equal("events for the recording", static_cast<std::int64_t>(shards.offered),
                 "recorded + write_failed + queued",
                 static_cast<std::int64_t>(recorded.recorded + recorded.write_failed + recorded.queued));
  }
}

}  // namespace crible::pipeline
