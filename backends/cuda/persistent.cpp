#include "backends/cuda/persistent.hpp"

namespace crible::backends::cuda {

std::string persistent_kernel(const codegen::Source& source) {
  std::string parameters;
  std::string rows;
  for (const codegen::Port& port : source.ports) {
    parameters += (port.is_output ? "" : "const ") + port.element + "* " + port.name + ", ";
    rows += port.name + " + (i64)event * " + std::to_string(port.elements) + ", ";
  }
  const std::string words = std::to_string(source.tensor_bytes / 4 + 1);
  const std::string memory =
      source.scratch ? "i32* const arena = scratch;" : "__shared__ WORDS i32 arena[" + words + "];";
  return R"(
typedef struct {
  volatile i32 request, events, stop, unused[13];
  volatile i32 answer, ended, unused_too[14];
} Mail;

extern "C" __global__ void )" +
         std::string(persistent_name) + "(" + parameters + (source.scratch ? "i32* scratch, " : "") +
         R"(Mail* mail, i32 answered, const i64 patience) {
  __shared__ i32 events;
  )" + memory +
         R"(
  for (;;) {
    if (threadIdx.x == 0) {
      const i64 since = clock64();
      events = 0;
      while (events == 0) {
        if (mail->stop != 0 || clock64() - since > patience) {
          events = -1;
        } else if (mail->request != answered) {
          __threadfence_system();
          events = mail->events;
        }
      }
    }
    __syncthreads();
    if (events < 0) break;
    for (i32 event = 0; event < events; ++event) {
      evaluate()" +
         rows + R"(arena, (i32)threadIdx.x, (i32)blockDim.x);
    }
    __threadfence_system();
    __syncthreads();
    ++answered;
    if (threadIdx.x == 0) mail->answer = answered;
    __syncthreads();
  }
  __threadfence_system();
  if (threadIdx.x == 0) mail->ended = 1;
}
)";
}

}  // namespace crible::backends::cuda
