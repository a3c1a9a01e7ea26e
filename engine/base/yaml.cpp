#include "engine/base/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "engine/base/file.hpp"

namespace crible::yaml {

/// The file as a whole, shared by its nodes.
struct Document {
  std::string file;
  std::string text;
};

struct Node {
  Kind kind = Kind::null;
  std::shared_ptr<const Document> document;
  int line = 1;
  int column = 1;
  std::string key;
  std::string text;
  std::vector<std::pair<std::string, std::shared_ptr<const Node>>> members;
  std::vector<std::shared_ptr<const Node>> items;
};

namespace {

// Aliases are expanded, so that a small file could stand for a tree without end.
constexpr std::size_t most_values = 200'000;
constexpr int deepest = 32;

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string place_of(const std::string& file, const YAML::Mark& mark) {
  return mark.is_null() ? file : file + ":" + std::to_string(mark.line + 1);
}

/// Copies yaml-cpp's tree into Nodes with their keys.
class Reader {
 public:
  Reader(const std::string& source, const std::string& text)
      : document_(std::make_shared<Document>(Document{source, text})) {}

  std::shared_ptr<const Node> read(const YAML::Node& node, const std::string& key, int depth = 0) {
    if (++values_ > most_values || depth > deepest) {
      throw Error(place_of(document_->file, node.Mark()) + ": " + key + " is nested too deeply or too large");
    }
    const auto result = std::make_shared<Node>();
    result->document = document_;
    result->line = node.Mark().is_null() ? 1 : node.Mark().line + 1;
    result->column = node.Mark().is_null() ? 1 : node.Mark().column + 1;
    result->key = key;
    if (node.IsScalar()) {
      result->kind = Kind::scalar;
      result->text = node.Scalar();
    } else if (node.IsSequence()) {
      result->kind = Kind::list;
      for (const YAML::Node& item : node) {
        const std::string item_key = key + "[" + std::to_string(result->items.size()) + "]";
        result->items.push_back(read(item, item_key, depth + 1));
      }
    } else if (node.IsMap()) {
      result->kind = Kind::map;
      for (const auto& member : node) add_member(*result, member.first, member.second, depth);
    }
    return result;
  }

 private:
  void add_member(Node& map, const YAML::Node& name, const YAML::Node& value, int depth) {
    const std::string place = place_of(document_->file, name.Mark());
    if (!name.IsScalar()) throw Error(place + ": a key must be a word, not a list or a map");
    const std::string key = map.key.empty() ? name.Scalar() : map.key + "." + name.Scalar();
    for (const auto& other : map.members) {
      if (other.first == name.Scalar()) throw Error(place + ": " + key + " is given twice; remove one");
    }
    map.members.emplace_back(name.Scalar(), read(value, key, depth + 1));
  }

  std::shared_ptr<const Document> document_;
  std::size_t values_ = 0;
};

/// Reads a document and keeps nothing.
class Nothing : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

/// YAML::LoadAll would do, but it never ends on texts such as ",": each call takes nothing and finds another
/// empty document.
bool has_second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Nothing nothing;
  return parser.HandleNextDocument(nothing) && parser.HandleNextDocument(nothing);
}

Value parse_document(const std::string& text, const std::string& source, const std::string& key) {
  try {
    if (has_second_document(text)) throw Error(source + ": holds several YAML documents; keep one");
    const YAML::Node document = YAML::Load(text);
    return Value(Reader(source, text).read(document, key));
  } catch (const YAML::Exception& exception) {
    throw Error(place_of(source, exception.mark) + ": not well-formed YAML: " + exception.msg);
  }
}

Value load_document(const std::filesystem::path& file, const std::string& key) {
  return parse_document(read_file(file), file.string(), key);
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Walks over the text of a scalar as it is written: past the quote or the block's indicator, then from one
/// visible character to the next.
class Cursor {
 public:
  Cursor(const std::string& text, Place begin) : text_(text) {
    while (at_ < text_.size() && (place_.line < begin.line || place_.column < begin.column)) step();
    if (at_ == text_.size()) return;
    if (text_[at_] == '\'' || text_[at_] == '"') step();
    if (text_[at_] != '|' && text_[at_] != '>') return;
    while (at_ < text_.size() && text_[at_] != '\n') step();
  }

  /// Goes to the next visible character; false when it is another than the wanted one.
  bool find(char wanted) {
    while (at_ < text_.size() && is_space(text_[at_])) step();
    return at_ < text_.size() && text_[at_] == wanted;
  }

  void step() {
    ++place_.column;
    if (text_[at_++] == '\n') place_ = {place_.line + 1, 1};
  }

  Place place() const { return place_; }

 private:
  const std::string& text_;
  std::size_t at_ = 0;
  Place place_;
};

const char* describe(Kind kind) {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return "a single value";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
  }
  return "";
}

}  // namespace

Kind Value::kind() const {
  return node_->kind;
}
const std::string& Value::file() const {
  return node_->document->file;
}
int Value::line() const {
  return node_->line;
}
int Value::column() const {
  return node_->column;
}
Place Value::place_of(std::size_t offset) const {
  Cursor cursor(node_->document->text, {line(), column()});
  const std::string& word = text();
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (is_space(word[i])) continue;
    if (!cursor.find(word[i])) break;
    if (i >= offset) return cursor.place();
    cursor.step();
  }
  return offset < word.size() ? Place{line(), column()} : cursor.place();
}

