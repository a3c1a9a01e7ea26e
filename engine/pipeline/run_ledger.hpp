#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "engine/builder/ledger.hpp"

namespace crible::pipeline {

/// The ledger of the run, summed over the shards: each hands over the books of its luminosity blocks when
/// they are finished. Called a few times per luminosity block, by any shard.
class RunLedger {
 public:
  using Record = std::function<void(std::uint32_t luminosity_block, const std::string& json)>;

  /// `empty` says run and sources. `record` is called for each book, one at a time, to write it down.
  RunLedger(builder::Ledger empty, Record record);

  /// Adds a shard's book and returns it as JSON text, as it was written down.
  std::string add(const builder::Book& book);

  /// A copy of what was handed over so far.
  builder::Ledger ledger() const;

 private:
  mutable std::mutex mutex_;
  builder::Ledger ledger_;
  Record record_;
};

}  // namespace crible::pipeline
