#include "engine/record/writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <thread>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "tests/unit/record/made_events.hpp"

namespace crible::record {
namespace {

using testing::HasSubstr;

void expect_balanced(const Counters& counters) {
  EXPECT_EQ(counters.offered, counters.recorded + counters.write_failed + counters.queued);
}

TEST(Writer, ShardsWriteAtTheSameTime) {
  const auto file = fresh_file("shards");
  constexpr std::size_t shards = 4;
  constexpr std::uint64_t per_shard = 3000;
  {
    Writer writer({.file = file, .shards = shards, .block_bytes = 4096, .max_wait_ns = 60'000'000'000},
                  made_header());
    std::vector<std::thread> threads;
    for (std::size_t shard = 0; shard < shards; ++shard)
      threads.emplace_back([&writer, shard] {
        for (std::uint64_t i = 0; i < per_shard; ++i) {
          EXPECT_EQ(writer.append(shard, MadeEvent(shard * per_shard + i).event(), 0), Status::ok);
          if (i % 500 == 0) writer.ledger(static_cast<std::uint32_t>(i), "{}");
          if (i % 100 == 0) expect_balanced(writer.counters());
        }
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(writer.close());
    const Counters counters = writer.counters();
    EXPECT_EQ(counters.offered, shards * per_shard);
    EXPECT_EQ(counters.recorded, shards * per_shard);
    EXPECT_EQ(counters.queued, 0u);
    EXPECT_EQ(counters.file_bytes, std::filesystem::file_size(file));
  }
  const Reader reader(file);
  std::vector<std::uint64_t> all = read_all(reader);
  std::ranges::sort(all);
  ASSERT_EQ(all.size(), shards * per_shard);
  for (std::uint64_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i);
  std::size_t ledgers = 0;
  for (const BlockInfo& block : reader.blocks()) ledgers += block.header.kind == BlockKind::ledger;
  EXPECT_EQ(ledgers, shards * per_shard / 500);
}

TEST(Writer, PollHandsOverWhatWaitsTooLong) {
  const auto file = fresh_file("poll");
  Writer writer({.file = file, .flush_ns = 1000}, made_header());
  EXPECT_EQ(writer.append(0, MadeEvent(1).event(), 5000), Status::ok);
  writer.poll(0, 5999);
  EXPECT_EQ(writer.counters().queued, 1u);
  writer.poll(0, 6000);
  while (writer.counters().queued > 0) std::this_thread::yield();  // the test's own time-out ends it
  EXPECT_EQ(writer.counters().recorded, 1u);
  // The event can be read while the run goes on.
  const Reader reader(file);
  EXPECT_EQ(read_all(reader), std::vector<std::uint64_t>{1});
  EXPECT_TRUE(reader.damage().no_footer);
}

std::vector<std::uint32_t> events_by_block(const Reader& reader) {
  std::vector<std::uint32_t> counts;
  for (const BlockInfo& block : reader.blocks())
    if (block.header.kind == BlockKind::events) counts.push_back(block.header.event_count);
  return counts;
}

TEST(Writer, PollLeavesWhatCanWait) {
  const auto file = fresh_file("patient");
  {
    Writer writer({.file = file, .flush_ns = 1000}, made_header());
    EXPECT_EQ(writer.append(0, MadeEvent(1).event(), 5000), Status::ok);
    writer.poll(0, 5999);
    EXPECT_EQ(writer.append(0, MadeEvent(2).event(), 5999), Status::ok);
  }
  EXPECT_EQ(events_by_block(Reader(file)), std::vector<std::uint32_t>{2});
}

TEST(Writer, ABlockIsFilledToItsLastByteAndNoFurther) {
  const std::vector<std::byte> payload(600);
  const Fragment fragment{3, payload};
  const Event event{.event = 1, .fragments = std::span(&fragment, 1)};
  const std::size_t two = 2 * (sizeof(EventHeader) + sizeof(FragmentEntry) + payload.size());
  for (const auto& [block_bytes, expected] : {std::pair(two, std::vector<std::uint32_t>{2}),
                                              std::pair(two - 8, std::vector<std::uint32_t>{1, 1})}) {
    const auto file = fresh_file("full" + std::to_string(block_bytes));
    {
      Writer writer({.file = file, .block_bytes = block_bytes}, made_header());
      for (int i = 0; i < 2; ++i) EXPECT_EQ(writer.append(0, event, 0), Status::ok);
    }
    EXPECT_EQ(events_by_block(Reader(file)), expected);
  }
}

TEST(Writer, WhatDoesNotGetSmallerIsStoredAsItIs) {
  const auto file = fresh_file("noise");
  std::vector<std::byte> noise(5000);
  std::uint64_t state = 1;
  for (std::byte& byte : noise) byte = std::byte((state = state * 6364136223846793005u + 1) >> 56);
  const Fragment fragment{3, noise};
  {
    Writer writer({.file = file}, made_header());
    EXPECT_EQ(writer.append(0, {.event = 1, .fragments = std::span(&fragment, 1)}, 0), Status::ok);
  }
  const Reader reader(file);
  for (const BlockInfo& block : reader.blocks()) {
    if (block.header.kind != BlockKind::events) continue;
    EXPECT_EQ(block.header.compression, Compression::none);
    EXPECT_EQ(block.header.stored_bytes, block.header.body_bytes);
  }
}

/// Without the chain a reader still finds all blocks, by reading the whole file.
TEST(Writer, TheIndexesAreAChainThatNamesEachBlockOnce) {
  const auto file = fresh_file("chain");
  write_recording({.file = file, .block_bytes = 1024, .max_wait_ns = 60'000'000'000, .index_every = 4}, 0,
                  200);
  const Reader reader(file);
  ASSERT_TRUE(reader.footer());
  std::uint64_t before = no_offset;
  std::size_t named = 0, indexes = 0;
  Body body;
  for (const BlockInfo& block : reader.blocks()) {
    if (block.header.kind != BlockKind::index) continue;
    ASSERT_EQ(reader.read(block, body), ReadStatus::ok);
    IndexHeader header;
    std::memcpy(&header, body.bytes().data(), sizeof header);
    EXPECT_EQ(header.previous_index, before);
    before = block.offset;
    named += header.entry_count;
    ++indexes;
  }
  EXPECT_GT(indexes, 3u);
  EXPECT_EQ(reader.footer()->last_index, before);
  EXPECT_EQ(named + indexes + 1, reader.blocks().size()) << "all but the indexes and the footer";
}

TEST(Writer, AnEventLargerThanABlockIsRecorded) {
  const auto file = fresh_file("large");
  const std::vector<std::byte> payload(1 << 20, std::byte{7});
  const Fragment fragment{3, payload};
  {
    Writer writer({.file = file, .block_bytes = 4096, .compression = 0}, made_header());
    EXPECT_EQ(writer.append(0, MadeEvent(1).event(), 0), Status::ok);
    EXPECT_EQ(writer.append(0, {.event = 2, .fragments = std::span(&fragment, 1)}, 0), Status::ok);
    EXPECT_EQ(writer.append(0, MadeEvent(3).event(), 0), Status::ok);
  }
  const Reader reader(file);
  Body body;
  Cursor cursor;
  EventView view;
  ASSERT_EQ(reader.find(2, body, cursor, view), ReadStatus::ok);
  ASSERT_EQ(view.fragments.size(), 1u);
  EXPECT_TRUE(std::ranges::equal(view.fragments[0].payload, payload));
  EXPECT_EQ(reader.find(3, body, cursor, view), ReadStatus::ok);
}

TEST(Writer, AnEventWithoutFragmentsAndDecisionIsRecorded) {
  const auto file = fresh_file("empty");
  {
    Writer writer({.file = file}, made_header());
    EXPECT_EQ(writer.append(0, {.event = 9}, 0), Status::ok);
  }
  const Reader reader(file);
  Body body;
  Cursor cursor;
  EventView view;
  ASSERT_EQ(reader.find(9, body, cursor, view), ReadStatus::ok);
  EXPECT_TRUE(view.fragments.empty());
  EXPECT_TRUE(view.decision.empty());
}

TEST(Writer, RefusesToOverwrite) {
  const auto file = fresh_file("existing");
  write_file(file, "precious");
  try {
    Writer writer({.file = file}, made_header());
    FAIL() << "the file was overwritten";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("a file of this name exists"));
    EXPECT_EQ(error.fault(), Fault::user);
  }
  EXPECT_EQ(read_file(file), "precious");
  EXPECT_NO_THROW(Writer({.file = file, .overwrite = true}, made_header()));
}

TEST(Writer, RefusesImpossibleOptionsAndPlaces) {
  EXPECT_THROW(Writer({.file = "/nonexistent/folder/file"}, made_header()), Error);
  EXPECT_THROW(Writer({.file = fresh_file("no"), .compression = 20}, made_header()), Error);
  EXPECT_THROW(Writer({.file = fresh_file("no"), .shards = 0}, made_header()), Error);
}

TEST(Writer, ADeviceThatIsAlwaysFullIsAnError) {
  try {
    Writer writer({.file = "/dev/full", .overwrite = true}, made_header());
    FAIL() << "/dev/full took the run header";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/dev/full: the recording cannot be written: No space left"));
    EXPECT_EQ(error.fault(), Fault::failure);
  }
}

}  // namespace
}  // namespace crible::record
