#include "engine/pipeline/monitor.hpp"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <utility>
#include <vector>

#include "engine/base/error.hpp"

namespace crible::pipeline {

namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily family(const std::string& name, const std::string& help, MetricType type) {
  MetricFamily result;
  result.name = "crible_" + name;
  result.help = help;
  result.type = type;
  return result;
}

void add(MetricFamily& sum, const Labels& labels, double value) {
  prometheus::ClientMetric metric;
  for (const auto& [name, text] : labels) metric.label.push_back({name, text});
  (sum.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  sum.metric.push_back(std::move(metric));
}

MetricFamily single(const std::string& name, const std::string& help, MetricType type, double value) {
  MetricFamily result = family(name, help, type);
  add(result, {}, value);
  return result;
}

MetricFamily fragments(const builder::Book& total, const detector::Description& description) {
  MetricFamily result = family("fragments_total", "Fragments by source and fate.", MetricType::Counter);
  const auto add_source = [&result](const std::string& name, const builder::FragmentCounts& counts) {
    for (const auto& counter : builder::fragment_counters) {
      add(result, {{"source", name}, {"fate", std::string(counter.name)}},
          static_cast<double>(counts.*counter.value));
    }
  };
  for (std::size_t i = 0; i < total.sources.size(); ++i) {
    add_source(description.sources[i].name, total.sources[i].fragments);
  }
  add_source("unknown", total.unknown.fragments);
  return result;
}

MetricFamily events(const builder::EventCounts& counts) {
  MetricFamily result = family("events_total", "Events by what happened to them.", MetricType::Counter);
  for (const auto& counter : builder::event_counters) {
    add(result, {{"what", std::string(counter.name)}}, static_cast<double>(counts.*counter.value));
  }
  return result;
}

MetricFamily frames(const builder::Book& total) {
  MetricFamily result =
      family("frames_total", "Frames by what the check of the packet found.", MetricType::Counter);
  for (std::size_t i = 0; i < total.frames.size(); ++i) {
    const auto status = static_cast<wire::PacketStatus>(i);
    add(result, {{"status", std::string(wire::name(status))}}, static_cast<double>(total.frames[i]));
  }
  return result;
}

MetricFamily chains(const ShardStatus& status, const menu::Menu& menu) {
  MetricFamily result = family("chain_events_total", "Events of each chain before and after its prescale.",
                               MetricType::Counter);
  for (std::size_t c = 0; c < status.chains.size(); ++c) {
    const std::string& name = menu.chains()[c].name;
    add(result, {{"chain", name}, {"prescale", "before"}}, static_cast<double>(status.chains[c].before));
    add(result, {{"chain", name}, {"prescale", "after"}}, static_cast<double>(status.chains[c].after));
  }
  return result;
}

MetricFamily streams(const ShardStatus& status, const menu::Menu& menu) {
  MetricFamily result = family("stream_events_total", "Events of each stream.", MetricType::Counter);
  for (std::size_t s = 0; s < status.streams.size(); ++s) {
    add(result, {{"stream", menu.streams()[s].name}}, static_cast<double>(status.streams[s]));
  }
  return result;
}

MetricFamily causes(const ShardStatus& status) {
  MetricFamily result =
      family("faults_total", "Events that the menu could not decide, by cause.", MetricType::Counter);
  for (std::size_t c = 0; c < status.causes.size(); ++c) {
    add(result, {{"cause", menu::to_string(static_cast<menu::Cause>(c))}},
        static_cast<double>(status.causes[c]));
  }
  return result;
}

MetricFamily batches(const ShardStatus& status, const Trigger& trigger) {
  MetricFamily result =
      family("batches_total", "Batches by network and by why they went.", MetricType::Counter);
  for (std::size_t n = 0; n < status.batches.size(); ++n) {
    const std::string& name = trigger.bindings[n].name();
    const batching::Counters& counters = status.batches[n];
    const std::pair<const char*, std::uint64_t> reasons[] = {{"full", counters.full},
                                                             {"deadline", counters.deadline},
                                                             {"idle", counters.idle},
                                                             {"failed", counters.failed}};
    for (const auto& [reason, count] : reasons) {
      add(result, {{"network", name}, {"why", reason}}, static_cast<double>(count));
    }
  }
  return result;
}

MetricFamily devices(const ShardStatus& status, const Trigger& trigger) {
  MetricFamily result = family("device_batches_total", "Batches by network and by the device that took them.",
                               MetricType::Counter);
  for (std::size_t n = 0; n < status.routing.size(); ++n) {
    for (const batching::RouteCounts& route : status.routing[n].routes) {
      add(result, {{"network", trigger.bindings[n].name()}, {"device", route.device}},
          static_cast<double>(route.batches));
    }
  }
  return result;
}

MetricFamily moved(const ShardStatus& status, const Trigger& trigger) {
  MetricFamily result =
      family("moved_batches_total", "Batches of a device that failed, run on the CPU.", MetricType::Counter);
  for (std::size_t n = 0; n < status.routing.size(); ++n) {
    add(result, {{"network", trigger.bindings[n].name()}}, static_cast<double>(status.routing[n].moved));
  }
  return result;
}

MetricFamily requests(const ShardStatus& status, const Trigger& trigger) {
  MetricFamily result = family("requests_total", "Inference requests by network.", MetricType::Counter);
  for (std::size_t n = 0; n < status.batches.size(); ++n) {
    add(result, {{"network", trigger.bindings[n].name()}}, static_cast<double>(status.batches[n].requests));
  }
  return result;
}

MetricFamily stages(const StageHistograms& histograms) {
  MetricFamily result = family("stage_seconds", "Time of events in each stage.", MetricType::Summary);
  for (std::size_t i = 0; i < stage_count; ++i) {
    const auto stage = static_cast<Stage>(i);
    prometheus::ClientMetric metric;
    metric.label.push_back({"stage", to_string(stage)});
    const Histogram& histogram = histograms[stage];
    metric.summary.sample_count = histogram.count();
    for (double part : {0.5, 0.99, 0.999, 1.0}) {
      metric.summary.quantile.push_back({part, static_cast<double>(histogram.percentile_ns(part)) * 1e-9});
    }
    result.metric.push_back(std::move(metric));
  }
  return result;
}

}  // namespace

class Monitor::Collector : public prometheus::Collectable {
 public:
  Collector(Run& run, const Trigger& trigger) : run_(run), trigger_(trigger) {}