const std::string& Value::key() const {
  return node_->key;
}

Error Value::error(const std::string& problem) const {
  const std::string place = file() + ":" + std::to_string(line()) + ": ";
  return Error(place + (key().empty() ? "" : key() + ": ") + problem);
}

void Value::expect_keys(std::initializer_list<std::string_view> known) const {
  const std::vector<std::string> names(known.begin(), known.end());
  for (const std::string& name : keys()) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string proposal = nearest(name, names);
    throw find(name).value_or(*this).error("unknown key" +
                                           (proposal.empty() ? "" : "; did you mean '" + proposal + "'?") +
                                           " (known here: " + join(names) + ")");
  }
}

Value Value::at(std::string_view name) const {
  const std::optional<Value> value = find(name);
  if (!value) throw error("needs the key '" + std::string(name) + "'");
  return *value;
}

std::optional<Value> Value::find(std::string_view name) const {
  if (!is_map()) throw error(std::string("must be a map of keys and values, not ") + describe(kind()));
  for (const auto& member : node_->members) {
    if (member.first == name) {
      return member.second->kind == Kind::null ? std::nullopt : std::optional(Value(member.second));
    }
  }
  return std::nullopt;
}

std::vector<std::string> Value::keys() const {
  if (!is_map()) throw error(std::string("must be a map of keys and values, not ") + describe(kind()));
  std::vector<std::string> names;
  for (const auto& member : node_->members) names.push_back(member.first);
  return names;
}

std::vector<Value> Value::items() const {
  if (!is_list()) throw error(std::string("must be a list, not ") + describe(kind()));
  std::vector<Value> values;
  for (const auto& item : node_->items) values.emplace_back(item);
  return values;
}

const std::string& Value::text() const {
  if (!is_scalar()) throw error(std::string("must be a single value, not ") + describe(kind()));
  return node_->text;
}

const std::string& Value::name() const {
  const std::string& word = text();
  const bool good = !word.empty() && is_letter(word[0]) && std::all_of(word.begin(), word.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
  });
  if (!good) throw error("'" + word + "' is no name: a letter or _, then letters, digits and _");
  return word;
}

std::int64_t Value::integer(std::int64_t low, std::int64_t high) const {
  const std::string& word = text();
  const bool hexadecimal = word.starts_with("0x") || word.starts_with("0X");
  const char* begin = word.data() + (hexadecimal ? 2 : 0);
  const char* end = word.data() + word.size();
  std::int64_t value = 0;
  const auto result = std::from_chars(begin, end, value, hexadecimal ? 16 : 10);
  const bool good = result.ec == std::errc() && result.ptr == end && !(hexadecimal && *begin == '-');
  if (!good || value < low || value > high) {
    throw error("must be an integer from " + std::to_string(low) + " to " + std::to_string(high) + ", not '" +
                word + "'");
  }
  return value;
}

double Value::number(double low, double high) const {
  const std::string& word = text();
  double value = 0;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool good = result.ec == std::errc() && result.ptr == word.data() + word.size();
  if (!good || !std::isfinite(value) || value < low || value > high) {
    char range[80];
    std::snprintf(range, sizeof range, "must be a number from %g to %g, not '", low, high);
    throw error(range + word + "'");
  }
  return value;
}

bool Value::boolean() const {
  return choice({"false", "true"}) == 1;
}

std::size_t Value::choice(std::initializer_list<std::string_view> choices) const {
  const std::string& word = text();
  const auto found = std::find(choices.begin(), choices.end(), word);
  if (found == choices.end()) {
    const std::vector<std::string> names(choices.begin(), choices.end());
    const std::string proposal = nearest(word, names);
    throw error("'" + word + "' is none of " + join(names) +
                (proposal.empty() ? "" : "; did you mean '" + proposal + "'?"));
  }
  return static_cast<std::size_t>(found - choices.begin());
}

std::filesystem::path Value::path() const {
  if (text().empty()) throw error("must be a path, not an empty text");
  return std::filesystem::path(file()).parent_path() / text();
}

Value Value::included() const {
  if (!is_scalar()) return *this;
  try {
    return load_document(path(), key());
  } catch (const Error& failure) {
    if (std::filesystem::exists(path())) throw;
    throw error(std::string("cannot be included: ") + failure.what());
  }
}

Value load(const std::filesystem::path& file) {
  return load_document(file, "");
}

Value parse(const std::string& text, const std::string& source) {
  return parse_document(text, source, "");
}

bool is_name(std::string_view text) {
  return !text.empty() && is_letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::string nearest(std::string_view wrong, const std::vector<std::string>& candidates) {
  std::string best;
  const std::size_t most = std::max<std::size_t>(wrong.size() > 2 ? 2 : 1, wrong.size() / 3);
  std::size_t best_distance = most + 1;
  for (const std::string& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= wrong.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t replaced = diagonal + (wrong[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace crible::yaml
