#include <xnnpack.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "bench/peers/peer.hpp"

// XNNPACK's int8 operators, chained by hand: no graph, no dispatch but its own. Values of 0 to 255 travel as
// int8 with zero point -128, so that every result is the same integer as crible's.
namespace crible::bench::peers {
namespace {

void must(xnn_status status, const char* what) {
  if (status != xnn_status_success) throw std::runtime_error(std::string("XNNPACK refuses to ") + what);
}

struct Tensor {
  int rows = 1;
  int columns = 1;
  int channels = 1;
  int zero_point = 0;
  std::vector<std::int8_t> data;

  std::size_t elements() const {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) *
           static_cast<std::size_t>(channels);
  }
};

/// Weights from [filter][channel][row][column] to [filter][row][column][channel].
std::vector<std::int8_t> channels_last(const std::vector<std::int8_t>& weights, int filters, int channels,
                                       int pixels) {
  std::vector<std::int8_t> moved(weights.size());
  std::size_t i = 0;
  for (int filter = 0; filter < filters; ++filter) {
    for (int pixel = 0; pixel < pixels; ++pixel) {
      for (int channel = 0; channel < channels; ++channel) {
        moved[i++] = weights[static_cast<std::size_t>((filter * channels + channel) * pixels + pixel)];
      }
    }
  }
  return moved;
}

class Network {
 public:
  Network(const Model& model, std::size_t events) : events_(events) {
    Tensor input;
    if (model.in_shape.size() == 3) {
      input.channels = model.in_shape[0], input.rows = model.in_shape[1], input.columns = model.in_shape[2];
    } else {
      input.channels = model.in_shape[0];
    }
    input.zero_point = model.is_signed ? 0 : -128;
    tensors_.reserve(model.layers.size() + 1);
    tensors_.push_back(std::move(input));
    allocate(tensors_.back());
    for (const Layer& layer : model.layers) add(layer, model.last_shift());
  }
  ~Network() {
    for (xnn_operator_t op : operators_) xnn_delete_operator(op);
  }

  Prepared prepared() {
    Prepared result;
    result.input = reinterpret_cast<std::byte*>(tensors_.front().data.data());
    result.event_bytes = tensors_.front().elements();
    result.output = reinterpret_cast<const std::byte*>(tensors_.back().data.data());
    result.run = [this] {
      for (xnn_operator_t op : operators_) xnn_run_operator(op, nullptr);
    };
    return result;
  }
  std::size_t output_elements() const { return tensors_.back().elements(); }

 private:
  void allocate(Tensor& tensor) { tensor.data.assign(tensor.elements() * events_ + XNN_EXTRA_BYTES, 0); }

