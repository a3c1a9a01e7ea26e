#include "engine/importers/graph/model.hpp"

#include <onnx.pb.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "engine/base/error.hpp"

namespace crible::importers::graph {

namespace {

using ::onnx::TensorProto;

// Element types newer than the schema of Debian's libonnx.
constexpr int uint4_type = 21;
constexpr int int4_type = 22;

struct ElementType {
  int code;
  const char* name;
  std::size_t bytes;  // 0: two to a byte
  bool is_integer;
  bool is_signed;
};

constexpr ElementType element_types[] = {
    {TensorProto::FLOAT, "float", 4, false, true},
    {TensorProto::DOUBLE, "double", 8, false, true},
    {TensorProto::FLOAT16, "float16", 2, false, true},
    {TensorProto::BFLOAT16, "bfloat16", 2, false, true},
    {TensorProto::UINT8, "uint8", 1, true, false},
    {TensorProto::INT8, "int8", 1, true, true},
    {TensorProto::UINT16, "uint16", 2, true, false},
    {TensorProto::INT16, "int16", 2, true, true},
    {TensorProto::INT32, "int32", 4, true, true},
    {TensorProto::INT64, "int64", 8, true, true},
    {TensorProto::UINT32, "uint32", 4, true, false},
    {TensorProto::UINT64, "uint64", 8, true, false},
    {TensorProto::BOOL, "bool", 1, true, false},
    {uint4_type, "uint4", 0, true, false},
    {int4_type, "int4", 0, true, true},
};

const ElementType* find_type(int code) {
  for (const ElementType& type : element_types) {
    if (type.code == code) return &type;
  }
  return nullptr;
}

double from_float16(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(mantissa + 1024, exponent - 25);
}

/// Little-endian bytes of one element, widened.
std::uint64_t load_bits(const char* data, std::size_t bytes) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, data, bytes);
  return bits;
}

std::int64_t as_integer(std::uint64_t bits, const ElementType& type) {
  if (!type.is_signed || type.bytes == 8) return static_cast<std::int64_t>(bits);
  const unsigned unused = 64 - static_cast<unsigned>(type.bytes) * 8;
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

double as_real(std::uint64_t bits, const ElementType& type) {
  if (type.code == TensorProto::DOUBLE) return std::bit_cast<double>(bits);
  if (type.code == TensorProto::FLOAT) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  if (type.code == TensorProto::FLOAT16) return from_float16(static_cast<std::uint16_t>(bits));
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits << 16));
}

/// Reads one TensorProto; the data are in raw_data or in one of the typed fields.
class TensorReader {
 public:
  TensorReader(const TensorProto& tensor, const std::string& where)
      : tensor_(tensor), where_(where), type_(find_type(tensor.data_type())) {}

  Constant read() const {
    if (tensor_.data_location() == TensorProto::EXTERNAL || tensor_.external_data_size() > 0)
      fail("keeps its data in another file; save the model as one file");
    if (!type_)
      fail("has element type " + std::to_string(tensor_.data_type()) +
           ", which has no exact integer form here; use float, double or an integer type");
    const Extents shape(tensor_.dims().begin(), tensor_.dims().end());
    const std::size_t count = element_count(shape);
    Constant constant =
        type_->is_integer ? make_integers(shape, integers(count)) : make_reals(shape, reals(count));
    constant.element = type_->name;
    return constant;
  }

 private:
  std::vector<std::int64_t> integers(std::size_t count) const {
    std::vector<std::int64_t> values;
    if (tensor_.has_raw_data()) {
      if (type_->bytes == 0) return nibbles(count);
      check_count(tensor_.raw_data().size(), count * type_->bytes);
      values.reserve(count);
      for (std::size_t i = 0; i < count; ++i) values.push_back(as_integer(raw_bits(i), *type_));
    } else if (tensor_.int64_data_size() > 0) {
      values.assign(tensor_.int64_data().begin(), tensor_.int64_data().end());
    } else if (tensor_.uint64_data_size() > 0) {
      for (const std::uint64_t value : tensor_.uint64_data())
        values.push_back(static_cast<std::int64_t>(value));
    } else {
      values.assign(tensor_.int32_data().begin(), tensor_.int32_data().end());
    }
    check_count(values.size(), count);
    check_range(values);
    return values;
  }

