#include "engine/pipeline/run_config.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

namespace crible::pipeline {

namespace {

constexpr std::int64_t ns_per_us = 1'000;
constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::int64_t hour_ns = 3600 * ns_per_s;

void read(const yaml::Value& map, const char* key, std::string& value) {
  if (const auto found = map.find(key)) value = found->text();
}

void read(const yaml::Value& map, const char* key, bool& value) {
  if (const auto found = map.find(key)) value = found->boolean();
}

template <class Integer>
void read(const yaml::Value& map, const char* key, Integer& value, std::int64_t low, std::int64_t high) {
  if (const auto found = map.find(key)) value = static_cast<Integer>(found->integer(low, high));
}

/// A time of at most an hour in the unit that the key's name says.
void read_time(const yaml::Value& map, const char* key, std::int64_t unit_ns, std::int64_t& value_ns) {
  if (const auto found = map.find(key)) {
    value_ns = static_cast<std::int64_t>(found->number(0, static_cast<double>(hour_ns / unit_ns)) *
                                         static_cast<double>(unit_ns));
  }
}

/// Throws when the address names no transport that ZeroMQ has here, or tcp without host or port.
void check_address(const yaml::Value& value) {
  const std::string& address = value.text();
  const auto begins = [&](std::string_view transport) { return address.starts_with(transport); };
  try {
    numbered_address(address, 0);
  } catch (const Error& error) {
    throw value.error(error.what());
  }
  if (!begins("tcp://") && !begins("ipc://") && !begins("inproc://")) {
    throw value.error("address " + address + " has another transport than tcp://, ipc:// and inproc://");
  }
  if (begins("tcp://:")) {
    throw value.error("address " + address + " names no host; write for instance tcp://127.0.0.1:5700");
  }
}

/// Throws unless the text ends with a port: "127.0.0.1:9400".
void check_port(const yaml::Value& value) {
  const std::string& text = value.text();
  const char* end = text.data() + text.size();
  const std::size_t colon = text.rfind(':');
  const char* begin = text.data() + (colon == std::string::npos ? 0 : colon + 1);
  unsigned port = 0;
  const auto [last, problem] = std::from_chars(begin, end, port);
  if (problem != std::errc{} || last != end || port == 0 || port > 65535) {
    throw value.error("must be an address such as 127.0.0.1:9400, not '" + text + "'");
  }
}

InputConfig load_input(const yaml::Value& map) {
  InputConfig input;
  map.expect_keys({"bind", "high_water_frames", "max_frame_bytes"});
  if (const auto bind = map.find("bind")) check_address(*bind);
  read(map, "bind", input.bind);
  read(map, "high_water_frames", input.high_water_frames, 1, 1'000'000);
  read(map, "max_frame_bytes", input.max_frame_bytes, 1024, 1 << 30);
  return input;
}

BuildConfig load_build(const yaml::Value& map) {
  BuildConfig build;
  map.expect_keys({"block_events", "ring_events", "timeout_ms"});
  read(map, "block_events", build.block_events, 1, 1 << 20);
  read(map, "ring_events", build.ring_events, 2, 1 << 24);
  if (const auto ring = map.find("ring_events"); ring && !std::has_single_bit(build.ring_events)) {
    throw ring->error("must be a power of two, for instance " +
                      std::to_string(std::bit_ceil(build.ring_events)));
  }
  if (build.ring_events / 2 < build.block_events) {
    const auto block = map.find("block_events");
    throw(block ? block : map.find("ring_events"))
        ->error("two blocks of block_events = " + std::to_string(build.block_events) +
                " must fit into ring_events = " + std::to_string(build.ring_events));
  }
  read_time(map, "timeout_ms", ns_per_ms, build.timeout_ns);
  if (build.timeout_ns == 0) {
    throw map.find("timeout_ms")
        ->error("must be a number of at least 0.000001; an event waits for some time");
  }
  return build;
}

BatchConfig load_batch(const yaml::Value& map) {
  BatchConfig batch;
  map.expect_keys({"backend", "max_events", "slots", "check_every", "hang_ms"});
  if (const auto backend = map.find("backend")) {
    batch.backend = backend->text();
    batch.backend_place = backend->file() + ":" + std::to_string(backend->line()) + ": " + backend->key();
  }
  read(map, "max_events", batch.max_events, 1, 1 << 16);
  read(map, "slots", batch.slots, 1, 64);
  read(map, "check_every", batch.check_every, 0, 1 << 30);
  read_time(map, "hang_ms", ns_per_ms, batch.hang_ns);
  if (batch.hang_ns == 0) {
    throw map.find("hang_ms")->error("must be a number of at least 0.000001; a device needs some time");
  }
  return batch;
}

DeadlineConfig load_deadline(const yaml::Value& map) {
  DeadlineConfig deadline;
  map.expect_keys({"limit_us", "late", "prescale"});
  read_time(map, "limit_us", ns_per_us, deadline.limit_ns);
  constexpr menu::FaultAction actions[] = {menu::FaultAction::accept, menu::FaultAction::reject,
                                           menu::FaultAction::prescale};
  if (const auto late = map.find("late"))
    deadline.late = actions[late->choice({"accept", "reject", "prescale"})];
  read(map, "prescale", deadline.prescale, 1, std::numeric_limits<std::uint32_t>::max());
  return deadline;
}

DecisionsConfig load_decisions(const yaml::Value& map) {
  DecisionsConfig decisions;
  map.expect_keys(
      {"connect", "bind", "kind", "high_water_frames", "when_full", "flush_events", "flush_us", "linger_ms"});
  const auto connect = map.find("connect");
  const auto bind = map.find("bind");
  if (connect && bind) throw bind->error("decisions either connect or bind; remove one of the two keys");
  for (const auto& address : {connect, bind}) {
    if (!address) continue;
    check_address(*address);
    decisions.address = address->text();
  }
  decisions.bind = bind.has_value();
  if (const auto kind = map.find("kind")) decisions.publish = kind->choice({"push", "pub"}) == 1;
  read(map, "high_water_frames", decisions.high_water_frames, 1, 1'000'000);
  if (const auto full = map.find("when_full")) {
    decisions.when_full = full->choice({"wait", "drop"}) == 0 ? WhenFull::wait : WhenFull::drop;
  }
  read(map, "flush_events", decisions.flush_events, 1, 1 << 16);
  read_time(map, "flush_us", ns_per_us, decisions.flush_ns);
  read_time(map, "linger_ms", ns_per_ms, decisions.linger_ns);
  return decisions;
}

record::WriterOptions load_record(const yaml::Value& map) {
  record::WriterOptions record;
  map.expect_keys({"file", "overwrite", "block_bytes", "buffers", "compression", "flush_ms", "max_wait_ms",
                   "on_failure"});
  if (const auto file = map.find("file")) record.file = file->path();
  read(map, "overwrite", record.overwrite);
  read(map, "block_bytes", record.block_bytes, 4096, 1 << 30);
  read(map, "buffers", record.buffers, 2, 1024);
  read(map, "compression", record.compression, 0, 19);
  read_time(map, "flush_ms", ns_per_ms, record.flush_ns);
  read_time(map, "max_wait_ms", ns_per_ms, record.max_wait_ns);
  if (const auto failure = map.find("on_failure")) {
    record.on_failure =
        failure->choice({"resume", "stop"}) == 0 ? record::OnFailure::resume : record::OnFailure::stop;
  }
  return record;
}

MonitoringConfig load_monitoring(const yaml::Value& map) {
  MonitoringConfig monitoring;
  map.expect_keys({"prometheus", "status_s"});
  if (const auto address = map.find("prometheus"); address && !address->text().empty()) check_port(*address);
  read(map, "prometheus", monitoring.prometheus);
  read_time(map, "status_s", ns_per_s, monitoring.status_ns);
  return monitoring;
}

/// Throws when the last source's, or the last shard's, address is none.
void check_addresses(const yaml::Value& section, const RunConfig& run, std::size_t sources) {
  const auto check = [&section](const char* map_name, const std::string& base, std::size_t count) {
    try {
      numbered_address(base, count - 1);
    } catch (const Error& error) {
      const auto map = section.find(map_name);
      const auto bind = map ? map->find("bind") : std::nullopt;
      throw bind.value_or(section).error(error.what());
    }
  };
  check("input", run.input.bind, std::max<std::size_t>(sources, 1) * run.shards);
  if (run.decisions.bind) check("decisions", run.decisions.address, run.shards);
}

}  // namespace

RunConfig load_run_config(const yaml::Value& section, std::size_t sources) {
  RunConfig run;
  section.expect_keys({"number", "shards", "cores", "spin", "io_threads", "stop_at_end_of_run", "drain_ms",
                       "input", "build", "batch", "deadline", "decisions", "record", "monitoring"});
  read(section, "number", run.number, 0, std::numeric_limits<std::uint32_t>::max());
  read(section, "shards", run.shards, 1, 256);
  if (const auto cores = section.find("cores")) {
    for (const yaml::Value& core : cores->items())
      run.cores.push_back(static_cast<int>(core.integer(0, 1023)));
  }
  read(section, "spin", run.spin);
  read(section, "io_threads", run.io_threads, 1, 64);
  read(section, "stop_at_end_of_run", run.stop_at_end_of_run);
  read_time(section, "drain_ms", ns_per_ms, run.drain_ns);
  if (const auto map = section.find("input")) run.input = load_input(*map);
  if (const auto map = section.find("build")) run.build = load_build(*map);
  if (const auto map = section.find("batch")) run.batch = load_batch(*map);
  if (const auto map = section.find("deadline")) run.deadline = load_deadline(*map);
  if (const auto map = section.find("decisions")) run.decisions = load_decisions(*map);
  if (const auto map = section.find("record")) run.record = load_record(*map);
  if (const auto map = section.find("monitoring")) run.monitoring = load_monitoring(*map);
  run.record.shards = run.shards;
  check_addresses(section, run, sources);
  return run;
}

std::vector<std::string> input_addresses(const RunConfig& run, std::size_t source) {
  std::vector<std::string> addresses;
  for (std::size_t shard = 0; shard < run.shards; ++shard) {
    addresses.push_back(numbered_address(run.input.bind, source * run.shards + shard));
  }
  return addresses;
}

std::string numbered_address(const std::string& base, std::size_t number) {
  if (!base.starts_with("tcp://")) {
    if (base.find("://") == std::string::npos) {
      throw Error("address " + base + " has no transport; write for instance tcp://127.0.0.1:5700");
    }
    return number == 0 ? base : base + "." + std::to_string(number);
  }
  const std::size_t colon = base.rfind(':');
  unsigned port = 0;
  const char* end = base.data() + base.size();
  const auto [last, problem] = std::from_chars(base.data() + colon + 1, end, port);
  if (problem != std::errc{} || last != end || port == 0 || port + number > 65535) {
    throw Error("address " + base + " has no port number that can be raised by " + std::to_string(number) +
                "; write for instance tcp://127.0.0.1:5700");
  }
  return base.substr(0, colon + 1) + std::to_string(port + number);
}

}  // namespace crible::pipeline
