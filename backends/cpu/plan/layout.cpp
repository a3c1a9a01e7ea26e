#include "backends/cpu/plan/planner.hpp"
#include "backends/cpu/plan/shapes.hpp"

// Reshape, transpose, slice, pad, resize and concat: new lists of the same elements.
namespace crible::backends::cpu {

using network::Node;
using network::Shape;

Tensor Planner::rearranged(const Context& context, int id) {
  using namespace network;
  const Node& node = context.network.nodes[static_cast<std::size_t>(id)];
  const Tensor& in = context.tensors[static_cast<std::size_t>(node.inputs[0])];
  const Shape& in_shape = context.network.nodes[static_cast<std::size_t>(node.inputs[0])].shape;
  if (std::holds_alternative<Reshape>(node.operation)) return in;

  if (const auto* concat = std::get_if<Concat>(&node.operation)) {
    Tensor out(element_count(node.shape));
    int start = 0;
    for (NodeId input : node.inputs) {
      const Tensor& part = context.tensors[static_cast<std::size_t>(input)];
      const Shape& shape = context.network.nodes[static_cast<std::size_t>(input)].shape;
      Position position(shape);
      for (std::size_t i = 0; i < part.size(); ++i, position.advance()) {
        Shape to = position.at();
        to[static_cast<std::size_t>(concat->axis)] += start;
        out[flat_index(to, node.shape)] = part[i];
      }
      start += shape[static_cast<std::size_t>(concat->axis)];
    }
    return out;
  }

  Tensor out;
  Position position(node.shape);
  const std::size_t count = element_count(node.shape);
  for (std::size_t i = 0; i < count; ++i, position.advance()) {
    Shape from = position.at();
    bool inside = true;
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
      const int at = position.at()[axis];
      if (const auto* transpose = std::get_if<Transpose>(&node.operation)) {
        from[static_cast<std::size_t>(transpose->permutation[axis])] = at;
      } else if (const auto* slice = std::get_if<Slice>(&node.operation)) {
        from[axis] = slice->start[axis] + at * slice->step[axis];
      } else if (const auto* resize = std::get_if<Resize>(&node.operation)) {
        from[axis] = at / resize->factor[axis];
      } else if (const auto* pad = std::get_if<Pad>(&node.operation)) {
        from[axis] = at - pad->before[axis];
        inside = inside && from[axis] >= 0 && from[axis] < in_shape[axis];
      }
    }
    out.push_back(inside ? in[flat_index(from, in_shape)] : constant(std::get<Pad>(node.operation).value));
  }
  return out;
}

}  // namespace crible::backends::cpu
