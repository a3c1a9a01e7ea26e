#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/quantize/quantity.hpp"
#include "engine/quantize/quantize.hpp"

/// How lower.cpp and lower_recurrent.cpp work together.
namespace crible::quantize {

/// Looks up the widths and types that options and calibration give.
class Widths {
 public:
  Widths(const Program& program, const Calibration& calibration, const Options& options);

  Bits bits(StepId step) const;
  int table_bits(StepId step) const;
  const Options& options() const { return options_; }

  /// The type for the values of a slot.
  network::Type type(StepId step, int bits, Slot slot = result_slot) const;
  /// The same without clipping anything that calibration saw.
  network::Type whole_type(StepId step, int bits, Slot slot) const;

 private:
  const Program& program_;
  const Calibration& calibration_;
  const Options& options_;
};

/// A table of `curve` over the integers of `argument`, which are rounded to `table_bits` bits first.
/// The result has `type`.
network::NodeId add_curve(network::Builder& builder, const std::string& name, Curve curve,
                          const Quantity& argument, int table_bits, network::Type type);

/// One program to one network.
class Lowering {
 public:
  Lowering(const Program& program, const Calibration& calibration, const Options& options);

  Result run();

 private:
  /// The result of a step as exactly as it is computed: sums with a scale for each channel.
  const Quantity& wide(StepId step) const { return wide_[static_cast<std::size_t>(step)]; }
  /// The same rounded to the activation bits of the step, with one scale and no clip.
  Quantity narrow(StepId step);
  Quantity rounded(StepId step, const std::string& name, network::Type type);

  Quantity lower(StepId id);
  Quantity input(StepId id);
  Quantity dense(StepId id, const Dense& layer);
  Quantity conv(StepId id, const Conv& layer);
  Quantity affine(StepId id, const Affine& layer);
  Quantity sum(StepId id, const Sum& layer);
  Quantity product(StepId id);
  Quantity clip(StepId id, const Clip& layer);
  Quantity leaky_relu(StepId id, const network::LeakyRelu& layer);
  Quantity average_pool(StepId id, const AveragePool& layer);
  Quantity reduce(StepId id, const Reduce& layer);
  Quantity function(StepId id, const Function& layer);
  Quantity concat(StepId id, const network::Concat& layer);
  Quantity recurrent(StepId id, const Recurrent& layer);
  /// A layer that only moves elements, or takes the largest.
  Quantity moved(StepId id, network::Operation operation, bool is_layout);

  std::string free_name(const std::string& wanted) const;
  void find_ends();
  void output(const ProgramOutput& output);
  LayerReport report(StepId id) const;

  const Program& program_;
  const Calibration& calibration_;
  Widths widths_;
  network::Builder builder_;
  std::vector<Quantity> wide_;
  std::map<StepId, Quantity> narrow_;
  std::vector<bool> is_end_;  // feeds outputs only, through layers that move elements
  std::set<std::string> reserved_;
};

/// The body of a recurrent step and what goes into it, see lower_recurrent.cpp.
struct RecurrentParts {
  network::Recurrent scan;
  Quantity gates;                          // [time, gates * hidden], computed before the scan
  std::vector<network::Type> state_types;  // hidden, cell
  std::vector<std::vector<std::int64_t>> initial;
};
RecurrentParts lower_recurrent(network::Builder& builder, const std::string& name, const Recurrent& layer,
                               StepId id, const Quantity& x, const Widths& widths);

/// A dense layer with weights of `bits` bits; one scale for each output along the last axis.
Quantity add_dense(network::Builder& builder, const std::string& name, const Dense& layer, const Quantity& x,
                   int bits, bool per_channel);

}  // namespace crible::quantize
