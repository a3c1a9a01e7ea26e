#pragma once

#include <filesystem>

namespace crible::bench {

/// Writes the benchmark's configuration: eight sources of 100 i16 each, the anomaly network of the demo fed
/// from all of them, a menu that keeps 1 % of the events. Returns its path.
std::filesystem::path write_config(const std::filesystem::path& folder);

}  // namespace crible::bench
