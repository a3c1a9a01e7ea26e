#include <algorithm>

#include "backends/cpu/plan/planner.hpp"
#include "backends/cpu/plan/shapes.hpp"

// Dense and convolution as products of one weight matrix with many pixels, and the choice of the form in
// which their input travels: bytes where the proven range of inputs and weights allows, else int16, else
// int32. Sums are taken modulo 2^32, which is exact because the proven range of the result fits 32 bits.
namespace crible::backends::cpu {

using network::Interval;
using network::Node;
using network::Shape;

void Planner::plan_dense(Context& context, int id, const network::Dense& dense) {
  const Node& node = context.network.nodes[static_cast<std::size_t>(id)];
  const Tensor& in = context.tensors[static_cast<std::size_t>(node.inputs[0])];
  Matrix matrix;
  matrix.outputs = static_cast<std::uint32_t>(dense.outputs);
  matrix.depth = static_cast<std::uint32_t>(dense.inputs);
  matrix.weights = dense.weights;
  matrix.bias = dense.bias;
  matrix.run = matrix.depth;
  for (std::size_t first = 0; first < in.size(); first += matrix.depth) {
    const auto begin = in.begin() + static_cast<std::ptrdiff_t>(first);
    matrix.pixels.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(matrix.depth));
  }
  for (std::uint32_t i = 0; i < matrix.pixels.size() * matrix.outputs; ++i) matrix.result.push_back(i);
  std::vector<Matrix> matrices;
  matrices.push_back(std::move(matrix));
  plan_products(context, id, std::move(matrices));
}

namespace {

/// How many groups of a convolution are planned together: as many as fill a block of outputs. The weights
/// between them are zero, which costs less than channels that cannot travel side by side.
int groups_together(const network::Conv& conv) {
  constexpr int least_outputs = 4;
  const int filters = conv.filters / conv.groups;
  for (int together = 1; together <= conv.groups; ++together) {
    if (conv.groups % together == 0 && together * filters >= least_outputs) return together;
  }
  return 1;
}

}  // namespace

void Planner::plan_conv(Context& context, int id, const network::Conv& conv) {
  const Node& node = context.network.nodes[static_cast<std::size_t>(id)];
  const Tensor& in = context.tensors[static_cast<std::size_t>(node.inputs[0])];
  const Shape& in_shape = context.network.nodes[static_cast<std::size_t>(node.inputs[0])].shape;
  const network::Window& window = conv.window;
  const std::size_t taps = network::element_count(window.kernel);
  const std::size_t pixels = network::element_count(node.shape) / static_cast<std::size_t>(node.shape[0]);
  const std::size_t in_pixels = in.size() / static_cast<std::size_t>(in_shape[0]);
  const auto together = static_cast<std::size_t>(groups_together(conv));
  const std::size_t groups = static_cast<std::size_t>(conv.groups) / together;
  const std::size_t channels = static_cast<std::size_t>(in_shape[0]) / groups;
  const std::size_t filters = static_cast<std::size_t>(conv.filters) / groups;
  const std::size_t own_channels = channels / together;
  const std::size_t own_filters = filters / together;
  const Shape in_extent(in_shape.begin() + 1, in_shape.end());
  const Shape out_extent(node.shape.begin() + 1, node.shape.end());

  std::vector<Matrix> matrices;
  for (std::size_t group = 0; group < groups; ++group) {
    Matrix matrix;
    matrix.outputs = static_cast<std::uint32_t>(filters);
    matrix.depth = static_cast<std::uint32_t>(taps * channels);
    matrix.pad_value = conv.pad_value;
    // Few channels: the taps of a kernel row lie side by side, and pixels share their lanes.
    matrix.run = static_cast<std::uint32_t>(
        channels < 3 ? channels * static_cast<std::size_t>(window.kernel.back()) : channels);
    for (std::size_t f = 0; f < filters; ++f) {
      const std::size_t filter = group * filters + f;
      matrix.bias.push_back(conv.bias[filter]);
      for (std::size_t tap = 0; tap < taps; ++tap) {
        for (std::size_t c = 0; c < channels; ++c) {
          const bool own = c / own_channels == f / own_filters;
          matrix.weights.push_back(own ? conv.weights[(filter * own_channels + c % own_channels) * taps + tap]
                                       : 0);
        }
      }
    }
    Position at(out_extent);
    for (std::size_t pixel = 0; pixel < pixels; ++pixel, at.advance()) {
      Tensor elements;
      Position tap(window.kernel);
      for (std::size_t t = 0; t < taps; ++t, tap.advance()) {
        Shape from(in_extent.size());
        bool inside = true;
        for (std::size_t axis = 0; axis < from.size(); ++axis) {
          from[axis] = at.at()[axis] * window.stride[axis] + tap.at()[axis] * window.dilation[axis] -
                       window.pad_before[axis];
          inside = inside && from[axis] >= 0 && from[axis] < in_extent[axis];
        }
        for (std::size_t c = 0; c < channels; ++c) {
          const std::size_t channel = group * channels + c;
          elements.push_back(inside ? in[channel * in_pixels + flat_index(from, in_extent)] : no_element);
        }
      }
      matrix.pixels.push_back(std::move(elements));
      for (std::size_t f = 0; f < filters; ++f) {
        matrix.result.push_back(static_cast<std::uint32_t>((group * filters + f) * pixels + pixel));
      }
    }
    matrices.push_back(std::move(matrix));
  }
  plan_products(context, id, std::move(matrices));
}