  std::vector<MetricFamily> Collect() const override {
    const RunSummary summary = run_.summary();
    const ShardStatus& status = summary.shards;
    const builder::Book total = summary.ledger.total();
    const auto counter = [](const char* name, const char* help, auto value) {
      return single(name, help, MetricType::Counter, static_cast<double>(value));
    };
    return {single("state", "0 initial, 1 configured, 2 running, 3 draining, 4 stopped.", MetricType::Gauge,
                   static_cast<double>(summary.state)),
            counter("received_frames_total", "Frames taken from the sockets.", status.frames),
            counter("received_bytes_total", "Bytes of these frames.", status.bytes),
            counter("decisions_total", "Events decided.", status.decisions),
            counter("published_decisions_total", "Decisions given to ZeroMQ.", status.published.published),
            counter("dropped_decisions_total", "Decisions that nobody took.", status.published.dropped),
            counter("recorded_events_total", "Events in the recording.", summary.recorded.recorded),
            counter("unrecorded_events_total", "Events that the recording refused.",
                    summary.recorded.write_failed),
            counter("recording_bytes_total", "Bytes of the recording.", summary.recorded.file_bytes),
            single("held_frames", "Frames that open events refer to.", MetricType::Gauge,
                   static_cast<double>(status.frames_held)),
            fragments(total, trigger_.description),
            events(total.events),
            frames(total),
            chains(status, trigger_.menu),
            streams(status, trigger_.menu),
            causes(status),
            batches(status, trigger_),
            devices(status, trigger_),
            moved(status, trigger_),
            requests(status, trigger_),
            stages(status.stages)};
  }

 private:
  Run& run_;
  const Trigger& trigger_;
};

class Monitor::Server {
 public:
  explicit Server(const std::string& address) : exposer_(address, 1) {}
  void serve(const std::shared_ptr<Collector>& collector) { exposer_.RegisterCollectable(collector); }

 private:
  prometheus::Exposer exposer_;
};

Monitor::Monitor(Run& run, const Trigger& trigger, const std::string& address)
    : collector_(std::make_shared<Collector>(run, trigger)) {
  try {
    server_ = std::make_unique<Server>(address);
  } catch (const std::exception& error) {
    throw Error("cannot serve metrics at " + address + ": " + error.what() +
                "; choose another run.monitoring.prometheus");
  }
  server_->serve(collector_);
}

Monitor::~Monitor() = default;

}  // namespace crible::pipeline
