#include "engine/codegen/renderer.hpp"

/// Operations that move elements.
namespace crible::codegen {

using namespace network;

void Renderer::concat(Scope& scope, NodeId id, const Concat& o) {
  const Node& node = scope.node(id);
  const auto axis = static_cast<std::size_t>(o.axis);
  const Strides strides = c_strides(node.shape);
  const Chain chain = begin(scope, id);
  std::ptrdiff_t start = 0;
  for (const NodeId part : node.inputs) {
    const Shape& shape = scope.node(part).shape;
    open_each(element_count(shape));
    code_.line("const i32 j = ", position(shape, strides, "i", start), ";");
    finish(scope, chain, read(scope, part, "i"), "j");
    close_events();
    code_.close();
    start += strides[axis] * shape[axis];
  }
  end_step();
}

/// The same array under another name: elements keep their order.
void Renderer::reshape(Scope& scope, NodeId id) {
  const std::vector<NodeId>& readers = scope.consumers[static_cast<std::size_t>(id)];
  for (const NodeId reader : readers) {
    if (std::holds_alternative<Output>(scope.node(reader).operation)) return copy(scope, id);
  }
  scope.place(id) = scope.place(scope.node(id).inputs[0]);
}

void Renderer::transpose(Scope& scope, NodeId id, const Transpose& o) {
  const Node& node = scope.node(id);
  const Strides from = c_strides(scope.input(id, 0).shape);
  Strides strides;
  for (const int axis : o.permutation) strides.push_back(from[static_cast<std::size_t>(axis)]);
  each(scope, id, read(scope, node.inputs[0], position(node.shape, strides, "i")));
}

void Renderer::slice(Scope& scope, NodeId id, const Slice& o) {
  const Node& node = scope.node(id);
  Strides strides = c_strides(scope.input(id, 0).shape);
  std::ptrdiff_t start = 0;
  for (std::size_t axis = 0; axis < strides.size(); ++axis) {
    start += o.start[axis] * strides[axis];
    strides[axis] *= o.step[axis];
  }
  each(scope, id, read(scope, node.inputs[0], position(node.shape, strides, "i", start)));
}

void Renderer::pad(Scope& scope, NodeId id, const Pad& o) {
  const Node& node = scope.node(id);
  const Shape& from = scope.input(id, 0).shape;
  const Strides strides = c_strides(from);
  const bool wide = scope.wide(id);
  const Chain chain = begin(scope, id);
  open_each(element_count(node.shape));
  std::string inside;
  std::ptrdiff_t start = 0;
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    start -= o.before[axis] * strides[axis];
    if (o.before[axis] + o.after[axis] == 0) continue;
    const std::string own = join("p", axis);
    code_.line("const i32 ", own, " = ", axis_index(node.shape, axis, "i"), ";");
    inside += join(inside.empty() ? "" : " && ", own, " >= ", o.before[axis], " && ", own, " < ",
                   o.before[axis] + from[axis]);
  }
  const std::string value = read(scope, node.inputs[0], position(node.shape, strides, "i", start), wide);
  finish(scope, chain, inside.empty() ? value : join(inside, " ? ", value, " : ", literal(o.value, wide)),
         "i");
  close_each();
}

void Renderer::resize(Scope& scope, NodeId id, const Resize& o) {
  const Node& node = scope.node(id);
  const Strides strides = c_strides(scope.input(id, 0).shape);
  std::string from;
  for (std::size_t axis = 0; axis < node.shape.size(); ++axis) {
    if (node.shape[axis] == 1) continue;
    if (!from.empty()) from += " + ";
    const std::string own = axis_index(node.shape, axis, "i");
    const std::string source = o.factor[axis] == 1 ? own : join(own, " / ", o.factor[axis]);
    from += strides[axis] == 1 ? source : join(source, " * ", strides[axis]);
  }
  each(scope, id, read(scope, node.inputs[0], from.empty() ? "0" : from));
}

}  // namespace crible::codegen