  void check_range(const std::vector<std::int64_t>& values) const {
    if (type_->bytes == 8 && !type_->is_signed) {
      for (const std::int64_t value : values) {
        if (value < 0) fail("has a value of 2^63 or more");
      }
    }
    if (type_->bytes == 0 || type_->bytes == 8) return;
    const int bits = static_cast<int>(type_->bytes) * 8 - (type_->is_signed ? 1 : 0);
    const std::int64_t high = (std::int64_t{1} << bits) - 1;
    const std::int64_t low = type_->is_signed ? -high - 1 : 0;
    for (const std::int64_t value : values) {
      if (value < low || value > high) fail("has a value outside its element type");
    }
  }

  std::vector<std::int64_t> nibbles(std::size_t count) const {
    check_count(tensor_.raw_data().size(), (count + 1) / 2);
    std::vector<std::int64_t> values;
    for (std::size_t i = 0; i < count; ++i) {
      const int byte = static_cast<unsigned char>(tensor_.raw_data()[i / 2]);
      const int nibble = i % 2 ? byte >> 4 : byte & 15;
      values.push_back(type_->is_signed && nibble >= 8 ? nibble - 16 : nibble);
    }
    return values;
  }

  std::vector<double> reals(std::size_t count) const {
    std::vector<double> values;
    if (tensor_.has_raw_data()) {
      check_count(tensor_.raw_data().size(), count * type_->bytes);
      values.reserve(count);
      for (std::size_t i = 0; i < count; ++i) values.push_back(as_real(raw_bits(i), *type_));
    } else if (tensor_.double_data_size() > 0) {
      values.assign(tensor_.double_data().begin(), tensor_.double_data().end());
    } else if (type_->bytes == 2) {  // 16-bit floats travel as bits in int32_data
      for (const std::int32_t bits : tensor_.int32_data())
        values.push_back(as_real(static_cast<std::uint16_t>(bits), *type_));
    } else {
      values.assign(tensor_.float_data().begin(), tensor_.float_data().end());
    }
    check_count(values.size(), count);
    return values;
  }

  std::uint64_t raw_bits(std::size_t index) const {
    return load_bits(tensor_.raw_data().data() + index * type_->bytes, type_->bytes);
  }

  void check_count(std::size_t has, std::size_t needs) const {
    if (has != needs)
      fail("has " + std::to_string(has) + " bytes or values where its shape needs " + std::to_string(needs));
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(where_ + " " + what); }

  const TensorProto& tensor_;
  const std::string& where_;
  const ElementType* type_;
};

Constant read_tensor(const TensorProto& tensor, const std::string& where) {
  return TensorReader(tensor, where).read();
}

Attribute read_attribute(const ::onnx::AttributeProto& proto, const std::string& where) {
  Attribute attribute;
  if (proto.has_g() || proto.graphs_size() > 0)
    throw Error(where + " holds a graph (control flow); unroll or constant-fold it before export");
  if (proto.has_i()) attribute.integer = proto.i();
  if (proto.has_f()) attribute.real = proto.f();
  attribute.text = proto.s();
  attribute.integers.assign(proto.ints().begin(), proto.ints().end());
  attribute.reals.assign(proto.floats().begin(), proto.floats().end());
  attribute.texts.assign(proto.strings().begin(), proto.strings().end());
  if (proto.has_t()) attribute.tensor = read_tensor(proto.t(), where);
  return attribute;
}

Operator read_operator(const ::onnx::NodeProto& proto, const std::string& source, int index) {
  Operator result;
  result.kind = proto.op_type();
  result.domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
  result.inputs.assign(proto.input().begin(), proto.input().end());
  result.outputs.assign(proto.output().begin(), proto.output().end());
  result.name = proto.name();
  if (result.name.empty() && !result.outputs.empty()) result.name = result.outputs.front();
  if (result.name.empty()) result.name = result.kind + "_" + std::to_string(index);
  for (const auto& attribute : proto.attribute()) {
    const std::string where =
        source + ": node '" + result.name + "' (" + result.kind + "): attribute '" + attribute.name() + "'";
    result.attributes[attribute.name()] = read_attribute(attribute, where);
  }
  return result;
}

