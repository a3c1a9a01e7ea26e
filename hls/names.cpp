#include "hls/names.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace crible::hls {

namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Keywords of Verilog, SystemVerilog and VHDL that a node may plausibly be called.
constexpr std::array<std::string_view, 64> keywords{
    "abs",     "accept_on", "alias", "all",    "always",  "and",      "array",     "assign",
    "begin",   "bit",       "block", "body",   "break",   "buf",      "buffer",    "bus",
    "byte",    "case",      "cell",  "class",  "config",  "const",    "continue",  "cover",
    "default", "disable",   "do",    "edge",   "else",    "end",      "entity",    "enum",
    "event",   "export",    "final", "for",    "force",   "function", "generate",  "if",
    "import",  "in",        "input", "int",    "integer", "local",    "logic",     "loop",
    "module",  "not",       "or",    "out",    "output",  "package",  "parameter", "port",
    "process", "real",      "reg",   "select", "signal",  "table",    "time",      "wire"};

}  // namespace

std::string identifier(const std::string& text) {
  std::string name;
  for (const char c : text) {
    if (is_letter(c) || is_digit(c)) {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  if (name.empty() || !is_letter(name.front())) name = "n" + name;
  if (std::find(keywords.begin(), keywords.end(), name) != keywords.end()) name += "_n";
  return name;
}

std::string Names::unique(const std::string& wanted) {
  const std::string base = identifier(wanted);
  std::string name = base;
  for (int i = 2; !taken_.insert(name).second; ++i) name = base + "_n" + std::to_string(i);
  return name;
}

}  // namespace crible::hls
