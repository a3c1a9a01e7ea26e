#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "engine/pipeline/trigger.hpp"
#include "engine/record/reader.hpp"

namespace crible::bench {

/// On the wall, and of this thread (in replays: of all threads) on a processor, which other work on the
/// machine does not change.
struct Times {
  double wall_s = 0;
  double processor_s = 0;
};

/// What replaying a recording consists of: the same file read plainly, read and checked, stepped through,
/// decoded, decided with its recorded network outputs, and decided with networks.
class ReplayStages {
 public:
  /// In this order.
  enum Place : std::size_t { read, check, step, decode, gather, networks_off, networks_alone, networks_on };

  struct Stage {
    const char* name;
    std::function<Times()> measure;
  };

  /// Replays once and throws Error (failure) when a decision differs, before anything is timed. `trigger`
  /// must outlive it.
  ReplayStages(const std::filesystem::path& file, const pipeline::Trigger& trigger, std::size_t jobs);
  ~ReplayStages();

  ReplayStages(const ReplayStages&) = delete;
  ReplayStages& operator=(const ReplayStages&) = delete;

  const std::vector<Stage>& stages() const { return stages_; }
  std::uint64_t events() const { return events_; }

  /// Of its events, before compression.
  std::uint64_t body_bytes() const { return body_bytes_; }

 private:
  class Networks;

  record::Reader reader_;
  std::unique_ptr<Networks> networks_;
  std::vector<Stage> stages_;
  std::uint64_t events_ = 0;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace crible::bench
