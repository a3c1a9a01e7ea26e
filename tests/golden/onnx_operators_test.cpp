// The operator tests that come with ONNX (Debian's libonnx-testdata), as far as integers can answer them: the
// operators on integers and truth values, the quantized ones, and those that move or compare elements. The
// floats of the latter become integers of the same order.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx.pb.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "engine/base/error.hpp"
#include "engine/importers/graph/graph.hpp"
#include "engine/importers/graph/model.hpp"
#include "engine/network/encoding.hpp"
#include "tests/conformance/executors.hpp"

namespace crible::golden {
namespace {

using importers::ImportOptions;
using importers::graph::Constant;
using ::onnx::ModelProto;
using ::onnx::TensorProto;
namespace fs = std::filesystem;

const fs::path folder = "/usr/share/libonnx-testdata/data/node";

/// Operators that move or compare elements: floats may be replaced by integers of the same order.
const std::set<std::string> orderly = {
    "ArgMax",         "ArgMin",   "Concat",       "DepthToSpace", "Equal",
    "Expand",         "Flatten",  "Gather",       "Greater",      "GlobalMaxPool",
    "GreaterOrEqual", "Identity", "Less",         "LessOrEqual",  "Max",
    "MaxPool",        "Min",      "Pad",          "ReduceMax",    "ReduceMin",
    "Reshape",        "Slice",    "SpaceToDepth", "Split",        "Squeeze",
    "Tile",           "TopK",     "Transpose",    "Trilu",        "Unsqueeze",
    "Where"};

/// Operators on integers and truth values, and quantized ones.
const std::set<std::string> integral = {"Add",
                                        "And",
                                        "BitShift",
                                        "Clip",
                                        "ConvInteger",
                                        "DequantizeLinear",
                                        "Div",
                                        "DynamicQuantizeLinear",
                                        "MatMulInteger",
                                        "Mod",
                                        "Mul",
                                        "Not",
                                        "Or",
                                        "QLinearConv",
                                        "QLinearMatMul",
                                        "QuantizeLinear",
                                        "Sub",
                                        "Xor"};

/// Operators all of whose inputs are data; of the others the first is, unless listed in `data_inputs`.
const std::set<std::string> all_data = {
    "Add",         "And", "BitShift", "Concat", "Div", "Equal", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Max", "Min",      "Mod",    "Mul", "Or",    "Sub",     "Where",          "Xor"};
const std::map<std::string, std::set<int>> data_inputs = {
    {"MatMulInteger", {0, 1}}, {"QLinearMatMul", {0, 3}}, {"DepthToSpace", {0}}};

/// The tests that are refused, and a part of the sentence that says why.
struct Refusal {
  const char* test;  // all whose names begin so
  const char* sentence;
};

const std::vector<Refusal> refusals = {
    {"and_bcast4v4d", "disagree on the axis of events"},  // a first extent of 1 means events
    {"or_bcast4v4d", "disagree on the axis of events"},
    {"xor_bcast4v4d", "disagree on the axis of events"},
    {"bitshift_", "crible does not know this operator"},  // the number of places is computed
    {"mod_", "crible does not know this operator"},       // the divisor is computed
    {"div_uint8", "its divisor is computed from the model's input"},
    {"dynamicquantizelinear", "it computes its scale from the data"},
    {"edge_pad", "it pads with copies of its input"},
    {"reflect_pad", "it pads with copies of its input"},
    {"gather_2d_indices", "its indices have more than one axis"},
    {"maxpool_3d_default", "is not [events, channels, length] or [events, channels, height, width]"},
    {"maxpool_with_argmax", "it also gives indices"},
    // Tensors without elements:
    {"reshape_allowzero_reordered", "to [3,4,0], which has another size"},
    {"slice_start_out_of_bounds", "its result has no elements"},
    {"split_zero_size_splits", "its parts do not fit its input"},
    {"tril_zero", "has an open extent besides the events"},
    {"triu_zero", ""},
};

TensorProto tensor_in(const fs::path& path) {
  TensorProto tensor;
  std::ifstream file(path, std::ios::binary);
  if (!tensor.ParseFromIstream(&file)) throw Error(path.string() + " is no tensor");
  return tensor;
}

Constant constant_of(const TensorProto& tensor) {
  ModelProto model;
  model.set_ir_version(7);
  model.add_opset_import()->set_version(13);
  TensorProto* only = model.mutable_graph()->add_initializer();
  *only = tensor;
  only->set_name("only");
  return importers::graph::read_model(model.SerializeAsString(), "tensor").constants.at("only");
}

/// An int32 that is larger for larger floats.
std::int64_t order_of(double value) {
  const auto bits = std::bit_cast<std::int32_t>(value == 0 ? 0.0F : static_cast<float>(value));
  return bits < 0 ? static_cast<std::int32_t>(static_cast<std::uint32_t>(~bits) ^ 0x80000000U) : bits;
}

std::vector<double> numbers(const Constant& constant) {
  if (!constant.has_integers()) return constant.reals;
  return {constant.integers.begin(), constant.integers.end()};
}

/// One test of the package, its tensors ready for the importer.
class OperatorTest {
 public:
  explicit OperatorTest(const std::string& name) : path_(folder / ("test_" + name)) {
    std::ifstream file(path_ / "model.onnx", std::ios::binary);
    if (!model_.ParseFromIstream(&file)) throw Error(path_.string() + " holds no model");
  }

  bool is_wanted() const {
    if (model_.graph().node_size() != 1 || model_.graph().input_size() == 0) return false;
    if (!model_.graph().input(0).type().has_tensor_type()) return false;
    const int element = model_.graph().input(0).type().tensor_type().elem_type();
    if (element == TensorProto::FLOAT16 || element == TensorProto::DOUBLE) return false;
    const std::string& kind = model_.graph().node(0).op_type();
    return orderly.contains(kind) || (integral.contains(kind) && !is_on_floats(kind));
  }

  /// Empty when the network gives the expected outputs, else what differs.
  std::string run() {
    const std::string kind = model_.graph().node(0).op_type();
    const bool ordered = orderly.contains(kind);
    auto& graph = *model_.mutable_graph();
    conformance::Event inputs;
    ImportOptions options;
    for (int i = 0; i < graph.input_size(); ++i) {
      TensorProto tensor = tensor_in(path_ / "test_data_set_0" / ("input_" + std::to_string(i) + ".pb"));
      tensor.set_name(graph.input(i).name());
      if (ordered) in_order(tensor);
      auto& type = *graph.mutable_input(i)->mutable_type()->mutable_tensor_type();
      type.set_elem_type(tensor.data_type());
      const auto chosen = data_inputs.find(kind);
      const bool is_data =
          all_data.contains(kind) || (chosen == data_inputs.end() ? i == 0 : chosen->second.contains(i));
      if (!is_data) {
        *graph.add_initializer() = tensor;
        continue;
      }
      const std::vector<double> values = numbers(constant_of(tensor));
      inputs.emplace_back(values.begin(), values.end());
      const bool narrow = tensor.data_type() != TensorProto::INT64 &&
                          tensor.data_type() != TensorProto::UINT64 &&
                          tensor.data_type() != TensorProto::FLOAT;
      if (!narrow) options.input_types[tensor.name()].type = {true, 32, 0};
    }
    const network::Network network =
        importers::graph::import_onnx(model_.SerializeAsString(), "model", "model", options).network;
    return compare(network, reference::evaluate(network, inputs), ordered);
  }

 private:
  bool is_on_floats(const std::string& kind) const {
    const bool quantizes = kind.find("Linear") != std::string::npos;
    return !quantizes && model_.graph().input(0).type().tensor_type().elem_type() == TensorProto::FLOAT;
  }

  static void in_order(TensorProto& tensor) {
    if (tensor.data_type() != TensorProto::FLOAT) return;
    const Constant constant = constant_of(tensor);
    tensor.clear_raw_data();
    tensor.clear_float_data();
    tensor.set_data_type(TensorProto::INT32);
    for (const double value : numbers(constant))
      tensor.add_int32_data(static_cast<std::int32_t>(order_of(value)));
  }

  std::string compare(const network::Network& network, const std::vector<reference::Tensor>& outputs,
                      bool ordered) const {
    const std::vector<network::NodeId> ids = network::outputs_of(network);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      TensorProto tensor = tensor_in(path_ / "test_data_set_0" / ("output_" + std::to_string(i) + ".pb"));
      if (ordered) in_order(tensor);
      const std::vector<double> expected = numbers(constant_of(tensor));
      const network::Node& node = network.nodes[static_cast<std::size_t>(ids[i])];
      std::vector<double> actual;
      for (const std::int64_t q : outputs[i])
        actual.push_back(network::decode(std::get<network::Output>(node.operation).encoding, q));
      if (actual != expected)
        return "output " + std::to_string(i) + " is " + testing::PrintToString(actual) + ", expected " +
               testing::PrintToString(expected);
    }
    return "";
  }

  fs::path path_;
  ModelProto model_;
};

std::vector<std::string> tests() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string().substr(5);
    if (OperatorTest(name).is_wanted()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(OnnxOperators, AreExactOrRefusedWithAReason) {
  if (!fs::exists(folder)) GTEST_SKIP() << "Debian's libonnx-testdata is not installed";
  std::size_t exact = 0;
  std::set<std::string> met;
  for (const std::string& name : tests()) {
    const auto refusal = std::find_if(refusals.begin(), refusals.end(),
                                      [&](const Refusal& r) { return name.starts_with(r.test); });
    try {
      const std::string difference = OperatorTest(name).run();
      EXPECT_EQ(difference, "") << name;
      EXPECT_TRUE(refusal == refusals.end()) << name << " is listed as refused, but runs";
      ++exact;
    } catch (const Error& error) {
      if (refusal == refusals.end()) {
        ADD_FAILURE() << name << ": " << error.what();
      } else {
        met.insert(refusal->test);
        EXPECT_THAT(error.what(), testing::HasSubstr(refusal->sentence)) << name;
      }
    }
  }
  for (const Refusal& refusal : refusals)
    EXPECT_TRUE(met.contains(refusal.test)) << refusal.test << " is not there";
  RecordProperty("exact", static_cast<int>(exact));
  EXPECT_GE(exact, 100U);
}

}  // namespace
}  // namespace crible::golden
