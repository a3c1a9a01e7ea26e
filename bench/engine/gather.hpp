#pragma once

#include <cstdint>
#include <memory>

#include "engine/builder/event.hpp"

namespace crible::bench {

/// The detector's part of the cost: decodes events of eight sources with 200-byte fragments and gathers the
/// 57 inputs of a small network: nine words of five sources, and three fields of the four highest of eight
/// objects from two sources.
class GatherStage {
 public:
  GatherStage();
  ~GatherStage();

  /// Decodes the event.
  void decode(const builder::Event& event) noexcept;

  /// Decodes the event and writes the row of the network's input.
  void run(const builder::Event& event) noexcept;

  /// Compares the row that run() wrote with one computed in another way. Throws Error when they differ.
  void check(const builder::Event& event) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crible::bench