bool Planner::choose_form(const Matrix& matrix, Form& form) const {
  Interval in{matrix.pad_value, matrix.pad_value};
  bool first = true;
  bool padded = false;
  for (const Tensor& pixel : matrix.pixels) {
    for (const Element& e : pixel) {
      if (e.base < 0) {
        padded = true;
        continue;
      }
      const Base& base = bases_[static_cast<std::size_t>(e.base)];
      if (base.is_64) return false;
      in = first ? base.range[e.index] : hull_of(in, base.range[e.index]);
      first = false;
    }
  }
  if (padded) in = hull_of(in, {matrix.pad_value, matrix.pad_value});
  const auto [low, high] = std::minmax_element(matrix.weights.begin(), matrix.weights.end());
  const Interval weights{*low, *high};
  for (Form candidate : {Form::bytes, Form::shorts, Form::wide}) {
    const std::int64_t limit = candidate == Form::bytes ? 128 : candidate == Form::shorts ? 32768 : 1ll << 31;
    if (fits(in, candidate) && weights.low >= -limit && weights.high < limit) {
      form = candidate;
      return true;
    }
  }
  return false;
}

/// Reads lanes that an earlier product has left, where every pixel finds its elements in the same parts.
bool Planner::lanes_of_producer(const Matrix& matrix, Form form, Lanes& lanes) {
  const auto parts = static_cast<std::size_t>(parts_of(form));
  const Tensor* reference = nullptr;
  for (const Tensor& pixel : matrix.pixels) {
    bool whole_pixel = true;
    for (const Element& e : pixel) {
      whole_pixel = whole_pixel && e.base >= 0;
      if (e.base >= 0 && bases_[static_cast<std::size_t>(e.base)].packed != form) return false;
    }
    if (whole_pixel && reference == nullptr) reference = &pixel;
  }
  if (reference == nullptr) return false;

  lanes.form = form;
  const auto row_of = [&](const Element& e) {
    return bases_[static_cast<std::size_t>(e.base)].lane[e.index];
  };
  std::map<Row, std::size_t> known;  // lanes in the order of the rows, so that a single layer's count up
  for (const Element& e : *reference) known.try_emplace(row_of(e), 0);
  for (auto& [row, lane] : known) lane = lanes.depth++;
  lanes.element.assign(lanes.depth * parts, -1);
  lanes.offset.assign(lanes.depth * parts, 0);
  for (std::size_t i = 0; i < matrix.depth; ++i) {
    const Element& e = (*reference)[i];
    const Base& base = bases_[static_cast<std::size_t>(e.base)];
    const std::size_t slot = known[row_of(e)] * parts + base.part[e.index];
    if (lanes.element[slot] >= 0) return false;  // the same element twice
    lanes.element[slot] = static_cast<int>(i);
    lanes.offset[slot] = base.offset;
  }
  for (const Tensor& pixel : matrix.pixels) {
    if (!match_pixel(matrix, pixel, lanes, lanes.rows)) return false;
  }
  return true;
}

