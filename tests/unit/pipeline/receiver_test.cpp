#include "engine/pipeline/receiver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/base/error.hpp"

namespace crible::pipeline {
namespace {

using testing::HasSubstr;

class Receiving : public testing::Test {
 protected:
  Receiving() {
    for (std::size_t i = 0; i < 3; ++i) addresses_.push_back("inproc://source" + std::to_string(i));
  }

  void send(std::size_t source, const std::string& text) {
    auto& socket = sockets_[source];
    if (!socket) {
      socket = zmq::socket_t(context_, zmq::socket_type::push);
      socket.set(zmq::sockopt::linger, 0);
      socket.set(zmq::sockopt::sndhwm, 10'000);
      socket.connect(addresses_[source]);
    }
    socket.send(zmq::buffer(text));
  }

  /// The next frame's text; empty when there is none.
  static std::string next(Receiver& receiver, std::vector<std::uint8_t> held = {0, 0, 0}) {
    wire::Message message;
    if (!receiver.receive(message, held)) return "";
    return {reinterpret_cast<const char*>(message.bytes().data()), message.bytes().size()};
  }

  zmq::context_t context_;
  std::vector<std::string> addresses_;
  std::map<std::size_t, zmq::socket_t> sockets_;
};

TEST_F(Receiving, TakesFromTheSourcesInTurn) {
  Receiver receiver(context_, {}, addresses_);
  EXPECT_EQ(next(receiver), "");
  for (int i = 0; i < 10; ++i) send(0, "a" + std::to_string(i));
  for (int i = 0; i < 2; ++i) send(2, "c" + std::to_string(i));
  std::string order;
  for (std::string text = next(receiver); !text.empty(); text = next(receiver)) order += text;
  EXPECT_EQ(order, "a0c0a1c1a2a3a4a5a6a7a8a9");
}

TEST_F(Receiving, ASourceThatNeverEndsHidesNobody) {
  Receiver receiver(context_, {}, addresses_);
  for (int i = 0; i < 1000; ++i) send(0, "a");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(next(receiver), "a");  // the others have nothing
  send(1, "b");
  int frames = 1;
  while (next(receiver) != "b") ++frames;
  EXPECT_LE(frames, 32);
}

TEST_F(Receiving, LeavesWhatIsHeldWhereItIs) {
  Receiver receiver(context_, {}, addresses_);
  send(0, "a");
  send(1, "b0");
  send(1, "b1");
  const std::vector<std::uint8_t> held = {1, 0, 1};
  EXPECT_EQ(next(receiver, held), "b0");
  EXPECT_EQ(next(receiver, held), "b1");
  EXPECT_EQ(next(receiver, held), "");
  EXPECT_EQ(next(receiver), "a") << "it is there when the source is not held any more";
}

TEST_F(Receiving, WaitsForWhatMayBeTaken) {
  Receiver receiver(context_, {}, addresses_);
  const std::vector<std::uint8_t> nobody = {0, 0, 0}, first = {1, 0, 0}, all = {1, 1, 1};
  receiver.wait(1'000'000, nobody);
  receiver.wait(1'000'000, all);
  send(0, "a");
  receiver.wait(1'000'000, first);
  EXPECT_EQ(next(receiver, first), "");
  receiver.wait(1'000'000'000, nobody);
  EXPECT_EQ(next(receiver), "a");
}

TEST_F(Receiving, CountsTheFramesThatAreInUse) {
  Receiver receiver(context_, {}, addresses_);
  const std::vector<std::uint8_t> held = {0, 0, 0};
  for (int i = 0; i < 3; ++i) send(1, "b");
  {
    wire::Message one, other;
    ASSERT_TRUE(receiver.receive(one, held) && receiver.receive(other, held));
    EXPECT_EQ(receiver.frames_held(), 2u);
    one.reset();
    EXPECT_EQ(receiver.frames_held(), 1u);
  }
  EXPECT_EQ(receiver.frames_held(), 0u);
  EXPECT_EQ(receiver.most_frames_held(), 2u);
}

TEST_F(Receiving, TooManySocketsAreNamed) {
  zmq::context_t small;
  small.set(zmq::ctxopt::max_sockets, 2);
  try {
    Receiver receiver(small, {}, addresses_);
    FAIL() << "three sockets of two";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no more sockets for input address inproc://source2"));
    EXPECT_THAT(error.what(), HasSubstr("ulimit -n"));
  }
}

TEST_F(Receiving, AnAddressInUseIsNamed) {
  Receiver receiver(context_, {}, addresses_);
  try {
    Receiver second(context_, {}, {"inproc://free", addresses_[2]});
    FAIL() << "two listen at one address";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("input address inproc://source2 is in use"));
    EXPECT_THAT(error.what(), HasSubstr("run.input.bind"));
    EXPECT_EQ(error.fault(), Fault::user);
  }
}

}  // namespace
}  // namespace crible::pipeline
