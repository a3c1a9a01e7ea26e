#include "engine/detector/bindings.hpp"

namespace crible::detector {

namespace {

network::Type load_type(const yaml::Value& value) {
  try {
    return network::parse_type(value.text());
  } catch (const Error& error) {
    throw value.error(error.what());
  }
}

void load_input_types(const yaml::Value& value, NetworkConfig& config) {
  if (!value.is_map()) {
    config.input_types.emplace_back("", load_type(value));
    return;
  }
  for (const std::string& input : value.keys()) {
    config.input_types.emplace_back(input, load_type(value.at(input)));
  }
}

NetworkConfig load_network(const yaml::Value& value) {
  value.expect_keys({"name", "file", "input_type", "per", "outputs", "inputs"});
  NetworkConfig config{.name = value.at("name").name(),
                       .file = value.at("file").path(),
                       .input_types = {},
                       .per = std::nullopt,
                       .outputs = {},
                       .inputs = value.at("inputs").items(),
                       .place = value};
  if (const auto types = value.find("input_type")) load_input_types(*types, config);
  if (const auto per = value.find("per")) config.per = per->text();
  if (const auto outputs = value.find("outputs")) {
    for (const yaml::Value& output : outputs->items()) config.outputs.push_back(output.name());
  }
  return config;
}

}  // namespace

std::vector<NetworkConfig> load_networks(const yaml::Value& section) {
  std::vector<NetworkConfig> configs;
  for (const yaml::Value& value : section.items()) {
    configs.push_back(load_network(value));
    for (std::size_t i = 0; i + 1 < configs.size(); ++i) {
      if (configs[i].name == configs.back().name) {
        throw value.error("there is a network '" + configs[i].name + "' already; rename one");
      }
    }
  }
  return configs;
}

}  // namespace crible::detector
