#include <charconv>
#include <cmath>
#include <functional>
#include <unordered_map>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/network/fields.hpp"
#include "engine/network/limits.hpp"
#include "engine/network/text.hpp"
#include "engine/network/text_lines.hpp"
#include "engine/network/verify_scope.hpp"
#include "engine/network/words.hpp"

namespace crible::network {

namespace {

template <class T>
using Mutable = T;

/// One attribute: its key and everything behind it, over all its lines.
struct Attribute {
  std::string_view key;
  int line = 0;
  bool used = false;
  std::vector<Token> values;
  std::shared_ptr<const Network> body;
};

/// Where the nodes of a parsed network and of its bodies stand.
class LineNumbers : public rules::Locations {
 public:
  explicit LineNumbers(std::string source) : source_(std::move(source)) {}

  void add(const Network& network, std::vector<int> lines) { lines_[&network] = std::move(lines); }
  std::string prefix(const Network& network, NodeId node) const override {
    return source_ + ":" + std::to_string(lines_.at(&network)[static_cast<std::size_t>(node)]) + ": ";
  }

 private:
  std::string source_;
  std::unordered_map<const Network*, std::vector<int>> lines_;
};

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  return status == std::errc{} && end == text.data() + text.size();
}

bool read_real(std::string_view text, double& number) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text[0] == '-') return false;
  const bool hexadecimal = text.size() > 2 && text[0] == '0' && text[1] == 'x';
  if (hexadecimal) text.remove_prefix(2);
  const auto format = hexadecimal ? std::chars_format::hex : std::chars_format::general;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number, format);
  if (negative) number = -number;
  return status == std::errc{} && end == text.data() + text.size() && std::isfinite(number);
}

/// Fills an operation's fields from the attributes of its node.
class AttributeReader {
 public:
  AttributeReader(const Lines& lines, int line, std::vector<Attribute>& attributes)
      : lines_(lines), line_(line), attributes_(attributes) {}

  template <class Value>
  void required(const char* key, Value& value) {
    Attribute* attribute = take(key);
    if (attribute == nullptr)
      lines_.fail("the attribute '" + std::string(key) + "' is missing; add it", line_);
    read(*attribute, value);
  }

  template <class Value>
  void optional(const char* key, Value& value, const std::type_identity_t<Value>& standard) {
    value = standard;
    if (Attribute* attribute = take(key)) read(*attribute, value);
  }

  void rows(const char* key, std::vector<std::vector<double>>& rows) {
    for (Attribute& attribute : attributes_) {
      if (attribute.key != key) continue;
      attribute.used = true;
      std::vector<double>& row = rows.emplace_back();
      for (const Token& token : attribute.values) real(attribute, token, row.emplace_back());
    }
  }

  void trees(std::vector<Tree>& trees) {
    for (Attribute& attribute : attributes_) {
      if (attribute.used) continue;
      if (attribute.key == "tree") {
        integers(attribute, 1, trees.emplace_back().output);
      } else if ((attribute.key == "split" || attribute.key == "leaves") && trees.empty()) {
        lines_.fail("'" + std::string(attribute.key) + "' comes before the first 'tree'", attribute.line);
      } else if (attribute.key == "split") {
        split(attribute, trees.back().nodes.emplace_back());
      } else if (attribute.key == "leaves") {
        if (!trees.back().leaves.empty()) lines_.fail("a tree has its leaves twice", attribute.line);
        read(attribute, trees.back().leaves);
      } else {
        continue;
      }
      attribute.used = true;
    }
  }

  void body(std::shared_ptr<const Network>& body) {
    Attribute* attribute = take("body");
    if (attribute == nullptr || !attribute->body)
      lines_.fail("the attribute 'body' is missing; add it", line_);
    body = attribute->body;
  }

  /// Fails at an attribute that the operation does not have.
  void finish(const char* operation) const {
    for (const Attribute& attribute : attributes_) {
      if (attribute.used) continue;
      lines_.fail("'" + std::string(attribute.key) + "' is no attribute of " + operation +
                      ", or is there twice; remove it",
                  attribute.line);
    }
  }

 private:
  Attribute* take(std::string_view key) {
    for (Attribute& attribute : attributes_) {
      if (attribute.used || attribute.key != key) continue;
      attribute.used = true;
      return &attribute;
    }
    return nullptr;
  }

  [[noreturn]] void wrong(const Attribute& attribute, const std::string& wanted) const {
    lines_.fail("'" + std::string(attribute.key) + "' needs " + wanted, attribute.line);
  }

  template <class Integer>
  void integer(const Attribute& attribute, const Token& token, Integer& value) const {
    if (!token.quoted && read_number(token.text, value)) return;
    const char* bits = sizeof(Integer) == 8 ? "64" : "32";
    wrong(attribute, "integers of " + std::string(bits) + " bits; '" + std::string(token.text) + "' is none");
  }

