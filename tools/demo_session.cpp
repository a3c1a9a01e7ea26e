#include "tools/demo_session.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <thread>
#include <zmq.hpp>

#include "engine/base/error.hpp"
#include "engine/base/free_address.hpp"
#include "engine/pipeline/decision_collector.hpp"
#include "engine/pipeline/source_sender.hpp"
#include "tools/interrupt.hpp"

namespace crible::tools {

namespace {

/// Processes that each send one source of the sample; killed when they are not waited for.
class SourceProcesses {
 public:
  SourceProcesses(const pipeline::Trigger& trigger, const pipeline::RunConfig& config,
                  const pipeline::Sample& sample, const pipeline::SourceOptions& options)
      : shared_(shared_memory()) {
    for (std::size_t i = 0; i < trigger.description.sources.size(); ++i) {
      const std::uint32_t id = trigger.description.sources[i].id;
      const auto source = std::ranges::find(sample.sources(), id, &pipeline::SampleSource::id);
      if (source == sample.sources().end()) {
        throw Error("the sample has no source " + trigger.description.sources[i].name);
      }
      const auto index = static_cast<std::size_t>(source - sample.sources().begin());
      start(sample, {index, static_cast<std::uint16_t>(id), input_addresses(config, i)}, options);
    }
  }

  ~SourceProcesses() {
    for (pid_t process : processes_) {
      kill(process, SIGKILL);
      waitpid(process, nullptr, 0);
    }
    munmap(shared_, sizeof *shared_);
  }

  SourceProcesses(const SourceProcesses&) = delete;
  SourceProcesses& operator=(const SourceProcesses&) = delete;

  /// The trigger takes data: the sources begin to send.
  void go() { shared_->go.store(true); }

  /// Throws when one of them failed.
  void wait() {
    bool failed = false;
    for (pid_t process : processes_) {
      int status = 0;
      waitpid(process, &status, 0);
      failed = failed || status != 0;
    }
    processes_.clear();
    if (failed) throw Error("a source process failed", Fault::failure);
  }

  /// One of them has ended before it should: its status is not zero.
  bool any_failed() {
    for (auto process = processes_.begin(); process != processes_.end(); ++process) {
      int status = 0;
      if (waitpid(*process, &status, WNOHANG) == 0) continue;
      processes_.erase(process);
      return status != 0 || any_failed();
    }
    return false;
  }

 private:
  /// In memory that all the processes share: the clock of the detector.
  struct Shared {
    pipeline::SourceControl control;
    std::atomic<bool> go = false;
  };

  static Shared* shared_memory() {
    void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw Error("no shared memory for the source processes", Fault::failure);
    return new (memory) Shared;
  }

  void start(const pipeline::Sample& sample, const pipeline::SourceChoice& source,
             const pipeline::SourceOptions& options) {
    std::fflush(nullptr);
    const pid_t process = fork();
    if (process < 0) throw Error("cannot start a source process", Fault::failure);
    if (process > 0) {
      processes_.push_back(process);
      return;
    }
    int status = 0;
    try {
      while (!shared_->go.load()) std::this_thread::sleep_for(std::chrono::microseconds(200));
      zmq::context_t context(1);
      pipeline::send_source(context, sample, source, options, shared_->control);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "crible: source %u: %s\n", source.id, error.what());
      status = 1;
    }
    _exit(status);
  }

  Shared* shared_;
  std::vector<pid_t> processes_;
};

/// Counts what the events of each label became, from the published decisions.
class LabelCounter {
 public:
  LabelCounter(const pipeline::Trigger& trigger, const pipeline::Sample& sample)
      : sample_(sample), cycle_(sample, 0), recorded_streams_(trigger.menu.recorded_streams()) {
    for (const std::string& name : sample.label_names()) labels_.push_back({name, 0, 0});
  }

  void take(const menu::DecisionHeader& decision) {
    const std::size_t index = cycle_.index_of(decision.event);
    if (index >= sample_.labels().size()) return;
    LabelCounts& label = labels_[sample_.labels()[index]];
    ++label.events;
    if ((decision.streams & recorded_streams_) != 0) ++label.kept;
  }

  const std::vector<LabelCounts>& labels() const { return labels_; }

 private:
  const pipeline::Sample& sample_;
  pipeline::Cycle cycle_;
  std::uint32_t recorded_streams_;
  std::vector<LabelCounts> labels_;
};

pipeline::SourceOptions source_options(const pipeline::RunConfig& config, const SessionOptions& options,
                                       std::size_t sources) {
  pipeline::SourceOptions source;
  source.run = config.number;
  source.block_events = config.build.block_events;
  source.events = options.events;
  source.rate_hz = options.rate_hz;
  source.flush_ns =
      2'000'000;  // full packets at these rates; many small ones would cost two cores their time
  source.lead_events = 2048;
  source.together = sources;
  source.high_water_frames = 20;
  return source;
}

}  // namespace

SessionResult run_session(const pipeline::Trigger& trigger, const pipeline::Sample& sample,
                          const SessionOptions& options) {
  pipeline::RunConfig config = trigger.run;
  config.input.bind = free_addresses(trigger.description.sources.size() * config.shards);
  config.decisions.address = free_addresses(1);
  config.decisions.bind = false;
  config.decisions.publish = false;
  config.record.file = options.recording;
  config.record.overwrite = true;
  config.stop_at_end_of_run = true;
  config.monitoring.prometheus.clear();
  if (!options.backend.empty()) config.batch.backend = options.backend;

  SourceProcesses sources(trigger, config, sample,
                          source_options(config, options, trigger.description.sources.size()));
  LabelCounter counter(trigger, sample);
  pipeline::DecisionCollector collector(
      config.decisions.address,
      [&](const pipeline::PublishedDecision& decision) { counter.take(decision.header); });
  const Interrupt interrupt;
  pipeline::Run run(trigger, config);
  run.start();
  sources.go();
  while (!run.ended()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (interrupt.requested()) throw Error("interrupted", Fault::failure);
    if (sources.any_failed()) throw Error("a source process failed", Fault::failure);
  }
  SessionResult result;
  result.run = run.finish();
  sources.wait();
  collector.stop();
  result.received_decisions = collector.decisions();
  result.bad_frames = collector.faults();
  result.labels = counter.labels();
  return result;
}

}  // namespace crible::tools