Declaration read_declaration(const ::onnx::ValueInfoProto& proto) {
  Declaration result;
  result.name = proto.name();
  const auto& tensor = proto.type().tensor_type();
  const ElementType* type = find_type(tensor.elem_type());
  result.element = type ? type->name : "type " + std::to_string(tensor.elem_type());
  result.has_shape = tensor.has_shape();
  for (const auto& dimension : tensor.shape().dim())
    result.shape.push_back(dimension.has_dim_value() && dimension.dim_value() > 0 ? dimension.dim_value()
                                                                                  : -1);
  return result;
}

const Attribute* find_attribute(const Operator& op, const std::string& name) {
  const auto found = op.attributes.find(name);
  return found == op.attributes.end() ? nullptr : &found->second;
}

}  // namespace

std::optional<network::Type> integer_type(const std::string& element) {
  for (const ElementType& type : element_types) {
    if (element != type.name || !type.is_integer || type.bytes == 8) continue;
    const int width = type.code == TensorProto::BOOL ? 1
                      : type.bytes == 0              ? 4
                                                     : static_cast<int>(type.bytes) * 8;
    return network::Type{type.is_signed, width, 0};
  }
  return std::nullopt;
}

std::string element_name(std::int64_t code) {
  for (const ElementType& type : element_types) {
    if (type.code == code) return type.name;
  }
  return "";
}

Constant make_reals(Extents shape, std::vector<double> values) {
  if (values.empty()) return make_integers(std::move(shape), {});
  Constant constant;
  constant.shape = std::move(shape);
  constant.reals = std::move(values);
  return constant;
}

Constant make_integers(Extents shape, std::vector<std::int64_t> values) {
  Constant constant;
  constant.is_integer = true;
  constant.scale = Coefficients::uniform(shape.size(), 1);
  constant.offset = Coefficients::uniform(shape.size(), 0);
  constant.shape = std::move(shape);
  constant.integers = std::move(values);
  return constant;
}

std::int64_t Operator::integer(const std::string& attribute, std::int64_t otherwise) const {
  const Attribute* found = find_attribute(*this, attribute);
  return found && found->integer ? *found->integer : otherwise;
}

double Operator::real(const std::string& attribute, double otherwise) const {
  const Attribute* found = find_attribute(*this, attribute);
  return found && found->real ? *found->real : otherwise;
}

std::string Operator::text(const std::string& attribute, const std::string& otherwise) const {
  const Attribute* found = find_attribute(*this, attribute);
  return found && !found->text.empty() ? found->text : otherwise;
}

std::vector<std::int64_t> Operator::integers(const std::string& attribute,
                                             std::vector<std::int64_t> otherwise) const {
  const Attribute* found = find_attribute(*this, attribute);
  return found ? found->integers : otherwise;
}

std::vector<std::string> Operator::texts(const std::string& attribute) const {
  const Attribute* found = find_attribute(*this, attribute);
  return found ? found->texts : std::vector<std::string>{};
}

Model read_model(std::string_view bytes, const std::string& source) {
  ::onnx::ModelProto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !proto.has_graph())
    throw Error(source + ": not an ONNX model, or a damaged one; export it again");
  const ::onnx::GraphProto& graph = proto.graph();
  if (graph.sparse_initializer_size() > 0) throw Error(source + ": has sparse constants; export them dense");
  if (proto.functions_size() > 0)
    throw Error(source + ": has model-local functions; inline them (onnx.inliner) before the import");

  Model model;
  model.name = graph.name();
  model.producer = proto.producer_name();
  for (const auto& opset : proto.opset_import()) {
    if (opset.domain().empty() || opset.domain() == "ai.onnx") model.opset = opset.version();
  }
  for (const auto& tensor : graph.initializer())
    model.constants[tensor.name()] = read_tensor(tensor, source + ": constant '" + tensor.name() + "'");
  for (const auto& input : graph.input()) {
    if (!model.constants.contains(input.name())) model.inputs.push_back(read_declaration(input));
  }
  for (const auto& output : graph.output()) model.outputs.push_back(read_declaration(output));
  int index = 0;
  for (const auto& node : graph.node()) model.operators.push_back(read_operator(node, source, index++));
  return model;
}

bool is_onnx(std::string_view bytes) {
  ::onnx::ModelProto proto;
  return proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) && proto.has_graph() &&
         proto.graph().node_size() > 0;
}

}  // namespace crible::importers::graph
