#include "engine/record/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "tests/unit/record/made_events.hpp"

namespace crible::record {
namespace {

using testing::HasSubstr;

std::vector<std::uint64_t> numbers(std::uint64_t first, std::size_t count) {
  std::vector<std::uint64_t> result(count);
  std::iota(result.begin(), result.end(), first);
  return result;
}

std::string error_of(const std::filesystem::path& file) {
  try {
    Reader reader(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

class EveryCompression : public testing::TestWithParam<int> {};

TEST_P(EveryCompression, GivesBackWhatWasWritten) {
  const auto file = fresh_file("all");
  write_recording({.file = file, .block_bytes = 4096, .compression = GetParam(), .index_every = 5}, 1000,
                  2000);
  const Reader reader(file);
  EXPECT_FALSE(reader.damage().any()) << reader.damage_sentence();
  EXPECT_EQ(reader.damage_sentence(), "");
  EXPECT_EQ(read_all(reader), numbers(1000, 2000));
  ASSERT_TRUE(reader.footer().has_value());
  EXPECT_EQ(reader.footer()->offered, 2000u);
  EXPECT_EQ(reader.footer()->recorded, 2000u);
  EXPECT_EQ(reader.footer()->write_failed, 0u);
}

INSTANTIATE_TEST_SUITE_P(Levels, EveryCompression, testing::Values(0, 1, 3));

TEST(Reader, CompressionMakesTheFileSmaller) {
  const auto plain = fresh_file("plain");
  const auto packed = fresh_file("packed");
  write_recording({.file = plain, .compression = 0}, 0, 2000);
  write_recording({.file = packed, .compression = 1}, 0, 2000);
  EXPECT_LT(std::filesystem::file_size(packed), std::filesystem::file_size(plain) * 3 / 4);
}

TEST(Reader, GivesTheRunHeader) {
  const auto file = fresh_file("header");
  write_recording({.file = file}, 1, 1);
  const Reader reader(file);
  const RunHeader wanted = made_header();
  EXPECT_EQ(reader.run_header().run, wanted.run);
  EXPECT_EQ(reader.run_header().started_ns, wanted.started_ns);
  EXPECT_EQ(reader.run_header().program, wanted.program);
  EXPECT_EQ(reader.run_header().config, wanted.config);
  EXPECT_EQ(reader.run_header().menu_hash, wanted.menu_hash);
  EXPECT_EQ(reader.run_header().chains, wanted.chains);
  EXPECT_EQ(reader.run_header().networks, wanted.networks);
}

TEST(Reader, FindsEventsByNumber) {
  const auto file = fresh_file("find");
  write_recording({.file = file, .block_bytes = 2048, .index_every = 3}, 5000, 500);
  const Reader reader(file);
  Body body;
  Cursor cursor;
  EventView view;
  for (std::uint64_t event : {5499u, 5000u, 5250u, 5251u, 5003u}) {
    ASSERT_EQ(reader.find(event, body, cursor, view), ReadStatus::ok) << event;
    EXPECT_EQ(view.event, event);
    EXPECT_TRUE(is_made(view));
  }
  EXPECT_EQ(reader.find(4999, body, cursor, view), ReadStatus::end);
  EXPECT_EQ(reader.find(5500, body, cursor, view), ReadStatus::end);
}

TEST(Reader, FindsEventsThatCameInAnyOrder) {
  const auto file = fresh_file("order");
  {
    Writer writer({.file = file}, made_header());
    for (std::uint64_t event : {50u, 7u, 90u, 8u}) writer.append(0, MadeEvent(event).event(), 0);
  }
  const Reader reader(file);
  Body body;
  Cursor cursor;
  EventView view;
  for (std::uint64_t event : {7u, 8u, 50u, 90u})
    EXPECT_EQ(reader.find(event, body, cursor, view), ReadStatus::ok) << event;
  EXPECT_EQ(reader.find(9, body, cursor, view), ReadStatus::end);
}

TEST(Reader, IndexesStandBetweenTheBlocks) {
  const auto file = fresh_file("indexes");
  write_recording({.file = file, .block_bytes = 1024, .index_every = 4}, 0, 300);
  const Reader reader(file);
  std::size_t since_index = 0;
  for (const BlockInfo& block : reader.blocks()) {
    since_index = block.header.kind == BlockKind::index ? 0 : since_index + 1;
    ASSERT_LE(since_index, 4u);
  }
}

TEST(Reader, BlocksAreTheSameByIndexAndByScan) {
  const auto file = fresh_file("both");
  write_recording({.file = file, .block_bytes = 1024, .index_every = 4}, 0, 300);
  const Reader by_index(file);
  const auto cut = fresh_file("no_footer");
  std::string bytes = read_file(file);
  write_file(cut, bytes.substr(0, bytes.size() - sizeof(BlockHeader) - sizeof(Footer)));
  const Reader by_scan(cut);
  EXPECT_TRUE(by_scan.damage().no_footer);
  EXPECT_EQ(by_scan.damage().cut_bytes, 0u);
  ASSERT_EQ(by_scan.blocks().size() + 1, by_index.blocks().size());
  for (std::size_t i = 0; i < by_scan.blocks().size(); ++i) {
    EXPECT_EQ(by_scan.blocks()[i].offset, by_index.blocks()[i].offset);
    EXPECT_EQ(by_scan.blocks()[i].header.header_crc, by_index.blocks()[i].header.header_crc);
  }
  EXPECT_EQ(read_all(by_scan), read_all(by_index));
}

TEST(Reader, PayloadsAreAligned) {
  const auto file = fresh_file("aligned");
  write_recording({.file = file, .compression = 0}, 0, 100);
  const Reader reader(file);
  Body body;
  Cursor cursor;
  EventView view;
  ASSERT_EQ(reader.find(50, body, cursor, view), ReadStatus::ok);
  for (const FragmentView& fragment : view.fragments)
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(fragment.payload.data()) % 8, 0u);
}

TEST(Reader, LedgersKeepTheirTextAndBlock) {
  const auto file = fresh_file("ledger");
  {
    Writer writer({.file = file}, made_header());
    writer.ledger(7, "{\"sent\": 3}");
  }
  const Reader reader(file);
  Body body;
  int found = 0;
  for (const BlockInfo& block : reader.blocks()) {
    if (block.header.kind != BlockKind::ledger) continue;
    ++found;
    ASSERT_EQ(reader.read(block, body), ReadStatus::ok);
    EXPECT_EQ(block.header.first_luminosity_block, 7u);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(body.bytes().data()), body.bytes().size()),
              "{\"sent\": 3}");
  }
  EXPECT_EQ(found, 1);
}

TEST(Reader, RefusesWhatIsNoRecording) {
  EXPECT_THAT(error_of("/nonexistent/recording"),
              HasSubstr("/nonexistent/recording: the recording cannot be opened"));
  EXPECT_THAT(error_of(std::filesystem::temp_directory_path()), HasSubstr("this is no file"));
  const auto file = fresh_file("text");
  write_file(file,
             "this is a text, and no recording at all; it is long enough for a block's header, and more");
  EXPECT_THAT(error_of(file), HasSubstr("this is no recording"));
  write_file(file, "");
  EXPECT_THAT(error_of(file), HasSubstr("this is no recording"));
}

TEST(Cursor, RefusesRecordsThatContradictThemselves) {
  EventHeader header{.record_bytes = 48,
                     .fragment_count = 1,
                     .event = 1,
                     .luminosity_block = 0,
                     .streams = 0,
                     .decision_bytes = 0,
                     .reserved = 0};
  FragmentEntry entry{.source = 1, .bytes = 8};
  const auto next = [&](std::size_t body_bytes) {
    std::vector<std::byte> body(64);
    std::memcpy(body.data(), &header, sizeof(header));
    std::memcpy(body.data() + sizeof(header), &entry, sizeof(entry));
    body.resize(body_bytes);
    Cursor cursor(body);
    EventView view;
    return cursor.next(view);
  };
  EXPECT_EQ(next(48), ReadStatus::ok);
  EXPECT_EQ(next(40), ReadStatus::bad_record);  // the body ends before the record
  EXPECT_EQ(next(16), ReadStatus::bad_record);  // not even a header
  entry.bytes = 9;
  EXPECT_EQ(next(48), ReadStatus::bad_record);  // the fragment is larger than the record
  entry.bytes = 0xFFFFFFFF;
  EXPECT_EQ(next(48), ReadStatus::bad_record);
  entry.bytes = 0;
  EXPECT_EQ(next(48), ReadStatus::bad_record);  // the record is larger than its parts
  entry.bytes = 8;
  header.decision_bytes = 0xFFFFFFFF;
  EXPECT_EQ(next(48), ReadStatus::bad_record);
  header.decision_bytes = 0;
  header.fragment_count = 0xFFFFFFFF;
  EXPECT_EQ(next(48), ReadStatus::bad_record);
  header.fragment_count = 1;
  header.record_bytes = 0;
  EXPECT_EQ(next(48), ReadStatus::bad_record);  // would never come to an end
  header.record_bytes = 47;
  EXPECT_EQ(next(48), ReadStatus::bad_record);
}

}  // namespace
}  // namespace crible::record
