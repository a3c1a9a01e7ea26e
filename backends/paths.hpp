#pragma once

#include <cstddef>

namespace crible::backends {

/// What a program also is that runs batches in more than one way, or in a way worth naming in the report.
class Paths {
 public:
  virtual ~Paths() = default;

  /// How a batch of `events` rows goes: "item", "block", "persistent", "graph", ... A constant.
  virtual const char* path(std::size_t events) const noexcept = 0;
};

}  // namespace crible::backends
