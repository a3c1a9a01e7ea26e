#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/yaml.hpp"
#include "engine/network/types.hpp"

/// What the sources send and what is made of it: payload layouts, collections of objects, event quantities.
namespace crible::detector {

/// Little-endian integers in payloads. They need not be aligned.
enum class FieldType : std::uint8_t { u8, i8, u16, i16, u32, i32, i64 };

std::size_t bytes_of(FieldType type);
network::Interval range_of(FieldType type);
const char* to_string(FieldType type);

/// The physical meaning of an integer: q stands for q * lsb. The LSB is exact: numerator / denominator.
struct Unit {
  std::int64_t numerator = 1;
  std::int64_t denominator = 1;
  std::string name;  // "GeV"

  bool operator==(const Unit&) const = default;
};

/// "1/2 GeV"
std::string to_string(const Unit& unit);

/// A scalar or an array of integers at a fixed place, or one member of a record.
struct Field {
  std::string name;
  FieldType type = FieldType::i16;
  std::vector<std::size_t> shape;  // empty: scalar
  std::size_t offset_bytes = 0;    // from the start of the payload or of the record
  std::optional<Unit> unit;
  std::optional<std::int64_t> equals;  // checked in every event (scalars only)

  std::size_t count() const;
};

/// How many records a payload holds.
enum class CountKind : std::uint8_t {
  fixed,  // always `capacity`
  field,  // a scalar of the payload says it
  rest,   // as many as fit into the rest of the payload
};

/// An array of records, all of one size.
struct Records {
  std::string name;
  CountKind count = CountKind::fixed;
  std::size_t count_field = 0;  // index in Source::fields, for CountKind::field
  std::size_t capacity = 0;     // most records that are allowed; more make the payload bad
  std::size_t offset_bytes = 0;
  std::size_t record_bytes = 0;
  std::vector<Field> fields;
};

/// One source: its fields lie at fixed places; at most one array of records has a varying count, and it is
/// the last part of the payload.
struct Source {
  std::string name;
  std::uint32_t id = 0;
  std::vector<Field> fields;
  std::vector<Records> records;
  std::size_t min_bytes = 0;   // everything that is always there
  bool may_be_longer = false;  // bytes behind the described part are ignored instead of refused
};

/// Which records of which source.
struct RecordsRef {
  std::size_t source = 0;
  std::size_t records = 0;
};

/// Objects made from records of one or more sources with equal record layouts: taken in order of `from`,
/// those with nonzero field 0 dropped, sorted (stable), the first `capacity` kept.
struct Collection {
  std::string name;
  std::vector<RecordsRef> from;
  std::optional<std::size_t> nonzero;  // field: records where it is 0 are padding, not objects
  std::optional<std::size_t> sort_by;  // field
  bool descending = true;
  std::size_t capacity = 0;
  std::vector<Field> fields;  // of one record; offsets from its start

  std::optional<std::size_t> find_field(const std::string& field) const;
};

/// One integer at a fixed place in a source's payload.
struct ScalarRef {
  std::size_t source = 0;
  std::size_t offset_bytes = 0;
  FieldType type = FieldType::i16;
  std::optional<Unit> unit;
};

/// A short name for a scalar or for one element of an array.
struct Quantity {
  std::string name;
  ScalarRef value;
};

struct Description {
  std::vector<Source> sources;
  std::vector<Collection> collections;
  std::vector<Quantity> quantities;

  std::optional<std::size_t> find_source(const std::string& name) const;
  std::optional<std::size_t> find_collection(const std::string& name) const;

  /// A quantity's name, "source.field" or "source.field[3]" or "source.field[2, 5]". Empty when there is no
  /// such scalar.
  std::optional<ScalarRef> find_scalar(const std::string& name) const;

  /// Everything a person may write where a scalar is wanted, for proposals.
  std::vector<std::string> scalar_names() const;
};

/// Reads the `detector` section. Throws Error naming file, line and key.
Description load_description(const yaml::Value& section);

/// One line for each thing described, the same for equal descriptions: part of the menu's hash.
std::string to_text(const Description& description);

}  // namespace crible::detector
