#pragma once

#include <cstddef>
#include <string>

namespace crible::backends {

/// What a program also is that runs batches in more than one way, or in a way worth naming in the report.
class Paths {
 public:
  virtual ~Paths() = default;

  /// How a batch of `events` rows goes: "item", "block", "persistent", "graph", ... The text lives as long as
  /// the program.
  virtual const char* path(std::size_t events) const noexcept = 0;

  /// How that was chosen, a clause: "measured at this start".
  virtual std::string how() const = 0;
};

}  // namespace crible::backends
