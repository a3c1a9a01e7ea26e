#pragma once

#include "engine/network/network.hpp"

/// The attributes of each operation in the order of the text form. Writer and parser visit the same lists:
/// `required` must be in a text, `optional` is left out when it has its default.
namespace crible::network {

/// Calls a visitor for each attribute. `Qualified<Operation>` is `Operation` for a visitor that fills it in,
/// `const Operation` for one that reads it.
template <class Visitor, template <class> class Qualified>
struct Fields {
  Visitor& v;

  void encoding(Qualified<Encoding>& o) const {
    v.optional("scale", o.scale, 1.0);
    v.optional("offset", o.offset, 0.0);
    v.optional("zero_point", o.zero_point, std::int64_t{0});
    v.optional("rounding", o.rounding, Rounding::half_even);
    v.rows("edges", o.edges);
  }
  void window(Qualified<Window>& o) const {
    v.required("kernel", o.kernel);
    v.required("stride", o.stride);
    v.required("dilation", o.dilation);
    v.required("pad_before", o.pad_before);
    v.required("pad_after", o.pad_after);
  }

  void operator()(Qualified<Input>& o) const { encoding(o.encoding); }
  void operator()(Qualified<Output>& o) const { encoding(o.encoding); }
  void operator()(Qualified<Constant>& o) const { v.required("values", o.values); }
  void operator()(Qualified<Dense>& o) const {
    v.required("outputs", o.outputs);
    v.required("inputs", o.inputs);
    v.optional("weight_fraction", o.weight_fraction, 0);
    v.required("weights", o.weights);
    v.required("bias", o.bias);
  }
  void operator()(Qualified<Conv>& o) const {
    v.required("filters", o.filters);
    v.optional("groups", o.groups, 1);
    window(o.window);
    v.optional("pad_value", o.pad_value, std::int64_t{0});
    v.optional("weight_fraction", o.weight_fraction, 0);
    v.required("weights", o.weights);
    v.required("bias", o.bias);
  }
  void operator()(Qualified<Requantize>& o) const {
    v.optional("multiplier", o.multiplier, {1});
    v.optional("offset", o.offset, {0});
    v.optional("shift", o.shift, {0});
    v.optional("zero_point", o.zero_point, {0});
    v.optional("axis", o.axis, 0);
    v.required("rounding", o.rounding);
    v.required("overflow", o.overflow);
  }
  void operator()(Qualified<Threshold>& o) const {
    v.required("steps", o.steps);
    v.required("thresholds", o.thresholds);
    v.required("base", o.base);
    v.required("sign", o.sign);
    v.optional("axis", o.axis, 0);
  }
  void operator()(Qualified<Lookup>& o) const {
    v.required("first", o.first);
    v.optional("rows", o.rows, 1);
    v.required("table", o.table);
    v.optional("axis", o.axis, 0);
  }
  void operator()(Qualified<Pool>& o) const {
    v.required("kind", o.kind);
    window(o.window);
  }
  void operator()(Qualified<Concat>& o) const { v.required("axis", o.axis); }
  void operator()(Qualified<Transpose>& o) const { v.required("permutation", o.permutation); }
  void operator()(Qualified<Slice>& o) const {
    v.required("start", o.start);
    v.required("step", o.step);
  }
  void operator()(Qualified<Pad>& o) const {
    v.required("before", o.before);
    v.required("after", o.after);
    v.optional("value", o.value, std::int64_t{0});
  }
  void operator()(Qualified<Resize>& o) const { v.required("factor", o.factor); }
  void operator()(Qualified<Reduce>& o) const {
    v.required("kind", o.kind);
    v.required("axis", o.axis);
  }
  void operator()(Qualified<Sort>& o) const {
    v.required("axis", o.axis);
    v.required("descending", o.descending);
    v.required("result", o.result);
  }
  void operator()(Qualified<Compare>& o) const { v.required("comparison", o.comparison); }
  void operator()(Qualified<Clamp>& o) const {
    v.required("low", o.low);
    v.required("high", o.high);
  }
  void operator()(Qualified<LeakyRelu>& o) const { v.required("shift", o.shift); }
  void operator()(Qualified<TreeEnsemble>& o) const {
    v.required("outputs", o.outputs);
    v.optional("leaf_fraction", o.leaf_fraction, 0);
    v.required("bias", o.bias);
    v.optional("missing", o.missing, std::nullopt);
    v.trees(o.trees);
  }
  void operator()(Qualified<Recurrent>& o) const {
    v.optional("emit", o.emit, 0);
    v.optional("sequence", o.sequence, false);
    v.optional("reverse", o.reverse, false);
    v.body(o.body);
  }
  void operator()(Qualified<Add>&) const {}
  void operator()(Qualified<Subtract>&) const {}
  void operator()(Qualified<Multiply>&) const {}
  void operator()(Qualified<Reshape>&) const {}
  void operator()(Qualified<Select>&) const {}
};

}  // namespace crible::network
