#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/base/error.hpp"
#include "engine/network/text.hpp"

/// Any text is either refused with a sentence or a network whose canonical text gives the same network.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crible::network;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const std::string canonical = to_text(parse_text(text, "fuzz"));
    if (to_text(parse_text(canonical, "canonical")) != canonical) std::abort();
  } catch (const crible::Error& error) {
    if (std::string(error.what()).find("canonical:") == 0) std::abort();
  }
  return 0;
}
