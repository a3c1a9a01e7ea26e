#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/record/reader.hpp"
#include "engine/record/writer.hpp"

namespace crible::record {

/// Events whose every byte follows from their number, so that a reader can tell what it should find.
class MadeEvent {
 public:
  explicit MadeEvent(std::uint64_t number);

  /// Valid as long as this object.
  Event event() const;

 private:
  std::uint64_t number_;
  std::vector<std::byte> decision_;
  std::vector<std::vector<std::byte>> payloads_;
  std::vector<Fragment> fragments_;
};

/// The whole view, byte for byte, is what MadeEvent(view.event) gives.
bool is_made(const EventView& view);

/// A path in a fresh directory that is removed at the end of the program.
std::filesystem::path fresh_file(const std::string& name);

RunHeader made_header();

/// All events of all readable blocks, each checked with is_made. `bad` counts blocks that could not be read.
std::vector<std::uint64_t> read_all(const Reader& reader, std::size_t* bad = nullptr);

/// A closed recording of events first .. first + count - 1.
void write_recording(WriterOptions options, std::uint64_t first, std::size_t count);

}  // namespace crible::record
