#include <algorithm>

#include "backends/cpu/plan/planner.hpp"

// Single events: products of one pixel that follow each other become one step, whose layers lie in one
// stretch of memory in the order of use. Two hundred small networks in turn are read from the second-level
// cache: what counts there is how many lines a call touches, and that they are read one after the other.
namespace crible::backends::cpu {
namespace {

bool ends_in_sums(const Product& p) {
  return p.epilogue.finish == Finish::none && p.out_form == Form::wide;
}

bool ends_in_bytes(const Product& p) {
  const Epilogue& e = p.epilogue;
  return e.finish == Finish::shift && e.uniform && !e.adds && !e.negative && p.out_form == Form::bytes;
}

bool count_up(const Row* rows, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (rows[i] != rows[0] + i) return false;
  }
  return true;
}

bool is_plain_dense(const Product& p) {
  constexpr std::uint32_t most = no_port - 1;
  return p.pixels == 1 && p.uniform && p.sums == nullptr && p.form != Form::wide && p.depth > 0 &&
         p.depth < most && p.outputs < most && p.segment < most && (ends_in_sums(p) || ends_in_bytes(p)) &&
         count_up(p.in, p.depth);
}

DenseLayer layer_of(const Product& p) {
  DenseLayer layer{};
  layer.form = p.form;
  layer.dots = p.dots;
  layer.depth = static_cast<std::uint16_t>(p.depth);
  layer.blocks = static_cast<std::uint16_t>(p.blocks);
  layer.outputs = static_cast<std::uint16_t>(p.outputs);
  layer.segment = static_cast<std::uint16_t>(p.segment);
  layer.in_port = layer.out_port = no_port;
  layer.in = p.in[0];
  layer.out = p.out[0];
  layer.end = ends_in_sums(p) ? DenseEnd::sums : p.epilogue.odd ? DenseEnd::bytes_even : DenseEnd::bytes;
  if (layer.end == DenseEnd::sums) return layer;
  layer.shift = p.epilogue.shift[0];
  layer.mask = p.epilogue.mask[0];
  layer.low_bytes = p.epilogue.low_bytes;
  layer.high_bytes = p.epilogue.high_bytes;
  return layer;
}

/// What the groups of a layer read, in the order of use, filled up to whole cache lines.
std::vector<std::int32_t> layer_data(const Product& p, std::uint32_t block) {
  constexpr std::size_t line_words = sizeof(DenseLayer) / 4;
  const std::size_t words = p.form == Form::bytes && p.dots == ByteDots::halves ? 2 : 1;
  std::vector<std::int32_t> data;
  const std::int32_t* weights = p.weights;
  const std::uint32_t* rest = p.begin;
  std::uint32_t b = 0;
  for (const std::uint32_t together : {4u, 2u, 1u}) {
    for (; b + together <= p.blocks; b += together) {
      const std::size_t group_weights = std::size_t{p.depth} * together * words * block;
      data.insert(data.end(), p.bias + b * block, p.bias + (b + together) * block);
      data.insert(data.end(), weights, weights + group_weights);
      weights += group_weights;
      if (p.dots == ByteDots::alone && p.form == Form::bytes) {
        const std::uint32_t steps = rest[1] - rest[0];
        std::vector<std::int32_t> lanes{static_cast<std::int32_t>(steps)};
        lanes.insert(lanes.end(), p.lane + rest[0], p.lane + rest[1]);
        lanes.resize((lanes.size() + block - 1) / block * block);
        data.insert(data.end(), lanes.begin(), lanes.end());
        data.insert(data.end(), p.rest + std::size_t{rest[0]} * block, p.rest + std::size_t{rest[1]} * block);
      }
      ++rest;
    }
  }
  data.resize((data.size() + line_words - 1) / line_words * line_words);
  return data;
}

}  // namespace

const Product* Planner::plain_dense_of(const Step& step) const {
  if (step.run != functions_[static_cast<std::size_t>(Kind::product)]) return nullptr;
  const auto* p = static_cast<const Product*>(step.data);
  return is_plain_dense(*p) ? p : nullptr;
}

/// Whether steps other than `first` and the one behind it use rows.
bool Planner::others_use(Row row, std::size_t count, std::size_t first) const {
  return std::any_of(plan_.uses.begin(), plan_.uses.end(), [&](const RowUse& use) {
    return *use.row - row < count && use.step != first && use.step != first + 1;
  });
}

