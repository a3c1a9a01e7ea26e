#include "engine/codegen/renderer.hpp"

/// Operations on elements at equal places of two or three tensors.
namespace crible::codegen {

using namespace network;

/// The element of an input that broadcasting puts at element i of the result.
std::string Renderer::operand(Scope& scope, NodeId id, std::size_t input, bool wide) {
  const Node& node = scope.node(id);
  const Strides strides = broadcast_strides(scope.input(id, input).shape, node.shape);
  return read(scope, node.inputs[input], position(node.shape, strides, "i"), wide);
}

void Renderer::binary(Scope& scope, NodeId id, const char* sign) {
  const bool wide = scope.wide_sum(id) || scope.wide(id);
  const Chain chain = begin(scope, id);
  open_each(element_count(scope.node(id).shape));
  finish(scope, chain, join(operand(scope, id, 0, wide), " ", sign, " ", operand(scope, id, 1, wide)), "i");
  close_each();
}

namespace {

const char* sign_of(Comparison comparison) {
  switch (comparison) {
    case Comparison::less:
      return "<";
    case Comparison::less_equal:
      return "<=";
    case Comparison::greater:
      return ">";
    case Comparison::greater_equal:
      return ">=";
    case Comparison::equal:
      return "==";
    case Comparison::not_equal:
      return "!=";
  }
  return "==";
}

}  // namespace

void Renderer::compare(Scope& scope, NodeId id, const Compare& o) {
  const Chain chain = begin(scope, id);
  open_each(element_count(scope.node(id).shape));
  finish(scope, chain,
         join(operand(scope, id, 0, false), " ", sign_of(o.comparison), " ", operand(scope, id, 1, false)),
         "i");
  close_each();
}

void Renderer::select(Scope& scope, NodeId id) {
  const bool wide = scope.wide(id);
  const Chain chain = begin(scope, id);
  open_each(element_count(scope.node(id).shape));
  finish(scope, chain,
         join(operand(scope, id, 0, false), " == 1 ? ", operand(scope, id, 1, wide), " : ",
              operand(scope, id, 2, wide)),
         "i");
  close_each();
}

}  // namespace crible::codegen
