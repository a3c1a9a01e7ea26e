#include "engine/pipeline/trigger.hpp"

#include <utility>

#include "engine/base/file.hpp"
#include "engine/importers/import.hpp"
#include "engine/network/text.hpp"

namespace crible::pipeline {

namespace {

network::Network load(const detector::NetworkConfig& config) {
  if (config.input_types.empty()) return importers::load_network(config.file);
  importers::ImportOptions options;
  for (const auto& [input, type] : config.input_types) options.input_types[input] = {type, {}};
  return importers::import_model(config.file, options).network;
}

std::vector<network::Network> load_all(const std::vector<detector::NetworkConfig>& configs) {
  std::vector<network::Network> networks;
  for (const auto& config : configs) {
    try {
      networks.push_back(load(config));
    } catch (const Error& error) {
      throw config.place.error("network " + config.name + ": " + error.what());
    }
  }
  return networks;
}

}  // namespace

std::vector<std::string> Trigger::network_names() const {
  std::vector<std::string> names;
  for (const auto& binding : bindings) names.push_back(binding.name());
  return names;
}

Trigger load_trigger(const std::filesystem::path& file) {
  const yaml::Value document = yaml::load(file);
  document.expect_keys({"detector", "networks", "menu", "run"});
  detector::Description description = detector::load_description(document.at("detector").included());
  std::vector<detector::NetworkConfig> configs;
  if (const auto section = document.find("networks")) configs = detector::load_networks(section->included());
  std::vector<network::Network> networks = load_all(configs);
  std::vector<std::string> hashes;
  std::vector<detector::Binding> bindings;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    hashes.push_back(network::content_hash(networks[i]));
    bindings.emplace_back(configs[i], description, networks[i]);
  }
  menu::OutputLayout layout(configs, bindings, networks);
  menu::Menu menu(document.at("menu").included(), description, layout);
  RunConfig run;
  if (const auto section = document.find("run")) {
    run = load_run_config(section->included(), description.sources.size());
  }
  detector::Decoder decoder(description);
  return {file,
          read_file(file),
          std::move(description),
          std::move(decoder),
          std::move(networks),
          std::move(hashes),
          std::move(bindings),
          std::move(layout),
          std::move(menu),
          std::move(run)};
}

std::vector<std::unique_ptr<backends::Program>> compile(const Trigger& trigger, const BatchConfig& batch) {
  const std::string name = batch.backend.substr(0, batch.backend.find(':'));
  const backends::Backend& backend = backends::find(name);
  backends::CompileOptions options;
  if (name != batch.backend) options.device = batch.backend;
  options.max_batch = batch.max_events;
  options.slots = batch.slots;
  std::vector<std::unique_ptr<backends::Program>> programs;
  for (std::size_t i = 0; i < trigger.networks.size(); ++i) {
    const std::string reason = backend.supports(trigger.networks[i]);
    if (!reason.empty()) {
      throw Error("backend " + name + " does not run network " + trigger.bindings[i].name() + ": " + reason);
    }
    programs.push_back(backend.compile(trigger.networks[i], options));
  }
  return programs;
}

}  // namespace crible::pipeline
