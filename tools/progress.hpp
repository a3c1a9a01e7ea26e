#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace crible::tools {

/// A progress bar on standard error: appears when the work has taken more than two seconds and standard
/// error is a terminal; otherwise nothing is written. The destructor removes it.
class Progress {
 public:
  /// `total` units of work, named in the bar ("events"); 0 when the total is not known.
  Progress(std::string unit, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` units so far. Cheap: looks at the clock, draws at most ten times a second.
  void update(std::uint64_t done);

 private:
  using Clock = std::chrono::steady_clock;
  std::string unit_;
  std::uint64_t total_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point started_;
  Clock::time_point next_draw_;
};

}  // namespace crible::tools
