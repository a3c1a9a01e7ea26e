#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bench/suites/suite.hpp"
#include "engine/detector/event.hpp"
#include "engine/menu/decision.hpp"
#include "engine/pipeline/sample.hpp"
#include "engine/pipeline/trigger.hpp"

namespace crible::bench {

/// The events of a sample as the load of a trigger: event i of a run has the payloads of sample event
/// i mod size(), whatever its header says, and luminosity block 1.
class Load {
 public:
  /// Loads configuration and sample as the options say; without any, those of the demo.
  explicit Load(const SuiteOptions& options);

  static constexpr std::uint32_t luminosity_block = 1;

  const pipeline::Trigger& trigger() const { return trigger_; }
  const pipeline::Sample& sample() const { return sample_; }

  /// Different events, all of them with a fragment of each source.
  std::size_t size() const { return events_.size(); }
  std::size_t sources() const { return trigger_.description.sources.size(); }

  /// By source of the description.
  std::span<const detector::Payload> payloads(std::uint64_t event) const {
    return events_[event % events_.size()];
  }

  /// All payloads of an event, on average.
  double bytes_per_event() const;

 private:
  pipeline::Trigger trigger_;
  pipeline::Sample sample_;
  std::vector<std::vector<detector::Payload>> events_;
};

/// Compares published decisions with what the reference evaluator and the menu say. One thread.
class AnswerCheck {
 public:
  AnswerCheck(const Load& load, std::uint32_t run);

  /// Whether an encoded decision has every bit as it must be, but for the times.
  bool right(std::span<const std::byte> encoded);

  std::uint64_t checked() const { return checked_; }
  std::uint64_t wrong() const { return wrong_; }

 private:
  const std::vector<std::int64_t>& outputs_of(std::uint64_t event);
  void evaluate(std::size_t network, std::uint32_t object, std::vector<std::int64_t>& outputs) const;
  bool same(const menu::DecodedDecision& decoded);

  const Load& load_;
  std::uint32_t run_;
  detector::Event quantities_;
  std::vector<std::optional<std::vector<std::int64_t>>> outputs_;  // by sample event, once computed
  std::uint64_t checked_ = 0;
  std::uint64_t wrong_ = 0;
};

/// Throws Error when one of these encoded decisions of run `run` has a wrong bit, as no figure of such a run
/// may be used; otherwise returns how many there were.
std::uint64_t check_answers(const Load& load, std::uint32_t run,
                            const std::vector<std::span<const std::byte>>& decisions);

}  // namespace crible::bench
