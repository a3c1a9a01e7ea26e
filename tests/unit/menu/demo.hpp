#pragma once

#include <algorithm>

#include "engine/base/file.hpp"
#include "engine/importers/import.hpp"
#include "engine/reference/reference.hpp"
#include "tests/unit/menu/fixture.hpp"

/// The demo's detector, networks and sample, with the networks evaluated by the reference.
namespace crible::menu {

inline constexpr std::size_t header_bytes = 24;

inline network::Network load_network(const detector::NetworkConfig& config) {
  importers::ImportOptions options;
  for (const auto& [input, type] : config.input_types) options.input_types[input] = {type, std::nullopt};
  return importers::import_model(config.file, options).network;
}

/// A source's records, one after the other; the word count stands at byte 20 of each.
inline std::vector<detector::Payload> split(const std::string& file) {
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

inline std::int64_t read_element(network::Type type, const std::byte* place) {
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

}  // namespace crible::menu
