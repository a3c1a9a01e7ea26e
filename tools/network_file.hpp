#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/importers/import.hpp"
#include "engine/network/network.hpp"

/// What the network commands have in common.
namespace crible::tools {

/// Options for import from the command line: "[NAME=]s16.10", "[NAME=]1/255", "s32.24" or "".
importers::ImportOptions import_options(const std::vector<std::string>& input_types,
                                        const std::vector<std::string>& input_steps,
                                        const std::string& score_type);

/// Inputs and outputs, cost, hash.
nlohmann::ordered_json describe(const network::Network& network);

/// The importer's report.
nlohmann::ordered_json describe(const importers::Report& report);

/// "[16]", "[1, 18, 14]".
std::string to_string(const network::Shape& shape);

/// "scale 2^-5", "scale 0.109692, zero point -128".
std::string to_string(const network::Encoding& encoding);

/// The lines that import and inspect begin with.
void print_summary(const network::Network& network);
void print_report(const importers::Report& report);

}  // namespace crible::tools
