#include "engine/record/run_header.hpp"

#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"

namespace crible::record {

using Json = nlohmann::ordered_json;

std::string to_json(const RunHeader& header) {
  Json networks = Json::array();
  for (const auto& [name, hash] : header.networks) networks.push_back({{"name", name}, {"hash", hash}});
  const Json json = {{"run", header.run},         {"started_ns", header.started_ns},
                     {"program", header.program}, {"menu_hash", header.menu_hash},
                     {"chains", header.chains},   {"networks", networks},
                     {"config", header.config}};
  // Whatever bytes a configuration holds, the header must not be the reason why a run cannot start.
  return json.dump(1, ' ', false, Json::error_handler_t::replace);
}

RunHeader run_header_from_json(std::string_view text) try {
  const Json json = Json::parse(text);
  RunHeader header;
  header.run = json.at("run").get<std::uint32_t>();
  header.started_ns = json.at("started_ns").get<std::int64_t>();
  header.program = json.at("program").get<std::string>();
  header.config = json.at("config").get<std::string>();
  header.menu_hash = json.at("menu_hash").get<std::string>();
  header.chains = json.at("chains").get<std::vector<std::string>>();
  for (const Json& network : json.at("networks"))
    header.networks.emplace_back(network.at("name").get<std::string>(),
                                 network.at("hash").get<std::string>());
  return header;
} catch (const Json::exception& error) {
  throw Error(std::string("the run header is not the JSON object that it should be: ") + error.what(),
              Fault::failure);
}

}  // namespace crible::record
