#include "hls/lower.hpp"

#include "engine/base/error.hpp"
#include "hls/lowering.hpp"

namespace crible::hls {

using namespace network;

namespace {

/// The nodes whose sums are wanted by more than one reader are carried out once, without their offset.
std::vector<int> reader_counts(const Network& network) {
  std::vector<int> counts(network.nodes.size());
  for (const Node& node : network.nodes) {
    for (const NodeId id : node.inputs) ++counts[static_cast<std::size_t>(id)];
  }
  return counts;
}

void carry_out_shared(Graph& graph, Forms& elements) {
  for (Form& form : elements) {
    if (form.parts.size() < 2) continue;
    form = Form::of(materialise(graph, {form.parts, 0})).plus(form.offset);
  }
}

Forms constants(const std::vector<std::int64_t>& values) {
  Forms forms;
  for (const std::int64_t value : values) forms.push_back(Form::constant(value));
  return forms;
}

/// 1 when one of the bits is, by a balanced tree.
WordId any_of(Graph& graph, std::vector<WordId> bits) {
  while (bits.size() > 1) {
    std::vector<WordId> pairs;
    for (std::size_t i = 0; i + 1 < bits.size(); i += 2)
      pairs.push_back(graph.logic_or(bits[i], bits[i + 1]));
    if (bits.size() % 2 == 1) pairs.push_back(bits.back());
    bits = std::move(pairs);
  }
  return bits.front();
}

Forms lower_node(const Lowering& at, const Tensor* fed) {
  return match(
      at.node.operation, [&](const Input&) { return fed->elements; },
      [](const Constant& o) { return constants(o.values); },
      [&](const Dense& o) { return lower_dense(at, o); }, [&](const Conv& o) { return lower_conv(at, o); },
      [&](const Add&) { return lower_add(at, false); }, [&](const Subtract&) { return lower_add(at, true); },
      [&](const Multiply&) { return lower_multiply(at); },
      [&](const Requantize& o) { return lower_requantize(at, o); },
      [&](const Threshold& o) { return lower_threshold(at, o); },
      [&](const Lookup& o) { return lower_lookup(at, o); }, [&](const Pool& o) { return lower_pool(at, o); },
      [&](const Concat& o) { return lower_concat(at, o); },
      [&](const Reshape&) { return at.input(0).elements; },
      [&](const Transpose& o) { return lower_transpose(at, o); },
      [&](const Slice& o) { return lower_slice(at, o); }, [&](const Pad& o) { return lower_pad(at, o); },
      [&](const Resize& o) { return lower_resize(at, o); },
      [&](const Reduce& o) { return lower_reduce(at, o); }, [&](const Sort& o) { return lower_sort(at, o); },
      [&](const Compare& o) { return lower_compare(at, o); }, [&](const Select&) { return lower_select(at); },
      [&](const Clamp& o) { return lower_clamp(at, o); },
      [&](const LeakyRelu& o) { return lower_leaky_relu(at, o); },
      [&](const TreeEnsemble& o) { return lower_trees(at, o); },
      [&](const Recurrent& o) { return lower_recurrent(at, o); },
      [&](const Output&) { return at.input(0).elements; });
}

}  // namespace

WordId Lowering::word(std::size_t input, std::size_t element) const {
  Form& form = inputs[input]->elements[element];
  const WordId id = materialise(graph, form);
  form = Form::of(id);
  return id;
}

std::vector<WordId> Lowering::words(std::size_t input) const {
  std::vector<WordId> list;
  for (std::size_t i = 0; i < inputs[input]->elements.size(); ++i) list.push_back(word(input, i));
  return list;
}

std::vector<Tensor> lower_nodes(Graph& graph, const Network& network, const std::vector<Tensor>& inputs,
                                int extra_depth, std::vector<WordId>* saturations,
                                const AfterNode& after_node) {
  const std::vector<int> readers = reader_counts(network);
  std::vector<Tensor> tensors;
  tensors.reserve(network.nodes.size());
  std::size_t next_input = 0;
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    Lowering at{graph, node, {}, extra_depth, saturations};
    for (const NodeId id : node.inputs) at.inputs.push_back(&tensors[static_cast<std::size_t>(id)]);
    const bool is_input = std::holds_alternative<Input>(node.operation);
    try {
      Forms elements = lower_node(at, is_input ? &inputs[next_input] : nullptr);
      if (readers[i] > 1) carry_out_shared(graph, elements);
      tensors.push_back({node.shape, std::move(elements)});
    } catch (const Error& error) {
      throw Error("node '" + node.name + "': " + error.what(), error.fault());
    }
    if (is_input) ++next_input;
    if (after_node) after_node(static_cast<int>(i));
  }
  return tensors;
}

Arithmetic lower(const Network& network, const Options& options) {
  Arithmetic result;
  std::vector<Tensor> inputs;
  for (const NodeId id : inputs_of(network)) {
    const Node& node = network.nodes[static_cast<std::size_t>(id)];
    Tensor tensor{node.shape, {}};
    const Interval range{lowest(node.type), highest(node.type)};
    for (std::size_t element = 0; element < element_count(node.shape); ++element) {
      tensor.elements.push_back(
          Form::of(result.graph.input(static_cast<int>(inputs.size()), static_cast<int>(element), range)));
    }
    inputs.push_back(std::move(tensor));
  }
  result.owners.assign(result.graph.words().size(), 0);
  std::size_t next_word = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (std::size_t e = 0; e < inputs[i].elements.size(); ++e)
      result.owners[next_word++] = inputs_of(network)[i];
  }
  std::vector<WordId> saturations;  // of the node that is lowered
  std::vector<WordId> saturated;
  const auto after_node = [&](int node) {
    if (!saturations.empty()) {
      result.saturated_nodes.push_back(node);
      saturated.push_back(any_of(result.graph, saturations));
      saturations.clear();
    }
    result.owners.resize(result.graph.words().size(), node);
  };
  std::vector<Tensor> tensors = lower_nodes(result.graph, network, inputs, options.extra_depth,
                                            options.saturation_counters ? &saturations : nullptr, after_node);
  for (const NodeId id : outputs_of(network)) {
    std::vector<WordId> words;
    for (Form& form : tensors[static_cast<std::size_t>(id)].elements) {
      words.push_back(materialise(result.graph, form));
      form = Form::of(words.back());
    }
    // Late sums may use words of any node, so they belong after the last one.
    result.owners.resize(result.graph.words().size(), static_cast<int>(network.nodes.size()) - 1);
    result.outputs.push_back(std::move(words));
  }
  if (options.saturation_counters) result.outputs.push_back(std::move(saturated));
  for (const Tensor& tensor : tensors) {
    std::vector<WordId> words;
    for (const Form& form : tensor.elements) {
      const bool plain =
          form.parts.size() == 1 && form.offset == 0 && form.parts[0].shift == 0 && !form.parts[0].negative;
      words.push_back(plain ? form.parts[0].word : no_word);
    }
    result.nodes.push_back(std::move(words));
  }
  return result;
}

}  // namespace crible::hls
