#include "backends/build_log.hpp"

#include <charconv>

namespace crible::backends {

namespace {

/// The first number between ':' or '(' and ':' or ')', on a line that says "error"; 0 when there is none.
int line_number(std::string_view line) {
  if (line.find("error") == std::string_view::npos) return 0;
  for (std::size_t at = line.find_first_of(":("); at != std::string_view::npos;
       at = line.find_first_of(":(", at + 1)) {
    int number = 0;
    const char* last = line.data() + line.size();
    const auto [end, status] = std::from_chars(line.data() + at + 1, last, number);
    if (status == std::errc() && end != last && (*end == ':' || *end == ')')) return number;
  }
  return 0;
}

std::string_view line_of(std::string_view text, int number) {
  for (; number > 1 && !text.empty(); --number) {
    const std::size_t end = text.find('\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::string explain_build(std::string_view log, std::string_view text) {
  for (std::string_view rest = log; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() == rest.size() ? line.size() : line.size() + 1);
    if (const int number = line_number(line); number > 0) {
      return "line " + std::to_string(number) + ": " + std::string(line_of(text, number)) + "\n" +
             std::string(log);
    }
  }
  return std::string(log);
}

}  // namespace crible::backends
