#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "backends/backend.hpp"
#include "tools/commands/commands.hpp"
#include "tools/json_file.hpp"

namespace crible::tools {

namespace {

constexpr const char* examples =
    "  crible devices                     what can run here, and why what cannot, cannot\n"
    "  crible devices --json devices.json";

nlohmann::ordered_json describe(const backends::Device& device) {
  nlohmann::ordered_json entry{
      {"name", device.name}, {"description", device.description}, {"usable", device.usable}};
  if (!device.usable) entry["reason"] = device.reason;
  return entry;
}

int run_devices(const std::string& json_path) {
  nlohmann::ordered_json result = nlohmann::ordered_json::array();
  std::printf("reference      the definition of every operation, one event at a time\n");
  for (const auto& backend : backends::registry()) {
    for (const auto& device : backend->devices()) {
      std::printf(
          "%-14s %s%s%s\n", device.name.c_str(), device.description.c_str(),
          device.usable ? "" : "\n               not usable: ", device.usable ? "" : device.reason.c_str());
      result.push_back(describe(device));
    }
  }
  write_json_file(json_path, {{"devices", result}});
  return 0;
}

}  // namespace

void add_devices(CommandLine& line) {
  auto json_path = std::make_shared<std::string>();
  Command command = line.add("devices", "What can run networks here, and why what cannot, cannot", examples,
                             [json_path] { return run_devices(*json_path); });
  command.option("--json", *json_path, "Write a machine-readable result to this file").type_name("FILE");
}

}  // namespace crible::tools
