#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/builder/ledger.hpp"

namespace crible::builder {

namespace {

using Json = nlohmann::ordered_json;

template <class Counts, std::size_t size>
Json counts_to_json(const Counts& counts, const std::array<Counter<Counts>, size>& counters) {
  Json json = Json::object();
  for (const auto& counter : counters) json[std::string(counter.name)] = counts.*counter.value;
  return json;
}

template <class Counts, std::size_t size>
Counts counts_from_json(const Json& json, const std::array<Counter<Counts>, size>& counters) {
  Counts counts;
  for (const auto& counter : counters) {
    counts.*counter.value = json.at(std::string(counter.name)).template get<std::int64_t>();
  }
  return counts;
}

Json source_to_json(const SourceBook& book) {
  return {{"fragments", counts_to_json(book.fragments, fragment_counters)},
          {"packets", counts_to_json(book.packets, packet_counters)}};
}

SourceBook source_from_json(const Json& json) {
  return {counts_from_json(json.at("fragments"), fragment_counters),
          counts_from_json(json.at("packets"), packet_counters)};
}

Json book_to_json(const Book& book, const std::vector<std::uint16_t>& sources) {
  Json json = {{"luminosity_block", book.luminosity_block},
               {"events", counts_to_json(book.events, event_counters)},
               {"total", source_to_json(book.total())}};
  Json& list = json["sources"] = Json::array();
  for (std::size_t i = 0; i < book.sources.size(); ++i) {
    Json source = {{"source", sources.at(i)}};
    source.update(source_to_json(book.sources[i]));
    list.push_back(std::move(source));
  }
  json["unknown_sources"] = source_to_json(book.unknown);
  Json& frames = json["frames"] = Json::object();
  for (std::size_t i = 0; i < book.frames.size(); ++i) {
    frames[std::string(wire::name(static_cast<wire::PacketStatus>(i)))] = book.frames[i];
  }
  return json;
}

Book book_from(const Json& json) {
  Book book;
  book.luminosity_block = json.at("luminosity_block").get<std::uint32_t>();
  book.events = counts_from_json(json.at("events"), event_counters);
  for (const Json& source : json.at("sources")) book.sources.push_back(source_from_json(source));
  book.unknown = source_from_json(json.at("unknown_sources"));
  for (std::size_t i = 0; i < book.frames.size(); ++i) {
    const std::string key(wire::name(static_cast<wire::PacketStatus>(i)));
    book.frames[i] = json.at("frames").at(key).get<std::int64_t>();
  }
  return book;
}

/// Runs `read` on the parsed text and makes the library's exceptions ours.
template <class Read>
auto read_json(std::string_view text, Read read) {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& error) {
    throw Error(std::string("ledger: the text is not a ledger of this version: ") + error.what());
  }
}

}  // namespace

std::string to_json(const Ledger& ledger) {
  const auto violations = ledger.balance();
  Json json = {{"run", ledger.run()},
               {"sources", ledger.sources()},
               {"balanced", violations.empty()},
               {"violations", violations},
               {"total", book_to_json(ledger.total(), ledger.sources())}};
  json["total"].erase("luminosity_block");
  Json& blocks = json["luminosity_blocks"] = Json::array();
  for (const auto& [number, book] : ledger.books()) blocks.push_back(book_to_json(book, ledger.sources()));
  return json.dump(1);
}

std::string to_json(const Book& book, const std::vector<std::uint16_t>& sources) {
  return book_to_json(book, sources).dump();
}

Ledger ledger_from_json(std::string_view text) {
  return read_json(text, [](const Json& json) {
    Ledger ledger(json.at("run").get<std::uint32_t>(), json.at("sources").get<std::vector<std::uint16_t>>());
    for (const Json& block : json.at("luminosity_blocks")) ledger.add(book_from(block));
    return ledger;
  });
}

Book book_from_json(std::string_view text) {
  return read_json(text, [](const Json& json) { return book_from(json); });
}

}  // namespace crible::builder
