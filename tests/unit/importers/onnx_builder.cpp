#include "tests/unit/importers/onnx_builder.hpp"

#include "engine/base/error.hpp"
#include "engine/importers/graph/graph.hpp"
#include "engine/network/encoding.hpp"
#include "engine/reference/reference.hpp"

namespace crible::importers {

OnnxBuilder::OnnxBuilder(std::vector<std::int64_t> input_shape, int element) {
  model_.set_ir_version(8);
  auto* opset = model_.add_opset_import();
  opset->set_domain("");
  opset->set_version(13);
  auto* input = model_.mutable_graph()->add_input();
  input->set_name("x");
  auto* tensor = input->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(element);
  for (const std::int64_t extent : input_shape) {
    auto* dimension = tensor->mutable_shape()->add_dim();
    if (extent < 0) {
      dimension->set_dim_param("N");
    } else {
      dimension->set_dim_value(extent);
    }
  }
  output("y");
}

OnnxBuilder& OnnxBuilder::output(const std::string& name) {
  model_.mutable_graph()->add_output()->set_name(name);
  return *this;
}

OnnxBuilder& OnnxBuilder::constant(const std::string& name, std::vector<std::int64_t> shape,
                                   const std::vector<float>& values) {
  auto* tensor = model_.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(::onnx::TensorProto::FLOAT);
  for (const std::int64_t extent : shape) tensor->add_dims(extent);
  for (const float value : values) tensor->add_float_data(value);
  return *this;
}

OnnxBuilder& OnnxBuilder::integers(const std::string& name, int element, std::vector<std::int64_t> shape,
                                   const std::vector<std::int64_t>& values) {
  auto* tensor = model_.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(element);
  for (const std::int64_t extent : shape) tensor->add_dims(extent);
  for (const std::int64_t value : values) {
    if (element == ::onnx::TensorProto::INT64) {
      tensor->add_int64_data(value);
    } else {
      tensor->add_int32_data(static_cast<std::int32_t>(value));
    }
  }
  return *this;
}

OnnxBuilder& OnnxBuilder::node(const std::string& kind, const std::vector<std::string>& inputs,
                               const std::vector<std::string>& outputs, const std::string& domain) {
  auto* node = model_.mutable_graph()->add_node();
  node->set_op_type(kind);
  node->set_name(kind + "_" + outputs.front());
  node->set_domain(domain);
  for (const std::string& input : inputs) node->add_input(input);
  for (const std::string& output : outputs) node->add_output(output);
  return *this;
}

namespace {

::onnx::AttributeProto& new_attribute(::onnx::ModelProto& model, const std::string& name) {
  auto& nodes = *model.mutable_graph()->mutable_node();
  auto* attribute = nodes[nodes.size() - 1].add_attribute();
  attribute->set_name(name);
  return *attribute;
}

}  // namespace

OnnxBuilder& OnnxBuilder::attribute(const std::string& name, std::int64_t value) {
  new_attribute(model_, name).set_i(value);
  return *this;
}

OnnxBuilder& OnnxBuilder::attribute(const std::string& name, float value) {
  new_attribute(model_, name).set_f(value);
  return *this;
}

OnnxBuilder& OnnxBuilder::attribute(const std::string& name, const std::string& value) {
  new_attribute(model_, name).set_s(value);
  return *this;
}

OnnxBuilder& OnnxBuilder::attribute(const std::string& name, const std::vector<std::int64_t>& values) {
  auto& attribute = new_attribute(model_, name);
  for (const std::int64_t value : values) attribute.add_ints(value);
  return *this;
}

OnnxBuilder& OnnxBuilder::quant(const std::string& x, const std::string& y, float scale, float zero,
                                float bits, bool is_signed, bool narrow, const std::string& rounding,
                                const std::string& domain) {
  scalar(y + "_scale", scale).scalar(y + "_zero", zero).scalar(y + "_bits", bits);
  node("Quant", {x, y + "_scale", y + "_zero", y + "_bits"}, {y}, domain);
  attribute("signed", std::int64_t{is_signed});
  attribute("narrow", std::int64_t{narrow});
  return attribute("rounding_mode", rounding);
}

ImportResult OnnxBuilder::import(const std::string& input_type) const {
  ImportOptions options;
  if (!input_type.empty()) options.input_types[""].type = network::parse_type(input_type);
  return graph::import_onnx(bytes(), "model.onnx", "model", options);
}

std::string OnnxBuilder::refusal(const std::string& input_type) const {
  try {
    import(input_type);
  } catch (const Error& error) {
    return error.fault() == Fault::user ? error.what() : std::string("a failure: ") + error.what();
  }
  return "accepted";
}

std::vector<double> OnnxBuilder::evaluate(const std::string& input_type,
                                          const std::vector<std::int64_t>& x) const {
  const network::Network network = import(input_type).network;
  const auto outputs = reference::evaluate(network, {x});
  const auto& node = network.nodes[static_cast<std::size_t>(network::outputs_of(network).front())];
  const network::Encoding& encoding = std::get<network::Output>(node.operation).encoding;
  std::vector<double> result;
  for (const std::int64_t q : outputs.front()) result.push_back(network::decode(encoding, q));
  return result;
}

}  // namespace crible::importers
