#pragma once

#include <string>

#include "bench/report/result.hpp"

namespace crible::bench {

/// The whole report as one HTML file that needs nothing else: drawings are inline SVG, there is no script,
/// and its policy forbids to load anything. It holds the JSON of the result in the element
/// `crible-bench-result`. Throws Error as to_json.
std::string html_report(const Result& result);

}  // namespace crible::bench
