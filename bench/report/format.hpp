#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace crible::bench {

// Numbers and names as people read them, in the terminal and on the page.

/// Three significant digits with the unit scaled to fit: "12.3 us", "4.56 MHz", "17.0 MB". "ns", "Hz",
/// "bytes" and "s" are scaled, other units are kept: "0.94 of peak".
std::string quantity(double value, const std::string& unit);

std::string time_text(double ns);
std::string rate_text(double hz);

/// Three significant digits: "2.75", "118", "0.0123"; all digits of what is longer: "1,234,567".
std::string number_text(double value);

/// "1,234,567"
std::string count_text(std::uint64_t count);

/// "+3.2 %" of a ratio less one.
std::string change_text(double change);

/// "p50", "p99.9", "max" for 100.
std::string percentile_name(double p);

/// `text` in at most `width` columns, cut with "..." when it is longer. Control characters become "?", so
/// that no name can steer a terminal. Counts code points, not bytes. `left` and `right` fill with blanks
/// besides.
std::string shortened(const std::string& text, std::size_t width);
std::string left(const std::string& text, std::size_t width);
std::string right(const std::string& text, std::size_t width);

/// The line of a table: no blanks at its end, and a line feed.
std::string line(std::string text);

/// `text` without control characters, in lines of at most `width` columns, each begun with `indent` blanks.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent);

}  // namespace crible::bench
