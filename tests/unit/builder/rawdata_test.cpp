// Real detector data: ten events of BES III are taken apart into the parts of their 42 read-out boards, sent
// in packets that arrive in any order, and built again.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "engine/builder/builder.hpp"
#include "engine/wire/packet_writer.hpp"
#include "tests/support/eformat.hpp"

namespace crible::builder {
namespace {

using crible::testing::RawEvent;
using crible::testing::RawFragment;
using Bytes = std::vector<std::byte>;

const char* const path = "tests/data/rawdata/bes3/bes3_raw_10events.raw";

/// The packets of one board: its part of each event in ascending order, a few events in a packet.
std::vector<Bytes> packets_of(std::uint16_t source, const std::map<std::uint64_t, const RawFragment*>& parts,
                              std::uint32_t run) {
  wire::PacketWriter writer({source, run, 1, 4096});
  std::vector<Bytes> packets;
  const auto finish = [&] {
    const auto frame = writer.finish(0);
    packets.emplace_back(frame.begin(), frame.end());
  };
  for (const auto& [event, fragment] : parts) {
    if (writer.fragment_count() == 3 || !writer.fits(event, 0, fragment->bytes.size())) finish();
    writer.add(event, 0, fragment->bytes);
  }
  finish();
  return packets;
}

TEST(RawData, IsBuiltAgainByteByByte) {
  const std::vector<RawEvent> events = crible::testing::read_bes3(path);
  ASSERT_EQ(events.size(), 10u);
  std::map<std::uint32_t, std::map<std::uint64_t, const RawFragment*>> boards;
  for (const RawEvent& event : events) {
    EXPECT_EQ(event.run, 91668u);
    EXPECT_EQ(event.fragments.size(), 42u);
    for (const RawFragment& fragment : event.fragments) boards[fragment.source_id][event.number] = &fragment;
  }
  ASSERT_EQ(boards.size(), 42u);

  BuilderConfig config;
  config.run = 91668;
  std::vector<const std::map<std::uint64_t, const RawFragment*>*> originals;
  std::vector<Bytes> packets;
  for (const auto& [id, parts] : boards) {
    const auto source = static_cast<std::uint16_t>(config.sources.size());
    config.sources.push_back(source);
    originals.push_back(&parts);
    for (Bytes& packet : packets_of(source, parts, config.run)) packets.push_back(std::move(packet));
  }
  std::mt19937_64 random(20261121);
  std::shuffle(packets.begin(), packets.end(), random);

  EventBuilder builder(config);
  std::set<std::uint64_t> built;
  for (const Bytes& packet : packets) {
    wire::Message message(packet, nullptr, nullptr);
    ASSERT_EQ(builder.accept(message, 0), Accepted::taken);
    while (Event* event = builder.next_closed()) {
      EXPECT_TRUE(event->complete());
      EXPECT_TRUE(built.insert(event->number).second);
      for (std::size_t source = 0; source < originals.size(); ++source) {
        const auto bytes = event->fragments[source].bytes();
        EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), originals[source]->at(event->number)->bytes);
      }
      builder.release(*event, Outcome::accepted);
    }
  }
  EXPECT_EQ(built.size(), 10u);
  builder.finish_books();
  Ledger ledger = builder.make_ledger();
  while (const Book* book = builder.next_finished_book()) ledger.add(*book);
  EXPECT_EQ(ledger.check_final(), std::vector<std::string>{});
  EXPECT_EQ(ledger.total().total().fragments.used, 420);
}

}  // namespace
}  // namespace crible::builder