bool Planner::match_pixel(const Matrix& matrix, const Tensor& pixel, const Lanes& lanes,
                          std::vector<Row>& rows) {
  const auto parts = static_cast<std::size_t>(parts_of(lanes.form));
  for (std::uint32_t lane = 0; lane < lanes.depth; ++lane) {
    Row row = no_row;
    bool padding = false;
    std::int64_t offset = 0;
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t slot = lane * parts + part;
      if (lanes.element[slot] < 0) continue;
      const Element e = pixel[static_cast<std::size_t>(lanes.element[slot])];
      offset = lanes.offset[slot];
      if (e.base < 0) {
        padding = true;
        continue;
      }
      const Base& base = bases_[static_cast<std::size_t>(e.base)];
      if (base.part[e.index] != part || base.offset != offset) return false;
      if (row != no_row && row != base.lane[e.index]) return false;
      row = base.lane[e.index];
    }
    if (padding) {
      const std::int64_t stored = matrix.pad_value - offset;
      if (row != no_row || stored < 0 || stored > 255 || lanes.form != Form::bytes) return false;
      row = constant_row(static_cast<std::int32_t>(static_cast<std::uint32_t>(stored) * 0x01010101u), false);
    }
    rows.push_back(row);
  }
  return true;
}

/// Lanes without rows: `run` elements side by side, straight from the input or from wide rows.
Planner::Lanes Planner::lanes_to_pack(const Matrix& matrix, Form form) const {
  const auto parts = static_cast<std::uint32_t>(parts_of(form));
  Lanes lanes;
  lanes.form = form;
  for (std::uint32_t start = 0; start < matrix.depth; start += matrix.run) {
    for (std::uint32_t i = 0; i < matrix.run; i += parts) {
      for (std::uint32_t part = 0; part < parts; ++part) {
        lanes.element.push_back(i + part < matrix.run ? static_cast<int>(start + i + part) : -1);
      }
      ++lanes.depth;
    }
  }
  lanes.offset.assign(lanes.element.size(), 0);
  if (form == Form::wide) return lanes;
  Interval in{matrix.pad_value, matrix.pad_value};
  bool first = true;
  const Base* input = nullptr;
  bool padded = false;
  for (const Tensor& pixel : matrix.pixels) {
    padded = padded || std::any_of(pixel.begin(), pixel.end(), [](Element e) { return e.base < 0; });
    in = first ? range_of(pixel) : hull_of(in, range_of(pixel));
    first = false;
    if (pixel[0].base >= 0) input = &bases_[static_cast<std::size_t>(pixel[0].base)];
  }
  if (padded) in = hull_of(in, {matrix.pad_value, matrix.pad_value});
  std::int64_t offset = offset_for(in, form);
  if (input != nullptr && input->source == Base::Source::input &&
      network::storage_bytes(input->type) == (form == Form::bytes ? 1u : 2u)) {
    const std::int64_t direct =
        form == Form::bytes ? (input->type.is_signed ? -128 : 0) : (input->type.is_signed ? 0 : 32768);
    const std::int64_t low = form == Form::bytes ? 0 : -32768;
    const std::int64_t span = form == Form::bytes ? 256 : 65536;
    if (in.low - direct >= low && in.high - direct < low + span) offset = direct;
  }
  lanes.offset.assign(lanes.element.size(), offset);
  return lanes;
}

