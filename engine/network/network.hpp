#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/network/types.hpp"

/// The integer network: what every executor of crible computes, bit for bit. SEMANTICS.md beside this
/// file defines each operation in prose; engine/reference evaluates it literally.
namespace crible::network {

/// Index of a node in Network::nodes; also names the node's single output tensor.
using NodeId = int;

/// How a real number enters or leaves the network: q = clamp(round((x - offset) / scale) + zero_point),
/// clamped to the type of the input or output; x = (q - zero_point) * scale + offset. `scale` and `offset`
/// are exact (any double is dyadic).
struct Encoding {
  double scale = 1.0;
  std::int64_t zero_point = 0;
  Rounding rounding = Rounding::half_even;

  /// Rank encoding of an input, used when not empty: q = number of edges of the row with x > edge, and
  /// NaN is the longest row's size + 1. One row, or one for each element of the last axis; each ascending.
  /// Decision trees over floats become integer networks this way: their thresholds are the quantizer.
  std::vector<std::vector<double>> edges;

  double offset = 0.0;  // not for rank encodings

  bool operator==(const Encoding&) const = default;
};

/// How one attribute list of a requantize or threshold node is spread over its tensor:
/// 1 entry = whole tensor; shape[axis] entries = along `axis`; all elements = per element.
/// The number of entries decides; `axis` matters for the middle case only.

struct Input {
  Encoding encoding;
};

struct Constant {
  std::vector<std::int64_t> values;  // C order, shape and type from the node
};

/// y[..., o] = bias[o] + sum_k weights[o][k] * x[..., k]; contracts the last axis.
struct Dense {
  int outputs = 0;
  int inputs = 0;
  int weight_fraction = 0;            // fraction bits of weights; bias has those of the result
  std::vector<std::int64_t> weights;  // [outputs][inputs]
  std::vector<std::int64_t> bias;     // [outputs]; always present
};

/// Window of convolution or pooling over the trailing axes of a [channels, spatial...] tensor.
/// Every list has one entry for each spatial axis (one or two).
struct Window {
  std::vector<int> kernel;
  std::vector<int> stride;
  std::vector<int> dilation;
  std::vector<int> pad_before;
  std::vector<int> pad_after;
};

/// Cross-correlation as in ONNX Conv. Input [channels, spatial...], output [filters, spatial...].
struct Conv {
  int filters = 0;
  int groups = 1;
  Window window;
  std::int64_t pad_value = 0;  // integer that stands in the padding (the input's zero point)
  int weight_fraction = 0;
  std::vector<std::int64_t> weights;  // [filters][channels / groups][kernel...]
  std::vector<std::int64_t> bias;     // [filters]; always present
};

/// Elementwise on two tensors with numpy broadcasting. Add and subtract need equal fractions;
/// the result of multiply has the sum of the fractions.
struct Add {};
struct Subtract {};
struct Multiply {};

/// y = overflow(round((x * multiplier + offset) * 2^-shift) + zero_point). The only operation, with
/// lookup and threshold, that loses bits. 0 <= shift <= 62; x * multiplier and x * multiplier + offset stay
/// within [-2^62, 2^62] (proven), so that adding half of 2^shift cannot overflow 64 bits either.
struct Requantize {
  std::vector<std::int64_t> multiplier{1};
  std::vector<std::int64_t> offset{0};
  std::vector<int> shift{0};
  std::vector<std::int64_t> zero_point{0};
  int axis = 0;
  Rounding rounding = Rounding::floor;
  Overflow overflow = Overflow::saturate;
};

/// y = base + sign * (number of thresholds t of this channel with x >= t). `thresholds` is [rows][steps],
/// each row ascending; `base` and `sign` (+1 or -1) have one entry per row.
struct Threshold {
  int steps = 0;
  std::vector<std::int64_t> thresholds;
  std::vector<std::int64_t> base;
  std::vector<int> sign;
  int axis = 0;
};

/// y = table[row][x - first]; the range analysis proves that every index is inside.
struct Lookup {
  std::int64_t first = 0;
  int rows = 1;
  std::vector<std::int64_t> table;  // [rows][entries]
  int axis = 0;
};

enum class PoolKind { max, sum };

/// max: padding takes no part. sum: padding counts as zero; an average is a sum and a requantize.
struct Pool {
  PoolKind kind = PoolKind::max;
  Window window;
};

struct Concat {
  int axis = 0;
};

struct Reshape {};  // to the node's shape, C order kept

struct Transpose {
  std::vector<int> permutation;  // output axis i is input axis permutation[i]
};

/// output[i] = input[start + i * step] along each axis; the extent is the node's shape. step may be < 0.
struct Slice {
  std::vector<int> start;
  std::vector<int> step;
};

struct Pad {
  std::vector<int> before;
  std::vector<int> after;
  std::int64_t value = 0;
};

/// Nearest neighbour with integer factors: output[i] = input[i / factor] along each axis.
struct Resize {
  std::vector<int> factor;
};

enum class ReduceKind { sum, max, min, argmax, sum_of_squares };

/// Over one axis, which disappears. argmax: index of the first largest element.
struct Reduce {
  ReduceKind kind = ReduceKind::sum;
  int axis = 0;
};

enum class SortResult { values, indices };

/// Stable sort along an axis. With two inputs the second is the key: same rank, same extent along the axis,
/// and along each other axis the extent of the first input or 1 (top-k is a sort and a slice).
struct Sort {
  int axis = 0;
  bool descending = true;
  SortResult result = SortResult::values;
};

enum class Comparison { less, less_equal, greater, greater_equal, equal, not_equal };

/// u1.0: 1 where it holds. Two inputs of one fraction, broadcast.
struct Compare {
  Comparison comparison = Comparison::greater;
};

/// Three inputs: condition (u1.0), value where 1, value where 0; broadcast.
struct Select {};

struct Clamp {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

/// x >= 0 ? x * 2^shift : x, with `shift` more fraction bits: the exact leaky relu of slope 2^-shift.
struct LeakyRelu {
  int shift = 0;
};

/// Inner node of a tree: goes left when x[feature] <= threshold (or, for a categorical split, when
/// x[feature] is a member of `categories`; its threshold is 0). Children >= 0 are inner nodes and come after
/// their parent, negative ones are ~leaf.
struct TreeNode {
  int feature = 0;
  std::int64_t threshold = 0;
  int left = 0;
  int right = 0;
  bool missing_left = false;             // direction of the ensemble's missing value
  std::vector<std::int64_t> categories;  // ascending; non-empty makes the split categorical
};

struct Tree {
  int output = 0;               // element of the result that the leaf is added to
  std::vector<TreeNode> nodes;  // nodes[0] is the root; none: the single leaf 0
  std::vector<std::int64_t> leaves;
};

/// y[o] = bias[o] + sum over trees of the leaf that x reaches. Input is one axis.
struct TreeEnsemble {
  int outputs = 1;
  int leaf_fraction = 0;                // fraction bits of leaves and bias, and so of the result
  std::vector<std::int64_t> bias;       // [outputs]
  std::optional<std::int64_t> missing;  // integer that stands for a missing value
  std::vector<Tree> trees;
};

struct Network;

/// Runs `body` for each step of axis 0 of the first input. Body inputs: the step's slice, then the states;
/// body outputs: the new states, in order. The remaining inputs of the node are the initial states
/// (constants for zero). Result: state `emit`, of the last step or of all steps (axis 0 is time).
/// GRU, LSTM and simple RNN are bodies; see SEMANTICS.md.
struct Recurrent {
  std::shared_ptr<const Network> body;
  int emit = 0;
  bool sequence = false;
  bool reverse = false;
};

struct Output {
  Encoding encoding;
};

using Operation = std::variant<Input, Constant, Dense, Conv, Add, Subtract, Multiply, Requantize, Threshold,
                               Lookup, Pool, Concat, Reshape, Transpose, Slice, Pad, Resize, Reduce, Sort,
                               Compare, Select, Clamp, LeakyRelu, TreeEnsemble, Recurrent, Output>;

/// One operation with one output tensor. `type` and `shape` are those of its result.
struct Node {
  std::string name;  // unique in the network
  Operation operation;
  std::vector<NodeId> inputs;
  Type type;
  Shape shape;
};

/// Nodes in topological order: inputs refer to earlier nodes only. Plain data; `verify` says whether it
/// is a network, and everything that makes or loads one ends in `verify`.
struct Network {
  std::string name;
  std::vector<Node> nodes;
};

/// Node ids of the inputs and of the outputs, in network order: the order of batch slots and arrays.
std::vector<NodeId> inputs_of(const Network& network);
std::vector<NodeId> outputs_of(const Network& network);

/// "dense", "requantize": the keyword of the text form and of messages.
const char* keyword(const Operation& operation);

/// Calls one of several lambdas with the operation's own type; a missing case does not compile.
template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

template <class... Cases>
decltype(auto) match(const Operation& operation, Cases&&... cases) {
  return std::visit(Overloaded{std::forward<Cases>(cases)...}, operation);
}

}  // namespace crible::network
