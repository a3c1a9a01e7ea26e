// Random runs with random faults: the ledger must show exactly what was done, and events must hold exactly
// what arrived in time.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "engine/wire/faults.hpp"
#include "tests/unit/builder/harness.hpp"
#include "tests/unit/builder/model.hpp"

namespace crible::builder {
namespace {

using testing::Bytes;
using testing::Harness;
using testing::Model;
using testing::SentPacket;
using wire::PacketFault;

constexpr std::uint32_t run = 5;

/// How a random run looks.
struct Shape {
  std::uint16_t source_count = 1;
  std::uint64_t block_events = 10;
  std::uint32_t luminosity_blocks = 1;
  std::uint64_t events_per_luminosity_block = 10;
  std::uint64_t first_event = 0;
  /// Every how many events one is missing in all sources.
  std::uint64_t skip = 5;
  std::size_t packet_events = 3;
  /// The source that starts again before luminosity block 1; none if there is no such source.
  std::size_t restarting_source = 0;
  wire::FaultRates rates{};
  std::uint64_t seed = 0;
};

std::uint64_t next(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

Shape arbitrary_shape() {
  Shape shape;
  shape.source_count = *rc::gen::element<std::uint16_t>(1, 2, 3, 8, 65, 130);
  shape.block_events = *rc::gen::inRange<std::uint64_t>(1, 40);
  shape.luminosity_blocks = *rc::gen::inRange<std::uint32_t>(1, 4);
  shape.events_per_luminosity_block = *rc::gen::inRange<std::uint64_t>(1, 60);
  shape.first_event = *rc::gen::element<std::uint64_t>(0, 99, std::uint64_t{1} << 40);
  shape.skip = *rc::gen::inRange<std::uint64_t>(2, 9);
  shape.packet_events = *rc::gen::inRange<std::size_t>(1, 20);
  shape.restarting_source = *rc::gen::inRange<std::size_t>(0, 6);
  shape.seed = *rc::gen::arbitrary<std::uint64_t>();
  for (std::size_t fault = 1; fault < wire::packet_fault_count; ++fault) {
    shape.rates[fault] = *rc::gen::element(0.0, 0.0, 0.02, 0.1);
  }
  return shape;
}

/// A frame on its way, and what its sender knows of it.
struct Frame {
  SentPacket packet;
  Bytes bytes;
  PacketFault fault = PacketFault::none;
};

/// Everything that the sources send: for each luminosity block the packets of each source in order.
class Sources {
 public:
  explicit Sources(const Shape& shape) : shape_(shape) {
    for (std::uint16_t i = 0; i < shape.source_count; ++i) writers_.push_back(writer(i, 1));
  }

  wire::PacketWriter writer(std::uint16_t source, std::uint32_t epoch) const {
    return wire::PacketWriter({source, run, epoch, shape_.block_events});
  }

  std::vector<Frame> luminosity_block(std::uint16_t source, std::uint32_t block) {
    if (block == 1 && shape_.restarting_source == source) writers_[source] = writer(source, 2);
    std::vector<Frame> frames;
    wire::PacketWriter& out = writers_[source];
    std::vector<std::uint64_t> events;
    const std::uint64_t begin = shape_.first_event + block * shape_.events_per_luminosity_block;
    for (std::uint64_t i = 0; i < shape_.events_per_luminosity_block; ++i) {
      const std::uint64_t event = begin + i;
      if (event % shape_.skip == 1) continue;
      if (!out.fits(event, block, 8) || events.size() == shape_.packet_events) {
        frames.push_back(frame(out, block, events));
      }
      out.add(event, block, testing::payload_of(source, event));
      events.push_back(event);
    }
    if (!out.empty()) frames.push_back(frame(out, block, events));
    const std::uint64_t sequence = out.sent().packets;
    frames.push_back(control(out, block, sequence, out.end_of_luminosity_block(block, 0)));
    return frames;
  }

 private:
  static Frame frame(wire::PacketWriter& out, std::uint32_t block, std::vector<std::uint64_t>& events) {
    Frame frame;
    frame.packet = {out.sender().source, out.sender().epoch, out.sent().packets, block, events};
    const auto bytes = out.finish(0);
    frame.bytes.assign(bytes.begin(), bytes.end());
    events.clear();
    return frame;
  }
  static Frame control(const wire::PacketWriter& out, std::uint32_t block, std::uint64_t sequence,
                       std::span<const std::byte> bytes) {
    return {{out.sender().source, out.sender().epoch, sequence, block, {}}, {bytes.begin(), bytes.end()}};
  }

  Shape shape_;
  std::vector<wire::PacketWriter> writers_;
};

/// Merges the sources' packets in a random order that keeps each source's own.
std::vector<Frame> interleave(std::vector<std::vector<Frame>> queues, std::uint64_t& random) {
  std::vector<Frame> merged;
  for (auto& queue : queues) std::reverse(queue.begin(), queue.end());
  while (!queues.empty()) {
    const std::size_t pick = next(random) % queues.size();
    merged.push_back(std::move(queues[pick].back()));
    queues[pick].pop_back();
    if (queues[pick].empty()) queues.erase(queues.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  return merged;
}

void tell(Model& model, const Frame& frame) {
  switch (frame.fault) {
    case PacketFault::flip_bit:
    case PacketFault::truncate:
      model.arrive_damaged();
      break;
    case PacketFault::wrong_run:
      model.arrive_of_wrong_run(frame.packet);
      break;
    case PacketFault::unknown_source:
      model.arrive_of_unknown_source(frame.packet);
      break;
    case PacketFault::none:
    case PacketFault::drop:
    case PacketFault::duplicate:
    case PacketFault::reorder:
    case PacketFault::delay:
      model.arrive(frame.packet);
      break;
  }
}

/// Finds which sent packet an arriving frame is, by the numbers that the injector leaves alone.
const Frame& sent_frame(const std::vector<Frame>& sent, const Bytes& bytes, const Frame& current) {
  wire::PacketView view;
  const bool whole = wire::parse(bytes, 0, view) == wire::PacketStatus::ok;
  if (!whole || view.header().run != run || view.header().source >= 0x4000) return current;
  const wire::PacketHeader& header = view.header();
  const auto found = std::find_if(sent.begin(), sent.end(), [&](const Frame& frame) {
    return frame.packet.source == header.source && frame.packet.epoch == header.epoch &&
           frame.packet.sequence == header.sequence;
  });
  return found == sent.end() ? current : *found;
}

/// Plays a run against the builder and the model, and compares the ledgers.
void play(const Shape& shape) {
  BuilderConfig config;
  config.run = run;
  for (std::uint16_t i = 0; i < shape.source_count; ++i) config.sources.push_back(i);
  config.block_events = shape.block_events;
  config.ring_events = 1024;
  config.max_packets = 16384;
  config.timeout_ns = 1'000'000;
  Harness harness(config);
  Model model(shape.source_count);
  wire::FaultInjector injector(shape.rates, shape.seed, 20);
  Sources sources(shape);
  std::uint64_t random = shape.seed;

  std::vector<Frame> sent;
  const auto deliver = [&](const std::vector<Bytes>& arriving, const Frame& current) {
    for (const Bytes& bytes : arriving) {
      Frame frame = sent_frame(sent, bytes, current);
      frame.fault = bytes == frame.bytes ? PacketFault::none : current.fault;
      tell(model, frame);
      harness.now_ns += 1;
      harness.send(bytes);
    }
  };
  for (std::uint32_t block = 0; block < shape.luminosity_blocks; ++block) {
    std::vector<std::vector<Frame>> queues;
    for (std::uint16_t i = 0; i < shape.source_count; ++i)
      queues.push_back(sources.luminosity_block(i, block));
    std::vector<Bytes> arriving;
    Frame last;
    for (Frame& frame : interleave(std::move(queues), random)) {
      wire::PacketHeader header;
      std::memcpy(&header, frame.bytes.data(), sizeof header);
      frame.fault = injector.fault_of(header);
      model.send(frame.packet);
      sent.push_back(frame);
      arriving.clear();
      injector.pass(frame.bytes, arriving);
      deliver(arriving, frame);
      last = frame;
    }
    // In every second run what was delayed comes after its events' time.
    if (shape.seed % 2 == 0) {
      harness.wait(2'000'000);
      model.close_all(CloseReason::incomplete_timeout);
    }
    arriving.clear();
    injector.flush(arriving);
    last.fault = PacketFault::none;
    deliver(arriving, last);
  }
  const Ledger ledger = harness.stop();
  model.close_all(CloseReason::incomplete_stop);
  const auto differences = model.differences(ledger);
  RC_ASSERT(differences == std::vector<std::string>{});
  RC_ASSERT(!::testing::Test::HasFailure());
}

TEST(Property, TheLedgerShowsExactlyWhatWasDone) {
  EXPECT_TRUE(rc::check([] { play(arbitrary_shape()); }));
}

TEST(Property, TheSameSeedDoesTheSameWrong) {
  Shape shape;
  shape.rates.fill(0.1);
  const wire::FaultInjector one(shape.rates, 3);
  const wire::FaultInjector same(shape.rates, 3);
  const wire::FaultInjector other(shape.rates, 4);
  std::array<int, wire::packet_fault_count> seen{};
  int different = 0;
  for (std::uint64_t sequence = 0; sequence < 10000; ++sequence) {
    wire::PacketHeader header;
    header.sequence = sequence;
    EXPECT_EQ(one.fault_of(header), same.fault_of(header));
    different += one.fault_of(header) != other.fault_of(header) ? 1 : 0;
    ++seen[static_cast<std::size_t>(one.fault_of(header))];
  }
  EXPECT_GT(different, 5000);
  for (std::size_t fault = 1; fault < seen.size(); ++fault) EXPECT_NEAR(seen[fault], 1000, 200);
}

}  // namespace
}  // namespace crible::builder
