#include "engine/pipeline/publisher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

#include "engine/base/error.hpp"
#include "engine/base/temporary_folder.hpp"
#include "engine/wire/crc32c.hpp"

namespace crible::pipeline {
namespace {

using testing::HasSubstr;

/// More than a socket's buffers hold of a few frames.
constexpr std::size_t frame_bytes = 96 << 10;

/// One frame as it arrived.
struct Frame {
  DecisionFrameHeader header{};
  std::string body;
};

Frame read(const zmq::message_t& message) {
  Frame frame;
  const std::span<const std::byte> bytes(message.data<std::byte>(), message.size());
  EXPECT_GE(bytes.size(), sizeof frame.header);
  std::memcpy(&frame.header, bytes.data(), sizeof frame.header);
  frame.body.assign(reinterpret_cast<const char*>(bytes.data()) + sizeof frame.header,
                    bytes.size() - sizeof frame.header);
  EXPECT_EQ(frame.header.magic, decision_magic);
  EXPECT_EQ(frame.header.version, decision_version);
  EXPECT_EQ(frame.header.header_bytes, sizeof frame.header);
  EXPECT_EQ(frame.header.frame_bytes, bytes.size());
  EXPECT_EQ(frame.header.crc, wire::frame_checksum(bytes));
  return frame;
}

/// A collector that takes nothing by itself.
class Collector {
 public:
  Collector(zmq::context_t& context, const std::string& address,
            zmq::socket_type type = zmq::socket_type::pull)
      : socket_(context, type), address_(address) {
    socket_.set(zmq::sockopt::rcvhwm, 1);
    socket_.set(zmq::sockopt::rcvtimeo, 10'000);
    if (type == zmq::socket_type::sub) socket_.set(zmq::sockopt::subscribe, "");
  }
  void bind() { socket_.bind(address_); }
  void connect() { socket_.connect(address_); }

  /// The next frame, waiting for it.
  Frame next() {
    zmq::message_t message;
    if (!socket_.recv(message)) {
      ADD_FAILURE() << "no frame";
      return {};
    }
    return read(message);
  }

  bool empty() {
    zmq::message_t message;
    return !socket_.recv(message, zmq::recv_flags::dontwait).has_value();
  }

 private:
  zmq::socket_t socket_;
  std::string address_;
};

class Publishing : public testing::Test {
 protected:
  static DecisionsConfig config_of(WhenFull when_full = WhenFull::wait) {
    DecisionsConfig config;
    config.high_water_frames = 1;
    config.when_full = when_full;
    config.linger_ns = 0;
    config.flush_events = 3;
    config.flush_ns = 1000;
    return config;
  }

  Publisher& open(const DecisionsConfig& config) {
    Publisher::Identity identity{77, 5, {}};
    for (std::size_t i = 0; i < identity.hash.size(); ++i) identity.hash[i] = static_cast<std::uint8_t>(i);
    return publisher_.emplace(context_, config, address_, identity);
  }

  /// One decision of `bytes` letters. Returns whether there was room.
  bool add(char letter, std::size_t bytes = 8, std::int64_t now_ns = 0) {
    const auto room = publisher_->reserve(bytes, now_ns);
    if (room.empty()) return false;
    std::memset(room.data(), letter, room.size());
    return true;
  }

  /// Until the collector has been found and has room.
  void flush() {
    while (!publisher_->try_flush()) std::this_thread::yield();
  }