  void real(const Attribute& attribute, const Token& token, double& value) const {
    if (!token.quoted && read_real(token.text, value)) return;
    wrong(attribute, "finite numbers such as 0x1p-5 or 0.25; '" + std::string(token.text) + "' is none");
  }

  template <class Integer>
  void integers(const Attribute& attribute, std::size_t count, Integer& value) const {
    if (attribute.values.size() != count) wrong(attribute, "exactly one integer");
    integer(attribute, attribute.values[0], value);
  }

  void read(const Attribute& attribute, int& value) const { integers(attribute, 1, value); }
  void read(const Attribute& attribute, std::int64_t& value) const { integers(attribute, 1, value); }
  void read(const Attribute& attribute, std::optional<std::int64_t>& value) const {
    integers(attribute, 1, value.emplace());
  }

  void read(const Attribute& attribute, double& value) const {
    if (attribute.values.size() != 1) wrong(attribute, "exactly one number");
    real(attribute, attribute.values[0], value);
  }

  void read(const Attribute& attribute, bool& value) const {
    const bool one = attribute.values.size() == 1;
    value = one && attribute.values[0].is("yes");
    if (!value && !(one && attribute.values[0].is("no"))) wrong(attribute, "'yes' or 'no'");
  }

  template <class Integer>
  void read(const Attribute& attribute, std::vector<Integer>& values) const {
    values.resize(attribute.values.size());
    for (std::size_t i = 0; i < values.size(); ++i) integer(attribute, attribute.values[i], values[i]);
  }

  template <class Enum>
  requires std::is_enum_v<Enum>
  void read(const Attribute& attribute, Enum& value) const {
    std::string known;
    for (std::size_t i = 0; i < Words<Enum>::list.size(); ++i) {
      if (attribute.values.size() == 1 && attribute.values[0].is(Words<Enum>::list[i])) {
        value = static_cast<Enum>(i);
        return;
      }
      known += (i == 0 ? "" : ", ") + std::string(Words<Enum>::list[i]);
    }
    wrong(attribute, "one of " + known);
  }

  void split(const Attribute& attribute, TreeNode& node) const {
    const std::vector<Token>& values = attribute.values;
    if (values.size() < 4) wrong(attribute, "a feature, a threshold, and the left and right child");
    integer(attribute, values[0], node.feature);
    integer(attribute, values[1], node.threshold);
    integer(attribute, values[2], node.left);
    integer(attribute, values[3], node.right);
    std::size_t at = 4;
    node.missing_left = at < values.size() && values[at].is("missing_left");
    if (node.missing_left) ++at;
    if (at == values.size()) return;
    if (!values[at].is("in") || at + 1 == values.size()) {
      wrong(attribute, "nothing behind its children but 'missing_left' and 'in' with categories");
    }
    for (++at; at < values.size(); ++at) integer(attribute, values[at], node.categories.emplace_back());
  }

  const Lines& lines_;
  int line_;
  std::vector<Attribute>& attributes_;
};

/// An operation of each kind by its keyword.
const std::unordered_map<std::string_view, Operation>& operations() {
  static const auto table = [] {
    std::unordered_map<std::string_view, Operation> result;
    const auto add = [&]<std::size_t... i>(std::index_sequence<i...>) {
      for (Operation operation : {Operation(std::in_place_index<i>)...}) {
        const char* word = keyword(operation);
        result.emplace(word, std::move(operation));
      }
    };
    add(std::make_index_sequence<std::variant_size_v<Operation>>{});
    return result;
  }();
  return table;
}

class Parser {
 public:
  Parser(const std::string& text, const std::string& source) : lines_(text, source), places_(source) {}

  Network run() {
    step();
    if (tokens_.size() != 3 || !tokens_[0].is("crible") || !tokens_[1].is("network")) {
      lines_.fail("this is no network: its first line must be 'crible network 1'");
    }
    if (!tokens_[2].is("1")) {
      lines_.fail("version '" + std::string(tokens_[2].text) + "' is unknown; this program reads version 1");
    }
    step();
    Network network;
    read_network(network, 0);
    rules::verify_within(network, &places_, 0);
    return network;
  }

 private:
  void step() { more_ = lines_.next(tokens_); }

  bool at(std::size_t index, std::string_view word) const {
    return index < tokens_.size() && tokens_[index].is(word);
  }

  /// Reads the name and the nodes up to the end, or to the brace that closes a body.
  void read_network(Network& network, int depth) {
    if (!more_ || tokens_.size() != 2 || !tokens_[0].is("name")) {
      lines_.fail("a network begins with 'name' and its name");
    }
    network.name = tokens_[1].text;
    step();
    std::unordered_map<std::string, NodeId> ids;
    std::vector<int> numbers;
    while (more_ && !(depth > 0 && tokens_.size() == 1 && at(0, "}"))) {
      if (network.nodes.size() >= max_nodes) lines_.fail("a network has at most 65536 nodes; split it");
      numbers.push_back(lines_.number());
      network.nodes.push_back(read_node(network, ids, depth));
    }
    places_.add(network, std::move(numbers));
  }

