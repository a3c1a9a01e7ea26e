#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crible::record {

/// The first block of each recording: what is needed to decide its events again.
struct RunHeader {
  std::uint32_t run = 0;
  std::int64_t started_ns = 0;  // CLOCK_REALTIME
  std::string program;          // name and version of what wrote the file
  std::string config;           // the whole text of the configuration
  std::string menu_hash;
  std::vector<std::string> chains;                            // names by bit of the decisions
  std::vector<std::pair<std::string, std::string>> networks;  // name in the menu, content hash
};

/// The body of the run header block: one JSON object.
std::string to_json(const RunHeader& header);

/// Throws Error with Fault::failure when `text` is no such object.
RunHeader run_header_from_json(std::string_view text);

}  // namespace crible::record
