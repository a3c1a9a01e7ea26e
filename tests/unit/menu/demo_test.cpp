// The demo's menu on the demo's sample, with the networks evaluated by the reference: what it keeps of zero
// bias and of each signal.

#include <array>

#include "engine/base/file.hpp"
#include "engine/base/npy.hpp"
#include "engine/importers/import.hpp"
#include "engine/reference/reference.hpp"
#include "tests/unit/menu/fixture.hpp"

namespace crible::menu {
namespace {

constexpr std::size_t events = 2000;
constexpr std::size_t samples = 7;
constexpr std::size_t header_bytes = 24;

network::Network load_network(const detector::NetworkConfig& config) {
  importers::ImportOptions options;
  for (const auto& [input, type] : config.input_types) options.input_types[input] = {type, std::nullopt};
  return importers::import_model(config.file, options).network;
}

/// A source's records, one after the other; the word count stands at byte 20 of each.
std::vector<detector::Payload> split(const std::string& file) {
  std::vector<detector::Payload> records;
  const auto* bytes = reinterpret_cast<const std::byte*>(file.data());
  for (std::size_t at = 0; at < file.size();) {
    std::uint16_t words = 0;
    std::memcpy(&words, bytes + at + 20, sizeof words);
    records.emplace_back(bytes + at, header_bytes + 2 * std::size_t{words});
    at += records.back().size();
  }
  return records;
}

std::int64_t read_element(network::Type type, const std::byte* place) {
  if (network::storage_bytes(type) != 1) ADD_FAILURE() << "the demo's networks have inputs of one byte";
  return type.is_signed ? static_cast<std::int8_t>(*place) : static_cast<std::uint8_t>(*place);
}

class Demo : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& config : configs_) {
      networks_.push_back(load_network(config));
      bindings_.emplace_back(config, description_, networks_.back());
    }
    layout_ = OutputLayout(configs_, bindings_, networks_);
    outputs_.resize(layout_.size());
    for (const detector::Source& source : description_.sources) {
      files_.push_back(
          read_file("tools/demo_data/stream/" + std::to_string(source.id) + "_" + source.name + ".bin"));
      records_.push_back(split(files_.back()));
    }
  }

  void run_network(std::size_t index, std::size_t object) {
    const network::Network& network = networks_[index];
    const network::Node& input = network.nodes[static_cast<std::size_t>(network::inputs_of(network).front())];
    std::vector<std::byte> row(network::element_count(input.shape));
    std::byte* const rows[] = {row.data()};
    bindings_[index].gather(event_, object, rows);
    reference::Tensor tensor;
    for (const std::byte& element : row) tensor.push_back(read_element(input.type, &element));
    const std::vector<reference::Tensor> results = reference::evaluate(network, {tensor});
    const NetworkOutputs& place = layout_.network(index);
    std::size_t target = place.first + object * place.elements.size();
    for (const OutputElement& element : place.elements) {
      outputs_[target++] = results[element.output][element.offset_bytes / element.element_bytes];
    }
  }

  void decode_and_infer(std::size_t event) {
    std::vector<detector::Payload> fragments;
    for (const auto& source : records_) fragments.push_back(source[event]);
    ASSERT_EQ(decoder_.decode(fragments, event_).status, detector::DecodeStatus::ok);
    for (std::size_t n = 0; n < networks_.size(); ++n) {
      for (std::uint32_t o = 0; o < bindings_[n].objects(event_); ++o) run_network(n, o);
    }
  }

  const yaml::Value config_ = yaml::load("tools/demo_data/run.yaml");
  const detector::Description description_ = detector::load_description(config_.at("detector").included());
  const std::vector<detector::NetworkConfig> configs_ =
      detector::load_networks(config_.at("networks").included());
  const detector::Decoder decoder_{description_};
  detector::Event event_ = decoder_.make_event();
  std::vector<network::Network> networks_;
  std::vector<detector::Binding> bindings_;
  OutputLayout layout_;
  std::vector<std::int64_t> outputs_;
  std::vector<std::string> files_;
  std::vector<std::vector<detector::Payload>> records_;
};

TEST_F(Demo, KeepsLittleZeroBiasAndMostOfEachSignal) {
  const Menu menu(config_.at("menu").included(), description_, layout_);
  const std::vector<std::int64_t> labels = to_integers(read_npy("tools/demo_data/stream/labels.npy"));
  const NamedArrays assembled = read_npz("tests/data/stream/assembled.npz");
  std::vector<std::int64_t> scores;
  for (const auto& [name, array] : assembled) {
    if (name == "anomaly_score_int") scores = to_integers(array);
  }
  ASSERT_EQ(scores.size(), events);
  std::array<double, samples> seen{};
  std::array<double, samples> kept{};
  std::vector<int> fired(menu.chains().size());
  const std::size_t physics = 0;
  for (std::size_t event = 0; event < events; ++event) {
    decode_and_infer(event);
    ASSERT_EQ(outputs_[0], scores[event]) << "event " << event;
    DecisionInput input;
    input.event = event;
    input.run = 392642;
    input.quantities = &event_;
    input.outputs = outputs_.data();
    Decision decision;
    menu.decide(input, decision);
    const auto label = static_cast<std::size_t>(labels[event]);
    seen[label] += 1;
    kept[label] += (decision.streams >> physics) & 1;
    for (std::size_t c = 0; c < fired.size(); ++c) fired[c] += (decision.before[c / 64] >> (c % 64)) & 1;
  }
  EXPECT_LT(kept[0] / seen[0], 0.03) << "zero bias";
  for (std::size_t label = 1; label < samples; ++label) {
    EXPECT_GT(kept[label] / seen[label], 0.5) << "signal " << label;
    RecordProperty("kept_" + std::to_string(label), std::to_string(kept[label] / seen[label]));
  }
  RecordProperty("kept_0", std::to_string(kept[0] / seen[0]));
  for (std::size_t c = 0; c < fired.size(); ++c)
    EXPECT_GT(fired[c], 0) << menu.chains()[c].name << " never fires";
}

}  // namespace
}  // namespace crible::menu
