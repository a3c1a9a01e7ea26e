#pragma once

#include <string>

#include "bench/report/result.hpp"

namespace crible::bench {

/// The first rule of the types in result.hpp that `result` breaks, as "place: what", or "" when it keeps all:
/// names stand once in their suite, percentiles and histograms rise, rows are as long as their heads.
std::string broken_rule(const Result& result);

}  // namespace crible::bench
