#include <dlfcn.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "bench/peers/peer.hpp"

// Trees that tl2cgen has compiled to a shared library, called without Python.
// Arguments: the library, 1024 rows of float features, and the wanted sums.
namespace crible::bench::peers {
namespace {

/// As tl2cgen's generated code declares it: -1 in `missing` for a value that is not there.
union Entry {
  int missing;
  float value;
};
using Predict = void (*)(Entry* features, int only_sums, float* result);

std::vector<float> load_floats(const std::string& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  std::vector<float> values(static_cast<std::size_t>(in.tellg()) / sizeof(float));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(values.data()),
          static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

struct Trees {
  Predict predict = nullptr;
  std::size_t features = 0;
  std::vector<float> rows;
  std::vector<float> sums;
  std::vector<Entry> scratch;  // the generated code overwrites features by their ranks

  Prepared prepared() {
    Prepared result;
    result.input = reinterpret_cast<std::byte*>(rows.data());
    result.event_bytes = features * sizeof(float);
    result.output = reinterpret_cast<const std::byte*>(sums.data());
    result.run = [this] {
      for (std::size_t event = 0; event < sums.size(); ++event) {
        std::memcpy(scratch.data(), rows.data() + event * features, features * sizeof(float));
        sums[event] = 0;  // the generated code adds to it
        predict(scratch.data(), 1, sums.data() + event);
      }
    };
    return result;
  }
};

}  // namespace
}  // namespace crible::bench::peers

int main(int argc, char** argv) {
  using namespace crible::bench;
  using namespace crible::bench::peers;
  if (argc != 4) return 2;
  try {
    void* library = dlopen(argv[1], RTLD_NOW);
    void* symbol = library == nullptr ? nullptr : dlsym(library, "predict");
    if (symbol == nullptr) throw std::runtime_error(dlerror());
    const std::vector<float> rows = load_floats(argv[2]), wanted = load_floats(argv[3]);
    const std::size_t features = rows.size() / batch_events;
    const auto make = [&](std::size_t events) {
      Trees trees;
      trees.predict = reinterpret_cast<Predict>(symbol);
      trees.features = features;
      trees.rows.assign(events * features, 0);
      trees.sums.assign(events, 0);
      trees.scratch.resize(features);
      return trees;
    };
    Trees one = make(1), batch = make(batch_events);
    std::vector<std::byte> events(rows.size() * sizeof(float));
    std::memcpy(events.data(), rows.data(), events.size());
    check(one.prepared(), batch.prepared(), sizeof(float), events, wanted.size(),
          [&](std::size_t event, const std::byte* output) {
            float got;
            std::memcpy(&got, output, sizeof(got));
            return std::abs(got - wanted[event]) < 1e-3f;
          });
    serve({{"trees_8@tl2cgen", entry(one.prepared(), batch.prepared(), events)}});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "peer left out: tl2cgen: %s\n", error.what());
    return 1;
  }
}
