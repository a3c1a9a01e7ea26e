#pragma once

#include <optional>
#include <string>

#include "sim/model.hpp"
#include "sim/proof/netlist.hpp"

namespace crible::sim {

struct CheckOptions {
  std::size_t vectors = 10'000;
  std::uint64_t seed = 1;
  std::vector<Event> recorded;  // come first
  int processes = 0;            // 0: one for each core
  int timeout_s = 600;          // for each process
};

/// The first node whose value inside the module is wrong, as the module's signals show it.
struct FirstNode {
  std::string node;
  int element = 0;
  std::string signal;
  long long expected = 0;
  long long got = 0;
};

/// A difference, made small.
struct Mismatch {
  Finding kind = Finding::value;
  std::size_t event_number = 0;
  Event event;  // with as many zeros and small numbers as possible
  std::string port;
  std::string node;  // the output's
  int element = 0;
  int bit = 0;
  long long expected = 0;
  long long got = 0;
  std::optional<FirstNode> first_node;
  std::string sentence;  // all of this in words
};

struct Checked {
  std::size_t vectors = 0;  // events whose outputs were compared
  std::uint64_t cycles = 0;
  std::uint64_t mismatches = 0;
  std::optional<Mismatch> first;
  double seconds = 0;
};

/// Events with gaps on valid and resets in between, packed; `compared` counts those that no reset drops.
struct Schedule {
  std::vector<Driven> events;
  std::size_t compared = 0;
};
Schedule make_schedule(const network::Network& network, const Binding& binding,
                       const std::vector<Event>& events, std::uint64_t seed);

/// The events of a check: recorded ones, corners, random ones.
std::vector<Event> make_events(const network::Network& network, const CheckOptions& options);

/// Drives the model and compares every output, tag and valid in every cycle.
Checked check(const network::Network& network, const Binding& binding, const Model& model,
              const CheckOptions& options);

/// Follows a mismatch through the module's netlist to the first node that differs. Needs Yosys.
std::optional<FirstNode> bisect(const network::Network& network, const Binding& binding,
                                const proof::Netlist& netlist, const Event& event);

/// Writes the waveform of one event to `file` by a model that can trace.
void write_waveform(const network::Network& network, const Binding& binding, const Event& event,
                    const std::filesystem::path& file);

/// "x[3] = 5, x[7] = -1, all others 0"
std::string event_text(const network::Network& network, const Event& event);

}  // namespace crible::sim
