#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace crible::testing {

/// One read-out board's part of an event, as it is in the file: its ROB header and all that follows.
struct RawFragment {
  std::uint32_t source_id = 0;
  std::vector<std::byte> bytes;
};

struct RawEvent {
  std::uint32_t number = 0;
  std::uint32_t run = 0;
  std::vector<RawFragment> fragments;
};

/// Reads a BES III raw file: records, and in each data record event > sub-detector > ROS > ROB. Sizes are
/// followed, markers checked, and every level must be filled exactly by the one below. Throws Error naming
/// the word that is wrong.
std::vector<RawEvent> read_bes3(const std::filesystem::path& path);

}  // namespace crible::testing