  const TemporaryFolder folder_{"crible-publisher"};
  const std::string address_ = "ipc://" + (folder_.path() / "decisions").string();
  zmq::context_t context_;
  std::optional<Publisher> publisher_;
};

TEST_F(Publishing, AFrameHoldsItsDecisionsAndSaysWhose) {
  Collector collector(context_, address_);
  collector.bind();
  Publisher& publisher = open(config_of());
  EXPECT_FALSE(publisher.pending());
  ASSERT_TRUE(add('a') && add('b', 16));
  EXPECT_TRUE(publisher.pending());
  flush();
  EXPECT_FALSE(publisher.pending());
  const Frame frame = collector.next();
  EXPECT_EQ(frame.header.run, 77u);
  EXPECT_EQ(frame.header.shard, 5u);
  EXPECT_EQ(frame.header.sequence, 0u);
  EXPECT_EQ(frame.header.count, 2u);
  EXPECT_EQ(frame.header.kind, FrameKind::decisions);
  EXPECT_EQ(frame.header.hash[15], 15);
  EXPECT_EQ(frame.body, std::string(8, 'a') + std::string(16, 'b'));
  EXPECT_EQ(publisher.counters().published, 2u);
  EXPECT_EQ(publisher.counters().frames, 1u);
  EXPECT_EQ(publisher.counters().bytes, 64u + 24);
  ASSERT_TRUE(add('c'));
  flush();
  EXPECT_EQ(collector.next().header.sequence, 1u);
}

TEST_F(Publishing, AFrameIsDueByItsCountOrItsAge) {
  Publisher& publisher = open(config_of());
  EXPECT_FALSE(publisher.due(1'000'000));
  add('a', 8, 500);
  add('b', 8, 900);
  EXPECT_FALSE(publisher.due(1499));
  EXPECT_TRUE(publisher.due(1500)) << "1000 ns after its first decision";
  add('c', 8, 950);
  EXPECT_TRUE(publisher.due(950)) << "three decisions";
}

TEST_F(Publishing, AFullFrameTakesNoMore) {
  Collector collector(context_, address_);
  collector.bind();
  Publisher& publisher = open(config_of());
  EXPECT_TRUE(publisher.fits(64 << 10)) << "an empty frame takes anything that a frame can take";
  ASSERT_TRUE(add('a', 120 << 10));
  EXPECT_FALSE(publisher.fits(16 << 10));
  EXPECT_FALSE(add('b', 16 << 10));
  EXPECT_TRUE(publisher.fits(1 << 10));
  flush();
  EXPECT_TRUE(add('b', 16 << 10));
  EXPECT_EQ(collector.next().header.count, 1u) << "what was refused is not in the frame";
}

TEST_F(Publishing, WithoutACollectorItWaitsAndLosesNothing) {
  Publisher& publisher = open(config_of(WhenFull::wait));
  EXPECT_TRUE(publisher.waits_for_room());
  add('a');
  EXPECT_FALSE(publisher.try_flush());
  EXPECT_FALSE(publisher.try_flush());
  EXPECT_TRUE(publisher.pending());
  EXPECT_EQ(publisher.counters().waits, 2u);
  EXPECT_EQ(publisher.counters().published, 0u);
  add('b');
  Collector collector(context_, address_);
  collector.bind();
  flush();
  EXPECT_EQ(collector.next().body, std::string(8, 'a') + std::string(8, 'b'));
  EXPECT_EQ(publisher.counters().published, 2u);
  EXPECT_EQ(publisher.counters().dropped, 0u);
}

TEST_F(Publishing, OneThatDropsCountsAndTheCollectorSeesTheGap) {
  Publisher& publisher = open(config_of(WhenFull::drop));
  EXPECT_FALSE(publisher.waits_for_room());
  add('a');
  add('b');
  EXPECT_TRUE(publisher.try_flush());
  EXPECT_FALSE(publisher.pending());
  EXPECT_EQ(publisher.counters().dropped, 2u);
  Collector collector(context_, address_);
  collector.bind();
  std::uint64_t lost_frames = 1;
  for (; publisher.counters().published == 0; ++lost_frames) {
    add('c');
    EXPECT_TRUE(publisher.try_flush());
  }
  EXPECT_EQ(collector.next().header.sequence, lost_frames - 1);
  EXPECT_EQ(publisher.counters().dropped, 2 + lost_frames - 2);
}

TEST_F(Publishing, ASlowCollectorGetsEverythingOnceAndInOrder) {
  Collector collector(context_, address_);
  collector.bind();
  Publisher& publisher = open(config_of(WhenFull::wait));
  constexpr std::uint64_t decisions = 300;
  std::uint64_t taken = 0;
  const auto take = [&] {
    const Frame frame = collector.next();
    EXPECT_EQ(frame.header.sequence, taken);
    EXPECT_EQ(frame.header.count, 1u);
    ASSERT_EQ(frame.body, std::string(frame_bytes, static_cast<char>(taken++ % 128)));
  };
  for (std::uint64_t i = 0; i < decisions; ++i) {
    ASSERT_TRUE(add(static_cast<char>(i % 128), frame_bytes));
    while (!publisher.try_flush()) {
      if (publisher.counters().published > taken) take();
    }
  }
  EXPECT_LT(taken, decisions);
  EXPECT_GT(taken, 0u) << "the collector was never slow: this tests nothing";
  while (taken < decisions) take();
  EXPECT_TRUE(collector.empty());
  EXPECT_EQ(publisher.counters().published, decisions);
  EXPECT_GT(publisher.counters().waits, 0u);
}

TEST_F(Publishing, WhenZmqHoldsAllBuffersThereIsNoRoom) {
  Collector collector(context_, address_);
  collector.bind();
  DecisionsConfig config = config_of(WhenFull::wait);
  config.high_water_frames = 1000;
  Publisher& publisher = open(config);
  int frames = 0;
  for (; frames < 1000 && add('a', frame_bytes); ++frames) flush();
  EXPECT_GT(frames, 10);
  EXPECT_LT(frames, 1000);
  EXPECT_TRUE(publisher.fits(8)) << "the next frame would be empty";
  EXPECT_TRUE(publisher.reserve(8, 0).empty());
  publisher.count_dropped();
  EXPECT_EQ(publisher.counters().dropped, 1u);
  for (int i = 0; i < frames; ++i) collector.next();
  while (!add('b')) {  // ZeroMQ's thread gives the buffers back
  }
  flush();
  EXPECT_EQ(collector.next().body, std::string(8, 'b'));
}

TEST_F(Publishing, ABookFollowsTheDecisionsBeforeIt) {
  Collector collector(context_, address_);
  collector.bind();
  Publisher& publisher = open(config_of());
  add('a');
  publisher.add_ledger("{\"block\": 3}");
  flush();
  EXPECT_EQ(collector.next().header.kind, FrameKind::decisions);
  const Frame book = collector.next();
  EXPECT_EQ(book.header.kind, FrameKind::ledger);
  EXPECT_EQ(book.header.sequence, 1u);
  EXPECT_EQ(book.header.count, 0u);
  EXPECT_EQ(book.body, "{\"block\": 3}");
}

TEST_F(Publishing, TooManyBooksThatWaitGoOldestFirstAndAreCounted) {
  Publisher& publisher = open(config_of());
  for (int i = 0; i < 1030; ++i) publisher.add_ledger(std::to_string(i));
  EXPECT_EQ(publisher.counters().ledgers_dropped, 6u);
  Collector collector(context_, address_);
  collector.bind();
  while (!publisher.try_flush() && publisher.counters().frames == 0) {
  }
  EXPECT_EQ(collector.next().body, "6") << "the oldest that is left";
  publisher.give_up();
  EXPECT_FALSE(publisher.pending());
  EXPECT_EQ(publisher.counters().ledgers_dropped + publisher.counters().frames, 1030u);
}

TEST_F(Publishing, WhatIsGivenUpIsCountedAsDropped) {
  Publisher& publisher = open(config_of());
  add('a');
  add('b');
  publisher.give_up();
  EXPECT_FALSE(publisher.pending());
  EXPECT_EQ(publisher.counters().dropped, 2u);
  EXPECT_EQ(publisher.counters().published, 0u);
  Publisher::Counters sum = publisher.counters();
  sum.add(publisher.counters());
  EXPECT_EQ(sum.dropped, 4u);
  Publisher::Counters one{1, 2, 3, 4, 5, 6};
  one.add({10, 20, 30, 40, 50, 60});
  EXPECT_EQ(one.frames, 11u);
  EXPECT_EQ(one.bytes, 22u);
  EXPECT_EQ(one.published, 33u);
  EXPECT_EQ(one.dropped, 44u);
  EXPECT_EQ(one.ledgers_dropped, 55u);
  EXPECT_EQ(one.waits, 66u);
}

TEST_F(Publishing, ManyListenersGetAllFramesOfOneThatBinds) {
  DecisionsConfig config = config_of();
  config.publish = true;
  config.bind = true;
  config.high_water_frames = 1000;
  Publisher& publisher = open(config);
  Collector one(context_, address_, zmq::socket_type::sub), other(context_, address_, zmq::socket_type::sub);
  one.connect();
  other.connect();
  // A subscription takes its time; what is published before it is nobody's.
  bool one_hears = false, other_hears = false;
  while (!one_hears || !other_hears) {
    add('x');
    publisher.try_flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    one_hears |= !one.empty();
    other_hears |= !other.empty();
  }
  add('a');
  EXPECT_TRUE(publisher.try_flush());
  for (Collector* collector : {&one, &other}) {
    std::string body = collector->next().body;
    while (body == std::string(8, 'x')) body = collector->next().body;
    EXPECT_EQ(body, std::string(8, 'a'));
  }
}

TEST_F(Publishing, AnAddressThatCannotBeUsedIsNamed) {
  const auto problem = [this](bool bind, const std::string& where) {
    DecisionsConfig config = config_of();
    config.bind = bind;
    try {
      Publisher(context_, config, where, {});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(problem(false, "tcp://nowhere"), HasSubstr("cannot connect decisions to tcp://nowhere"));
  EXPECT_THAT(problem(true, "tcp://256.0.0.1:5"), HasSubstr("run.decisions"));
  zmq::socket_t taken(context_, zmq::socket_type::pull);
  taken.bind("tcp://127.0.0.1:*");
  EXPECT_THAT(problem(true, taken.get(zmq::sockopt::last_endpoint)),
              HasSubstr("cannot bind the decisions' address tcp://127.0.0.1:"));
}

}  // namespace
}  // namespace crible::pipeline