  void add(const Layer& layer, int last_shift) {
    Tensor& in = tensors_.back();
    Tensor out;
    const bool last = layer.kind != "pool" && layer.shift < 0;
    const float scale = std::ldexp(1.0f, last ? last_shift : layer.shift);
    out.zero_point = last ? 0 : -128;
    xnn_operator_t op = nullptr;
    const auto in_zero = static_cast<std::int8_t>(in.zero_point);
    const auto out_zero = static_cast<std::int8_t>(out.zero_point);
    const auto channels = static_cast<std::size_t>(in.channels);
    if (layer.kind == "dense") {
      const std::vector<std::int8_t> weights =
          channels_last(layer.weights, layer.outputs, in.channels, in.rows * in.columns);
      out.channels = layer.outputs;
      const auto inputs = static_cast<std::size_t>(layer.inputs);
      const auto outputs = static_cast<std::size_t>(layer.outputs);
      must(xnn_create_fully_connected_nc_qs8(inputs, outputs, inputs, outputs, in_zero, 1, 1, weights.data(),
                                             layer.bias.data(), out_zero, scale, -128, 127, 0, &op),
           "make a dense layer");
    } else if (layer.kind == "conv") {
      out.rows = in.rows, out.columns = in.columns, out.channels = layer.outputs;
      const std::vector<std::int8_t> weights =
          channels_last(layer.weights, layer.outputs, in.channels, layer.kernel[0] * layer.kernel[1]);
      const auto pad = static_cast<std::uint32_t>(layer.pad[0]);
      const auto outputs = static_cast<std::size_t>(layer.outputs);
      must(xnn_create_convolution2d_nhwc_qs8(
               pad, pad, pad, pad, static_cast<std::uint32_t>(layer.kernel[0]),
               static_cast<std::uint32_t>(layer.kernel[1]), 1, 1, 1, 1, 1, channels, outputs, channels,
               outputs, in_zero, 1, 1, weights.data(), layer.bias.data(), out_zero, scale, -128, 127, 0, &op),
           "make a convolution");
    } else {
      out.rows = in.rows / layer.kernel[0], out.columns = in.columns / layer.kernel[1];
      out.channels = in.channels;
      const auto rows = static_cast<std::uint32_t>(layer.kernel[0]);
      const auto columns = static_cast<std::uint32_t>(layer.kernel[1]);
      must(xnn_create_max_pooling2d_nhwc_s8(0, 0, 0, 0, rows, columns, rows, columns, 1, 1, channels,
                                            channels, channels, -128, 127, 0, &op),
           "make a pool");
    }
    operators_.push_back(op);
    allocate(out);
    tensors_.push_back(std::move(out));
    const Tensor& from = tensors_[tensors_.size() - 2];
    std::int8_t* to = tensors_.back().data.data();
    const auto rows = static_cast<std::size_t>(from.rows);
    const auto columns = static_cast<std::size_t>(from.columns);
    if (layer.kind == "dense") {
      must(xnn_setup_fully_connected_nc_qs8(op, events_, from.data.data(), to, nullptr), "set up");
    } else if (layer.kind == "conv") {
      must(xnn_setup_convolution2d_nhwc_qs8(op, events_, rows, columns, from.data.data(), to, nullptr),
           "set up");
    } else {
      must(xnn_setup_max_pooling2d_nhwc_s8(op, events_, rows, columns, from.data.data(), to, nullptr),
           "set up");
    }
  }

  std::size_t events_;
  std::vector<Tensor> tensors_;
  std::vector<xnn_operator_t> operators_;
};

Entry prepare(const Model& model) {
  const auto one = std::make_shared<Network>(model, 1);
  const auto batch = std::make_shared<Network>(model, batch_events);
  std::vector<std::byte> events;
  for (const std::vector<int>& event : model.events) {
    for (int x : event) {
      events.push_back(static_cast<std::byte>(static_cast<std::int8_t>(model.is_signed ? x : x - 128)));
    }
  }
  const double last_scale = std::ldexp(1.0, model.last_shift());
  check(one->prepared(), batch->prepared(), one->output_elements(), events, model.answers.size(),
        [&](std::size_t event, const std::byte* output) {
          for (std::size_t i = 0; i < one->output_elements(); ++i) {
            const double sum = static_cast<double>(model.answers[event][i]);
            const double wanted = std::clamp(std::nearbyint(sum / last_scale), -128.0, 127.0);
            if (static_cast<double>(static_cast<std::int8_t>(output[i])) != wanted) return false;
          }
          return true;
        });
  const Entry served = entry(one->prepared(), batch->prepared(), events);
  return {[one, batch, served](Mode mode) { return served.measure(mode); }, [one, served] { served.one(); }};
}

}  // namespace
}  // namespace crible::bench::peers

int main(int argc, char** argv) {
  using namespace crible::bench;
  if (argc != 2) return 2;
  xnn_initialize(nullptr);
  Served served;
  for (const peers::Model& model : peers::load_models(argv[1])) {
    try {
      served[model.name + "@xnnpack_int8"] = peers::prepare(model);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "peer left out: xnnpack on %s: %s\n", model.name.c_str(), error.what());
    }
  }
  serve(served);
}
