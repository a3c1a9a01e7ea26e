#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/base/error.hpp"
#include "engine/network/text.hpp"
#include "engine/quantize/quantize.hpp"
#include "engine/quantize/read.hpp"

namespace {

using namespace crible;

/// Small enough for a fuzzer's patience.
bool is_small(const quantize::Program& program) {
  std::size_t elements = 0;
  for (const quantize::Step& step : program.steps) elements += network::element_count(step.shape);
  return elements < 4096;
}

/// Two events of alternating values.
quantize::Rows rows_for(const quantize::Program& program) {
  quantize::Rows rows;
  rows.events = 2;
  for (const quantize::StepId id : program.inputs) {
    std::vector<double> values(2 * network::element_count(program.step(id).shape));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 7) - 2.5;
    rows.inputs.push_back(std::move(values));
  }
  return rows;
}

}  // namespace

/// Any bytes are either refused with a sentence or become a proven network, also after a journey through its
/// text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto program =
        quantize::parse_program(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.onnx");
    if (!is_small(program)) return 0;
    const quantize::Calibration calibration(program, rows_for(program));
    const network::Network network = quantize::quantize(program, calibration, {}).network;
    network::parse_text(network::to_text(network), "canonical");
  } catch (const Error& error) {
    if (std::string(error.what()).starts_with("canonical")) std::abort();
  }
  return 0;
}