void Planner::pack_lanes(const Matrix& matrix, Form form, Lanes& lanes) {
  const auto parts = static_cast<std::uint32_t>(parts_of(form));
  lanes = lanes_to_pack(matrix, form);
  if (form == Form::wide) {
    Tensor all;
    for (const Tensor& pixel : matrix.pixels) {
      for (const Element& e : pixel) all.push_back(e.base >= 0 ? e : constant(matrix.pad_value));
    }
    lanes.rows = rows_of(all, false);
    return;
  }
  std::vector<std::array<Element, 4>> groups;
  for (const Tensor& pixel : matrix.pixels) {
    for (std::uint32_t lane = 0; lane < lanes.depth; ++lane) {
      std::array<Element, 4> group{no_element, no_element, no_element, no_element};
      for (std::uint32_t part = 0; part < parts; ++part) {
        const int index = lanes.element[lane * parts + part];
        if (index < 0) continue;
        const Element e = pixel[static_cast<std::size_t>(index)];
        group[part] = e.base >= 0 ? e : constant(matrix.pad_value);
      }
      groups.push_back(group);
    }
  }
  lanes.rows = packed_rows(groups, form, lanes.offset[0]);
}

/// Elements that no output weighs take no lane.
void Planner::drop_zeros(Matrix& matrix) const {
  std::vector<std::uint32_t> kept;
  for (std::uint32_t i = 0; i < matrix.depth; ++i) {
    bool used = false;
    for (std::uint32_t o = 0; o < matrix.outputs; ++o)
      used = used || matrix.weights[std::size_t{o} * matrix.depth + i] != 0;
    if (used) kept.push_back(i);
  }
  if (kept.size() == matrix.depth || kept.empty() || matrix.run != matrix.depth) return;
  std::vector<std::int64_t> weights;
  for (std::uint32_t o = 0; o < matrix.outputs; ++o) {
    for (std::uint32_t i : kept) weights.push_back(matrix.weights[std::size_t{o} * matrix.depth + i]);
  }
  for (Tensor& pixel : matrix.pixels) {
    Tensor fewer;
    for (std::uint32_t i : kept) fewer.push_back(pixel[i]);
    pixel = std::move(fewer);
  }
  matrix.weights = std::move(weights);
  matrix.depth = static_cast<std::uint32_t>(kept.size());
  matrix.run = matrix.depth;
}

WeightLanes Planner::weight_lanes(const Matrix& matrix, const Lanes& lanes) const {
  WeightLanes result;
  result.form = lanes.form;
  result.outputs = matrix.outputs;
  result.depth = lanes.depth;
  const auto parts = static_cast<std::size_t>(parts_of(lanes.form));
  for (std::size_t slot = 0; slot < lanes.depth * parts; ++slot) {
    const int element = lanes.element[slot];
    Interval stored{0, lanes.form == Form::bytes ? 255 : 0};  // what lies there has no weight
    bool first = true;
    for (const Tensor& pixel : matrix.pixels) {
      if (element < 0) break;
      const Element e = pixel[static_cast<std::size_t>(element)];
      Interval range{matrix.pad_value, matrix.pad_value};
      if (e.base >= 0) range = bases_[static_cast<std::size_t>(e.base)].range[e.index];
      range = {range.low - lanes.offset[slot], range.high - lanes.offset[slot]};
      stored = first ? range : hull_of(stored, range);
      first = false;
    }
    result.stored.push_back(stored);
  }
  for (std::size_t o = 0; o < matrix.outputs; ++o) {
    for (std::size_t slot = 0; slot < lanes.depth * parts; ++slot) {
      const int element = lanes.element[slot];
      result.weights.push_back(
          element < 0 ? 0
                      : static_cast<std::int32_t>(
                            matrix.weights[o * matrix.depth + static_cast<std::size_t>(element)]));
    }
  }
  return result;
}

