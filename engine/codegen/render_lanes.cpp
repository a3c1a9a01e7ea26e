#include "engine/codegen/renderer.hpp"

/// Operations along one axis.
namespace crible::codegen {

using namespace network;

void Renderer::reduce(Scope& scope, NodeId id, const Reduce& o) {
  const bool by_vectors = has_vectors(scope, id) && !scope.wide_sum(id) && o.kind != ReduceKind::argmax;
  if (by_vectors) return reduce_block(scope, id, o);
  const Node& node = scope.node(id);
  const NodeId x = node.inputs[0];
  const Shape& from = scope.node(x).shape;
  const auto axis = static_cast<std::size_t>(o.axis);
  const std::size_t inner = inner_count(from, axis);
  const int extent = from[axis];
  const bool sums = o.kind == ReduceKind::sum || o.kind == ReduceKind::sum_of_squares;
  const bool wide = sums ? scope.wide_sum(id) : scope.wide(x);
  const Chain chain = begin(scope, id);
  open_each(element_count(node.shape));
  if (inner == 1) {
    code_.line("const i32 start = i * ", extent, ";");
  } else {
    code_.line("const i32 start = i / ", inner, " * ", static_cast<std::size_t>(extent) * inner, " + i % ",
               inner, ";");
  }
  const char* type = wide ? "i64" : "i32";
  const bool argmax = o.kind == ReduceKind::argmax;
  code_.line(type, " result = ", sums ? "0" : read(scope, x, "start"), ";");
  if (argmax) code_.line("i32 where = 0;");
  code_.open("for (i32 k = ", sums ? 0 : 1, "; k < ", extent, "; ++k)");
  code_.line("const ", type, " x = ", read(scope, x, inner == 1 ? "start + k" : join("start + k * ", inner)),
             ";");
  switch (o.kind) {
    case ReduceKind::sum:
      code_.line("result += x;");
      break;
    case ReduceKind::sum_of_squares:
      code_.line("result += x * x;");
      break;
    case ReduceKind::max:
      code_.line("result = x > result ? x : result;");
      break;
    case ReduceKind::min:
      code_.line("result = x < result ? x : result;");
      break;
    case ReduceKind::argmax:
      code_.line("where = x > result ? k : where;");
      code_.line("result = x > result ? x : result;");
      break;
  }
  code_.close();
  finish(scope, chain, argmax ? "where" : "result", "i");
  close_each();
}

/// Each element finds its rank: how many go before it. Equal keys keep their order.
void Renderer::sort(Scope& scope, NodeId id, const Sort& o) {
  const Node& node = scope.node(id);
  const auto axis = static_cast<std::size_t>(o.axis);
  const NodeId x = node.inputs[0];
  const NodeId key = node.inputs.back();
  Strides strides = broadcast_strides(scope.node(key).shape, node.shape);
  const std::ptrdiff_t step = strides[axis];
  strides[axis] = 0;
  const std::size_t inner = inner_count(node.shape, axis);
  const char* type = scope.wide(key) ? "i64" : "i32";
  const Chain chain = begin(scope, id);
  open_each(element_count(node.shape));
  code_.line("const i32 place = ", axis_index(node.shape, axis, "i"), ";");
  code_.line("const i32 lane_start = ", position(node.shape, strides, "i"), ";");
  const auto key_at = [&](const char* at) {
    return read(scope, key, join("lane_start + ", at, step == 1 ? std::string() : join(" * ", step)));
  };
  code_.line("const ", type, " key = ", key_at("place"), ";");
  code_.line("i32 rank = 0;");
  code_.open("for (i32 k = 0; k < ", node.shape[axis], "; ++k)");
  code_.line("const ", type, " other = ", key_at("k"), ";");
  code_.line("rank += other ", o.descending ? ">" : "<", " key || (other == key && k < place);");
  code_.close();
  code_.line("const i32 j = i + (rank - place)", inner == 1 ? std::string() : join(" * ", inner), ";");
  switch (o.result) {
    case SortResult::values:
      finish(scope, chain, read(scope, x, "i"), "j");
      break;
    case SortResult::indices:
      finish(scope, chain, "place", "j");
      break;
  }
  close_each();
}

}  // namespace crible::codegen
