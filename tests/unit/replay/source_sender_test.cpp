#include "engine/pipeline/source_sender.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>
#include <thread>
#include <zmq.hpp>

#include "engine/base/error.hpp"
#include "engine/wire/packet.hpp"

namespace crible::pipeline {
namespace {

using testing::HasSubstr;

/// Two shards that take every frame until each source has ended its run at both of them.
class Shards {
 public:
  explicit Shards(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      sockets_.emplace_back(context_, zmq::socket_type::pull);
      sockets_.back().bind("tcp://127.0.0.1:*");
      addresses.push_back(sockets_.back().get(zmq::sockopt::last_endpoint));
    }
  }

  struct Frame {
    std::size_t shard;
    std::vector<std::byte> bytes;
  };

  /// Frames of each source in the order of their arrival. Ends after `ends` ends of the run, or a second
  /// of silence.
  std::map<std::uint16_t, std::vector<Frame>> collect(std::size_t ends) {
    std::map<std::uint16_t, std::vector<Frame>> frames;
    std::vector<zmq::pollitem_t> items;
    for (zmq::socket_t& socket : sockets_) items.push_back({socket.handle(), 0, ZMQ_POLLIN, 0});
    while (ends > 0 && zmq::poll(items, std::chrono::milliseconds(1000)) > 0) {
      for (std::size_t shard = 0; shard < sockets_.size(); ++shard) {
        zmq::message_t message;
        if (!sockets_[shard].recv(message, zmq::recv_flags::dontwait)) continue;
        const auto* data = message.data<const std::byte>();
        Frame frame{shard, {data, data + message.size()}};
        wire::PacketHeader header;
        if (message.size() < sizeof(header)) {
          frames[65535].push_back(frame);
          continue;
        }
        std::memcpy(&header, data, sizeof(header));
        wire::PacketView packet;  // a flipped bit can make an end of any packet
        ends -= header.kind == wire::PacketKind::end_of_run &&
                wire::parse(frame.bytes, 0, packet) == wire::PacketStatus::ok;
        frames[header.source].push_back(std::move(frame));
      }
    }
    return frames;
  }

  std::vector<std::string> addresses;

