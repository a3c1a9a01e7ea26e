#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <vector>

#include "engine/network/network.hpp"
#include "hls/adder_program.hpp"
#include "hls/form.hpp"
#include "hls/graph.hpp"

/// Private to the lowering: the state of it, and one function for each kind of operation.
namespace crible::hls {

using Forms = std::vector<Form>;  // the elements of a tensor, C order

/// A tensor of unfinished sums.
struct Tensor {
  network::Shape shape;
  Forms elements;
};

/// What a node's lowering sees.
struct Lowering {
  Graph& graph;
  const network::Node& node;
  std::vector<Tensor*> inputs;
  int extra_depth = 2;
  std::vector<WordId>* saturations = nullptr;  // where bits go that say an element saturates; null: nowhere

  const Tensor& input(std::size_t index) const { return *inputs[index]; }

  /// Element of an input as a word; its sum is carried out once and kept.
  WordId word(std::size_t input, std::size_t element) const;
  std::vector<WordId> words(std::size_t input) const;
};

/// Where a window lies over the rows and columns (one row for one-dimensional tensors) of each channel.
class WindowSize {
 public:
  WindowSize(const network::Window& window, const network::Shape& input, const network::Shape& result);

  /// For each tap, the position within a channel of the input, or -1 in the padding.
  std::vector<int> places(std::size_t position) const;
  int input_positions() const { return input_rows_ * input_columns_; }

  int rows = 1;  // of the result
  int columns = 1;

 private:
  const network::Window& window_;
  int input_rows_ = 1;
  int input_columns_ = 1;
};

/// The largest (or smallest) of words, by a tree of comparisons.
WordId largest(Graph& graph, std::vector<WordId> words, bool smallest);
Form sum_of(const std::vector<WordId>& words);

/// factor * form: shifted, or with the digits of the factor when it is no power of two.
Form scaled(Graph& graph, const Form& form, std::int64_t factor, int extra_depth);

/// An element whose only part is a plain word: (word, pending offset); otherwise the sum is carried out.
struct OffsetWord {
  WordId word = no_word;
  std::int64_t offset = 0;
};
OffsetWord offset_word(Graph& graph, const Form& form);

Forms lower_dense(const Lowering& at, const network::Dense& dense);
Forms lower_conv(const Lowering& at, const network::Conv& conv);
Forms lower_pool(const Lowering& at, const network::Pool& pool);
Forms lower_reduce(const Lowering& at, const network::Reduce& reduce);
Forms lower_sort(const Lowering& at, const network::Sort& sort);

Forms lower_add(const Lowering& at, bool subtract);
Forms lower_multiply(const Lowering& at);
Forms lower_compare(const Lowering& at, const network::Compare& compare);
Forms lower_select(const Lowering& at);
Forms lower_clamp(const Lowering& at, const network::Clamp& clamp);
Forms lower_leaky_relu(const Lowering& at, const network::LeakyRelu& leaky);

Forms lower_requantize(const Lowering& at, const network::Requantize& requantize);
Forms lower_threshold(const Lowering& at, const network::Threshold& threshold);
Forms lower_lookup(const Lowering& at, const network::Lookup& lookup);

Forms lower_concat(const Lowering& at, const network::Concat& concat);
Forms lower_transpose(const Lowering& at, const network::Transpose& transpose);
Forms lower_slice(const Lowering& at, const network::Slice& slice);
Forms lower_pad(const Lowering& at, const network::Pad& pad);
Forms lower_resize(const Lowering& at, const network::Resize& resize);

Forms lower_trees(const Lowering& at, const network::TreeEnsemble& ensemble);

Forms lower_recurrent(const Lowering& at, const network::Recurrent& recurrent);

/// The elements of a network for given inputs, one entry for each node; used for bodies of recurrent nodes as
/// well. `after_node` is called with each node's number when its words exist.
using AfterNode = std::function<void(int node)>;
std::vector<Tensor> lower_nodes(Graph& graph, const network::Network& network,
                                const std::vector<Tensor>& inputs, int extra_depth,
                                std::vector<WordId>* saturations, const AfterNode& after_node);

}  // namespace crible::hls
