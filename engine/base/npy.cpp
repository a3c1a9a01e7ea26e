#include "engine/base/npy.hpp"

#include <cstring>
#include <limits>
#include <optional>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"

namespace crible {

namespace {

struct KindInfo {
  ElementKind kind;
  const char* code;  // in the header, after the byte order mark
  const char* name;
  std::size_t bytes;
  bool is_float;
};

constexpr KindInfo kinds[] = {
    {ElementKind::int8, "i1", "int8", 1, false},      {ElementKind::int16, "i2", "int16", 2, false},
    {ElementKind::int32, "i4", "int32", 4, false},    {ElementKind::int64, "i8", "int64", 8, false},
    {ElementKind::uint8, "u1", "uint8", 1, false},    {ElementKind::uint16, "u2", "uint16", 2, false},
    {ElementKind::uint32, "u4", "uint32", 4, false},  {ElementKind::float32, "f4", "float32", 4, true},
    {ElementKind::float64, "f8", "float64", 8, true},
};

const KindInfo& info(ElementKind kind) {
  return kinds[static_cast<std::size_t>(kind)];
}

[[noreturn]] void bad(const std::string& source, const std::string& what) {
  throw Error(source + ": " + what);
}

/// The header is a Python dict literal of three known keys. A scanner over exactly that form.
class Header {
 public:
  Header(std::string_view text, const std::string& source) : rest_(text), source_(source) { parse(); }

  std::string descr;
  bool fortran_order = false;
  std::vector<std::size_t> shape;

 private:
  void parse() {
    expect('{');
    while (peek() != '}') {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        if (peek() != '\'' && peek() != '"') fail("structured element types are not supported");
        descr = quoted();
      } else if (key == "fortran_order") {
        fortran_order = boolean();
      } else if (key == "shape") {
        shape = tuple();
      } else {
        fail("unknown header key '" + key + "'");
      }
      if (peek() == ',') expect(',');
    }
    if (descr.empty()) fail("the header has no 'descr'");
  }

  char peek() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
    if (rest_.empty()) fail("the header ends early");
    return rest_[0];
  }

  void expect(char wanted) {
    if (peek() != wanted)
      fail(std::string("the header has '") + rest_[0] + "' where '" + wanted + "' belongs");
    rest_.remove_prefix(1);
  }

  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("the header is not that of an .npy file");
    const auto end = rest_.find(quote, 1);
    if (end == std::string_view::npos) fail("the header has an open quote");
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }

  bool boolean() {
    peek();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {"False", false}}) {
      if (rest_.starts_with(word)) {
        rest_.remove_prefix(word.size());
        return value;
      }
    }
    fail("'fortran_order' is neither True nor False");
  }

  std::vector<std::size_t> tuple() {
    std::vector<std::size_t> extents;
    expect('(');
    while (peek() != ')') {
      if (rest_[0] < '0' || rest_[0] > '9') fail("'shape' is not a tuple of numbers");
      std::size_t extent = 0;
      while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
        if (extent > (std::size_t{1} << 48)) fail("'shape' is too large");
        extent = extent * 10 + static_cast<std::size_t>(rest_[0] - '0');
        rest_.remove_prefix(1);
      }
      extents.push_back(extent);
      if (peek() == ',') expect(',');
    }
    expect(')');
    return extents;
  }

  [[noreturn]] void fail(const std::string& what) { bad(source_, what); }

  std::string_view rest_;
  const std::string& source_;
};

ElementKind kind_of(const std::string& descr, const std::string& source) {
  if (descr.size() == 3 && (descr[0] == '<' || descr[0] == '|')) {
    if (descr == "|b1") return ElementKind::uint8;
    for (const auto& kind : kinds) {
      if (descr.compare(1, 2, kind.code) == 0) return kind.kind;
    }
  }
  bad(source,
      "element type '" + descr +
          "' is not supported; save it as int8..int64, uint8..uint32, float32 or float64, little-endian");
}

/// Number of bytes of the array, or nothing when it does not fit in memory sizes.
std::optional<std::size_t> checked_bytes(const std::vector<std::size_t>& shape, std::size_t each) {
  std::size_t total = each;
  for (const std::size_t extent : shape) {
    if (extent != 0 && total > std::numeric_limits<std::size_t>::max() / extent) return std::nullopt;
    total *= extent;
  }
  return total;
}

/// Fortran order: the first index is the fastest.
std::vector<std::byte> to_c_order(const std::byte* data, const std::vector<std::size_t>& shape,
                                  std::size_t total, std::size_t each) {
  std::vector<std::byte> result(total);
  const std::size_t count = total / each;
  std::vector<std::size_t> index(shape.size(), 0);
  for (std::size_t from = 0; from < count; ++from) {
    std::size_t to = 0;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) to = to * shape[axis] + index[axis];
    std::memcpy(result.data() + to * each, data + from * each, each);
    for (std::size_t axis = 0; axis < shape.size() && ++index[axis] == shape[axis]; ++axis) index[axis] = 0;
  }
  return result;
}