 private:
  zmq::context_t context_;
  std::vector<zmq::socket_t> sockets_;
};

struct Sent {
  std::vector<SourceReport> reports;
  std::map<std::uint16_t, std::vector<Shards::Frame>> frames;
};

const Sample& sample() {
  static const Sample bundled = Sample::load("tools/demo_data/stream");
  return bundled;
}

Sent send(SourceOptions options, std::vector<SourceChoice> sources, std::size_t shard_count = 2) {
  Shards shards(shard_count);
  for (SourceChoice& source : sources) source.addresses = shards.addresses;
  SourceControl control;
  Sent sent;
  std::thread thread([&] { sent.reports = send_sources(sample(), sources, options, control); });
  sent.frames = shards.collect(sources.size() * shard_count);
  thread.join();
  return sent;
}

TEST(SourceSender, EveryFragmentGoesOnceToTheShardOfItsBlock) {
  SourceOptions options;
  options.run = 77;
  options.block_events = 64;
  options.events = 4500;
  const Sent sent = send(options, {{6, 16}, {3, 13}});
  for (const auto& [id, index] : {std::pair{16, 6}, {13, 3}}) {
    const SampleSource& source = sample().sources()[index];
    std::set<std::uint64_t> events;
    std::uint64_t bytes = 0;
    std::vector<std::uint64_t> sequence(2);
    std::vector<std::uint64_t> last(2);
    for (const auto& [shard, frame] : sent.frames.at(id)) {
      wire::PacketView packet;
      ASSERT_EQ(wire::parse(frame, options.block_events, packet), wire::PacketStatus::ok);
      EXPECT_EQ(packet.header().run, 77u);
      EXPECT_EQ(packet.header().sequence, sequence[shard]++);
      EXPECT_LE(packet.fragment_count(), options.pack_events);
      bytes += frame.size();
      for (std::uint32_t i = 0; i < packet.fragment_count(); ++i) {
        const std::uint64_t event = packet.event(i);
        EXPECT_EQ(event / 64 % 2, shard);
        EXPECT_GT(event, last[shard]);
        last[shard] = event;
        EXPECT_TRUE(events.insert(event).second);
        // The payload's own header says the same; the rest is the sample's.
        const std::uint64_t cycle = (event - 100001) / 2113;
        RecordHeader header;
        std::memcpy(&header, packet.payload(i).data(), sizeof(header));
        EXPECT_EQ(header.event, event);
        EXPECT_EQ(header.luminosity_block, packet.header().luminosity_block);
        EXPECT_EQ(packet.header().luminosity_block / 4, 5 + cycle);
        const auto& original =
            *std::ranges::find(source.fragments, event - cycle * 2113, &SampleFragment::event);
        EXPECT_TRUE(std::ranges::equal(packet.payload(i).subspan(24), original.payload.subspan(24)));
      }
    }
    EXPECT_EQ(events.size(), 4500u);
    const SourceReport& report = sent.reports[id == 16 ? 0 : 1];
    EXPECT_EQ(report.events, 4500u);
    EXPECT_EQ(report.fragments, 4500u);
    EXPECT_EQ(report.packets, sequence[0] + sequence[1]);
    EXPECT_EQ(report.bytes, bytes);
  }
}

TEST(SourceSender, EveryLuminosityBlockIsClosedInEveryShardWithItsCount) {
  SourceOptions options;
  options.block_events = 64;
  const Sent sent = send(options, {{7, 7}});
  std::map<std::pair<std::size_t, std::uint32_t>, std::uint64_t> counted;
  std::map<std::pair<std::size_t, std::uint32_t>, std::uint64_t> closed;
  for (const auto& [shard, frame] : sent.frames.at(7)) {
    wire::PacketView packet;
    ASSERT_EQ(wire::parse(frame, options.block_events, packet), wire::PacketStatus::ok);
    const std::pair key{shard, packet.header().luminosity_block};
    if (packet.header().kind == wire::PacketKind::data) {
      EXPECT_FALSE(closed.contains(key)) << "fragments after the end of luminosity block " << key.second;
      counted[key] += packet.fragment_count();
    } else if (packet.header().kind == wire::PacketKind::end_of_luminosity_block) {
      EXPECT_TRUE(closed.emplace(key, packet.sent_counts().fragments).second);
    }
  }
  EXPECT_EQ(closed.size(), 8u);
  EXPECT_EQ(closed, counted);
}

TEST(SourceSender, TheRateIsKept) {
  SourceOptions options;
  options.events = 200;
  options.rate_hz = 1000;
  const Sent sent = send(options, {{7, 7}}, 1);
  // Nothing is said about how long it took besides: a busy machine may be slower, never faster.
  EXPECT_GE(sent.reports[0].seconds, 0.19);
  EXPECT_GT(sent.reports[0].packets, 20u) << "packets waited for more than their flush time";
}

TEST(SourceSender, FaultsAreDoneAsCounted) {
  SourceOptions options;
  options.events = 4000;
  options.pack_events = 10;
  options.faults =
      parse_faults("drop=0.1,duplicate=0.1,flip_bit=0.1,wrong_run=0.05,delay=0.05,seed=3,delay_packets=5");
  const Sent sent = send(options, {{5, 5}}, 1);
  std::map<std::uint64_t, int> seen;
  std::uint64_t bad = 0;
  std::uint64_t foreign = 0;
  for (const auto& [source, frames] : sent.frames)
    for (const auto& [shard, frame] : frames) {
      wire::PacketView packet;
      if (wire::parse(frame, options.block_events, packet) != wire::PacketStatus::ok)
        ++bad;
      else if (packet.header().run != options.run)
        ++foreign;
      else
        ++seen[packet.header().sequence];
    }
  const auto count = [&](wire::PacketFault fault) {
    return sent.reports[0].faults[static_cast<std::size_t>(fault)].packets;
  };
  EXPECT_GT(count(wire::PacketFault::drop), 0u);
  EXPECT_GT(count(wire::PacketFault::duplicate), 0u);
  EXPECT_GT(count(wire::PacketFault::delay), 0u);
  EXPECT_EQ(bad, count(wire::PacketFault::flip_bit));
  EXPECT_EQ(foreign, count(wire::PacketFault::wrong_run));
  EXPECT_EQ(seen.size(), sent.reports[0].packets - bad - foreign - count(wire::PacketFault::drop));
  std::uint64_t twice = 0;
  for (const auto& [sequence, times] : seen) twice += times == 2;
  EXPECT_EQ(twice, count(wire::PacketFault::duplicate));
}

TEST(SourceSender, ARestartIsANewEpoch) {
  SourceOptions options;
  options.events = 1000;
  options.restart_after_events = 500;
  const Sent sent = send(options, {{7, 7}}, 1);
  std::map<std::uint32_t, std::uint64_t> fragments;
  for (const auto& [shard, frame] : sent.frames.at(7)) {
    wire::PacketView packet;
    ASSERT_EQ(wire::parse(frame, options.block_events, packet), wire::PacketStatus::ok);
    fragments[packet.header().epoch] += packet.fragment_count();
  }
  ASSERT_EQ(fragments.size(), 2u);
  EXPECT_EQ(fragments.begin()->second, 500u);
  EXPECT_EQ(fragments.rbegin()->second, 500u);
}

TEST(SourceSender, ADeadSourceSaysNothing) {
  SourceOptions options;
  options.events = 1000;
  options.die_after_events = 300;
  const Sent sent = send(options, {{7, 7}}, 1);
  EXPECT_EQ(sent.reports[0].events, 300u);
  for (const auto& [shard, frame] : sent.frames.at(7)) {
    wire::PacketView packet;
    ASSERT_EQ(wire::parse(frame, options.block_events, packet), wire::PacketStatus::ok);
    EXPECT_NE(packet.header().kind, wire::PacketKind::end_of_run);
  }
}

TEST(SourceSender, EventNumbersCanJump) {
  SourceOptions options;
  options.events = 1000;
  options.jump_after_events = 500;
  const Sent sent = send(options, {{7, 7}}, 1);
  std::uint64_t far = 0;
  for (const auto& [shard, frame] : sent.frames.at(7)) {
    wire::PacketView packet;
    ASSERT_EQ(wire::parse(frame, options.block_events, packet), wire::PacketStatus::ok);
    for (std::uint32_t i = 0; i < packet.fragment_count(); ++i) far += packet.event(i) >> 32 == 1;
  }
  EXPECT_EQ(far, 500u);
}

TEST(SourceSender, GivesUpWhenNobodyListens) {
  zmq::context_t context;
  SourceOptions options;
  options.give_up_ns = 200'000'000;
  SourceControl control;
  try {
    send_source(context, sample(), {7, 7, {"tcp://127.0.0.1:1"}}, options, control);
    FAIL() << "it sent to nobody";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("tcp://127.0.0.1:1 has taken no packet"));
    EXPECT_EQ(error.fault(), Fault::failure);
  }
}

