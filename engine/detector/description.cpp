#include "engine/detector/description.hpp"

#include <charconv>
#include <limits>

namespace crible::detector {

namespace {

template <class T>
network::Interval range() {
  return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
}

template <class Item>
std::optional<std::size_t> find_name(const std::vector<Item>& items, std::string_view name) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].name == name) return i;
  }
  return std::nullopt;
}

/// "[2, 5]" as a flat C-order index into `shape`; "" is index 0 of a scalar.
std::optional<std::size_t> flat_index(std::string_view subscript, const std::vector<std::size_t>& shape) {
  if (subscript.empty()) return shape.empty() ? std::optional<std::size_t>(0) : std::nullopt;
  if (subscript.front() != '[' || subscript.back() != ']') return std::nullopt;
  subscript = subscript.substr(1, subscript.size() - 2);
  std::size_t flat = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    while (subscript.starts_with(' ')) subscript.remove_prefix(1);
    std::size_t index = 0;
    const auto end = std::from_chars(subscript.data(), subscript.data() + subscript.size(), index);
    if (end.ec != std::errc() || index >= shape[axis]) return std::nullopt;
    flat = flat * shape[axis] + index;
    subscript.remove_prefix(static_cast<std::size_t>(end.ptr - subscript.data()));
    const bool last = axis + 1 == shape.size();
    if (last != subscript.empty() || (!last && subscript.front() != ',')) return std::nullopt;
    if (!last) subscript.remove_prefix(1);
  }
  return shape.empty() ? std::nullopt : std::optional(flat);
}

std::string field_text(const Field& field) {
  std::string text = field.name + " " + to_string(field.type);
  for (const std::size_t extent : field.shape) text += "[" + std::to_string(extent) + "]";
  text += " @" + std::to_string(field.offset_bytes);
  if (field.equals) text += " = " + std::to_string(*field.equals);
  if (field.unit) text += " unit " + to_string(*field.unit);
  return text + "\n";
}

std::string source_text(const Source& source) {
  std::string text = "source " + source.name + " " + std::to_string(source.id) +
                     (source.may_be_longer ? " may_be_longer" : "") + "\n";
  for (const Field& field : source.fields) text += "  field " + field_text(field);
  for (const Records& records : source.records) {
    text += "  records " + records.name + " @" + std::to_string(records.offset_bytes) + " count ";
    switch (records.count) {
      case CountKind::fixed:
        break;
      case CountKind::field:
        text += source.fields[records.count_field].name + " ";
        break;
      case CountKind::rest:
        text += "rest ";
        break;
    }
    text += std::to_string(records.capacity) + "\n";
    for (const Field& field : records.fields) text += "    field " + field_text(field);
  }
  return text;
}

}  // namespace

std::size_t bytes_of(FieldType type) {
  switch (type) {
    case FieldType::u8:
    case FieldType::i8:
      return 1;
    case FieldType::u16:
    case FieldType::i16:
      return 2;
    case FieldType::u32:
    case FieldType::i32:
      return 4;
    case FieldType::i64:
      return 8;
  }
  return 0;
}

network::Interval range_of(FieldType type) {
  switch (type) {
    case FieldType::u8:
      return range<std::uint8_t>();
    case FieldType::i8:
      return range<std::int8_t>();
    case FieldType::u16:
      return range<std::uint16_t>();
    case FieldType::i16:
      return range<std::int16_t>();
    case FieldType::u32:
      return range<std::uint32_t>();
    case FieldType::i32:
      return range<std::int32_t>();
    case FieldType::i64:
      return range<std::int64_t>();
  }
  return {};
}

const char* to_string(FieldType type) {
  switch (type) {
    case FieldType::u8:
      return "u8";
    case FieldType::i8:
      return "i8";
    case FieldType::u16:
      return "u16";
    case FieldType::i16:
      return "i16";
    case FieldType::u32:
      return "u32";
    case FieldType::i32:
      return "i32";
    case FieldType::i64:
      return "i64";
  }
  return "";
}

std::string to_string(const Unit& unit) {
  std::string text = std::to_string(unit.numerator);
  if (unit.denominator != 1) text += "/" + std::to_string(unit.denominator);
  return text + " " + unit.name;
}

std::size_t Field::count() const {
  std::size_t elements = 1;
  for (const std::size_t extent : shape) elements *= extent;
  return elements;
}

std::optional<std::size_t> Collection::find_field(const std::string& field) const {
  return find_name(fields, field);
}

std::optional<std::size_t> Description::find_source(const std::string& name) const {
  return find_name(sources, name);
}

std::optional<std::size_t> Description::find_collection(const std::string& name) const {
  return find_name(collections, name);
}

std::optional<ScalarRef> Description::find_scalar(const std::string& name) const {
  if (const auto quantity = find_name(quantities, name)) return quantities[*quantity].value;
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return std::nullopt;
  const auto source = find_source(name.substr(0, dot));
  if (!source) return std::nullopt;
  const std::size_t bracket = std::min(name.find('['), name.size());
  if (bracket < dot) return std::nullopt;
  const auto& fields = sources[*source].fields;
  const auto found = find_name(fields, name.substr(dot + 1, bracket - dot - 1));
  if (!found) return std::nullopt;
  const Field& field = fields[*found];
  const auto index = flat_index(std::string_view(name).substr(bracket), field.shape);
  if (!index) return std::nullopt;
  return ScalarRef{*source, field.offset_bytes + *index * bytes_of(field.type), field.type, field.unit};
}

std::vector<std::string> Description::scalar_names() const {
  std::vector<std::string> names;
  for (const Quantity& quantity : quantities) names.push_back(quantity.name);
  for (const Source& source : sources) {
    for (const Field& field : source.fields) {
      names.push_back(source.name + "." + field.name + (field.shape.empty() ? "" : "[...]"));
    }
  }
  return names;
}

std::string to_text(const Description& description) {
  std::string text;
  for (const Source& source : description.sources) text += source_text(source);
  for (const Collection& collection : description.collections) {
    text += "collection " + collection.name + " keep " + std::to_string(collection.capacity);
    if (collection.nonzero) text += " nonzero " + collection.fields[*collection.nonzero].name;
    if (collection.sort_by) {
      text += " sort " + collection.fields[*collection.sort_by].name +
              (collection.descending ? " descending" : " ascending");
    }
    for (const RecordsRef& ref : collection.from) {
      const Source& source = description.sources[ref.source];
      text += " from " + source.name + "." + source.records[ref.records].name;
    }
    text += "\n";
  }
  for (const Quantity& quantity : description.quantities) {
    text += "quantity " + quantity.name + " " + description.sources[quantity.value.source].name + " " +
            to_string(quantity.value.type) + " @" + std::to_string(quantity.value.offset_bytes) + "\n";
  }
  return text;
}

}  // namespace crible::detector
