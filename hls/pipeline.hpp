#pragma once

#include <vector>

#include "hls/firmware.hpp"
#include "hls/lower.hpp"

/// Bit-level arithmetic in time: which pipeline stage computes each word.
namespace crible::hls {

/// A word that is read in a later stage than its own is kept in one register for each stage between.
struct Pipeline {
  int stages = 1;             // registers between inputs and outputs
  std::vector<int> stage;     // [word] 0 .. stages - 1; -1: nothing needs it
  std::vector<int> last_use;  // [word] the last stage that reads it; `stages` for an output

  bool is_live(WordId word) const { return stage[static_cast<std::size_t>(word)] >= 0; }
  int registers(WordId word) const {
    return last_use[static_cast<std::size_t>(word)] - stage[static_cast<std::size_t>(word)];
  }
};

/// Stages of at most options.adders_per_stage additions in a row, or as many as options.latency says; then
/// registers are moved to where they are few. Throws Error for a latency or a number that is not positive.
Pipeline schedule(const Arithmetic& arithmetic, const Options& options);

/// Data registers in bits.
long long register_bits(const Arithmetic& arithmetic, const Pipeline& pipeline);

}  // namespace crible::hls
