#include "engine/quantize/evaluate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/network/strides.hpp"
#include "engine/quantize/evaluate_recurrent.hpp"

namespace crible::quantize {

namespace {

using network::Shape;
using Values = std::vector<double>;
using Slots = std::vector<Values>;

/// A step with the values it reads.
struct Call {
  const Step& step;
  std::vector<const Values*> inputs;
  std::vector<const Shape*> shapes;

  const Values& x() const { return *inputs[0]; }
  const Shape& shape() const { return *shapes[0]; }
};

/// A window over [channels, rows, columns]; one spatial axis is seen as one row.
struct Image {
  int channels, rows, columns;

  explicit Image(const Shape& shape)
      : channels(shape[0]), rows(shape.size() == 3 ? shape[1] : 1), columns(shape.back()) {}

  std::size_t at(int channel, int row, int column) const {
    return (static_cast<std::size_t>(channel) * static_cast<std::size_t>(rows) +
            static_cast<std::size_t>(row)) *
               static_cast<std::size_t>(columns) +
           static_cast<std::size_t>(column);
  }
};

struct Taps {
  std::vector<int> kernel, stride, dilation, before, after;

  explicit Taps(const network::Window& window)
      : kernel(window.kernel),
        stride(window.stride),
        dilation(window.dilation),
        before(window.pad_before),
        after(window.pad_after) {
    if (kernel.size() == 2) return;
    kernel.insert(kernel.begin(), 1);
    stride.insert(stride.begin(), 1);
    dilation.insert(dilation.begin(), 1);
    before.insert(before.begin(), 0);
    after.insert(after.begin(), 0);
  }

