// Packets written by Python from docs/wire-format.md, read by the C++ parser.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/wire/packet.hpp"

namespace crible::wire {
namespace {

using Bytes = std::vector<std::byte>;

/// The frames of a file: each its length in 4 bytes and its bytes.
std::vector<Bytes> read_frames(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<Bytes> frames;
  std::uint32_t size = 0;
  while (file.read(reinterpret_cast<char*>(&size), sizeof size)) {
    frames.emplace_back(size);
    file.read(reinterpret_cast<char*>(frames.back().data()), size);
  }
  return frames;
}

/// Runs Python with `arguments` in front of an output file's path, and reads that file.
std::vector<Bytes> frames_of(const std::string& arguments) {
  const auto path = std::filesystem::temp_directory_path() / ("crible_wire_" + std::to_string(getpid()));
  const std::string command = std::string(CRIBLE_PYTHON) + " " + arguments + " " + path.string();
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  auto frames = read_frames(path);
  std::filesystem::remove(path);
  return frames;
}

TEST(PythonSource, ThePagesOwnSourceIsRight) {
  const auto frames = frames_of("tests/unit/wire/run_page.py docs/wire-format.md");
  ASSERT_EQ(frames.size(), 102u);
  PacketView view;
  for (std::size_t i = 0; i < 100; ++i) {
    ASSERT_EQ(name(parse(frames[i], 4096, view)), "ok");
    EXPECT_EQ(view.header().source, 3);
    EXPECT_EQ(view.header().run, 42u);
    EXPECT_EQ(view.header().sequence, i);
    EXPECT_EQ(view.header().fragments_before, i);
    EXPECT_GT(view.header().epoch, 0u);
    ASSERT_EQ(view.fragment_count(), 1u);
    EXPECT_EQ(view.event(0), i);
    const auto payload = view.payload(0);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(payload.data()), payload.size()), "what was seen");
  }
  ASSERT_EQ(name(parse(frames[100], 4096, view)), "ok");
  EXPECT_EQ(view.header().kind, PacketKind::end_of_luminosity_block);
  EXPECT_EQ(view.sent_counts().packets, 100u);
  EXPECT_EQ(view.sent_counts().fragments, 100u);
  ASSERT_EQ(name(parse(frames[101], 4096, view)), "ok");
  EXPECT_EQ(view.header().kind, PacketKind::end_of_run);
  EXPECT_EQ(view.sent_counts().packets, 101u);
}

TEST(PythonSource, ThePackingSourceKeepsTheRules) {
  const auto frames = frames_of(
      "tests/system/wire_source.py --source 2 --run 9 --epoch 77 --block-events 32 --packet-events 10 "
      "--luminosity-block-events 100 --first-event 90 --events 200 --payload-bytes 5 --output");
  std::uint64_t event = 90;
  std::uint64_t fragments = 0;
  std::uint64_t sequence = 0;
  std::vector<std::uint64_t> closed_block_fragments;
  PacketView view;
  for (const Bytes& frame : frames) {
    ASSERT_EQ(name(parse(frame, 32, view)), "ok");
    EXPECT_EQ(view.header().sequence, sequence++);
    EXPECT_EQ(view.header().fragments_before, fragments);
    EXPECT_EQ(view.header().epoch, 77u);
    EXPECT_LE(view.fragment_count(), 10u);
    for (std::uint32_t i = 0; i < view.fragment_count(); ++i, ++event, ++fragments) {
      EXPECT_EQ(view.event(i), event);
      EXPECT_EQ(view.header().luminosity_block, event / 100);
      ASSERT_EQ(view.payload(i).size(), 5u);
      EXPECT_EQ(view.payload(i)[4], static_cast<std::byte>(2 + event + 4));
    }
    if (view.header().kind == PacketKind::end_of_luminosity_block) {
      closed_block_fragments.push_back(view.sent_counts().fragments);
    }
  }
  EXPECT_EQ(fragments, 200u);
  EXPECT_EQ(closed_block_fragments, (std::vector<std::uint64_t>{10, 100, 90}));
  EXPECT_EQ(view.header().kind, PacketKind::end_of_run);
  EXPECT_EQ(view.sent_counts().packets, view.header().sequence);
  EXPECT_EQ(view.sent_counts().fragments, 200u);
}

}  // namespace
}  // namespace crible::wire
