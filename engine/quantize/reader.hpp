#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/importers/graph/model.hpp"
#include "engine/quantize/program.hpp"

/// How read.cpp and the files of operators beside it work together.
namespace crible::quantize {

using importers::Extents;

/// A tensor of the model while it is read: the result of a step, or a constant.
struct Tensor {
  Extents shape;   // as the model has it, the axis of events with extent 1
  int batch = -1;  // which axis counts events; -1 for constants
  StepId step = -1;
  std::vector<double> values;  // of a constant
  std::string dropped;         // "Softmax": a final function that was left out; the tensor is its argument

  bool is_constant() const { return step < 0; }
  std::size_t rank() const { return shape.size(); }
};

Tensor constant_tensor(Extents shape, std::vector<double> values);

/// Without the axis of events.
network::Shape event_shape(const Tensor& tensor);

/// Where `axis` of the model's tensor (negative: from the end) is in one event's. Throws Error for the axis
/// of events and outside the tensor.
int event_axis(const Tensor& tensor, std::int64_t axis);

/// `axis` counted from the front. Throws Error outside `rank`.
std::size_t axis_in(std::int64_t axis, std::size_t rank);

/// Whole numbers of a constant; those beyond 2^53 become +-2^53.
std::vector<std::int64_t> whole_numbers(const Tensor& constant);

/// The program under construction, and the tensors that are known by name.
class Reader {
 public:
  Reader(const importers::graph::Model& model, std::string source);

  Program run();

  const Tensor& tensor(const std::string& name) const;
  const Step& step(StepId id) const { return program_.step(id); }
  std::int64_t opset() const { return model_.opset; }

  StepId add(const std::string& name, Operation operation, std::vector<StepId> inputs, network::Shape shape);
  /// A step that does the work of `id` as well, which may then be left over.
  StepId replace(StepId id, const std::string& name, Operation operation);

  void set(const std::string& name, Tensor tensor);
  void note(const std::string& sentence);

 private:
  void declare_inputs();
  void translate(const importers::graph::Operator& op);
  void make_outputs();
  void remove_unused();

  const importers::graph::Model& model_;
  Program program_;
  std::map<std::string, Tensor> tensors_;
};

/// One operator of the model with what it reads and writes.
class Node {
 public:
  Node(Reader& reader, const importers::graph::Operator& op) : reader_(reader), op_(op) {}

  const importers::graph::Operator& op() const { return op_; }
  Reader& reader() const { return reader_; }

  bool has(std::size_t index) const { return op_.has_input(index); }
  const Tensor& in(std::size_t index) const;
  /// An input that must be a constant, or must not; `what` names it ("weight").
  const Tensor& constant(std::size_t index, const char* what) const;
  const Tensor& computed(std::size_t index, const char* what) const;

  void out(Tensor tensor, std::size_t index = 0) const;
  bool has_output(std::size_t index) const {
    return index < op_.outputs.size() && !op_.outputs[index].empty();
  }

  /// Writes the result of a new step; the tensor has `shape` and counts events at `batch`.
  void out_step(Operation operation, const std::vector<const Tensor*>& inputs, Extents shape, int batch,
                std::size_t index = 0) const;

 private:
  Reader& reader_;
  const importers::graph::Operator& op_;
};

struct NodeEntry {
  std::string_view kind;
  void (*handler)(const Node&);
  bool after_final = false;  // may follow a final softmax or sigmoid
};

// Each file of operators gives its table.
std::vector<NodeEntry> linear_nodes();
std::vector<NodeEntry> elementwise_nodes();
std::vector<NodeEntry> layout_nodes();
std::vector<NodeEntry> pool_nodes();
std::vector<NodeEntry> recurrent_nodes();

/// The window of a convolution or pool over the spatial axes of x, from the attributes strides, dilations,
/// pads and auto_pad. Writes the spatial extents of the result to `shape`.
network::Window read_window(const Node& node, const Tensor& x, const Extents& kernel, bool round_up,
                            Extents& shape);

/// Works out an operator whose inputs are all constants, or whose result is a shape. False when it is not
/// one of those.
bool fold_constants(const Node& node);

/// Applies factor * x + shift, given for every element of one event: folded into the dense layer,
/// convolution or affine step that makes x where that is possible.
StepId apply_affine(Reader& reader, const std::string& name, StepId x, std::vector<double> factor,
                    std::vector<double> shift);

}  // namespace crible::quantize
