#include <algorithm>
#include <cmath>
#include <cstdio>
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>

#include "bench/peers/peer.hpp"

// oneDNN's inner products in int8 and in float, chained by hand. In int8 with power-of-two scales every
// result is the same integer as crible's.
namespace crible::bench::peers {
namespace {

using dnnl::memory;
using Type = memory::data_type;

class Network {
 public:
  Network(const Model& model, std::size_t events, bool is_float) : stream_(engine_) {
    const auto n = static_cast<memory::dim>(events);
    const Type first = model.is_signed ? Type::s8 : Type::u8;
    memory in(desc({n, model.in_shape[0]}, is_float ? Type::f32 : first), engine_);
    input_ = in;
    for (const Layer& layer : model.layers) {
      if (layer.kind != "dense") throw std::runtime_error("only dense layers are chained");
      const bool last = layer.shift < 0;
      memory out(desc({n, layer.outputs}, is_float || last ? Type::f32 : Type::u8), engine_);
      add(layer, is_float, in, out);
      in = out;
    }
    output_ = in;
  }

  Prepared prepared() {
    Prepared result;
    result.input = static_cast<std::byte*>(input_.get_data_handle());
    result.event_bytes = input_.get_desc().get_size() / static_cast<std::size_t>(input_.get_desc().dims()[0]);
    result.output = static_cast<const std::byte*>(output_.get_data_handle());
    result.run = [this] {
      for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i].execute(stream_, arguments_[i]);
      stream_.wait();
    };
    return result;
  }
  std::size_t output_elements() const { return static_cast<std::size_t>(output_.get_desc().dims()[1]); }

 private:
  static memory::desc desc(const memory::dims& dims, Type type) {
    return {dims, type, memory::format_tag::ab};
  }

  void add(const Layer& layer, bool is_float, const memory& in, const memory& out) {
    const memory::dims dims{layer.outputs, layer.inputs};
    const Type weight_type = is_float ? Type::f32 : Type::s8;
    const Type bias_type = is_float ? Type::f32 : Type::s32;
    const dnnl::inner_product_forward::desc wanted(
        dnnl::prop_kind::forward_inference, in.get_desc(),
        memory::desc(dims, weight_type, memory::format_tag::any),
        memory::desc({layer.outputs}, bias_type, memory::format_tag::a), out.get_desc());
    dnnl::primitive_attr attributes;
    dnnl::post_ops after;
    if (layer.shift >= 0) {
      const float scale = std::ldexp(1.0f, -layer.shift);
      if (is_float) {
        after.append_eltwise(scale, dnnl::algorithm::eltwise_clip, 0, 255 / scale);
      } else {
        attributes.set_output_scales(0, {scale});  // unsigned bytes saturate at 0: the relu
      }
      attributes.set_post_ops(after);
    }
    const dnnl::inner_product_forward::primitive_desc chosen(wanted, attributes, engine_);
    memory weights(chosen.weights_desc(), engine_);
    memory bias(chosen.bias_desc(), engine_);
    memory plain(desc(dims, weight_type), engine_);
    for (std::size_t i = 0; i < layer.weights.size(); ++i) {
      if (is_float) {
        static_cast<float*>(plain.get_data_handle())[i] = layer.weights[i];
      } else {
        static_cast<std::int8_t*>(plain.get_data_handle())[i] = layer.weights[i];
      }
    }
    for (std::size_t i = 0; i < layer.bias.size(); ++i) {
      if (is_float) {
        static_cast<float*>(bias.get_data_handle())[i] = static_cast<float>(layer.bias[i]);
      } else {
        static_cast<std::int32_t*>(bias.get_data_handle())[i] = layer.bias[i];
      }
    }
    dnnl::reorder(plain, weights).execute(stream_, plain, weights);
    stream_.wait();
    layers_.push_back(dnnl::inner_product_forward(chosen));
    arguments_.push_back(
        {{DNNL_ARG_SRC, in}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, out}});
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_;
  memory input_;
  memory output_;
  std::vector<dnnl::primitive> layers_;
  std::vector<std::unordered_map<int, memory>> arguments_;
};

template <class T>
std::vector<std::byte> events_as(const Model& model) {
  std::vector<T> values;
  for (const std::vector<int>& event : model.events) {
    for (int x : event) values.push_back(static_cast<T>(x));
  }
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::copy_n(reinterpret_cast<const std::byte*>(values.data()), bytes.size(), bytes.data());
  return bytes;
}

/// Float keeps what integers round away at each layer: near is right. Without VNNI oneDNN adds pairs of
/// products in 16 bits, whether they fit or not: that is timed nevertheless, and said.
Entry prepare(const Model& model, bool is_float, bool may_saturate) {
  const auto one = std::make_shared<Network>(model, 1, is_float);
  const auto batch = std::make_shared<Network>(model, batch_events, is_float);
  std::vector<std::byte> events = is_float          ? events_as<float>(model)
                                  : model.is_signed ? events_as<std::int8_t>(model)
                                                    : events_as<std::uint8_t>(model);
  double reach = 1;
  for (const auto& answer : model.answers) {
    for (std::int64_t x : answer) reach = std::max(reach, std::abs(static_cast<double>(x)));
  }
  const double tolerance = is_float ? 0.05 * reach : 0;
  bool right = true;
  check(one->prepared(), batch->prepared(), one->output_elements() * sizeof(float), events,
        model.answers.size(), [&](std::size_t event, const std::byte* output) {
          const auto* got = reinterpret_cast<const float*>(output);
          bool same = true;
          for (std::size_t i = 0; i < one->output_elements(); ++i) {
            const double wanted = static_cast<double>(model.answers[event][i]);
            same = same && std::abs(double{got[i]} - wanted) <= tolerance;
          }
          right = right && same;
          return same || (may_saturate && !is_float);
        });
  if (!right) std::fprintf(stderr, "onednn on %s saturates here: fast, not exact\n", model.name.c_str());
  const Entry served = entry(one->prepared(), batch->prepared(), events);
  return {[one, batch, served](Mode mode) { return served.measure(mode); }, [one, served] { served.one(); }};
}

}  // namespace
}  // namespace crible::bench::peers

int main(int argc, char** argv) {
  using namespace crible::bench;
  if (argc < 2) return 2;
  const std::string suffix = argc > 2 ? argv[2] : "";  // names a run that the environment holds to AVX2
  Served served;
  for (const peers::Model& model : peers::load_models(argv[1])) {
    if (model.in_shape.size() > 1) continue;  // only dense layers are chained here
    for (bool is_float : {false, true}) {
      try {
        served[model.name + (is_float ? "@onednn_float" : "@onednn_int8") + suffix] =
            peers::prepare(model, is_float, !suffix.empty());
      } catch (const std::exception& error) {
        std::fprintf(stderr, "peer left out: onednn on %s: %s\n", model.name.c_str(), error.what());
      }
    }
  }
  serve(served);
}
