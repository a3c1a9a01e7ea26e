#pragma once

#include <memory>
#include <string>

#include "engine/pipeline/run.hpp"

namespace crible::pipeline {

/// Serves the counters of a run over HTTP at /metrics, in the text format of Prometheus: fragments by
/// source and fate, events, chains, streams, causes, decisions, the recording, and the percentiles of each
/// stage. Reads the run when somebody asks; costs nothing otherwise.
class Monitor {
 public:
  /// `address`: "127.0.0.1:9400". Throws Error when it cannot be used. The run and the trigger must
  /// outlive the monitor.
  Monitor(Run& run, const Trigger& trigger, const std::string& address);
  ~Monitor();

 private:
  class Collector;
  class Server;
  std::shared_ptr<Collector> collector_;
  std::unique_ptr<Server> server_;
};

}  // namespace crible::pipeline
