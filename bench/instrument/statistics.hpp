#pragma once

#include <vector>

namespace crible::bench {

/// The median of repeats, and where the true median lies with 95 % confidence.
struct Spread {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// By order statistics: no assumption on the distribution. With fewer than six repeats the whole range is
/// given, whose confidence is 1 - 2^(1 - repeats). All zero without repeats.
Spread spread_of(std::vector<double> repeats);

}  // namespace crible::bench
