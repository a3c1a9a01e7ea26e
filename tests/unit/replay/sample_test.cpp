#include "engine/pipeline/sample.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/temporary_folder.hpp"
#include "engine/record/writer.hpp"

namespace crible::pipeline {
namespace {

using testing::HasSubstr;

const std::filesystem::path bundled = "tools/demo_data/stream";

class SampleFiles : public testing::Test {
 protected:
  std::string error_of(const std::filesystem::path& path) {
    try {
      Sample::load(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  /// A folder with one source of three events.
  void write_folder() {
    write_file(folder_ / "manifest.json",
               R"({"byte_order": "little", "header_bytes": 24, "run": 5, "labels": ["a", "b"],
                   "sources": [{"id": 3, "name": "muons", "file": "muons.bin"}]})");
    write_file(folder_ / "muons.bin", records());
  }

  std::string records() {
    std::string bytes;
    for (const std::uint32_t event : {10u, 11u, 14u}) {
      const RecordHeader header{
          record_magic, 3, 5, event, 0, 0, static_cast<std::uint16_t>(event / 12), 2, 0};
      bytes.append(reinterpret_cast<const char*>(&header), sizeof(header));
      bytes.append(4, static_cast<char>(event));
    }
    return bytes;
  }

  const TemporaryFolder temporary_{"crible-sample"};
  const std::filesystem::path folder_ = temporary_.path();
};

TEST_F(SampleFiles, TheBundledOneIsWhole) {
  const Sample sample = Sample::load(bundled);
  EXPECT_EQ(sample.run(), 392642u);
  ASSERT_EQ(sample.sources().size(), 8u);
  EXPECT_EQ(sample.sources()[6].name, "sums");
  EXPECT_EQ(sample.events().size(), 2000u);
  EXPECT_EQ(sample.events().front(), 100001u);
  EXPECT_EQ(sample.events().back(), 102113u);
  EXPECT_EQ(sample.first_luminosity_block(), 20u);
  EXPECT_EQ(sample.last_luminosity_block(), 23u);
  for (const SampleSource& source : sample.sources()) EXPECT_EQ(source.fragments.size(), 2000u);
  ASSERT_EQ(sample.labels().size(), 2000u);
  EXPECT_EQ(std::count(sample.labels().begin(), sample.labels().end(), 0), 1700);
  EXPECT_EQ(sample.label_names().at(1), "ttbar");
}

TEST_F(SampleFiles, AFolderGivesItsRecords) {
  write_folder();
  const Sample sample = Sample::load(folder_);
  ASSERT_EQ(sample.sources().size(), 1u);
  const SampleSource& source = sample.sources()[0];
  EXPECT_EQ(source.id, 3u);
  ASSERT_EQ(source.fragments.size(), 3u);
  EXPECT_EQ(source.fragments[2].event, 14u);
  EXPECT_EQ(source.fragments[2].luminosity_block, 1u);
  EXPECT_EQ(source.fragments[2].payload.size(), 28u);
  EXPECT_EQ(source.fragments[2].payload[24], std::byte{14});
}

TEST_F(SampleFiles, DamagesAreNamedWithFileAndByte) {
  write_folder();
  const std::string good = records();
  const auto with = [&](std::size_t at, char byte) {
    std::string bytes = good;
    bytes[at] = byte;
    write_file(folder_ / "muons.bin", bytes);
    return error_of(folder_);
  };
  EXPECT_THAT(with(28, 0), HasSubstr("muons.bin: byte 28: no record begins here"));
  EXPECT_THAT(with(2, 4), HasSubstr("muons.bin: byte 0: the record is of source 4, the file of source 3"));
  EXPECT_THAT(with(36, 10), HasSubstr("byte 28: event numbers do not ascend"));
  EXPECT_THAT(with(76, 3), HasSubstr("byte 56: the file ends inside a record"));
  write_file(folder_ / "muons.bin", good.substr(0, 60));
  EXPECT_THAT(error_of(folder_), HasSubstr("byte 56: the file ends inside a record header"));
  write_file(folder_ / "muons.bin", "");
  EXPECT_THAT(error_of(folder_), HasSubstr("there is no event in it to send"));
  write_file(folder_ / "manifest.json", "{");
  EXPECT_THAT(error_of(folder_), HasSubstr("manifest.json: this is not the manifest of a sample"));
  EXPECT_THAT(error_of(folder_ / "nothing"), HasSubstr("cannot be opened"));
}

TEST_F(SampleFiles, ARecordingIsASampleSortedByEvent) {
  const std::filesystem::path file = folder_ / "recording";
  {
    record::RunHeader header;
    header.run = 9;
    record::Writer writer({.file = file, .block_bytes = 1024}, header);
    for (const std::uint64_t event : {30u, 10u, 20u}) {
      const std::vector<std::byte> payload(event, std::byte{1});
      const record::Fragment fragments[] = {{4, payload}, {6, {}}};
      writer.append(
          0, {.event = event, .luminosity_block = 2, .fragments = std::span(fragments, event == 20 ? 1 : 2)},
          0);
    }
  }
  const Sample sample = Sample::load(file);
  EXPECT_EQ(sample.run(), 9u);
  EXPECT_FALSE(sample.has_record_headers());
  EXPECT_EQ(sample.events(), (std::vector<std::uint64_t>{10, 20, 30}));
  ASSERT_EQ(sample.sources().size(), 2u);
  EXPECT_EQ(sample.sources()[0].id, 4u);
  ASSERT_EQ(sample.sources()[0].fragments.size(), 3u);
  EXPECT_EQ(sample.sources()[0].fragments[0].payload.size(), 10u);
  EXPECT_EQ(sample.sources()[1].fragments.size(), 2u);
}

TEST_F(SampleFiles, CyclesCountOn) {
  write_folder();
  const Sample sample = Sample::load(folder_);
  const Cycle own(sample, 0);
  EXPECT_EQ(own.event(0, 14), 14u);
  EXPECT_EQ(own.event(1, 10), 15u);
  EXPECT_EQ(own.event(2, 14), 24u);
  EXPECT_EQ(own.luminosity_block(0, 14, 1), 1u);
  EXPECT_EQ(own.luminosity_block(1, 10, 0), 2u);
  EXPECT_EQ(own.luminosity_block(1, 14, 1), 3u);
  EXPECT_EQ(own.index_of(10), 0u);
  EXPECT_EQ(own.index_of(24), 2u);
  EXPECT_EQ(own.index_of(22), 3u);  // a gap of the sample
  EXPECT_EQ(own.index_of(9), 3u);
  const Cycle fixed(sample, 4);
  EXPECT_EQ(fixed.luminosity_block(0, 14, 1), 1u);
  EXPECT_EQ(fixed.luminosity_block(1, 14, 1), 2u);
}

}  // namespace
}  // namespace crible::pipeline
