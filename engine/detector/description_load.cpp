#include <algorithm>
#include <set>

#include "engine/detector/description.hpp"
#include "engine/detector/unit.hpp"

namespace crible::detector {

namespace {

constexpr std::int64_t most_elements = 1 << 20;  // of an array, and records of an array
constexpr std::size_t most_payload_bytes = std::size_t{1} << 26;
constexpr std::size_t most_objects = 4096;  // of a collection

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "none" : text;
}

/// "there is no X 'name'; did you mean 'other'? (known: ...)".
Error unknown(const yaml::Value& value, const std::string& what, const std::string& wrong,
              const std::vector<std::string>& known) {
  const std::string proposal = yaml::nearest(wrong, known);
  return value.error("there is no " + what + " '" + wrong + "'" +
                     (proposal.empty() ? "" : "; did you mean '" + proposal + "'?") +
                     " (known: " + join(known) + ")");
}

template <class Item>
std::vector<std::string> names_of(const std::vector<Item>& items) {
  std::vector<std::string> names;
  for (const Item& item : items) names.push_back(item.name);
  return names;
}

template <class Item>
void refuse_second(const std::vector<Item>& items, const std::string& name, const yaml::Value& value,
                   const std::string& what) {
  for (const Item& item : items) {
    if (item.name == name) throw value.error("there is a " + what + " '" + name + "' already; rename one");
  }
}

Unit load_unit(const yaml::Value& value) {
  value.expect_keys({"lsb", "name"});
  const yaml::Value lsb = value.at("lsb");
  const auto ratio = parse_decimal(lsb.text());
  if (!ratio || ratio->numerator == 0) {
    throw lsb.error("must be a positive decimal number with at most 18 digits such as 0.5, not '" +
                    lsb.text() + "'");
  }
  Unit unit{ratio->numerator, ratio->denominator, value.at("name").name()};
  if (unit.name == "lsb" || unit.name == "real") {
    throw value.at("name").error("'" + unit.name +
                                 "' has a meaning of its own in conditions; choose another");
  }
  return unit;
}

std::vector<std::size_t> load_shape(const yaml::Value& value) {
  std::vector<std::size_t> shape;
  std::int64_t elements = 1;
  for (const yaml::Value& extent : value.items()) {
    const std::int64_t length = extent.integer(1, most_elements);
    if (elements > most_elements / length) throw value.error("has more than 1048576 elements");
    elements *= length;
    shape.push_back(static_cast<std::size_t>(length));
  }
  if (shape.empty() || shape.size() > 4) throw value.error("must have one to four extents, such as [18, 7]");
  return shape;
}

FieldType load_type(const yaml::Value& value) {
  return static_cast<FieldType>(value.choice({"u8", "i8", "u16", "i16", "u32", "i32", "i64"}));
}

/// A member of a record: a scalar.
Field load_member(const yaml::Value& value, const Records& records) {
  value.expect_keys({"name", "type", "unit"});
  Field field;
  field.name = value.at("name").name();
  refuse_second(records.fields, field.name, value, "field");
  field.type = load_type(value.at("type"));
  if (const auto unit = value.find("unit")) field.unit = load_unit(*unit);
  field.offset_bytes = records.record_bytes;
  return field;
}

/// Reads one source; the payload grows from top to bottom.
class SourceLoader {
 public:
  explicit SourceLoader(const std::vector<yaml::Value>& header) : header_(header) {}

  Source load(const yaml::Value& value, std::size_t position) {
    value.expect_keys({"name", "id", "header", "payload", "may_be_longer"});
    source_.name = value.at("name").name();
    const auto id = value.find("id");
    source_.id = static_cast<std::uint32_t>(id ? id->integer(0, 65535) : static_cast<std::int64_t>(position));
    if (const auto longer = value.find("may_be_longer")) source_.may_be_longer = longer->boolean();
    const auto header = value.find("header");
    if (!header || header->boolean()) {
      for (const yaml::Value& part : header_) load_part(part);
    }
    for (const yaml::Value& part : value.at("payload").items()) load_part(part);
    if (varying_ && source_.may_be_longer && source_.records.back().count == CountKind::rest) {
      throw value.error("records with 'count: rest' take the whole rest: may_be_longer has no meaning here");
    }
    return source_;
  }