  /// Calls visit(tap row, tap column, image row, image column) for each tap, inside the image or not.
  template <class Visit>
  void each(int row, int column, Visit visit) const {
    for (int a = 0; a < kernel[0]; ++a) {
      for (int b = 0; b < kernel[1]; ++b)
        visit(a, b, row * stride[0] - before[0] + a * dilation[0],
              column * stride[1] - before[1] + b * dilation[1]);
    }
  }
};

bool inside(const Image& image, int row, int column) {
  return row >= 0 && row < image.rows && column >= 0 && column < image.columns;
}

Values dense(const Call& call, const Dense& layer) {
  const auto inputs = static_cast<std::size_t>(layer.inputs);
  Values y;
  for (std::size_t first = 0; first < call.x().size(); first += inputs) {
    for (std::size_t o = 0; o < layer.bias.size(); ++o) {
      double sum = layer.bias[o];
      for (std::size_t k = 0; k < inputs; ++k) sum += layer.weights[o * inputs + k] * call.x()[first + k];
      y.push_back(sum);
    }
  }
  return y;
}

Values conv(const Call& call, const Conv& layer) {
  const Image in(call.shape());
  const Image out(call.step.shape);
  const Taps taps(layer.window);
  const int group_filters = layer.filters / layer.groups;
  const int group_channels = in.channels / layer.groups;
  const auto kernel = static_cast<std::size_t>(taps.kernel[0] * taps.kernel[1]);
  Values y(network::element_count(call.step.shape));
  for (int f = 0; f < layer.filters; ++f) {
    const int first_channel = f / group_filters * group_channels;
    for (int row = 0; row < out.rows; ++row) {
      for (int column = 0; column < out.columns; ++column) {
        double sum = layer.bias[static_cast<std::size_t>(f)];
        taps.each(row, column, [&](int a, int b, int r, int c) {
          if (!inside(in, r, c)) return;
          for (int channel = 0; channel < group_channels; ++channel) {
            const auto weight = static_cast<std::size_t>(f * group_channels + channel) * kernel +
                                static_cast<std::size_t>(a * taps.kernel[1] + b);
            sum += layer.weights[weight] * call.x()[in.at(first_channel + channel, r, c)];
          }
        });
        y[out.at(f, row, column)] = sum;
      }
    }
  }
  return y;
}

Values affine(const Call& call, const Affine& layer) {
  const Entries entries(call.shape(), layer.factor.size(), layer.axis);
  Values y = call.x();
  for (std::size_t i = 0; i < y.size(); ++i)
    y[i] = layer.factor[entries.of(i)] * y[i] + layer.shift[entries.of(i)];
  return y;
}

template <class Operation>
Values pairwise(const Call& call, Operation operation) {
  const auto from_a =
      network::offsets(call.step.shape, network::broadcast_strides(*call.shapes[0], call.step.shape));
  const auto from_b =
      network::offsets(call.step.shape, network::broadcast_strides(*call.shapes[1], call.step.shape));
  Values y(from_a.size());
  for (std::size_t i = 0; i < y.size(); ++i)
    y[i] = operation((*call.inputs[0])[from_a[i]], (*call.inputs[1])[from_b[i]]);
  return y;
}

template <class Operation>
Values each(const Call& call, Operation operation) {
  Values y = call.x();
  for (double& value : y) value = operation(value);
  return y;
}

Values max_pool(const Call& call, const network::Window& window) {
  const Image in(call.shape());
  const Image out(call.step.shape);
  const Taps taps(window);
  Values y(network::element_count(call.step.shape), -std::numeric_limits<double>::infinity());
  for (int channel = 0; channel < out.channels; ++channel) {
    for (int row = 0; row < out.rows; ++row) {
      for (int column = 0; column < out.columns; ++column) {
        double& most = y[out.at(channel, row, column)];
        taps.each(row, column, [&](int, int, int r, int c) {
          if (inside(in, r, c)) most = std::max(most, call.x()[in.at(channel, r, c)]);
        });
      }
    }
  }
  return y;
}

Values average_pool(const Call& call, const AveragePool& pool) {
  const Image in(call.shape());
  const Image out(call.step.shape);
  const Taps taps(pool.window);
  const Values counts = window_counts(pool, call.shape());
  Values y(network::element_count(call.step.shape), 0.0);
  for (int channel = 0; channel < out.channels; ++channel) {
    for (int row = 0; row < out.rows; ++row) {
      for (int column = 0; column < out.columns; ++column) {
        double& sum = y[out.at(channel, row, column)];
        taps.each(row, column, [&](int, int, int r, int c) {
          if (inside(in, r, c)) sum += call.x()[in.at(channel, r, c)];
        });
        sum /= counts[static_cast<std::size_t>(row * out.columns + column)];
      }
    }
  }
  return y;
}

Values reduce(const Call& call, const Reduce& layer) {
  const auto axis = static_cast<std::size_t>(layer.axis);
  const std::size_t inner = network::inner_count(call.shape(), axis);
  const auto extent = static_cast<std::size_t>(call.shape()[axis]);
  Values y(network::element_count(call.step.shape));
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::size_t first = i / inner * extent * inner + i % inner;
    double result = call.x()[first];
    for (std::size_t k = 1; k < extent; ++k) {
      const double value = call.x()[first + k * inner];
      if (layer.kind == network::ReduceKind::max)
        result = std::max(result, value);
      else if (layer.kind == network::ReduceKind::min)
        result = std::min(result, value);
      else
        result += value;
    }
    y[i] = result * layer.factor;
  }
  return y;
}

Values concat(const Call& call, const network::Concat& layer) {
  const auto axis = static_cast<std::size_t>(layer.axis);
  const std::size_t outer = network::outer_count(call.step.shape, axis);
  Values y;
  for (std::size_t o = 0; o < outer; ++o) {
    for (const Values* part : call.inputs) {
      const std::size_t block = part->size() / outer;
      const auto first = part->begin() + static_cast<std::ptrdiff_t>(o * block);
      y.insert(y.end(), first, first + static_cast<std::ptrdiff_t>(block));
    }
  }
  return y;
}

/// The elements of x at start + index * strides.
Values picked(const Call& call, const network::Strides& strides, std::ptrdiff_t start) {
  Values y;
  for (const std::size_t from : network::offsets(call.step.shape, strides, start))
    y.push_back(call.x()[from]);
  return y;
}

Values transpose(const Call& call, const network::Transpose& layer) {
  const network::Strides from = network::c_strides(call.shape());
  network::Strides strides;
  for (const int axis : layer.permutation) strides.push_back(from[static_cast<std::size_t>(axis)]);
  return picked(call, strides, 0);
}

Values slice(const Call& call, const network::Slice& layer) {
  network::Strides strides = network::c_strides(call.shape());
  std::ptrdiff_t start = 0;
  for (std::size_t i = 0; i < strides.size(); ++i) {
    start += layer.start[i] * strides[i];
    strides[i] *= layer.step[i];
  }
  return picked(call, strides, start);
}

/// Fills the slots of a step; inputs of the program have theirs already.
void evaluate(const Call& call, Slots& slots) {
  const auto one = [&](Values values) { slots[result_slot] = std::move(values); };
  std::visit(network::Overloaded{
                 [](const Input&) {},
                 [&](const Dense& layer) { one(dense(call, layer)); },
                 [&](const Conv& layer) { one(conv(call, layer)); },
                 [&](const Affine& layer) { one(affine(call, layer)); },
                 [&](const Sum& layer) {
                   const double sign = layer.subtract ? -1 : 1;
                   one(pairwise(call, [&](double a, double b) { return a + sign * b; }));
                 },
                 [&](const Product&) { one(pairwise(call, [](double a, double b) { return a * b; })); },
                 [&](const Clip& clip) {
                   one(each(call, [&](double x) { return std::clamp(x, clip.low, clip.high); }));
                 },
                 [&](const network::LeakyRelu& leaky) {
                   one(each(call, [&](double x) { return x < 0 ? std::ldexp(x, -leaky.shift) : x; }));
                 },
                 [&](const network::Pool& pool) { one(max_pool(call, pool.window)); },
                 [&](const AveragePool& pool) { one(average_pool(call, pool)); },
                 [&](const Reduce& layer) { one(reduce(call, layer)); },
                 [&](const Function& function) {
                   one(each(call, [&](double x) { return apply(function.curve, x); }));
                 },
                 [&](const network::Concat& layer) { one(concat(call, layer)); },
                 [&](const network::Reshape&) { one(call.x()); },
                 [&](const network::Transpose& layer) { one(transpose(call, layer)); },
                 [&](const network::Slice& layer) { one(slice(call, layer)); },
                 [&](const Recurrent& layer) { slots = scan(layer, call.x()); },
             },
             call.step.operation);
}

}  // namespace

