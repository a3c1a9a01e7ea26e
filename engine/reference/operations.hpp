#pragma once

#include <vector>

#include "engine/network/network.hpp"
#include "engine/reference/reference.hpp"

/// Private to engine/reference: each operation as SEMANTICS.md words it, on one event.
namespace crible::reference {

/// A tensor with its shape.
struct Value {
  network::Shape shape;
  Tensor data;
};

/// The inputs of a node, and the node for its declared type and shape.
struct Step {
  const network::Node& node;
  std::vector<const Value*> inputs;

  const Value& input(std::size_t index) const { return *inputs[index]; }
};

using Index = std::vector<int>;

/// Position of an index in C order.
std::size_t position(const network::Shape& shape, const Index& index);

/// Moves to the next index in C order; false after the last.
bool advance(const network::Shape& shape, Index& index);

Tensor dense(const Step& step, const network::Dense& dense);
Tensor conv(const Step& step, const network::Conv& conv);
Tensor pool(const Step& step, const network::Pool& pool);

Tensor add(const Step& step);
Tensor subtract(const Step& step);
Tensor multiply(const Step& step);
Tensor compare(const Step& step, const network::Compare& compare);
Tensor select(const Step& step);
Tensor clamp(const Step& step, const network::Clamp& clamp);
Tensor leaky_relu(const Step& step, const network::LeakyRelu& leaky);

Tensor requantize(const Step& step, const network::Requantize& requantize);
Tensor threshold(const Step& step, const network::Threshold& threshold);
Tensor lookup(const Step& step, const network::Lookup& lookup);

Tensor concat(const Step& step, const network::Concat& concat);
Tensor transpose(const Step& step, const network::Transpose& transpose);
Tensor slice(const Step& step, const network::Slice& slice);
Tensor pad(const Step& step, const network::Pad& pad);
Tensor resize(const Step& step, const network::Resize& resize);

Tensor reduce(const Step& step, const network::Reduce& reduce);
Tensor sort(const Step& step, const network::Sort& sort);

Tensor tree_ensemble(const Step& step, const network::TreeEnsemble& ensemble);
Tensor recurrent(const Step& step, const network::Recurrent& recurrent);

}  // namespace crible::reference