 private:
  void load_part(const yaml::Value& value) {
    if (varying_) throw value.error("stands behind records whose count varies; these must be the last part");
    if (value.has("fields")) {
      load_records(value);
    } else {
      load_field(value);
    }
    if (source_.min_bytes > most_payload_bytes) throw value.error("makes the payload longer than 64 MiB");
  }

  void new_name(const yaml::Value& value, const std::string& name) const {
    refuse_second(source_.fields, name, value, "field");
    refuse_second(source_.records, name, value, "array of records");
  }

  void load_field(const yaml::Value& value) {
    value.expect_keys({"name", "type", "shape", "unit", "equals"});
    Field field;
    field.name = value.at("name").name();
    new_name(value, field.name);
    field.type = load_type(value.at("type"));
    if (const auto shape = value.find("shape")) field.shape = load_shape(*shape);
    if (const auto unit = value.find("unit")) field.unit = load_unit(*unit);
    if (const auto equals = value.find("equals")) field.equals = load_equals(*equals, field);
    field.offset_bytes = source_.min_bytes;
    source_.min_bytes += field.count() * bytes_of(field.type);
    source_.fields.push_back(std::move(field));
  }

  std::int64_t load_equals(const yaml::Value& value, const Field& field) const {
    if (!field.shape.empty()) throw value.error("only a single integer can be checked, not an array");
    const network::Interval range = range_of(field.type);
    if (value.text() != "id") return value.integer(range.low, range.high);
    if (source_.id > range.high)
      throw value.error("the source's id does not fit " + std::string(to_string(field.type)));
    return source_.id;
  }

  void load_records(const yaml::Value& value) {
    value.expect_keys({"name", "count", "max", "fields"});
    Records records;
    records.name = value.at("name").name();
    new_name(value, records.name);
    for (const yaml::Value& member : value.at("fields").items()) {
      records.fields.push_back(load_member(member, records));
      records.record_bytes += bytes_of(records.fields.back().type);
    }
    if (records.fields.empty()) throw value.at("fields").error("needs at least one field");
    load_count(value, records);
    records.offset_bytes = source_.min_bytes;
    if (records.count == CountKind::fixed) source_.min_bytes += records.capacity * records.record_bytes;
    varying_ = records.count != CountKind::fixed;
    source_.records.push_back(std::move(records));
  }

  void load_count(const yaml::Value& value, Records& records) const {
    const yaml::Value count = value.at("count");
    const std::string& text = count.text();
    if (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      if (value.has("max")) throw value.at("max").error("has no meaning beside a fixed count");
      records.capacity = static_cast<std::size_t>(count.integer(1, most_elements));
      return;
    }
    records.capacity = static_cast<std::size_t>(value.at("max").integer(1, most_elements));
    records.count = text == "rest" ? CountKind::rest : CountKind::field;
    if (records.count == CountKind::rest) return;
    for (std::size_t i = 0; i < source_.fields.size(); ++i) {
      if (source_.fields[i].name != text || !source_.fields[i].shape.empty()) continue;
      records.count_field = i;
      return;
    }
    throw unknown(count, "integer before these records", text, names_of(source_.fields));
  }

