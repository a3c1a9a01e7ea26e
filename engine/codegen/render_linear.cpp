#include <algorithm>

#include "engine/codegen/renderer.hpp"

/// Dense, conv and pool.
namespace crible::codegen {

using namespace network;

namespace {

/// Weights as rows of words: rows padded with zeros to `row_bytes`, and zero rows up to a multiple of `rows`.
std::vector<std::int64_t> packed(const Dense& o, std::size_t row_bytes, std::size_t rows) {
  const auto inputs = static_cast<std::size_t>(o.inputs);
  const auto outputs = (static_cast<std::size_t>(o.outputs) + rows - 1) / rows * rows;
  std::vector<std::uint32_t> words(outputs * row_bytes / 4, 0);
  for (std::size_t i = 0; i < o.weights.size(); ++i) {
    const std::size_t byte = i / inputs * row_bytes + i % inputs;
    words[byte / 4] |= (static_cast<std::uint32_t>(o.weights[i]) & 0xffu) << (8 * (byte % 4));
  }
  std::vector<std::int64_t> numbers;
  for (const std::uint32_t word : words) numbers.push_back(static_cast<std::int32_t>(word));
  return numbers;
}

std::size_t rounded_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

/// Whether the inputs and weights are bytes, and rows begin at words.
bool Renderer::packable(Scope& scope, NodeId id, const Dense& o) {
  constexpr int word = 4;
  const Place& x = scope.place(scope.node(id).inputs[0]);
  if (bytes(x.element) != 1 || x.block < 0 || scope.wide_sum(id)) return false;
  const bool one_row = static_cast<int>(element_count(scope.node(id).shape)) == o.outputs;
  if (!one_row && o.inputs % word != 0) return false;
  if (std::ranges::any_of(x.base, [](const auto& term) { return term.second % word != 0; })) return false;
  return std::ranges::all_of(o.weights, [](std::int64_t weight) { return weight >= -128 && weight <= 127; });
}

void Renderer::dense(Scope& scope, NodeId id, const Dense& o) {
  const bool vectors = has_vectors(scope, id) || by_outputs(scope, id, o.outputs, 1);
  if (vectors && !scope.wide_sum(id)) return dense_vectors(scope, id, o);
  constexpr int tile_events = 16;
  const bool bytes_only = packable(scope, id, o);
  const bool one_row = static_cast<int>(element_count(scope.node(id).shape)) == o.outputs;
  const bool from_start = scope.place(scope.node(id).inputs[0]).base.empty();
  if (bytes_only && one_row && from_start && many_events() && options_.events % tile_events == 0) {
    dense_tiles(scope, id, o);
  } else if (bytes_only && options_.packed_dots && !is_block()) {
    dense_packed(scope, id, o);
  } else {
    dense_rows(scope, id, o);
  }
}

void Renderer::dense_rows(Scope& scope, NodeId id, const Dense& o) {
  const Node& node = scope.node(id);
  const NodeId x = node.inputs[0];
  const std::string stem = "c_" + scope.name(id);
  const std::string weights = table(stem + "_weights", o.weights);
  const std::string bias = table(stem + "_bias", o.bias);
  const bool one_row = static_cast<int>(element_count(node.shape)) == o.outputs;
  const bool wide = scope.wide_sum(id);
  const char* type = wide ? "(i64)" : "";
  const Chain chain = begin(scope, id);
  open_each(element_count(node.shape));
  const std::string output = one_row ? "i" : join("i % ", o.outputs);
  const std::string row = one_row ? "" : join("i / ", o.outputs, " * ", o.inputs, " + ");
  code_.line(wide ? "i64" : "i32", " sum = ", bias, "[", output, "];");
  code_.open("for (i32 k = 0; k < ", o.inputs, "; ++k)");
  code_.line("sum += ", type, weights, "[", one_row ? output : join("(", output, ")"), " * ", o.inputs,
             " + k] * ", type, read(scope, x, row + "k"), ";");
  code_.close();
  finish(scope, chain, "sum", "i");
  close_each();
}

void Renderer::dense_packed(Scope& scope, NodeId id, const Dense& o) {
  uses_dots_ = true;
  const Node& node = scope.node(id);
  const Place& x = scope.place(node.inputs[0]);
  const std::string stem = "c_" + scope.name(id);
  const std::size_t row_bytes = rounded_up(static_cast<std::size_t>(o.inputs), 4);
  const std::size_t words = row_bytes / 4;
  const std::string weights = table(stem + "_weights", Element::i32, packed(o, row_bytes, 1));
  const std::string bias = table(stem + "_bias", o.bias);
  const bool one_row = static_cast<int>(element_count(node.shape)) == o.outputs;
  const char* dot = x.element == Element::i8 ? "dot4_s" : "dot4_u";
  const char* space = !is_group() ? "" : scratch_ ? dialect_.global : dialect_.shared;
  const Chain chain = begin(scope, id);
  open_each(element_count(node.shape));
  const std::string output = one_row ? "i" : join("(i % ", o.outputs, ")");
  const std::string row = one_row ? "0" : join("i / ", o.outputs, " * ", o.inputs);
  code_.line(space, "const i32* words = (", space, "const i32*)&", at(x, row), ";");
  code_.line("i32 sum = ", bias, "[", output, "];");
  code_.open("for (i32 k = 0; k < ", words, "; ++k)");
  code_.line("sum = ", dot, "(words[k], ", weights, "[", output, " * ", words, " + k], sum);");
  code_.close();
  finish(scope, chain, "sum", "i");
  close_each();
}

void Renderer::dense_tiles(Scope& scope, NodeId id, const Dense& o) {
  uses_tiles_ = true;
  constexpr std::size_t tile_depth = 32;
  constexpr int tile_outputs = 8;
  const Node& node = scope.node(id);
  const Place& x = scope.place(node.inputs[0]);
  const std::string stem = "c_" + scope.name(id);
  const std::size_t row_bytes = rounded_up(static_cast<std::size_t>(o.inputs), tile_depth);
  const std::string weights = table(stem + "_weights", Element::i32, packed(o, row_bytes, tile_outputs));
  const std::string bias = table(stem + "_bias", o.bias);
  const int columns = (o.outputs + tile_outputs - 1) / tile_outputs;
  const char* space = scratch_ ? dialect_.global : dialect_.shared;
  const Chain chain = begin(scope, id);
  at(x, "0");  // alive in this step
  code_.open("for (i32 tile = lane / WARP; tile < ", columns * (options_.events / 16),
             "; tile += lanes / WARP)");
  code_.line("const i32 top = tile / ", columns, " * 16;");
  code_.line("const i32 left = tile % ", columns, " * ", tile_outputs, ";");
  code_.line("i32 sums[TILE_SUMS];");
  code_.line(x.element == Element::i8 ? "tile_s" : "tile_u", "(sums, (", space, "const i32*)(", x.array,
             " + top * ", x.stride, "), ", x.stride / 4, ", ", weights, " + left * ", row_bytes / 4, ", ",
             row_bytes / 4, ", lane % WARP);");
  code_.open("for (i32 r = 0; r < TILE_SUMS; ++r)");
  code_.line("const i32 e = top + tile_event(lane % WARP, r);");
  code_.line("const i32 i = left + tile_output(lane % WARP, r);");
  code_.open("if (e < count && i < ", o.outputs, ")");
  code_.line("const i32 sum = sums[r] + ", bias, "[i];");
  finish(scope, chain, "sum", "i");
  code_.close();
  code_.close();
  close_each();
}

/// Opens the loops over the taps of a window at [row, column] and leaves `r` and `q`, a place of the input.
void Renderer::window_loops(const Window& window, bool rows) {
  const std::size_t last = window.kernel.size() - 1;
  const auto step = [](int dilation) { return dilation == 1 ? std::string() : join(" * ", dilation); };
  if (rows) {
    code_.open("for (i32 a = 0; a < ", window.kernel[0], "; ++a)");
    code_.line("const i32 r = row + a", step(window.dilation[0]), ";");
  }
  code_.open("for (i32 b = 0; b < ", window.kernel[last], "; ++b)");
  code_.line("const i32 q = column + b", step(window.dilation[last]), ";");
}

WindowText::WindowText(const Window& window, const Shape& from, const Shape& to) : rows(from.size() == 3) {
  const std::size_t last = window.kernel.size() - 1;
  const auto start = [](const std::string& output, int stride, int pad) {
    return join(output, stride == 1 ? std::string() : join(" * ", stride),
                pad == 0 ? std::string() : join(" - ", pad));
  };
  if (rows) row = start(axis_index(to, 1, "i"), window.stride[0], window.pad_before[0]);
  column = start(axis_index(to, to.size() - 1, "i"), window.stride[last], window.pad_before[last]);
  const auto padded = [&](std::size_t axis) { return window.pad_before[axis] + window.pad_after[axis] > 0; };
  if (rows && padded(0)) inside = join("r >= 0 && r < ", from[1]);
  if (padded(last)) inside += join(inside.empty() ? "" : " && ", "q >= 0 && q < ", from.back());
  tap = rows ? join("r * ", from.back(), " + q") : "q";
  size = rows ? from[1] * from[2] : from[1];
}

void Renderer::conv(Scope& scope, NodeId id, const Conv& o) {
  const bool vectors = has_vectors(scope, id) || by_outputs(scope, id, o.filters, o.groups);
  if (vectors && !scope.wide_sum(id)) return conv_vectors(scope, id, o);
  const Node& node = scope.node(id);
  const NodeId x = node.inputs[0];
  const Shape& from = scope.node(x).shape;
  const WindowText window(o.window, from, node.shape);
  const std::string stem = "c_" + scope.name(id);
  const std::string weights = table(stem + "_weights", o.weights);
  const std::string bias = table(stem + "_bias", o.bias);
  const int channels = from[0] / o.groups;
  const int filters = o.filters / o.groups;
  const bool wide = scope.wide_sum(id);
  const char* type = wide ? "(i64)" : "";
  const Chain chain = begin(scope, id);
  open_each(element_count(node.shape));
  code_.line("const i32 filter = ", axis_index(node.shape, 0, "i"), ";");
  if (o.groups > 1) code_.line("const i32 channel = filter / ", filters, " * ", channels, ";");
  if (window.rows) code_.line("const i32 row = ", window.row, ";");
  code_.line("const i32 column = ", window.column, ";");
  code_.line(wide ? "i64" : "i32", " sum = ", bias, "[filter];");
  code_.line("i32 w = filter * ", o.weights.size() / static_cast<std::size_t>(o.filters), ";");
  code_.open("for (i32 c = 0; c < ", channels, "; ++c)");
  window_loops(o.window, window.rows);
  const std::string channel = o.groups > 1 ? "(channel + c)" : "c";
  const std::string element = read(scope, x, join(channel, " * ", window.size, " + ", window.tap), wide);
  const std::string value = window.inside.empty() ? element
                                                  : join("(", window.inside, " ? ", element, " : ",
                                                         literal(o.pad_value, wide), ")");
  code_.line("sum += ", type, weights, "[w++] * ", value, ";");
  for (int loop = window.rows ? 3 : 2; loop > 0; --loop) code_.close();
  finish(scope, chain, "sum", "i");
  close_each();
}

/// Taps in the padding are left out. By vectors of all events of a block, or one element after the other.
void Renderer::pool(Scope& scope, NodeId id, const Pool& o) {
  const Node& node = scope.node(id);
  const NodeId x = node.inputs[0];
  const WindowText window(o.window, scope.node(x).shape, node.shape);
  const bool wide = o.kind == PoolKind::sum ? scope.wide_sum(id) : scope.wide(x);
  const bool by_vectors = has_vectors(scope, id) && !wide;
  const Chain chain = begin(scope, id);
  open_places(element_count(node.shape), by_vectors);
  code_.line("const i32 c = ", axis_index(node.shape, 0, "i"), ";");
  if (window.rows) code_.line("const i32 row = ", window.row, ";");
  code_.line("const i32 column = ", window.column, ";");
  const std::string start = literal(o.kind == PoolKind::sum ? 0 : scope.range(x).low, wide);
  if (by_vectors) {
    code_.line("i32x16 result = EVERY(", start, ");");
  } else {
    code_.line(wide ? "i64" : "i32", " result = ", start, ";");
  }
  window_loops(o.window, window.rows);
  if (!window.inside.empty()) code_.open("if (", window.inside, ")");
  const std::string value =
      value_at(scope, x, join("c * ", window.size, " + ", window.tap), by_vectors, wide);
  switch (o.kind) {
    case PoolKind::sum:
      code_.line("result += ", value, ";");
      break;
    case PoolKind::max:
      code_.line("result = ", extreme('>', value, "result", by_vectors), ";");
      break;
  }
  if (!window.inside.empty()) code_.close();
  for (int loop = window.rows ? 2 : 1; loop > 0; --loop) code_.close();
  finish_place(scope, chain, "result", by_vectors);
  close_places(by_vectors);
}

}  // namespace crible::codegen
