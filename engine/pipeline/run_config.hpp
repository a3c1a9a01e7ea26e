#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/yaml.hpp"
#include "engine/menu/menu.hpp"
#include "engine/record/writer.hpp"

namespace crible::backends {
class Program;
}

/// The `run` section of a configuration: what belongs to this machine and this run, not to physics.
namespace crible::pipeline {

/// What happens to decisions that nobody takes (no collector, or one that is too slow).
enum class WhenFull {
  wait,  // the shard stops receiving: back-pressure up to the sources, nothing is lost
  drop,  // counted as dropped
};

struct InputConfig {
  std::string bind = "tcp://127.0.0.1:5700";  // of the first source and shard 0: see input_addresses()
  int high_water_frames = 32;                 // of each source
  std::size_t max_frame_bytes = 128 << 20;    // ZeroMQ ends the connection of a source that sends longer ones
};

struct BuildConfig {
  std::uint64_t block_events = 4096;  // event n belongs to block n / block_events
  std::size_t ring_events = 16384;    // open events per shard, a power of two
  std::int64_t timeout_ns = 500'000'000;
};

/// Stands between the trigger and a device: tests make one fail or slow with it.
using AroundProgram = std::function<std::unique_ptr<backends::Program>(std::unique_ptr<backends::Program>)>;

struct BatchConfig {
  std::string backend = "cpu";  // a backend, a device of one ("cpu:avx2"), or "auto"
  std::string backend_place;    // where a file says so: "FILE:LINE: KEY"
  std::size_t max_events = 256;
  std::size_t slots = 3;
  std::uint32_t check_every = 1024;      // one batch in so many of a device is compared with the CPU; 0: none
  std::int64_t hang_ns = 2'000'000'000;  // a device that does not answer for so long is taken out
  AroundProgram around;                  // empty: nothing; no file says it
};

/// What happens to an event whose deadline has passed before its decision. It goes to the debug stream
/// with its cause, and is counted.
struct DeadlineConfig {
  std::int64_t limit_ns = 0;  // from the arrival of the first fragment to the decision; 0: none
  menu::FaultAction late = menu::FaultAction::accept;
  std::uint32_t prescale = 100;  // for FaultAction::prescale
};

struct DecisionsConfig {
  std::string address;   // empty: decisions are not published
  bool bind = false;     // listen (shard s at numbered_address(address, s)) instead of connecting
  bool publish = false;  // PUB instead of PUSH: many listeners, but a slow one loses frames silently
  int high_water_frames = 1000;
  WhenFull when_full = WhenFull::wait;
  std::int64_t linger_ns = 2'000'000'000;  // how long the end waits for the collector to take the rest
  std::size_t flush_events = 512;
  std::int64_t flush_ns = 500'000;
};

struct MonitoringConfig {
  std::string prometheus;                  // "127.0.0.1:9400"; empty: no endpoint
  std::int64_t status_ns = 5'000'000'000;  // one line on the log; 0: none
};

struct RunConfig {
  std::uint32_t number = 1;
  std::size_t shards = 1;
  std::vector<int> cores;                 // shard s is pinned to cores[s % size]; empty: not pinned
  bool spin = false;                      // poll without sleeping; needs a core for each shard and I/O thread
  int io_threads = 1;                     // of libzmq
  bool stop_at_end_of_run = true;         // drain once every source has sent its end of run
  std::int64_t drain_ns = 5'000'000'000;  // the longest drain
  bool stage_times = true;  // histograms of the stages; only a benchmark of their cost does without

  InputConfig input;
  BuildConfig build;
  BatchConfig batch;
  DeadlineConfig deadline;
  DecisionsConfig decisions;
  record::WriterOptions record;  // `file` empty: nothing is recorded
  MonitoringConfig monitoring;
};

/// Reads the `run` section of a run with so many sources. Throws Error naming file, line and key, also when
/// there are not enough ports above run.input.bind.
RunConfig load_run_config(const yaml::Value& section, std::size_t sources);

/// Where a source (its place in the detector description) sends to: one address for each shard. Each source
/// has its own, so that a shard can take packets from one source and leave those of another where they are.
/// They count up from run.input.bind, source by source and shard by shard. Throws Error as below.
std::vector<std::string> input_addresses(const RunConfig& run, std::size_t source);

/// The base address for number 0; for others tcp ports count up ("tcp://127.0.0.1:5700" -> ":5701" for 1),
/// other transports get ".1" behind. Throws Error when a tcp address has no such port.
std::string numbered_address(const std::string& base, std::size_t number);

}  // namespace crible::pipeline
