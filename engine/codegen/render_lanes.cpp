#include "engine/codegen/renderer.hpp"

/// Operations along one axis.
namespace crible::codegen {

using namespace network;

/// By vectors of all events of a block, or one element after the other: the text differs in the type alone.
void Renderer::reduce(Scope& scope, NodeId id, const Reduce& o) {
  const Node& node = scope.node(id);
  const NodeId from = node.inputs[0];
  const Shape& shape = scope.node(from).shape;
  const auto axis = static_cast<std::size_t>(o.axis);
  const std::size_t inner = inner_count(shape, axis);
  const int extent = shape[axis];
  const bool argmax = o.kind == ReduceKind::argmax;
  const bool sums = o.kind == ReduceKind::sum || o.kind == ReduceKind::sum_of_squares;
  const bool wide = sums ? scope.wide_sum(id) : scope.wide(from);
  const bool by_vectors = has_vectors(scope, id) && !wide && !argmax;
  const char* type = by_vectors ? "i32x16" : wide ? "i64" : "i32";
  const Chain chain = begin(scope, id);
  open_places(element_count(node.shape), by_vectors);
  if (inner == 1) {
    code_.line("const i32 start = i * ", extent, ";");
  } else {
    code_.line("const i32 start = i / ", inner, " * ", static_cast<std::size_t>(extent) * inner, " + i % ",
               inner, ";");
  }
  const std::string zero = by_vectors ? "EVERY(0)" : "0";
  code_.line(type, " result = ", sums ? zero : value_at(scope, from, "start", by_vectors, false), ";");
  if (argmax) code_.line("i32 where = 0;");
  code_.open("for (i32 k = ", sums ? 0 : 1, "; k < ", extent, "; ++k)");
  const std::string index = inner == 1 ? "start + k" : join("start + k * ", inner);
  code_.line("const ", type, " x = ", value_at(scope, from, index, by_vectors, false), ";");
  switch (o.kind) {
    case ReduceKind::sum:
      code_.line("result += x;");
      break;
    case ReduceKind::sum_of_squares:
      code_.line("result += x * x;");
      break;
    case ReduceKind::max:
      code_.line("result = ", extreme('>', "x", "result", by_vectors), ";");
      break;
    case ReduceKind::min:
      code_.line("result = ", extreme('<', "x", "result", by_vectors), ";");
      break;
    case ReduceKind::argmax:
      code_.line("where = x > result ? k : where;");
      code_.line("result = ", extreme('>', "x", "result", by_vectors), ";");
      break;
  }
  code_.close();
  finish_place(scope, chain, argmax ? "where" : "result", by_vectors);
  close_places(by_vectors);
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
