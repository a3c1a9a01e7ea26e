#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/pipeline/faults.hpp"
#include "engine/pipeline/sample.hpp"

namespace zmq {
class context_t;
}

namespace crible::pipeline {

/// How a sample is sent.
struct SourceOptions {
  std::uint32_t run = 1;
  std::uint64_t block_events = 4096;          // as in the configuration of the run
  std::uint64_t events = 0;                   // 0: the sample once
  std::uint64_t luminosity_block_events = 0;  // event numbers per luminosity block; 0: as in the sample
  double rate_hz = 0;                         // events per second; 0: as fast as they are taken
  std::uint32_t pack_events = 100;            // a packet goes with so many fragments,
  std::size_t pack_bytes = 256 << 10;         // or so many bytes,
  std::int64_t flush_ns = 200'000;            // or when its first fragment is so old
  int high_water_frames = 100;
  /// One detector's sources see the same events at the same time: none gets further ahead of the average of
  /// `together` sources, which share one SourceControl. 0: each for itself.
  std::uint64_t lead_events = 0;
  std::uint64_t together = 1;
  std::int64_t give_up_ns = 30'000'000'000;  // nobody takes packets for so long: failure
  FaultPlan faults;
  std::uint64_t restart_after_events = 0;  // the source starts again in mid-run: a new epoch; 0: never
  std::uint64_t die_after_events = 0;      // it stops without a word; 0: never
  std::uint64_t jump_after_events = 0;     // event numbers go on 2^32 later; 0: never
};

/// What one source has sent, to all shards together.
struct SourceReport {
  std::string name;
  std::uint32_t id = 0;
  std::uint64_t events = 0;  // event numbers that it went through
  std::uint64_t fragments = 0;
  std::uint64_t packets = 0;   // before faults, control packets included
  std::uint64_t bytes = 0;     // of these packets
  std::int64_t waited_ns = 0;  // for shards that took nothing
  double seconds = 0;
  std::array<wire::FaultCounts, wire::packet_fault_count> faults{};  // by wire::PacketFault
};

/// Shared by the sources of one process, or of several in shared memory, and whoever watches them.
struct SourceControl {
  std::atomic<bool> stop = false;         // the sources end their run at the next event
  std::atomic<std::uint64_t> events = 0;  // gone through, sum over sources
};

/// Which source sends, as whom, and to where.
struct SourceChoice {
  std::size_t index = 0;                    // in sample.sources()
  std::uint16_t id = 0;                     // on the wire
  std::vector<std::string> addresses = {};  // of each shard, as input_addresses() says
};

/// Sends all fragments of the source as its real counterpart would, on the calling thread: packets to every
/// shard, end of each luminosity block, end of the run. Throws Error when nobody takes its packets for
/// give_up_ns.
SourceReport send_source(zmq::context_t& context, const Sample& sample, const SourceChoice& source,
                         const SourceOptions& options, SourceControl& control);

/// One thread for each of `sources`.
std::vector<SourceReport> send_sources(const Sample& sample, const std::vector<SourceChoice>& sources,
                                       const SourceOptions& options, SourceControl& control);

}  // namespace crible::pipeline