template <class Visitor>
decltype(auto) with_kind(ElementKind kind, Visitor&& visitor) {
  switch (kind) {
    case ElementKind::int8:
      return visitor(std::int8_t{});
    case ElementKind::int16:
      return visitor(std::int16_t{});
    case ElementKind::int32:
      return visitor(std::int32_t{});
    case ElementKind::int64:
      return visitor(std::int64_t{});
    case ElementKind::uint8:
      return visitor(std::uint8_t{});
    case ElementKind::uint16:
      return visitor(std::uint16_t{});
    case ElementKind::uint32:
      return visitor(std::uint32_t{});
    case ElementKind::float32:
      return visitor(float{});
    case ElementKind::float64:
      return visitor(double{});
  }
  throw Error("unknown element kind", Fault::failure);
}

template <class To>
std::vector<To> unpack(const Array& array) {
  return with_kind(array.kind, [&]<class From>(From) {
    std::vector<To> values(array.element_count());
    for (std::size_t i = 0; i < values.size(); ++i) {
      From value;
      std::memcpy(&value, array.bytes.data() + i * sizeof(From), sizeof(From));
      values[i] = static_cast<To>(value);
    }
    return values;
  });
}

template <class From>
Array pack(ElementKind kind, std::vector<std::size_t> shape, const std::vector<From>& values) {
  Array array{kind, std::move(shape), std::vector<std::byte>(values.size() * element_bytes(kind))};
  if (array.element_count() != values.size())
    throw Error("array: the shape does not hold the given number of values", Fault::failure);
  with_kind(kind, [&]<class To>(To) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const To value = static_cast<To>(values[i]);
      std::memcpy(array.bytes.data() + i * sizeof(To), &value, sizeof(To));
    }
  });
  return array;
}

constexpr std::string_view magic = "\x93NUMPY";

}  // namespace

std::size_t element_bytes(ElementKind kind) {
  return info(kind).bytes;
}
bool is_float(ElementKind kind) {
  return info(kind).is_float;
}
const char* to_string(ElementKind kind) {
  return info(kind).name;
}

std::size_t Array::element_count() const {
  return bytes.size() / element_bytes(kind);
}

Array parse_npy(std::string_view bytes, const std::string& source) {
  if (bytes.size() < 10 || bytes.substr(0, magic.size()) != magic) bad(source, "not an .npy file");
  const int version = bytes[6];
  if (version < 1 || version > 3) bad(source, "unknown version of the .npy format");
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::uint32_t header_bytes = 0;
  if (bytes.size() < 8 + length_bytes) bad(source, "the header ends early");
  std::memcpy(&header_bytes, bytes.data() + 8, length_bytes);
  const std::size_t start = 8 + length_bytes;
  if (header_bytes > bytes.size() - start) bad(source, "the header ends early");
  const Header header(bytes.substr(start, header_bytes), source);

  Array array{kind_of(header.descr, source), header.shape, {}};
  const std::size_t each = element_bytes(array.kind);
  const auto total = checked_bytes(array.shape, each);
  const std::string_view data = bytes.substr(start + header_bytes);
  if (!total || *total > data.size())
    bad(source, "the data end early: " + std::to_string(data.size()) + " bytes are there");
  const auto* first = reinterpret_cast<const std::byte*>(data.data());
  if (header.fortran_order && array.shape.size() > 1) {
    array.bytes = to_c_order(first, array.shape, *total, each);
  } else {
    array.bytes.assign(first, first + *total);
  }
  return array;
}

Array read_npy(const std::filesystem::path& path) {
  return parse_npy(read_file(path), path.string());
}

std::string to_npy(const Array& array) {
  std::string header = "{'descr': '";
  header += element_bytes(array.kind) == 1 ? '|' : '<';
  header += info(array.kind).code;
  header += "', 'fortran_order': False, 'shape': (";
  for (const std::size_t extent : array.shape) header += std::to_string(extent) + ", ";
  if (array.shape.size() > 1) header.resize(header.size() - 2);
  if (array.shape.size() == 1) header.resize(header.size() - 1);
  header += "), }";
  // The data start at a multiple of 64, as the format asks.
  const std::size_t unpadded = 10 + header.size() + 1;
  header.append((64 - unpadded % 64) % 64, ' ');
  header += '\n';

  std::string bytes(magic);
  bytes += {'\x01', '\x00'};
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
  return bytes;
}

void write_npy(const std::filesystem::path& path, const Array& array) {
  write_file(path, to_npy(array));
}

std::vector<std::int64_t> to_integers(const Array& array) {
  if (is_float(array.kind))
    throw Error(std::string("the array holds ") + to_string(array.kind) + " where integers are needed");
  return unpack<std::int64_t>(array);
}

std::vector<double> to_doubles(const Array& array) {
  return unpack<double>(array);
}

Array from_integers(ElementKind kind, std::vector<std::size_t> shape,
                    const std::vector<std::int64_t>& values) {
  return pack(kind, std::move(shape), values);
}

Array from_doubles(ElementKind kind, std::vector<std::size_t> shape, const std::vector<double>& values) {
  return pack(kind, std::move(shape), values);
}

}  // namespace crible
