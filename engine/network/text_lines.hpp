#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

/// Private to engine/network: the text form cut into lines of tokens.
namespace crible::network {

struct Token {
  std::string_view text;
  bool quoted = false;

  /// Punctuation or a keyword; a quoted name never is.
  bool is(std::string_view word) const { return !quoted && text == word; }
  bool is_number() const { return !quoted && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')); }
};

/// Reads line by line; comments and empty lines are passed over.
class Lines {
 public:
  Lines(const std::string& text, const std::string& source) : rest_(text), source_(source) {}

  /// The tokens of the next line that has some; false at the end.
  bool next(std::vector<Token>& tokens);

  int number() const { return number_; }
  const std::string& source() const { return source_; }

  /// Throws Error: "file.crn:12: sentence".
  [[noreturn]] void fail(const std::string& sentence) const { fail(sentence, number_); }
  [[noreturn]] void fail(const std::string& sentence, int line) const;

 private:
  void split(std::string_view line, std::vector<Token>& tokens);
  std::size_t read_quoted(std::string_view line, std::size_t begin, Token& token);

  std::string_view rest_;
  std::string source_;
  int number_ = 0;
  std::deque<std::string> unescaped_;  // owns names that had escapes
};

}  // namespace crible::network
