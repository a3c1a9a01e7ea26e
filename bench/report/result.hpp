#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace crible::bench {

/// Written as "crible_bench" into each file; a change of a field's meaning or of a required field raises it.
inline constexpr int result_format = 1;

/// Where a result was measured, and with what.
struct Machine {
  std::string cpu;
  std::uint64_t cores = 0;
  std::string governor;
  std::string kernel;
  std::uint64_t memory_bytes = 0;
  std::string clock;  // what times are read from, such as "tsc 2.60 GHz, invariant"
  std::string compiler;
  std::string compiler_flags;
  std::map<std::string, std::string> libraries;  // name to version
  std::string commit;
  std::map<std::string, std::string> networks;  // name to content hash
  std::map<std::string, std::string> menus;     // name to content hash
};

enum class Better { lower, higher };

/// What the machine can do at best, measured in the same run.
struct FigureFloor {
  std::string name;
  double value = 0;  // in the figure's unit
};

/// One number, measured several times.
struct Figure {
  std::string name;  // one of a kind in its suite
  std::string unit;
  Better better = Better::lower;
  std::vector<double> repeats;  // in the order of measuring
  double median = 0;
  double low = 0;  // 95 % confidence interval of the median
  double high = 0;
  std::optional<FigureFloor> floor;
  std::uint64_t checked = 0;  // answers compared with the reference
  std::uint64_t wrong = 0;
  std::string invalid;  // why this figure must not be used; empty when it may
};

struct Percentile {
  double p = 0;  // 0..100
  double ns = 0;
  std::uint64_t above = 0;  // samples above it: what the value rests on
};

struct HistogramBucket {
  double upper_edge_ns = 0;
  std::uint64_t count = 0;
};

/// How late the sender itself was, against its schedule.
struct Lateness {
  double p50 = 0;  // ns
  double p99 = 0;
  double max = 0;
  double bound = 0;  // beyond it at p99 a run is invalid
};

struct LatencyFloor {
  std::string name;
  std::vector<Percentile> percentiles;
};

/// One stage of an event's way; the means of all stages add up to the mean of the whole.
struct Stage {
  std::string name;
  double mean = 0;  // ns
  double p50 = 0;
  double p99 = 0;
  double p999 = 0;
};

struct SlowEvent {
  std::uint64_t event = 0;
  double total = 0;                                    // ns
  std::vector<std::pair<std::string, double>> stages;  // ns, in the order they were passed
  std::string cause;
};

/// The percentiles of one of several runs of the same latency, all in ns.
struct LatencyRepeat {
  double p50 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
};

/// A distribution of times from schedule to answer, under an offered load.
struct Latency {
  std::string name;  // one of a kind in its suite
  double offered_hz = 0;
  double achieved_hz = 0;
  std::string arrivals;
  std::uint64_t count = 0;
  double max = 0;  // ns
  double mean = 0;
  std::vector<Percentile> percentiles;     // rising
  std::vector<HistogramBucket> histogram;  // rising, no empty ones
  Lateness lateness;
  std::string invalid;
  std::optional<LatencyFloor> floor;
  std::vector<Stage> stages;       // in the order they are passed; may be empty
  std::vector<SlowEvent> slowest;  // slowest first; may be empty
  std::vector<LatencyRepeat>
      repeats;  // of each run that was merged into this; `compare` needs at least three
};

struct CurvePoint {
  double offered_hz = 0;
  double achieved_hz = 0;
  double p50 = 0;  // ns
  double p99 = 0;
  double p999 = 0;
  double max = 0;
  std::string invalid;
};

struct Objective {
  std::string text;  // as the user gave it: "p99.9<200us"
  double p = 0;      // 0..100, or 100 for the maximum
  double limit_ns = 0;
  std::optional<double> highest_hz;  // nothing: no rate held it
};

/// Latency against offered rate.
struct Curve {
  std::string name;
  std::vector<CurvePoint> points;  // any order
  std::optional<Objective> objective;
};

/// What was measured is never mixed with what a model says.
enum class TableKind { measured, model };

using Cell = std::variant<std::string, double>;

struct Table {
  std::string name;
  TableKind kind = TableKind::measured;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;  // each as long as `columns`
};

struct Suite {
  std::string name;
  std::vector<std::string> notes;
  std::vector<Figure> figures;
  std::vector<Latency> latencies;
  std::vector<Curve> curves;
  std::vector<Table> tables;
};

/// Everything that one `crible bench` measured.
struct Result {
  std::string created;  // UTC, "2026-11-21T18:00:00Z"
  std::string command;
  double duration_s = 0;
  Machine machine;
  std::vector<Suite> suites;
};

/// The result as it stands in a file. Throws Error (failure) naming the value when one is not finite or a
/// name stands twice: a suite that measured nonsense.
nlohmann::ordered_json to_json(const Result& result);

/// Reads the text of a file. `path` is for the sentences of Error: not JSON (with the line), of another
/// format, a field that is missing, has a wrong type or breaks a rule of the types above (with its place in
/// the file).
Result parse_result(const std::string& text, const std::filesystem::path& path);

/// Throws Error as parse_result, or when the file cannot be read.
Result read_result(const std::filesystem::path& path);

/// The file is whole or absent. Throws Error as to_json, or when it cannot be written.
void write_result(const std::filesystem::path& path, const Result& result);

/// Throws Error when no file can be made at `path`: to be asked before a run of minutes, not after it.
void require_writable(const std::filesystem::path& path);

}  // namespace crible::bench