double apply(Curve curve, double x) {
  switch (curve) {
    case Curve::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Curve::tanh:
      return std::tanh(x);
    case Curve::relu:
      return std::max(x, 0.0);
  }
  return 0;
}

std::size_t slots_of(const Step& step) {
  return std::holds_alternative<Recurrent>(step.operation) ? std::size_t{slot_count} : 1;
}

std::vector<double> window_counts(const AveragePool& pool, const Shape& input) {
  const Image in(input);
  const Taps taps(pool.window);
  const auto positions = [&](int extent, std::size_t axis) {
    const int reach = (taps.kernel[axis] - 1) * taps.dilation[axis] + 1;
    return (extent + taps.before[axis] + taps.after[axis] - reach) / taps.stride[axis] + 1;
  };
  const int rows = positions(in.rows, 0);
  const int columns = positions(in.columns, 1);
  Values counts;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      double count = 0;
      taps.each(row, column,
                [&](int, int, int r, int c) { count += pool.count_padding || inside(in, r, c) ? 1 : 0; });
      counts.push_back(count);
    }
  }
  return counts;
}

Evaluator::Evaluator(const Program& program) : program_(program) {
  for (const Step& step : program.steps) values_.emplace_back(slots_of(step));
}

void Evaluator::run(const std::vector<std::span<const double>>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    values_[static_cast<std::size_t>(program_.inputs[i])][result_slot].assign(inputs[i].begin(),
                                                                              inputs[i].end());
  for (std::size_t id = 0; id < program_.steps.size(); ++id) {
    Call call{program_.steps[id], {}, {}};
    for (const StepId input : call.step.inputs) {
      call.inputs.push_back(&result(input));
      call.shapes.push_back(&program_.step(input).shape);
    }
    evaluate(call, values_[id]);
  }
}

}  // namespace crible::quantize
