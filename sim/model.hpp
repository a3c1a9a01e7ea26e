#pragma once

#include <functional>

#include "sim/harness.hpp"
#include "sim/packing.hpp"

namespace crible::sim {

/// One event for a simulation with what must come out.
struct Driven {
  Words inputs;
  Words expected;
  std::uint32_t idle_cycles = 0;  // before it
  bool reset_before = false;
};

struct Found {
  std::uint32_t mutant = 0;
  std::uint32_t event = 0;
  Finding kind = Finding::value;
  std::uint32_t cycle = 0;
  Words got;
};

struct Simulated {
  std::uint64_t cycles = 0;
  std::uint64_t findings = 0;  // all of them; `first` holds the first few
  bool ever_valid = false;
  std::vector<Found> first;
  std::vector<Words> outputs;  // of every event, when they were asked for
};

struct ModelOptions {
  bool trace = false;       // able to write a waveform (slower)
  std::string mutant_port;  // an input that selects a mutant; empty: none
  int timeout_s = 600;      // for a run
};

/// A module compiled by Verilator with its harness: a program that runs in processes of its own. Built once
/// for equal text and kept in the cache folder.
class Model {
 public:
  /// Throws Error: Verilator missing or too old, or its first complaint about the text.
  Model(const Binding& binding, ModelOptions options);

  /// Runs all events in one process, for the mutants first to last (0, 0 without mutants). Throws Error when
  /// the program fails or does not end in time. `trace_file`: where to write the waveform.
  Simulated run(const std::vector<Driven>& events, bool keep_outputs, std::uint32_t first_mutant = 0,
                std::uint32_t last_mutant = 0, const std::string& trace_file = {}) const;

  const std::filesystem::path& program() const { return program_; }
  bool was_cached() const { return was_cached_; }
  double build_seconds() const { return build_seconds_; }

 private:
  void build(const Binding& binding, const std::string& harness, const std::filesystem::path& folder) const;

  ModelOptions options_;
  std::filesystem::path program_;
  std::size_t input_words_ = 0;
  std::size_t output_words_ = 0;
  bool was_cached_ = false;
  double build_seconds_ = 0;
};

/// Tag of the n-th event of a run: differs between neighbours in every bit width.
std::uint64_t tag_of(std::size_t event);

}  // namespace crible::sim
