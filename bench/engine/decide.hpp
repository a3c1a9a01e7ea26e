#pragma once

#include <cstdint>
#include <memory>

#include "engine/builder/builder.hpp"

namespace crible::bench {

/// The rest of a shard's work: decodes events, gathers their 57 inputs, runs the anomaly network of the demo
/// in batches, evaluates the menu of bench_pipeline and encodes the decision.
class DecideStage {
 public:
  /// Decided events are released to `builder`, which must outlive the stage.
  explicit DecideStage(builder::EventBuilder& builder);
  ~DecideStage();

  /// Takes a closed event, which is decided now or later.
  void add(builder::Event& event) noexcept;

  /// Decides all that wait. Returns the number of events decided since the last call.
  std::uint64_t finish() noexcept;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace crible::bench
