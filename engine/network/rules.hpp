#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/network/network.hpp"

/// Private to engine/network: what each operation demands of its inputs and attributes, and what it proves
/// about its result. Builder and verify() ask the same rules.
namespace crible::network::rules {

/// Sums and products of intervals, before it is known that they fit 64 bits.
using Wide = __int128;

struct WideInterval {
  Wide low = 0;
  Wide high = 0;
};

struct Operand {
  const Node* node = nullptr;
  const std::vector<Interval>* range = nullptr;

  const Shape& shape() const { return node->shape; }
  Type type() const { return node->type; }
};

/// How the type of the result is decided.
enum class TypeRule {
  declared,     // the node's own statement (input, constant, requantize, threshold, lookup)
  exact,        // Result::type
  holds,        // any type with the fraction of Result::type that holds the proven range
  accumulator,  // s32 or s64 with the fraction of Result::type, if no order of summation can overflow it
};

struct Result {
  Shape shape;
  TypeRule type_rule = TypeRule::exact;
  Type type;
  std::vector<Interval> range;
  WideInterval sums;  // accumulator: every sum of a subset of the terms lies inside
};

/// Names the nodes of a network that came from a text: "file.crn:12: ".
class Locations {
 public:
  virtual ~Locations() = default;
  virtual std::string prefix(const Network& network, NodeId node) const = 0;
};

/// One node about to be checked.
struct Call {
  std::string where;  // "file.crn:12: node 'h' (dense)"
  std::vector<Operand> inputs;
  std::optional<Type> type;    // as declared; absent: the rule decides
  std::optional<Shape> shape;  // likewise
  const Locations* locations = nullptr;
  int depth = 0;  // of bodies

  [[noreturn]] void fail(const std::string& sentence) const;
  void require(bool good, const char* sentence) const {
    if (!good) fail(sentence);
  }
  /// Fails unless the node has exactly `count` inputs.
  void require_inputs(std::size_t count) const;
  const Operand& operator[](std::size_t index) const { return inputs[index]; }
  Type declared_type() const;
  const Shape& declared_shape() const;
  /// Fails when elements x terms is more than an event may cost.
  void require_operations(std::size_t elements, std::size_t terms) const;
  /// Checks an axis number against the shape of input 0.
  std::size_t checked_axis(int axis) const;
};

std::string to_string(Wide value);
std::string to_string(WideInterval interval);
std::string to_string(Interval interval);

/// Nearest interval of 64-bit numbers; what does not fit is refused later by `sums`.
Interval narrow(WideInterval interval);
void include(WideInterval& hull, WideInterval interval);

/// Adds one term to a running result and to the bounds of all sums of a subset of the terms.
void add_term(WideInterval& total, WideInterval& sums, Wide low, Wide high);

/// y = sum of weights[k] * x[k] + bias.
struct LinearBounds {
  WideInterval total;
  WideInterval sums;
};
LinearBounds linear_bounds(const std::int64_t* weights, const Interval* inputs, std::size_t count,
                           std::int64_t bias);

Result rule(const Call& call, const Operation& operation);

Result input_rule(const Call& call, const Input& input);
Result constant_rule(const Call& call, const Constant& constant);
Result output_rule(const Call& call, const Output& output);

Result dense_rule(const Call& call, const Dense& dense);
Result conv_rule(const Call& call, const Conv& conv);
Result pool_rule(const Call& call, const Pool& pool);

Result add_rule(const Call& call);
Result subtract_rule(const Call& call);
Result multiply_rule(const Call& call);
Result compare_rule(const Call& call, const Compare& compare);
Result select_rule(const Call& call);
Result clamp_rule(const Call& call, const Clamp& clamp);
Result leaky_relu_rule(const Call& call, const LeakyRelu& leaky);

Result requantize_rule(const Call& call, const Requantize& requantize);
Result threshold_rule(const Call& call, const Threshold& threshold);
Result lookup_rule(const Call& call, const Lookup& lookup);

Result concat_rule(const Call& call, const Concat& concat);
Result reshape_rule(const Call& call);
Result transpose_rule(const Call& call, const Transpose& transpose);
Result slice_rule(const Call& call, const Slice& slice);
Result pad_rule(const Call& call, const Pad& pad);
Result resize_rule(const Call& call, const Resize& resize);

Result reduce_rule(const Call& call, const Reduce& reduce);
Result sort_rule(const Call& call, const Sort& sort);

Result tree_ensemble_rule(const Call& call, const TreeEnsemble& ensemble);
Result recurrent_rule(const Call& call, const Recurrent& recurrent);

}  // namespace crible::network::rules