/// Where all that a first layer reads are lanes of an array that the step before it loads.
bool Planner::reads_array(std::size_t product, const Product& p, DenseLayer& layer) const {
  if (product == 0 ||
      plan_.steps[product - 1].run != functions_[static_cast<std::size_t>(Kind::load_lanes)]) {
    return false;
  }
  const auto& load = *static_cast<const LoadLanes*>(plan_.steps[product - 1].data);
  const bool same = load.consecutive && load.count == p.depth && std::equal(p.in, p.in + p.depth, load.row);
  if (!same || load.port >= no_port || others_use(p.in[0], p.depth, product - 1)) return false;
  layer.in_port = static_cast<std::uint16_t>(load.port);
  layer.in_byte = load.byte[0];
  layer.flip = load.flip;
  if (layer.flip == 0) layer.in = 0;  // no rows
  return true;
}

/// Where the step behind a last layer stores all its sums as they are, and nobody else reads them.
bool Planner::writes_array(std::size_t product, const Product& p, DenseLayer& layer) const {
  if (product + 1 == plan_.steps.size() || layer.end != DenseEnd::sums ||
      plan_.steps[product + 1].run != functions_[static_cast<std::size_t>(Kind::store_32)]) {
    return false;
  }
  const auto& store = *static_cast<const Transfer*>(plan_.steps[product + 1].data);
  const bool same = store.count == p.outputs && store.row[0] == p.out[0] && count_up(store.row, store.count);
  if (!same || store.port >= no_port || others_use(p.out[0], p.outputs, product)) return false;
  layer.out_port = static_cast<std::uint16_t>(store.port);
  return true;
}

/// Replaces the steps from `begin` on and before `end` by one; their uses of rows are dropped.
void Planner::replace_steps(std::size_t begin, std::size_t end, Step step) {
  const std::size_t fewer = end - begin - 1;
  std::erase_if(plan_.uses, [&](const RowUse& use) { return use.step >= begin && use.step < end; });
  for (RowUse& use : plan_.uses) use.step -= use.step >= end ? fewer : 0;
  const auto first = plan_.steps.begin() + static_cast<std::ptrdiff_t>(begin);
  *first = step;
  plan_.steps.erase(first + 1, first + 1 + static_cast<std::ptrdiff_t>(fewer));
}

void Planner::join_dense_layers() {
  if (layout_ != Layout::single || !plan_.loops.empty()) return;
  for (std::size_t at = 0; at < plan_.steps.size(); ++at) {
    if (plain_dense_of(plan_.steps[at]) == nullptr) continue;
    std::vector<DenseLayer> layers;
    std::vector<std::vector<std::int32_t>> data;
    std::size_t end = at;
    for (; end < plan_.steps.size(); ++end) {
      const Product* p = plain_dense_of(plan_.steps[end]);
      if (p == nullptr) break;
      layers.push_back(layer_of(*p));
      data.push_back(layer_data(*p, kernels_.block_single));
    }
    const Product& last = *plain_dense_of(plan_.steps[end - 1]);
    if (writes_array(end - 1, last, layers.back())) ++end;
    if (reads_array(at, *plain_dense_of(plan_.steps[at]), layers.front())) --at;
    emit_dense_run(at, end, layers, data);
  }
}

void Planner::emit_dense_run(std::size_t begin, std::size_t end, std::vector<DenseLayer> layers,
                             const std::vector<std::vector<std::int32_t>>& data) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i].bytes = static_cast<std::uint32_t>(sizeof(DenseLayer) + data[i].size() * 4);
    total += layers[i].bytes;
  }
  layers.back().last = true;
  std::byte* run = plan_.store.allocate(total);
  replace_steps(begin, end, {functions_[static_cast<std::size_t>(Kind::dense_run)], run});
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto* layer = reinterpret_cast<DenseLayer*>(run);
    *layer = layers[i];
    std::memcpy(layer + 1, data[i].data(), data[i].size() * 4);
    if (layer->in_port == no_port || layer->flip != 0) plan_.uses.push_back({&layer->in, begin});
    if (layer->out_port == no_port) plan_.uses.push_back({&layer->out, begin});
    run += layer->bytes;
  }
}

}  // namespace crible::backends::cpu
