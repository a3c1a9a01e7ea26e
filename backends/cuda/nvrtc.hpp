#pragma once

#include <string>
#include <vector>

/// NVIDIA's run-time compiler, opened when it is first needed. It needs no GPU.
namespace crible::backends::cuda {

/// Empty when libnvrtc can be opened; else one sentence that says what is missing and what to do.
/// CRIBLE_NVRTC names the library where it is in no usual place.
std::string nvrtc_missing();

/// "13.0"
std::string nvrtc_version();

enum class Output { ptx, cubin };

/// Compiles CUDA C++ for an architecture ("compute_90", "sm_90"). Throws Error with the compiler's log and
/// the line of the text.
std::vector<char> compile_cuda(const std::string& text, const std::string& architecture, Output output);

}  // namespace crible::backends::cuda
