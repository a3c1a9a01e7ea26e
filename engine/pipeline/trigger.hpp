#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backends/backend.hpp"
#include "engine/detector/bindings.hpp"
#include "engine/detector/description.hpp"
#include "engine/detector/plan.hpp"
#include "engine/menu/menu.hpp"
#include "engine/menu/outputs.hpp"
#include "engine/network/network.hpp"
#include "engine/pipeline/run_config.hpp"

namespace crible::pipeline {

/// A configuration, loaded and checked: everything that decides. Immutable; shared by all shards and by
/// replay.
struct Trigger {
  std::filesystem::path file;
  std::string text;  // of the file
  detector::Description description;
  detector::Decoder decoder;
  std::vector<network::Network> networks;
  std::vector<std::string> network_hashes;
  std::vector<detector::Binding> bindings;
  menu::OutputLayout layout;
  menu::Menu menu;
  RunConfig run;

  std::vector<std::string> network_names() const;
};

/// Loads detector, networks, menu and run from a configuration file and checks each against the others.
/// Throws Error naming file, line and key.
Trigger load_trigger(const std::filesystem::path& file);

/// Compiles every network for `batch.backend`, in order: for the CPU alone, or for a device with the CPU to
/// fall back to; "auto": for every accelerator and the CPU, each batch where it is answered first. Throws
/// Error naming the network when the backend does not run it.
std::vector<std::unique_ptr<backends::Program>> compile(const Trigger& trigger, const BatchConfig& batch);

}  // namespace crible::pipeline