  const std::vector<yaml::Value>& header_;
  Source source_;
  bool varying_ = false;
};

RecordsRef find_records(const yaml::Value& value, const Description& description) {
  const std::string& name = value.text();
  std::vector<std::string> known;
  for (std::size_t s = 0; s < description.sources.size(); ++s) {
    for (std::size_t r = 0; r < description.sources[s].records.size(); ++r) {
      known.push_back(description.sources[s].name + "." + description.sources[s].records[r].name);
      if (known.back() == name) return {s, r};
    }
  }
  throw unknown(value, "array of records", name, known);
}

bool equal_layout(const Records& one, const Records& other) {
  return std::equal(one.fields.begin(), one.fields.end(), other.fields.begin(), other.fields.end(),
                    [](const Field& a, const Field& b) {
                      return a.name == b.name && a.type == b.type && a.unit == b.unit;
                    });
}

std::size_t load_field_name(const yaml::Value& value, const Collection& collection) {
  const auto field = collection.find_field(value.text());
  if (!field) throw unknown(value, "field of these records", value.text(), names_of(collection.fields));
  return *field;
}

Collection load_collection(const yaml::Value& value, const Description& description) {
  value.expect_keys({"name", "from", "nonzero", "sort", "order", "keep"});
  Collection collection;
  collection.name = value.at("name").name();
  std::size_t most = 0;
  for (const yaml::Value& from : value.at("from").items()) {
    const RecordsRef ref = find_records(from, description);
    const Records& records = description.sources[ref.source].records[ref.records];
    if (collection.from.empty()) collection.fields = records.fields;
    const RecordsRef first = collection.from.empty() ? ref : collection.from.front();
    if (!equal_layout(description.sources[first.source].records[first.records], records)) {
      throw from.error("its records differ from those of the first in names, types or units of the fields");
    }
    most += records.capacity;
    collection.from.push_back(ref);
  }
  if (collection.from.empty()) throw value.at("from").error("needs at least one array of records");
  if (const auto field = value.find("nonzero")) collection.nonzero = load_field_name(*field, collection);
  if (const auto field = value.find("sort")) collection.sort_by = load_field_name(*field, collection);
  if (const auto order = value.find("order")) {
    if (!collection.sort_by) throw order->error("has no meaning without 'sort'");
    collection.descending = order->choice({"ascending", "descending"}) == 1;
  }
  collection.capacity = most;
  if (const auto keep = value.find("keep")) {
    collection.capacity = static_cast<std::size_t>(keep->integer(1, static_cast<std::int64_t>(most)));
  }
  if (most > most_objects) throw value.error("can have more than 4096 objects; describe fewer records");
  return collection;
}

void load_sources(const yaml::Value& section, Description& description) {
  std::vector<yaml::Value> header;
  if (const auto parts = section.find("header")) header = parts->items();
  std::set<std::uint32_t> ids;
  for (const yaml::Value& value : section.at("sources").items()) {
    Source source = SourceLoader(header).load(value, description.sources.size());
    refuse_second(description.sources, source.name, value, "source");
    if (!ids.insert(source.id).second) {
      throw value.error("there is a source with id " + std::to_string(source.id) +
                        " already; give each its own");
    }
    description.sources.push_back(std::move(source));
  }
  if (description.sources.empty()) throw section.at("sources").error("needs at least one source");
}

}  // namespace

Description load_description(const yaml::Value& section) {
  section.expect_keys({"header", "sources", "collections", "quantities"});
  Description description;
  load_sources(section, description);
  if (const auto collections = section.find("collections")) {
    for (const yaml::Value& value : collections->items()) {
      Collection collection = load_collection(value, description);
      refuse_second(description.collections, collection.name, value, "collection");
      refuse_second(description.sources, collection.name, value, "source");
      description.collections.push_back(std::move(collection));
    }
  }
  if (const auto quantities = section.find("quantities")) {
    for (const std::string& name : quantities->keys()) {
      const yaml::Value value = quantities->at(name);
      if (!yaml::is_name(name)) throw value.error("'" + name + "' is no name: letters, digits and _ only");
      const auto scalar = description.find_scalar(value.text());
      if (!scalar) throw unknown(value, "integer", value.text(), description.scalar_names());
      if (description.find_collection(name) || description.find_source(name)) {
        throw value.error("'" + name + "' is the name of a collection or source already");
      }
      description.quantities.push_back({name, *scalar});
    }
  }
  return description;
}

}  // namespace crible::detector
