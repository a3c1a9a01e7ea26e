#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.hpp"

/// YAML configuration with messages that say where: every Error names file, line and key.
namespace crible::yaml {

enum class Kind { null, scalar, list, map };

struct Node;

/// Line and column, both from 1.
struct Place {
  int line = 1;
  int column = 1;
};

/// A value in a file, with its place. A handle: cheap to copy, keeps its document alive.
class Value {
 public:
  explicit Value(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

  Kind kind() const;
  bool is_map() const { return kind() == Kind::map; }
  bool is_list() const { return kind() == Kind::list; }
  bool is_scalar() const { return kind() == Kind::scalar; }

  const std::string& file() const;
  int line() const;    // from 1
  int column() const;  // from 1

  /// Where the character `offset` of text() stands in the file, also when it is quoted or goes over several
  /// lines; where the value begins when that cannot be told (escapes).
  Place place_of(std::size_t offset) const;

  /// Where in the document: "menu.chains[3].when"; empty for the whole document.
  const std::string& key() const;

  /// An Error "FILE:LINE: KEY: PROBLEM", to be thrown.
  crible::Error error(const std::string& problem) const;

  /// Throws unless this is a map that has no other keys than these; proposes the nearest for a wrong one.
  void expect_keys(std::initializer_list<std::string_view> known) const;

  /// The value of a key of this map; throws when this is no map or the key is missing.
  Value at(std::string_view name) const;
  /// The same, empty when the key is missing or its value is null.
  std::optional<Value> find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name).has_value(); }

  /// The keys of this map, in file order; throws when this is no map.
  std::vector<std::string> keys() const;
  /// The elements of this list; throws when this is no list.
  std::vector<Value> items() const;

  /// The scalar's text as written (without quotes); throws when this is a list or a map.
  const std::string& text() const;
  /// A name: starts with a letter or underscore, goes on with letters, digits, underscores.
  const std::string& name() const;
  /// A decimal or 0x... integer inside [low, high].
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  /// A finite number inside [low, high].
  double number(double low, double high) const;
  /// true or false.
  bool boolean() const;
  /// The position of the text in `choices`; throws with the list of them otherwise.
  std::size_t choice(std::initializer_list<std::string_view> choices) const;
  /// A path; a relative one starts at the folder of this value's file.
  std::filesystem::path path() const;

  /// This value, or when it is a text the whole document in the file that it names.
  Value included() const;

 private:
  std::shared_ptr<const Node> node_;
};

/// Reads a file. Throws Error with file and line when it is not one well-formed YAML document, or has a key
/// twice in one map.
Value load(const std::filesystem::path& file);

/// The same from memory; `source` names the text in messages and is where relative paths start.
Value parse(const std::string& text, const std::string& source);

/// Starts with a letter or underscore, goes on with letters, digits, underscores.
bool is_name(std::string_view text);

/// The candidate that a typist may have meant: at most two letters or a third of them differ. Empty
/// when none.
std::string nearest(std::string_view wrong, const std::vector<std::string>& candidates);

}  // namespace crible::yaml
