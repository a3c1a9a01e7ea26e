#include "tests/unit/record/made_events.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/temporary_folder.hpp"

namespace crible::record {
namespace {

std::vector<std::byte> made_bytes(std::uint64_t seed, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = static_cast<std::byte>((seed >> 60) & 7);  // few values: it can be compressed
  }
  return bytes;
}

}  // namespace

MadeEvent::MadeEvent(std::uint64_t number) : number_(number), decision_(made_bytes(number, 5 + number % 23)) {
  for (std::uint32_t source = 0; source < 4; ++source) {
    if ((number + source) % 7 == 0) continue;  // a missing fragment
    payloads_.push_back(made_bytes(number * 4 + source, (number * 13 + source * 29) % 61));
    fragments_.push_back({100 + source, {}});
  }
  for (std::size_t i = 0; i < payloads_.size(); ++i) fragments_[i].payload = payloads_[i];
}

Event MadeEvent::event() const {
  return {.event = number_,
          .luminosity_block = static_cast<std::uint32_t>(number_ / 100),
          .streams = static_cast<std::uint32_t>(number_ % 5),
          .decision = decision_,
          .fragments = fragments_};
}

bool is_made(const EventView& view) {
  const MadeEvent made(view.event);
  const Event wanted = made.event();
  return view.luminosity_block == wanted.luminosity_block && view.streams == wanted.streams &&
         std::ranges::equal(view.decision, wanted.decision) &&
         std::ranges::equal(view.fragments, wanted.fragments, [](const auto& a, const auto& b) {
           return a.source == b.source && std::ranges::equal(a.payload, b.payload);
         });
}

std::filesystem::path fresh_file(const std::string& name) {
  static const TemporaryFolder folder("crible-record");
  static int count = 0;
  return folder.path() / (std::to_string(count++) + "_" + name);
}

RunHeader made_header() {
  return {.run = 42,
          .started_ns = 1'700'000'000'000'000'000,
          .program = "a test",
          .config = "run: {number: 42}\nname: \"gr\xc3\xbc\xc3\x9f\"\n",
          .menu_hash = "0123",
          .chains = {"L1_HT", "L1_Random"},
          .networks = {{"anomaly", "abcd"}, {"jets", "ef01"}}};
}

std::vector<std::uint64_t> read_all(const Reader& reader, std::size_t* bad) {
  std::vector<std::uint64_t> numbers;
  Body body;
  Cursor cursor;
  EventView view;
  for (const BlockInfo& block : reader.blocks()) {
    ReadStatus status = reader.read(block, body);
    if (status == ReadStatus::ok && block.header.kind == BlockKind::events) {
      cursor.reset(body.bytes());
      std::size_t count = 0;
      while ((status = cursor.next(view)) == ReadStatus::ok) {
        EXPECT_TRUE(is_made(view)) << "event " << view.event;
        numbers.push_back(view.event);
        ++count;
      }
      EXPECT_EQ(status, ReadStatus::end);
      EXPECT_EQ(count, block.header.event_count);
    } else if (status != ReadStatus::ok && bad != nullptr) {
      ++*bad;
    } else {
      EXPECT_EQ(status, ReadStatus::ok) << sentence(status);
    }
  }
  return numbers;
}

void write_recording(WriterOptions options, std::uint64_t first, std::size_t count) {
  options.max_wait_ns = 60'000'000'000;  // a busy machine is no reason to lose events of a test
  Writer writer(options, made_header());
  for (std::uint64_t i = first; i < first + count; ++i)
    ASSERT_EQ(writer.append(0, MadeEvent(i).event(), 0), Status::ok);
  ASSERT_TRUE(writer.close());
}

}  // namespace crible::record
