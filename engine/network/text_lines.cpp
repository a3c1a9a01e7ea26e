#include "engine/network/text_lines.hpp"

#include "engine/base/error.hpp"

namespace crible::network {

namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::string_view punctuation = "=(),:[]{}";
constexpr std::string_view ends_of_word = " \t\r=(),:[]{}\"#";

int hexadecimal(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

bool Lines::next(std::vector<Token>& tokens) {
  tokens.clear();
  while (tokens.empty() && !rest_.empty()) {
    const std::size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
    ++number_;
    split(line, tokens);
  }
  return !tokens.empty();
}

void Lines::fail(const std::string& sentence, int line) const {
  throw Error(source_ + ":" + std::to_string(line) + ": " + sentence);
}

void Lines::split(std::string_view line, std::vector<Token>& tokens) {
  std::size_t at = line.find_first_not_of(blanks);
  while (at != std::string_view::npos && line[at] != '#') {
    Token token;
    if (line[at] == '"') {
      at = read_quoted(line, at + 1, token);
    } else if (punctuation.find(line[at]) != std::string_view::npos) {
      token.text = line.substr(at++, 1);
    } else {
      const std::size_t end = std::min(line.find_first_of(ends_of_word, at), line.size());
      token.text = line.substr(at, end - at);
      at = end;
    }
    tokens.push_back(token);
    at = line.find_first_not_of(blanks, at);
  }
}

/// Reads a name up to its closing quote; returns the place behind it.
std::size_t Lines::read_quoted(std::string_view line, std::size_t begin, Token& token) {
  std::string name;
  std::size_t at = begin;
  for (; at < line.size() && line[at] != '"'; ++at) {
    if (line[at] != '\\') {
      name += line[at];
      continue;
    }
    const std::string_view rest = line.substr(at + 1);
    if (!rest.empty() && (rest[0] == '"' || rest[0] == '\\')) {
      name += rest[0];
      at += 1;
    } else if (rest.size() >= 3 && rest[0] == 'x' && hexadecimal(rest[1]) >= 0 && hexadecimal(rest[2]) >= 0) {
      name += static_cast<char>(hexadecimal(rest[1]) * 16 + hexadecimal(rest[2]));
      at += 3;
    } else {
      fail("a backslash in a name must be followed by a quote, a backslash, or x and two hexadecimal digits");
    }
  }
  if (at >= line.size()) fail("a quoted name does not end on its line");
  token.quoted = true;
  token.text = unescaped_.emplace_back(std::move(name));
  return at + 1;
}

}  // namespace crible::network
