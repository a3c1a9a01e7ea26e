#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/importers/coefficients.hpp"
#include "engine/network/types.hpp"

/// Models in ONNX files (QONNX, QDQ, QLinear...) as plain structs, and their translation.
namespace crible::importers::graph {

/// A constant. Floats are kept as doubles, which hold every float32, float16 and bfloat16 exactly. Integers,
/// and floats that a quantizer has rounded, are integers with value = scale * integer + offset.
struct Constant {
  Extents shape;
  bool is_integer = false;             // the model's element type is an integer type
  std::string element;                 // its name where it is known: "int8", "float"
  std::vector<double> reals;           // either these
  std::vector<std::int64_t> integers;  // or these with scale and offset
  Coefficients scale;
  Coefficients offset;

  bool has_integers() const { return reals.empty(); }
};

Constant make_reals(Extents shape, std::vector<double> values);
Constant make_integers(Extents shape, std::vector<std::int64_t> values);

struct Attribute {
  std::optional<std::int64_t> integer;
  std::optional<double> real;
  std::string text;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  std::vector<std::string> texts;
  std::optional<Constant> tensor;
};

/// One operator of the model.
struct Operator {
  std::string name;                 // never empty: the file's name, else that of the first output
  std::string kind;                 // "Conv"
  std::string domain;               // "" for the ONNX standard
  std::vector<std::string> inputs;  // "" where an optional input is left out
  std::vector<std::string> outputs;
  std::map<std::string, Attribute> attributes;

  bool has_input(std::size_t index) const { return index < inputs.size() && !inputs[index].empty(); }
  std::int64_t integer(const std::string& attribute, std::int64_t otherwise) const;
  double real(const std::string& attribute, double otherwise) const;
  std::string text(const std::string& attribute, const std::string& otherwise) const;
  std::vector<std::int64_t> integers(const std::string& attribute,
                                     std::vector<std::int64_t> otherwise = {}) const;
  std::vector<std::string> texts(const std::string& attribute) const;
};

/// A declared input or output. Symbolic and missing extents are -1.
struct Declaration {
  std::string name;
  std::string element;  // "float", "uint8", ...
  Extents shape;
  bool has_shape = false;
};

struct Model {
  std::string name;
  std::string producer;
  std::int64_t opset = 0;           // of the default domain
  std::vector<Declaration> inputs;  // without those that are also constants
  std::vector<Declaration> outputs;
  std::map<std::string, Constant> constants;
  std::vector<Operator> operators;
};

/// Whether `element` names an ONNX element type of integers, and its type when it is stored in 32 bits or
/// less.
std::optional<network::Type> integer_type(const std::string& element);

/// The ONNX name of an element type's number (attribute `to` of Cast), "" when unknown.
std::string element_name(std::int64_t code);

/// Throws Error when the bytes are no ONNX model, or hold what this reader does not take (external data,
/// sparse and string tensors, control flow), naming it.
Model read_model(std::string_view bytes, const std::string& source);

/// Whether the bytes can be parsed as an ONNX model with a graph.
bool is_onnx(std::string_view bytes);

}  // namespace crible::importers::graph
