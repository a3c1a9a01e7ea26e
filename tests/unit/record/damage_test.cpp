#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "tests/unit/record/made_events.hpp"

namespace crible::record {
namespace {

using testing::HasSubstr;

/// A small recording, its bytes and what is in it.
struct Sample {
  std::filesystem::path file = fresh_file("sample");
  std::string bytes;
  std::vector<BlockInfo> blocks;

  explicit Sample(int compression) {
    write_recording({.file = file, .block_bytes = 1024, .compression = compression, .index_every = 2}, 0, 28);
    bytes = read_file(file);
    const Reader reader(file);
    blocks.assign(reader.blocks().begin(), reader.blocks().end());
  }

  std::uint64_t end_of(std::size_t block) const {
    return block + 1 < blocks.size() ? blocks[block + 1].offset : bytes.size();
  }
};

void put(const std::filesystem::path& file, std::size_t at, char byte) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(byte);
  ASSERT_TRUE(stream.good());
}

class Damaged : public testing::TestWithParam<int> {};

TEST_P(Damaged, CutAtEveryByteKeepsEveryCompleteBlock) {
  const Sample sample(GetParam());
  ASSERT_GE(sample.blocks.size(), 8u);
  const auto file = fresh_file("cut");
  write_file(file, sample.bytes);
  for (std::size_t cut = sample.bytes.size(); cut-- > 0;) {
    std::filesystem::resize_file(file, cut);
    std::size_t complete = 0;
    std::size_t events = 0;
    while (sample.end_of(complete) <= cut) events += sample.blocks[complete++].header.event_count;
    if (complete == 0) {
      EXPECT_THROW(Reader{file}, Error) << "cut at " << cut;
      continue;
    }
    const Reader reader(file);
    ASSERT_EQ(reader.blocks().size(), complete) << "cut at " << cut;
    ASSERT_EQ(read_all(reader).size(), events) << "cut at " << cut;
    ASSERT_EQ(reader.damage().cut_bytes, cut - sample.end_of(complete - 1));
    ASSERT_EQ(reader.damage().skipped_bytes, 0u);
    ASSERT_TRUE(reader.damage().no_footer);
    ASSERT_THAT(reader.damage_sentence(), HasSubstr("not closed"));
    if (reader.damage().cut_bytes > 0) {
      const std::string wanted = std::to_string(reader.damage().cut_bytes) + " bytes at the end";
      ASSERT_THAT(reader.damage_sentence(), HasSubstr(wanted));
    }
  }
}

TEST_P(Damaged, AnyFlippedBitIsNoticedAndCostsOneBlock) {
  const Sample sample(GetParam());
  const std::vector<std::uint64_t> all = read_all(Reader(sample.file));
  const auto file = fresh_file("flip");
  write_file(file, sample.bytes);
  std::mt19937 random(1);
  for (std::size_t at = 0; at < sample.bytes.size(); ++at) {
    if (at > 0) put(file, at - 1, sample.bytes[at - 1]);
    put(file, at, static_cast<char>(sample.bytes[at] ^ (1 << random() % 8)));
    std::size_t block = 0;
    while (sample.end_of(block) <= at) ++block;
    if (block == 0) {
      EXPECT_THROW(Reader{file}, Error) << "flip at " << at;
      continue;
    }
    const Reader reader(file);
    std::size_t bad = 0;
    const auto left = read_all(reader, &bad);
    // In a header: the scan passes over the block. In a body: reading the block says so.
    ASSERT_TRUE(bad == 1 || reader.damage().any()) << "flip at " << at;
    ASSERT_EQ(left.size(), all.size() - sample.blocks[block].header.event_count) << "flip at " << at;
  }
}

TEST_P(Damaged, ALostStretchInTheMiddleIsSkippedAndCounted) {
  const Sample sample(GetParam());
  const auto file = fresh_file("stretch");
  std::string bytes = sample.bytes;
  const std::size_t from = sample.blocks[2].offset + 8;
  const std::size_t to = sample.blocks[5].offset;
  std::fill(bytes.begin() + from, bytes.begin() + to, '\0');
  write_file(file, bytes);
  const Reader reader(file);
  EXPECT_EQ(reader.blocks().size(), sample.blocks.size() - 3);
  EXPECT_EQ(reader.damage().missing_blocks, 3u);
  EXPECT_EQ(reader.damage().skipped_bytes, to - sample.blocks[2].offset);
  EXPECT_FALSE(reader.damage().no_footer);
  EXPECT_THAT(reader.damage_sentence(), HasSubstr("3 blocks are missing"));
}

TEST_P(Damaged, ABlockRightBehindEightStrayBytesIsFound) {
  const Sample sample(GetParam());
  const auto file = fresh_file("stray");
  std::string bytes = sample.bytes;
  bytes.insert(sample.blocks[3].offset, 8, 'x');
  write_file(file, bytes);
  const Reader reader(file);
  EXPECT_EQ(reader.blocks().size(), sample.blocks.size());
  EXPECT_EQ(reader.damage().skipped_bytes, 8u);
  EXPECT_EQ(reader.damage().missing_blocks, 0u);
}

TEST_P(Damaged, GarbageBehindTheFooterIsACut) {
  const Sample sample(GetParam());
  const auto file = fresh_file("tail");
  write_file(file, sample.bytes + std::string(1000, 'x'));
  const Reader reader(file);
  EXPECT_EQ(reader.blocks().size(), sample.blocks.size());
  EXPECT_EQ(reader.damage().cut_bytes, 1000u);
}

INSTANTIATE_TEST_SUITE_P(Compression, Damaged, testing::Values(0, 1));

}  // namespace
}  // namespace crible::record
