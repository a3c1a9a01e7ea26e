#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crible::pipeline {

/// What a fault injector does to a packet on its way from a source to a shard.
enum class FaultKind : std::uint8_t {
  drop,            // is never sent
  duplicate,       // is sent twice
  corrupt,         // one bit is flipped
  truncate,        // only its beginning is sent
  late,            // is sent after `late_packets` later packets
  wrong_run,       // says that it is of another run, with a good CRC
  unknown_source,  // says that it is of source 65535, with a good CRC
};

constexpr std::size_t fault_kinds = 7;

/// "drop", "wrong_run".
const char* to_string(FaultKind kind);

/// How often packets with fragments suffer; control packets are left alone.
struct FaultRates {
  std::uint64_t seed = 1;
  std::array<double, fault_kinds> probability{};  // by FaultKind; at most one fault per packet
  std::size_t late_packets = 64;

  bool any() const;
};

/// Reads "drop=0.01,late=0.001,late_packets=100,seed=7". Throws Error naming the entry that is wrong.
FaultRates parse_faults(std::string_view text);

/// What was done, for a book that must agree with the receiver's.
struct FaultCount {
  std::uint64_t packets = 0;
  std::uint64_t fragments = 0;
};

using FaultCounts = std::array<FaultCount, fault_kinds>;  // by FaultKind

/// Damages the packets of one source on their way to one shard, the same ones for the same seed.
class FaultInjector {
 public:
  /// `stream` makes the faults of different sources and shards independent.
  FaultInjector(const FaultRates& rates, std::uint64_t stream);

  using Emit = std::function<void(std::span<const std::byte> frame)>;

  /// Emits the packet, what has become of it, and the late ones whose time has come.
  void pass(std::span<const std::byte> frame, const Emit& emit);

  /// Emits what is still held back: to be called before the source ends its run.
  void release_all(const Emit& emit);

  const FaultCounts& counts() const { return counts_; }

 private:
  struct Held {
    std::uint64_t due = 0;  // number of the packet behind which it goes
    std::vector<std::byte> frame;
  };

  void damage(FaultKind kind, std::span<const std::byte> frame, const Emit& emit);

  FaultRates rates_;
  std::mt19937_64 random_;
  std::uint64_t packets_ = 0;
  std::vector<Held> held_;
  std::vector<std::byte> copy_;
  FaultCounts counts_{};
};

}  // namespace crible::pipeline
