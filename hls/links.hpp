#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hls/firmware.hpp"

/// Link unpacking: which bits of which 64-bit words of which link feed which input.
namespace crible::hls {

inline constexpr int link_word_bits = 64;

/// One input element, or the tag, in the words of the links.
struct LinkBits {
  int link = 0;
  int word = 0;  // of the event, in the order in which they come
  int bit = 0;   // lowest
  int width_bits = 0;
  bool is_signed = false;
};

struct Links {
  int links = 0;
  int words = 1;                              // of each link for an event
  std::vector<std::vector<LinkBits>> inputs;  // [data port][element]
  LinkBits tag;                               // width_bits 0: the module has a tag port
};

/// Reads the description (docs/firmware.md has the keys) for the firmware's inputs. Throws Error naming file,
/// line and key.
Links read_links(const std::filesystem::path& file, const Firmware& firmware);

/// Module NAME_links: a port for each link, a word on all of them in each cycle with `link_valid`, the first
/// of an event with `link_start`. The event goes into the core in the cycle of its last word. A word that
/// comes without an event's first one is dropped, an event that is cut short by the next one as well;
/// `link_error` is high for one cycle each time.
std::string links_shell(const Firmware& firmware, const Links& links);

}  // namespace crible::hls