/// The bias with the offsets of the stored form taken out of every product, modulo 2^32.
std::int32_t Planner::folded_bias(const Matrix& matrix, const Lanes& lanes, std::uint32_t output) const {
  auto folded = static_cast<std::uint64_t>(matrix.bias[output]);
  for (std::size_t slot = 0; slot < lanes.element.size(); ++slot) {
    const int element = lanes.element[slot];
    if (element < 0) continue;
    const std::int64_t weight =
        matrix.weights[std::size_t{output} * matrix.depth + static_cast<std::size_t>(element)];
    folded += static_cast<std::uint64_t>(weight) * static_cast<std::uint64_t>(lanes.offset[slot]);
  }
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(folded));
}

void Planner::plan_products(Context& context, int id, std::vector<Matrix> matrices) {
  const auto at = static_cast<std::size_t>(id);
  bool exact = fits_32(network::hull(context.ranges[at]));
  std::vector<Form> forms(matrices.size());
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    exact = exact && choose_form(matrices[i], forms[i]) && (matrices.size() == 1 || matrices[i].outputs >= 4);
  }
  if (!exact) return plan_sums(context, id, matrices);

  const Ending ending = choose_ending(context, id, matrices);
  const auto result_node = static_cast<std::size_t>(ending.node);
  const std::vector<Interval>& range = context.ranges[result_node];
  Base result;
  result.range = range;
  result.wide.assign(range.size(), no_row);
  result.packed = ending.form;
  result.offset = ending.offset;
  result.lane.assign(range.size(), no_row);
  result.part.assign(range.size(), 0);

  const std::uint32_t block = layout_ == Layout::single ? kernels_.block_single : kernels_.block_tile;
  const auto parts_out = static_cast<std::uint32_t>(parts_of(ending.form));
  for (std::size_t m = 0; m < matrices.size(); ++m) {
    Matrix& matrix = matrices[m];
    drop_zeros(matrix);
    if (matrices.size() == 1) order_outputs(context, ending, matrix);
    Lanes lanes;
    if (forms[m] == Form::wide || !lanes_of_producer(matrix, forms[m], lanes))
      pack_lanes(matrix, forms[m], lanes);

    const std::uint32_t blocks = (matrix.outputs + block - 1) / block;
    const WeightLanes of_lanes = weight_lanes(matrix, lanes);
    const PackedWeights packed = layout_ == Layout::single
                                     ? pack_for_single(of_lanes, block, kernels_.byte_dots)
                                     : pack_for_tiles(of_lanes, block, kernels_.byte_dots);
    std::vector<std::int32_t> bias(std::size_t{blocks} * block, 0);
    for (std::uint32_t o = 0; o < matrix.outputs; ++o) bias[o] = folded_bias(matrix, lanes, o);
    // Single events are stored by whole blocks, and not always in the order of pixels.
    const std::uint32_t stored_outputs = layout_ == Layout::single ? blocks * block : matrix.outputs;
    const std::uint32_t rows_per_pixel = (stored_outputs + parts_out - 1) / parts_out;
    const auto pixels = static_cast<std::uint32_t>(matrix.pixels.size());
    const Row first = new_rows(std::size_t{pixels} * rows_per_pixel);
    std::vector<Row> out;
    for (std::uint32_t pixel = 0; pixel < pixels; ++pixel) {
      out.push_back(first + pixel * rows_per_pixel);
      for (std::uint32_t o = 0; o < matrix.outputs; ++o) {
        const std::uint32_t element = matrix.result[std::size_t{pixel} * matrix.outputs + o];
        const Row row = out.back() + o / parts_out;
        result.lane[element] = row;
        result.part[element] = static_cast<std::uint8_t>(o % parts_out);
        if (ending.form == Form::wide) result.wide[element] = row;
      }
    }
    const Epilogue epilogue = make_epilogue(context, ending, matrix, bias, blocks * block);
    emit_product(matrix, lanes, packed, ending.form, bias, out, epilogue);
  }
  bases_.push_back(std::move(result));
  context.tensors[result_node] = whole(static_cast<int>(bases_.size()) - 1);
  context.done[result_node] = true;
  if (ending.rounding >= 0) context.done[static_cast<std::size_t>(ending.rounding)] = true;
}

