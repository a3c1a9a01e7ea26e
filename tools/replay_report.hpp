#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/pipeline/replay.hpp"

namespace crible::tools {

/// Complete blocks are missing from the middle of the file. (That the end is missing is no fault of the
/// replay: it is said, and what is there counts.)
bool damaged(const record::Reader& reader);

/// The result of a replay for people: totals, a table of chains, the first differences, the ledger.
std::string replay_text(const record::Reader& reader, const pipeline::ReplayResult& result);

/// The same for programs: events, identical, gained, lost, chains, ledger, rates.
nlohmann::ordered_json replay_json(const record::Reader& reader, const pipeline::ReplayResult& result);

}  // namespace crible::tools