  /// NAME = KEYWORD (INPUT, ...) : TYPE [EXTENT, ...]
  Node read_node(const Network& network, std::unordered_map<std::string, NodeId>& ids, int depth) {
    const int line = lines_.number();
    if (tokens_.size() < 3 || !tokens_[1].is("=")) {
      lines_.fail("expected a node: NAME = OPERATION(INPUT, ...) : TYPE [EXTENT, ...]");
    }
    Node node;
    node.name = tokens_[0].text;
    const auto known = operations().find(tokens_[2].text);
    if (tokens_[2].quoted || known == operations().end()) {
      lines_.fail("'" + std::string(tokens_[2].text) + "' is no operation");
    }
    node.operation = known->second;
    std::size_t behind = 3;
    if (at(behind, "(")) read_inputs(node, ids, behind);
    read_type(node, behind);
    if (!ids.emplace(node.name, static_cast<NodeId>(network.nodes.size())).second) {
      lines_.fail("node '" + node.name + "' has the name of an earlier node; rename one");
    }
    step();
    std::vector<Attribute> attributes = read_attributes(depth);
    AttributeReader reader(lines_, line, attributes);
    std::visit(Fields<AttributeReader, Mutable>{reader}, node.operation);
    reader.finish(keyword(node.operation));
    return node;
  }

  void read_inputs(Node& node, const std::unordered_map<std::string, NodeId>& ids, std::size_t& behind) {
    do {
      const std::size_t name = ++behind;
      if (name >= tokens_.size()) lines_.fail("the list of inputs does not end; close it with ')'");
      const auto id = ids.find(std::string(tokens_[name].text));
      if (id == ids.end()) {
        lines_.fail("node '" + node.name + "' reads '" + std::string(tokens_[name].text) +
                    "', which no line above defines; define it first, without a cycle");
      }
      node.inputs.push_back(id->second);
      ++behind;
    } while (at(behind, ","));
    if (!at(behind, ")")) lines_.fail("the list of inputs does not end; close it with ')'");
    ++behind;
  }

  void read_type(Node& node, std::size_t behind) {
    if (!at(behind, ":") || behind + 1 >= tokens_.size()) lines_.fail("expected ': TYPE [EXTENT, ...]'");
    try {
      node.type = parse_type(std::string(tokens_[behind + 1].text));
    } catch (const Error& error) {
      lines_.fail(error.what());
    }
    behind += 2;
    if (!at(behind, "[")) lines_.fail("expected the shape: [EXTENT, ...], or [] for a single value");
    ++behind;
    while (!at(behind, "]")) {
      int extent = 0;
      if (behind >= tokens_.size() || !read_number(tokens_[behind].text, extent)) {
        lines_.fail("an extent of the shape is no integer");
      }
      node.shape.push_back(extent);
      ++behind;
      if (at(behind, ",")) {
        ++behind;
      } else if (!at(behind, "]")) {
        lines_.fail("the shape does not end; close it with ']'");
      }
    }
    if (behind + 1 != tokens_.size()) lines_.fail("there is something behind the shape; remove it");
  }

  /// Reads lines up to the next node, the closing brace or the end.
  std::vector<Attribute> read_attributes(int depth) {
    std::vector<Attribute> attributes;
    while (more_ && !at(1, "=") && !(at(0, "}") && tokens_.size() == 1)) {
      if (tokens_[0].is_number()) {
        if (attributes.empty() || attributes.back().body) lines_.fail("these values belong to no attribute");
        std::vector<Token>& values = attributes.back().values;
        values.insert(values.end(), tokens_.begin(), tokens_.end());
        step();
        continue;
      }
      Attribute attribute;
      attribute.key = tokens_[0].text;
      attribute.line = lines_.number();
      const bool opens = tokens_.size() == 2 && at(0, "body") && at(1, "{");
      if (!opens) attribute.values.assign(tokens_.begin() + 1, tokens_.end());
      step();
      if (opens) attribute.body = read_body(attribute.line, depth + 1);
      attributes.push_back(std::move(attribute));
    }
    if (depth == 0 && more_ && at(0, "}")) lines_.fail("there is no body to close here; remove the brace");
    return attributes;
  }

  std::shared_ptr<const Network> read_body(int line, int depth) {
    if (depth > max_body_depth) lines_.fail("bodies lie deeper than 8 within each other; flatten them", line);
    const auto body = std::make_shared<Network>();
    read_network(*body, depth);
    if (!more_) lines_.fail("this body does not end; close it with '}'", line);
    step();
    return body;
  }

  Lines lines_;
  LineNumbers places_;
  std::vector<Token> tokens_;
  bool more_ = false;
};

}  // namespace

Network parse_text(const std::string& text, const std::string& source) {
  return Parser(text, source).run();
}

Network load(const std::filesystem::path& path) {
  return parse_text(read_file(path), path.string());
}

}  // namespace crible::network
