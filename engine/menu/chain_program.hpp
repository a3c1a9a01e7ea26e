#pragma once

#include <cstdint>
#include <vector>

#include "engine/menu/menu.hpp"
#include "engine/menu/program.hpp"

namespace crible::menu {

/// Bunch crossings, or whatever a zero-bias chain is restricted to: first to last, both inside.
struct CrossingRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// What is evaluated for one chain.
struct ChainProgram {
  ChainKind kind = ChainKind::condition;
  Program program;                       // condition, as compiled: its text is part of the menu's hash
  Program steps;                         // the same, as evaluated
  PrescaleKey random_key;                // random
  std::uint32_t one_in = 1;              // random
  detector::ScalarRef crossing;          // zero_bias with ranges
  std::vector<CrossingRange> crossings;  // ascending; empty: every event

  bool fires(const DecisionInput& input) const noexcept {
    switch (kind) {
      case ChainKind::condition:
        return holds(steps, *input.quantities, input.outputs);
      case ChainKind::random:
        return keeps(random_key, one_in, input.run, input.event);
      case ChainKind::zero_bias:
        return crossings.empty() || inside(*input.quantities);
    }
    return false;
  }

 private:
  bool inside(const detector::Event& event) const noexcept {
    const std::int64_t value =
        detector::read_integer(crossing.type, event.payload(crossing.source) + crossing.offset_bytes);
    for (const CrossingRange& range : crossings) {
      if (value >= range.first && value <= range.last) return true;
    }
    return false;
  }
};

struct Menu::Programs {
  std::vector<ChainProgram> chains;
};

}  // namespace crible::menu
