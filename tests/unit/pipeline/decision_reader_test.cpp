#include "engine/pipeline/decision_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "engine/pipeline/decision_collector.hpp"
#include "engine/wire/crc32c.hpp"

namespace crible::pipeline {
namespace {

using Bytes = std::vector<std::byte>;

menu::DecisionHeader decision_of(std::uint64_t event, std::uint32_t extra_bytes = 0) {
  menu::DecisionHeader decision{};
  decision.size_bytes = sizeof decision + extra_bytes;
  decision.version = menu::decision_version;
  decision.header_bytes = sizeof decision;
  decision.event = event;
  return decision;
}

void seal(Bytes& frame) {
  const std::uint32_t crc = wire::frame_checksum(frame);
  std::memcpy(frame.data() + offsetof(DecisionFrameHeader, crc), &crc, sizeof crc);
}

/// A frame with these decisions; `change` may make header and body wrong before the checksum is taken.
Bytes frame_of(std::uint32_t shard, std::uint64_t sequence,
               const std::vector<menu::DecisionHeader>& decisions,
               const std::function<void(DecisionFrameHeader&, Bytes&)>& change = {}) {
  Bytes body;
  for (const menu::DecisionHeader& decision : decisions) {
    const std::size_t at = body.size();
    body.resize(at + std::max<std::size_t>(decision.size_bytes, sizeof decision));
    std::memcpy(body.data() + at, &decision, sizeof decision);
  }
  DecisionFrameHeader header{};
  header.magic = decision_magic;
  header.version = decision_version;
  header.header_bytes = sizeof header;
  header.shard = shard;
  header.sequence = sequence;
  header.count = static_cast<std::uint32_t>(decisions.size());
  header.kind = FrameKind::decisions;
  header.frame_bytes = static_cast<std::uint32_t>(sizeof header + body.size());
  if (change) change(header, body);
  Bytes frame(sizeof header + body.size());
  std::memcpy(frame.data(), &header, sizeof header);
  std::ranges::copy(body, frame.begin() + sizeof header);
  seal(frame);
  return frame;
}

TEST(DecisionReader, GivesEveryDecisionOfAGoodFrame) {
  DecisionReader reader;
  const Bytes frame = frame_of(0, 0, {decision_of(7), decision_of(9, 24), decision_of(8)});
  const auto decisions = reader.read(frame);
  ASSERT_EQ(decisions.size(), 3u);
  EXPECT_EQ(decisions[0].header.event, 7u);
  EXPECT_EQ(decisions[1].header.event, 9u);
  EXPECT_EQ(decisions[1].bytes.size(), sizeof(menu::DecisionHeader) + 24);
  EXPECT_EQ(decisions[1].bytes.data(),
            frame.data() + sizeof(DecisionFrameHeader) + sizeof(menu::DecisionHeader));
  EXPECT_EQ(reader.counters().frames, 1u);
  EXPECT_EQ(reader.counters().decisions, 3u);
}

TEST(DecisionReader, AnyFlippedBitMakesTheFrameBad) {
  const Bytes frame = frame_of(0, 0, {decision_of(7), decision_of(9, 8)});
  DecisionReader reader;
  for (std::size_t bit = 0; bit < frame.size() * 8; bit += 3) {
    Bytes damaged = frame;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_TRUE(reader.read(damaged).empty()) << bit;
  }
  EXPECT_EQ(reader.counters().frames, 0u);
  EXPECT_EQ(reader.counters().missing_frames, 0u);
  EXPECT_EQ(reader.read(frame).size(), 2u) << "a damaged frame has changed what comes next";
}

TEST(DecisionReader, AFrameOfAnotherFormIsBadWhateverItsChecksum) {
  const std::vector<std::function<void(DecisionFrameHeader&, Bytes&)>> changes = {
      [](DecisionFrameHeader& header, Bytes&) { header.magic ^= 1; },
      [](DecisionFrameHeader& header, Bytes&) { header.version = 2; },
      [](DecisionFrameHeader& header, Bytes&) { header.header_bytes = 72; },
      [](DecisionFrameHeader& header, Bytes&) { header.frame_bytes += 8; },
      [](DecisionFrameHeader& header, Bytes&) { header.kind = static_cast<FrameKind>(3); },
      [](DecisionFrameHeader& header, Bytes&) { header.kind = FrameKind::ledger; },  // but with a count
      [](DecisionFrameHeader& header, Bytes&) { ++header.count; },
      [](DecisionFrameHeader& header, Bytes&) { --header.count; },
      [](DecisionFrameHeader& header, Bytes&) { header.count = 0xFFFFFFFF; },
      [](DecisionFrameHeader& header, Bytes& body) {
        body.resize(body.size() - 8);
        header.frame_bytes -= 8;
      }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    DecisionReader reader;
    EXPECT_TRUE(reader.read(frame_of(0, 0, {decision_of(7), decision_of(9)}, changes[i])).empty()) << i;
    EXPECT_EQ(reader.counters().bad_frames, 1u) << i;
  }
}

TEST(DecisionReader, ADecisionOfASizeThatCannotBeMakesTheFrameBad) {
  for (const std::uint32_t bytes : {0u, 88u, 97u, 100u, 0xFFFFFFF8u}) {
    menu::DecisionHeader decision = decision_of(1);
    decision.size_bytes = bytes;
    DecisionReader reader;
    const auto change = [](DecisionFrameHeader& header, Bytes& body) {
      body.resize(200);
      header.frame_bytes = sizeof header + 200;
    };
    menu::DecisionHeader placed = decision_of(1);
    Bytes frame = frame_of(0, 0, {placed}, change);
    std::memcpy(frame.data() + sizeof(DecisionFrameHeader), &decision, sizeof decision);
    seal(frame);
    EXPECT_TRUE(reader.read(frame).empty()) << bytes;
  }
  menu::DecisionHeader other = decision_of(1);
  other.version = 9;
  EXPECT_TRUE(DecisionReader().read(frame_of(0, 0, {other})).empty());
}

TEST(DecisionReader, ShortAndEmptyFramesAreBad) {
  DecisionReader reader;
  const Bytes frame = frame_of(0, 0, {decision_of(7)});
  for (std::size_t bytes = 0; bytes < frame.size(); ++bytes)
    EXPECT_TRUE(reader.read(std::span(frame).first(bytes)).empty());
  EXPECT_EQ(reader.counters().bad_frames, frame.size());
}

TEST(DecisionReader, CountsWhatASequenceLeavesOutAndRefusesWhatCameBefore) {
  DecisionReader reader;
  EXPECT_EQ(reader.read(frame_of(0, 0, {decision_of(1)})).size(), 1u);
  EXPECT_EQ(reader.read(frame_of(1, 0, {decision_of(2)})).size(), 1u) << "each shard counts for itself";
  EXPECT_EQ(reader.read(frame_of(0, 3, {decision_of(3)})).size(), 1u);
  EXPECT_EQ(reader.counters().missing_frames, 2u);
  EXPECT_TRUE(reader.read(frame_of(0, 3, {decision_of(3)})).empty());
  EXPECT_TRUE(reader.read(frame_of(0, 1, {decision_of(4)})).empty());
  EXPECT_EQ(reader.counters().bad_frames, 2u);
  EXPECT_EQ(reader.counters().decisions, 3u);
}

TEST(DecisionReader, ALedgerIsAGoodFrameWithoutDecisions) {
  DecisionReader reader;
  const auto ledger = [](DecisionFrameHeader& header, Bytes& body) {
    header.kind = FrameKind::ledger;
    body.assign(5, std::byte{'x'});
    header.frame_bytes = sizeof header + 5;
  };
  EXPECT_TRUE(reader.read(frame_of(0, 0, {}, ledger)).empty());
  EXPECT_EQ(reader.counters().frames, 1u);
  EXPECT_EQ(reader.read(frame_of(0, 1, {decision_of(7)})).size(), 1u);
  EXPECT_EQ(reader.counters().missing_frames, 0u);
}

TEST(DecisionCollector, GivesWhatWasPushedAndCountsTheFaults) {
  std::vector<std::uint64_t> events;
  DecisionCollector collector("tcp://127.0.0.1:*", [&](const PublishedDecision& decision) {
    events.push_back(decision.header.event);
  });
  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::push);
  socket.connect(collector.address());
  Bytes damaged = frame_of(0, 1, {decision_of(9)});
  damaged.back() ^= std::byte{1};
  for (const Bytes& frame :
       {frame_of(0, 0, {decision_of(7), decision_of(8)}), damaged, frame_of(0, 2, {decision_of(10)})})
    socket.send(zmq::buffer(frame), zmq::send_flags::none);
  while (collector.decisions() < 3) std::this_thread::yield();
  collector.stop();
  EXPECT_EQ(events, (std::vector<std::uint64_t>{7, 8, 10}));
  EXPECT_EQ(collector.faults(), 2u);  // one bad, and its number is missing
}

}  // namespace
}  // namespace crible::pipeline
