#include "bench/pipeline/setup.hpp"

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"

namespace crible::bench {

std::filesystem::path write_config(const std::filesystem::path& folder) {
  std::string text = "detector:\n  sources:\n";
  std::string inputs;
  for (int source = 0; source < 8; ++source) {
    const int head = source == 7 ? 8 : 7;  // 57 inputs from eight sources
    const std::string name = "s" + std::to_string(source);
    text += "    - {name: " + name + ", id: " + std::to_string(source) +
            ", payload: [{name: head, type: i16, shape: [" + std::to_string(head) +
            "]}, {name: rest, type: i16, shape: [" + std::to_string(100 - head) + "]}]}\n";
    inputs += "          - {value: " + name + ".head, shift: 7, clip: true}\n";
  }
  text += "networks:\n  - name: anomaly\n    file: " CRIBLE_DEMO_DATA
          "/models/anomaly.onnx\n    input_type: s8.5\n    outputs: {score: score}\n"
          "    inputs:\n      - from:\n" +
          inputs;
  text += R"(menu:
  name: bench
  streams: [physics, {name: monitoring, record: false}, debug]
  chains:
    - {name: anomaly, when: anomaly.score > 2784, streams: [monitoring]}
    - {name: two_sources, when: "s0.head[0] > 30000 and s7.head[7] > 30000", streams: [monitoring]}
    - {name: one_percent, random: {one_in: 100}, streams: [physics]}
run:
  number: 7
  build: {block_events: 4096, ring_events: 65536, timeout_ms: 10000}
  batch: {backend: cpu, max_events: 256}
)";
  const std::filesystem::path path = folder / "bench.yaml";
  write_file(path, text);
  return path;
}

}  // namespace crible::bench
