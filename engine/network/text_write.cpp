#include <charconv>
#include <cmath>

#include "engine/base/file.hpp"
#include "engine/base/sha256.hpp"
#include "engine/network/fields.hpp"
#include "engine/network/text.hpp"
#include "engine/network/words.hpp"

namespace crible::network {

namespace {

constexpr std::size_t values_per_line = 32;

template <class T>
using Const = const T;

void append_number(std::string& text, std::int64_t value) {
  char buffer[24];
  text.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

/// Hexadecimal, so that it is exact: 0x1p-5.
void append_real(std::string& text, double value) {
  if (std::signbit(value)) text += '-';
  char buffer[40];
  text += "0x";
  text.append(buffer,
              std::to_chars(buffer, buffer + sizeof buffer, std::abs(value), std::chars_format::hex).ptr);
}

bool is_bare(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  for (const char c : name) {
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '.' && c != '/' && c != '-') return false;
  }
  return true;
}

void append_name(std::string& text, const std::string& name) {
  if (is_bare(name)) {
    text += name;
    return;
  }
  constexpr const char* digits = "0123456789abcdef";
  text += '"';
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      text += "\\x";
      text += digits[byte >> 4];
      text += digits[byte & 15];
    } else {
      text += c;
    }
  }
  text += '"';
}

void append_network(std::string& text, const Network& network, const std::string& indent);

/// Writes the attribute lines of one node.
class AttributeWriter {
 public:
  AttributeWriter(std::string& text, std::string indent) : text_(text), indent_(std::move(indent)) {}

  template <class Value>
  void required(const char* key, const Value& value) {
    begin(key);
    put(value);
    text_ += '\n';
  }

  template <class Value>
  void optional(const char* key, const Value& value, const std::type_identity_t<Value>& standard) {
    if (!(value == standard)) required(key, value);
  }

  void rows(const char* key, const std::vector<std::vector<double>>& rows) {
    for (const std::vector<double>& row : rows) {
      begin(key);
      for (const double value : row) {
        text_ += ' ';
        append_real(text_, value);
      }
      text_ += '\n';
    }
  }

  void trees(const std::vector<Tree>& trees) {
    for (const Tree& tree : trees) {
      required("tree", tree.output);
      for (const TreeNode& node : tree.nodes) split(node);
      required("leaves", tree.leaves);
    }
  }

  void body(const std::shared_ptr<const Network>& body) {
    if (!body) return;
    begin("body");
    text_ += " {\n";
    append_network(text_, *body, indent_ + "  ");
    text_ += indent_ + "}\n";
  }

 private:
  void begin(const char* key) {
    text_ += indent_;
    text_ += key;
  }

  void split(const TreeNode& node) {
    begin("split");
    for (const std::int64_t value :
         {std::int64_t{node.feature}, node.threshold, std::int64_t{node.left}, std::int64_t{node.right}}) {
      put(value);
    }
    if (node.missing_left) text_ += " missing_left";
    if (!node.categories.empty()) text_ += " in";
    for (const std::int64_t category : node.categories) put(category);
    text_ += '\n';
  }

  void put(std::int64_t value) {
    text_ += ' ';
    append_number(text_, value);
  }
  void put(int value) { put(std::int64_t{value}); }
  void put(bool value) { text_ += value ? " yes" : " no"; }
  void put(const std::optional<std::int64_t>& value) { put(*value); }
  void put(double value) {
    text_ += ' ';
    append_real(text_, value);
  }

  template <class Enum>
  requires std::is_enum_v<Enum>
  void put(Enum value) {
    text_ += ' ';
    text_ += word(value);
  }

  template <class Integer>
  void put(const std::vector<Integer>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values.size() > values_per_line && i % values_per_line == 0) {
        text_ += '\n';
        text_ += indent_;
        text_ += ' ';
      }
      put(values[i]);
    }
  }

  std::string& text_;
  std::string indent_;
};

void append_node(std::string& text, const Network& network, const Node& node, const std::string& indent) {
  text += indent;
  append_name(text, node.name);
  text += " = ";
  text += keyword(node.operation);
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    text += i == 0 ? "(" : ", ";
    append_name(text, network.nodes[static_cast<std::size_t>(node.inputs[i])].name);
  }
  if (!node.inputs.empty()) text += ')';
  text += " : " + to_string(node.type) + " " + to_string(node.shape) + "\n";
  AttributeWriter writer(text, indent + "  ");
  std::visit(Fields<AttributeWriter, Const>{writer}, node.operation);
}

void append_network(std::string& text, const Network& network, const std::string& indent) {
  text += indent + "name ";
  append_name(text, network.name);
  text += '\n';
  for (const Node& node : network.nodes) append_node(text, network, node, indent);
}

}  // namespace

std::string to_text(const Network& network) {
  std::string text = "crible network 1\n";
  append_network(text, network, "");
  return text;
}

void save(const Network& network, const std::filesystem::path& path) {
  write_file(path, to_text(network));
}

std::string content_hash(const Network& network) {
  return sha256_hex(to_text(network));
}

}  // namespace crible::network
