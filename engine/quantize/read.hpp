#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/quantize/program.hpp"

namespace crible::quantize {

/// Reads a float ONNX model: MLPs, CNNs, GRU, LSTM and simple RNN. Throws Error with one sentence (file,
/// node, why, what to do) for what it does not take; a model that holds quantizers is one for `crible
/// import`.
Program read_program(const std::filesystem::path& path);

/// The same from memory; `source` names the bytes in messages.
Program parse_program(std::string_view bytes, const std::string& source);

}  // namespace crible::quantize
