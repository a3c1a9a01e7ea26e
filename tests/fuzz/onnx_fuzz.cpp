#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/base/error.hpp"
#include "engine/importers/graph/graph.hpp"
#include "engine/network/text.hpp"
#include "engine/network/verify.hpp"

namespace {

/// Whatever is imported must be a network, also after a journey through its text.
void import(std::string_view bytes, const crible::importers::ImportOptions& options) {
  try {
    const auto result = crible::importers::graph::import_onnx(bytes, "fuzz.onnx", "fuzz", options);
    crible::network::parse_text(crible::network::to_text(result.network), "canonical");
  } catch (const crible::Error& error) {
    if (std::string(error.what()).starts_with("canonical")) std::abort();
  }
}

}  // namespace

/// Any bytes are either refused with a sentence or become a network, with and without a type for the input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  crible::importers::ImportOptions options;
  import(bytes, options);
  options.input_types[""].type = {true, 12, 4};
  import(bytes, options);
  return 0;
}
