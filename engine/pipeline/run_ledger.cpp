#include "engine/pipeline/run_ledger.hpp"

#include <utility>

namespace crible::pipeline {

RunLedger::RunLedger(builder::Ledger empty, Record record)
    : ledger_(std::move(empty)), record_(std::move(record)) {}

std::string RunLedger::add(const builder::Book& book) {
  const std::string json = builder::to_json(book, ledger_.sources());
  const std::lock_guard lock(mutex_);
  ledger_.add(book);
  if (record_) record_(book.luminosity_block, json);
  return json;
}

builder::Ledger RunLedger::ledger() const {
  const std::lock_guard lock(mutex_);
  return ledger_;
}

}  // namespace crible::pipeline
