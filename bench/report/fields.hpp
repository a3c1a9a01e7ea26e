#pragma once

#include <concepts>

#include "bench/report/result.hpp"

namespace crible::bench {

/// T or const T: one list of fields serves the writer and the reader.
template <class Given, class T>
concept Is = std::same_as<std::remove_const_t<Given>, T>;

// The fields of each type, in the order of the file. `archive(key, member)` reads or writes one.

void fields(auto& archive, Is<Machine> auto& machine) {
  archive("cpu", machine.cpu);
  archive("cores", machine.cores);
  archive("governor", machine.governor);
  archive("kernel", machine.kernel);
  archive("memory_bytes", machine.memory_bytes);
  archive("clock", machine.clock);
  archive("compiler", machine.compiler);
  archive("compiler_flags", machine.compiler_flags);
  archive("libraries", machine.libraries);
  archive("commit", machine.commit);
  archive("networks", machine.networks);
  archive("menus", machine.menus);
}

void fields(auto& archive, Is<FigureFloor> auto& floor) {
  archive("name", floor.name);
  archive("value", floor.value);
}

void fields(auto& archive, Is<Figure> auto& figure) {
  archive("name", figure.name);
  archive("unit", figure.unit);
  archive("better", figure.better);
  archive("repeats", figure.repeats);
  archive("median", figure.median);
  archive("low", figure.low);
  archive("high", figure.high);
  archive("floor", figure.floor);
  archive("checked", figure.checked);
  archive("wrong", figure.wrong);
  archive("invalid", figure.invalid);
}

void fields(auto& archive, Is<Percentile> auto& percentile) {
  archive("p", percentile.p);
  archive("ns", percentile.ns);
  archive("above", percentile.above);
}

void fields(auto& archive, Is<Lateness> auto& lateness) {
  archive("p50", lateness.p50);
  archive("p99", lateness.p99);
  archive("max", lateness.max);
  archive("bound", lateness.bound);
}

void fields(auto& archive, Is<LatencyFloor> auto& floor) {
  archive("name", floor.name);
  archive("percentiles", floor.percentiles);
}

void fields(auto& archive, Is<Stage> auto& stage) {
  archive("name", stage.name);
  archive("mean", stage.mean);
  archive("p50", stage.p50);
  archive("p99", stage.p99);
  archive("p999", stage.p999);
}

void fields(auto& archive, Is<SlowEvent> auto& slow) {
  archive("event", slow.event);
  archive("total", slow.total);
  archive("stages", slow.stages);
  archive("cause", slow.cause);
}

void fields(auto& archive, Is<LatencyRepeat> auto& repeat) {
  archive("p50", repeat.p50);
  archive("p99", repeat.p99);
  archive("p999", repeat.p999);
  archive("max", repeat.max);
}

void fields(auto& archive, Is<Latency> auto& latency) {
  archive("name", latency.name);
  archive("offered_hz", latency.offered_hz);
  archive("achieved_hz", latency.achieved_hz);
  archive("arrivals", latency.arrivals);
  archive("count", latency.count);
  archive("max", latency.max);
  archive("mean", latency.mean);
  archive("percentiles", latency.percentiles);
  archive("histogram", latency.histogram);
  archive("lateness", latency.lateness);
  archive("invalid", latency.invalid);
  archive("floor", latency.floor);
  archive("stages", latency.stages);
  archive("slowest", latency.slowest);
  archive("repeats", latency.repeats);
}

void fields(auto& archive, Is<CurvePoint> auto& point) {
  archive("offered_hz", point.offered_hz);
  archive("achieved_hz", point.achieved_hz);
  archive("p50", point.p50);
  archive("p99", point.p99);
  archive("p999", point.p999);
  archive("max", point.max);
  archive("invalid", point.invalid);
}

void fields(auto& archive, Is<Objective> auto& objective) {
  archive("text", objective.text);
  archive("p", objective.p);
  archive("limit_ns", objective.limit_ns);
  archive("highest_hz", objective.highest_hz);
}

void fields(auto& archive, Is<Curve> auto& curve) {
  archive("name", curve.name);
  archive("points", curve.points);
  archive("objective", curve.objective);
}

void fields(auto& archive, Is<Table> auto& table) {
  archive("name", table.name);
  archive("kind", table.kind);
  archive("columns", table.columns);
  archive("rows", table.rows);
}

void fields(auto& archive, Is<Suite> auto& suite) {
  archive("name", suite.name);
  archive("notes", suite.notes);
  archive("figures", suite.figures);
  archive("latencies", suite.latencies);
  archive("curves", suite.curves);
  archive("tables", suite.tables);
}

void fields(auto& archive, Is<Result> auto& result) {
  archive("created", result.created);
  archive("command", result.command);
  archive("duration_s", result.duration_s);
  archive("machine", result.machine);
  archive("suites", result.suites);
}

/// The words of an enum, in the order of its values.
inline constexpr const char* better_words[] = {"lower", "higher"};
inline constexpr const char* table_kind_words[] = {"measured", "model"};

}  // namespace crible::bench
