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

/// A list gives every element a name; a map keeps some of them.
void load_outputs(const yaml::Value& value, NetworkConfig& config) {
  if (value.is_map()) {
    for (const std::string& name : value.keys()) {
      const yaml::Value element = value.at(name);
      if (!yaml::is_name(name)) throw element.error("'" + name + "' is no name: letters, digits and _ only");
      config.outputs.push_back({name, element.text()});
    }
    return;
  }
  for (const yaml::Value& name : value.items()) {
    for (const OutputName& other : config.outputs) {
      if (other.name == name.text())
        throw name.error("'" + other.name + "' is there twice; give each its own name");
    }
    config.outputs.push_back({name.name(), ""});
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
  if (const auto outputs = value.find("outputs")) load_outputs(*outputs, config);
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