void Planner::emit_product(const Matrix& matrix, const Lanes& lanes, const PackedWeights& packed,
                           Form out_form, const std::vector<std::int32_t>& bias, const std::vector<Row>& out,
                           const Epilogue& epilogue, Row sums, std::uint32_t sums_of_steps) {
  const std::uint32_t block = layout_ == Layout::single ? kernels_.block_single : kernels_.block_tile;
  emit(Kind::product, Product{matrix.outputs,
                              (matrix.outputs + block - 1) / block,
                              static_cast<std::uint32_t>(matrix.pixels.size()),
                              lanes.depth,
                              lanes.form,
                              packed.dots,
                              out_form,
                              plan_.keep_rows(lanes.rows),
                              packed.uniform,
                              plan_.keep(packed.begin),
                              plan_.keep(packed.lane),
                              plan_.keep(packed.weights),
                              plan_.keep(packed.rest),
                              packed.segment,
                              plan_.keep(packed.segment_begin),
                              plan_.keep(packed.segment_end),
                              plan_.keep(bias),
                              sums == no_row ? nullptr : plan_.keep_rows({sums}),
                              sums_of_steps,
                              plan_.keep_rows(out),
                              epilogue});
}

/// The general case: each result its own list of rows and weights, zero weights left out.
void Planner::plan_sums(Context& context, int id, const std::vector<Matrix>& matrices) {
  const auto at = static_cast<std::size_t>(id);
  const std::size_t count = context.ranges[at].size();
  std::vector<Tensor> elements(count);
  std::vector<std::vector<std::int64_t>> weights(count);
  std::vector<std::int64_t> bias(count);
  for (const Matrix& matrix : matrices) {
    for (std::size_t pixel = 0; pixel < matrix.pixels.size(); ++pixel) {
      for (std::size_t o = 0; o < matrix.outputs; ++o) {
        const std::uint32_t result = matrix.result[pixel * matrix.outputs + o];
        bias[result] = matrix.bias[o];
        for (std::size_t k = 0; k < matrix.depth; ++k) {
          const std::int64_t weight = matrix.weights[o * matrix.depth + k];
          const Element e = matrix.pixels[pixel][k];
          if (e.base < 0) bias[result] += weight * matrix.pad_value;
          if (e.base < 0 || weight == 0) continue;
          elements[result].push_back(e);
          weights[result].push_back(weight);
        }
      }
    }
  }
  Tensor in;
  std::vector<std::int64_t> all_weights;
  std::vector<std::uint32_t> begin{0};
  for (std::size_t i = 0; i < count; ++i) {
    in.insert(in.end(), elements[i].begin(), elements[i].end());
    all_weights.insert(all_weights.end(), weights[i].begin(), weights[i].end());
    begin.push_back(static_cast<std::uint32_t>(in.size()));
  }
  const bool is_64 = any_64(in) || !fits_32(network::hull(context.ranges[at]));
  const std::vector<Row> rows = rows_of(in, is_64);
  context.tensors[at] = whole(new_base(context.ranges[at], is_64));
  emit(is_64 ? Kind::sum_of_products_64 : Kind::sum_of_products_32,
       Fold{static_cast<std::uint32_t>(count), plan_.keep(begin), plan_.keep_rows(rows),
            plan_.keep(all_weights), plan_.keep(bias), plan_.keep_rows(bases_.back().wide)});
}

}  // namespace crible::backends::cpu
