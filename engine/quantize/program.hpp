#pragma once

#include <string>
#include <variant>
#include <vector>

#include "engine/network/network.hpp"

/// Float models to integer networks by calibration: approximate, and therefore apart from engine/importers,
/// where everything is exact. A float model is first a Program: the few layers that it really consists of,
/// with constants and shapes worked out. That program is evaluated in double precision to see which values
/// occur (calibrate.hpp), and then lowered to a network (lower.hpp).
namespace crible::quantize {

/// Index of a step in Program::steps; also names its result.
using StepId = int;

// What a step computes. Shapes are those of one event, in C order, as in network.hpp. Layers that only move
// elements are the network's own structs.

struct Input {};

/// y[..., o] = bias[o] + sum_k weights[o][k] * x[..., k].
struct Dense {
  int outputs = 0;
  int inputs = 0;
  std::vector<double> weights;
  std::vector<double> bias;
};

/// Input [channels, one or two spatial axes]; padding is zero.
struct Conv {
  int filters = 0;
  int groups = 1;
  network::Window window;
  std::vector<double> weights;  // [filters][channels / groups][kernel...]
  std::vector<double> bias;
};

/// y = factor * x + shift. Both lists have one entry, one for each step of `axis`, or one for each element.
struct Affine {
  std::vector<double> factor;
  std::vector<double> shift;
  int axis = 0;
};

/// Two inputs, broadcast.
struct Sum {
  bool subtract = false;
};
struct Product {};

/// min(max(x, low), high); a relu is 0 and infinity.
struct Clip {
  double low = 0;
  double high = 0;
};

struct AveragePool {
  network::Window window;
  bool count_padding = false;
};

/// Sum, max or min over one axis, which disappears; the result is multiplied by `factor`.
struct Reduce {
  network::ReduceKind kind = network::ReduceKind::sum;
  int axis = 0;
  double factor = 1;
};

enum class Curve { sigmoid, tanh, relu };

/// Element by element; relu is a Clip everywhere but inside a cell.
struct Function {
  Curve curve = Curve::sigmoid;
};

enum class Cell { gru, lstm, rnn };

/// Which state a recurrent step shows.
enum class Emit { hidden, cell };

/// Scans [time, inputs]. Gates in the order of ONNX (gru: z r h; lstm: i o f c; rnn: one).
struct Recurrent {
  Cell cell = Cell::gru;
  int hidden = 0;
  int inputs = 0;
  bool reverse = false;
  bool linear_before_reset = false;       // gru
  std::vector<double> input_weights;      // [gates * hidden][inputs]
  std::vector<double> recurrent_weights;  // [gates * hidden][hidden]
  std::vector<double> input_bias;         // [gates * hidden]
  std::vector<double> recurrent_bias;     // [gates * hidden]
  std::vector<double> initial_hidden;     // [hidden]
  std::vector<double> initial_cell;       // [hidden], lstm
  std::vector<Curve> curves;              // gru: f g; lstm: f g h; rnn: f
  Emit emit = Emit::hidden;
  bool sequence = false;  // the state after each step, [time, hidden]; else after the last

  int gates() const { return static_cast<int>(input_bias.size()) / hidden; }
};

using Operation = std::variant<Input, Dense, Conv, Affine, Sum, Product, Clip, network::LeakyRelu,
                               network::Pool, AveragePool, Reduce, Function, network::Concat,
                               network::Reshape, network::Transpose, network::Slice, Recurrent>;

struct Step {
  std::string name;                 // of the model's node, or of the input
  std::vector<std::string> layers;  // the names of all nodes that it stands for
  Operation operation;
  std::vector<StepId> inputs;
  network::Shape shape;  // of one event
};

struct ProgramOutput {
  std::string name;
  StepId step = -1;
};

/// Steps in topological order, each needed by an output (inputs always stay).
struct Program {
  std::string source;    // the file, for messages
  std::string producer;  // as the file says
  std::vector<Step> steps;
  std::vector<StepId> inputs;
  std::vector<ProgramOutput> outputs;
  std::vector<std::string> notes;  // sentences: a final softmax that was left out

  const Step& step(StepId id) const { return steps[static_cast<std::size_t>(id)]; }
};

/// A list with one entry, one for each step of `axis`, or one for each element: which is that of an element.
class Entries {
 public:
  Entries(const network::Shape& shape, std::size_t count, int axis);
  std::size_t of(std::size_t element) const { return element / inner_ % extent_; }

 private:
  std::size_t inner_ = 1;
  std::size_t extent_ = 1;
};

/// "dense", "gru": for reports.
const char* keyword(const Operation& operation);

}  // namespace crible::quantize
