#include "engine/pipeline/trigger.hpp"

#include <map>
#include <utility>

#include "engine/base/file.hpp"
#include "engine/batching/routed_program.hpp"
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

/// Throws when a decision with all its outputs could be larger than what is published.
void check_decision_size(const yaml::Value& document, const menu::Menu& menu,
                         const menu::OutputLayout& layout) {
  const std::size_t bytes = menu::max_encoded_bytes(menu.chains().size(), layout);
  if (bytes <= menu::max_decision_bytes) return;
  std::size_t largest = 0;
  const auto values = [&](std::size_t n) {
    return layout.network(n).max_objects * layout.network(n).elements.size();
  };
  for (std::size_t n = 1; n < layout.network_count(); ++n) {
    if (values(n) > values(largest)) largest = n;
  }
  throw document.at("networks")
      .error("the outputs of all networks make decisions of up to " + std::to_string(bytes) + " bytes, but " +
             std::to_string(menu::max_decision_bytes) + " is the most; network '" +
             layout.network(largest).name + "' has " + std::to_string(values(largest)) +
             " values for each event: keep those that are needed by a map under 'outputs'");
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
  check_decision_size(document, menu, layout);
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

namespace {

/// "opencl" or "opencl:0", with the options that say so.
std::unique_ptr<backends::Program> compile_for(const std::string& device, const network::Network& network,
                                               const std::string& name, const BatchConfig& batch) {
  const std::string backend_name = device.substr(0, device.find(':'));
  const backends::Backend& backend = backends::find(backend_name);
  backends::CompileOptions options;
  if (backend_name != device) options.device = device;
  options.max_batch = batch.max_events;
  options.slots = batch.slots;
  options.hang_ns = batch.hang_ns;
  if (const std::string reason = backend.supports(network); !reason.empty()) {
    throw Error("backend " + backend_name + " does not run network " + name + ": " + reason);
  }
  auto program = backend.compile(network, options);
  return batch.around ? batch.around(std::move(program)) : std::move(program);
}

std::vector<std::unique_ptr<backends::Program>> compile_all(const Trigger& trigger,
                                                            const BatchConfig& batch) {
  const bool automatic = batch.backend == "auto";
  if (!automatic) backends::find(batch.backend.substr(0, batch.backend.find(':')));  // also without networks
  const bool cpu_only = batch.backend == "cpu" || batch.backend.starts_with("cpu:");
  const std::vector<std::string> devices =
      automatic ? backends::accelerators() : std::vector<std::string>{batch.backend};
  std::map<std::string, std::shared_ptr<batching::DeviceHealth>> health;
  std::vector<std::unique_ptr<backends::Program>> programs;
  for (std::size_t i = 0; i < trigger.networks.size(); ++i) {
    const network::Network& network = trigger.networks[i];
    const std::string name = trigger.bindings[i].name();
    if (cpu_only) {
      programs.push_back(compile_for(batch.backend, network, name, batch));
      continue;
    }
    std::vector<batching::Route> routes;
    for (const std::string& device : devices) {
      auto program = compile_for(device, network, name, batch);
      auto& of_device = health[program->device()];
      if (!of_device) of_device = std::make_shared<batching::DeviceHealth>();
      routes.push_back({std::move(program), of_device});
    }
    programs.push_back(std::make_unique<batching::RoutedProgram>(
        std::move(routes), compile_for("cpu", network, name, batch),
        batching::RoutingOptions{batch.hang_ns, batch.check_every, !automatic}));
  }
  return programs;
}

}  // namespace

std::vector<std::unique_ptr<backends::Program>> compile(const Trigger& trigger, const BatchConfig& batch) {
  try {
    return compile_all(trigger, batch);
  } catch (const Error& error) {
    // The command line may name another backend than the file.
    const bool by_file =
        batch.backend == trigger.run.batch.backend && !trigger.run.batch.backend_place.empty();
    if (!by_file) throw;
    throw Error(trigger.run.batch.backend_place + ": " + error.what(), error.fault());
  }
}

}  // namespace crible::pipeline