TEST(Faults, AreReadFromText) {
  const FaultPlan plan = parse_faults("drop=0.25,delay=0.5,delay_packets=7,seed=9");
  EXPECT_EQ(plan.rates[static_cast<std::size_t>(wire::PacketFault::drop)], 0.25);
  EXPECT_EQ(plan.rates[static_cast<std::size_t>(wire::PacketFault::delay)], 0.5);
  EXPECT_EQ(plan.delay_packets, 7u);
  EXPECT_EQ(plan.seed, 9u);
  EXPECT_TRUE(plan.any());
  EXPECT_FALSE(parse_faults("").any());
}

TEST(Faults, AreRefusedByName) {
  const auto error_of = [](const char* text) {
    try {
      parse_faults(text);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error_of("dorp=0.1"), HasSubstr("\"dorp=0.1\" is unknown; there are drop, duplicate"));
  EXPECT_THAT(error_of("drop=1.5"), HasSubstr("\"drop=1.5\""));
  EXPECT_THAT(error_of("drop=-1"), HasSubstr("\"drop=-1\""));
  EXPECT_THAT(error_of("drop"), HasSubstr("\"drop\""));
  EXPECT_THAT(error_of("drop=nan"), HasSubstr("\"drop=nan\""));
  EXPECT_THAT(error_of("seed=1x"), HasSubstr("\"seed=1x\""));
  EXPECT_THAT(error_of("none=0.1"), HasSubstr("is unknown"));
  EXPECT_THAT(error_of("drop=0.6,delay=0.6"), HasSubstr("more than 1"));
}

}  // namespace
}  // namespace crible::pipeline
