#include "engine/pipeline/sample.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/npy.hpp"
#include "engine/record/reader.hpp"

namespace crible::pipeline {
namespace {

using Json = nlohmann::json;

std::unique_ptr<std::byte[]> copy_of(std::span<const std::byte> bytes) {
  auto copy = std::make_unique_for_overwrite<std::byte[]>(std::max<std::size_t>(bytes.size(), 1));
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  return copy;
}

/// The records of one source's file.
std::vector<SampleFragment> records(std::span<const std::byte> bytes, const std::filesystem::path& file,
                                    std::uint32_t source) {
  std::vector<SampleFragment> fragments;
  const auto bad = [&](const std::string& what, std::size_t at) {
    return Error(file.string() + ": byte " + std::to_string(at) + ": " + what);
  };
  for (std::size_t at = 0; at < bytes.size();) {
    RecordHeader header;
    if (bytes.size() - at < sizeof(header)) throw bad("the file ends inside a record header", at);
    std::memcpy(&header, bytes.data() + at, sizeof(header));
    if (header.magic != record_magic) throw bad("no record begins here (its marker 0xC1B1 is missing)", at);
    if (header.source != source)
      throw bad("the record is of source " + std::to_string(header.source) + ", the file of source " +
                    std::to_string(source),
                at);
    const std::size_t record_bytes = sizeof(header) + 2 * std::size_t{header.payload_words};
    if (record_bytes > bytes.size() - at) throw bad("the file ends inside a record", at);
    if (!fragments.empty() && fragments.back().event >= header.event)
      throw bad("event numbers do not ascend", at);
    fragments.push_back({header.event, header.luminosity_block, bytes.subspan(at, record_bytes)});
    at += record_bytes;
  }
  return fragments;
}

}  // namespace

Sample Sample::load(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return load_folder(path / "manifest.json");
  if (path.filename() == "manifest.json") return load_folder(path);
  return load_recording(path);
}

Sample Sample::load_folder(const std::filesystem::path& manifest) {
  Sample sample;
  sample.has_record_headers_ = true;
  const std::filesystem::path folder = manifest.parent_path();
  try {
    const Json json = Json::parse(read_file(manifest));
    if (json.at("header_bytes") != sizeof(RecordHeader) || json.at("byte_order") != "little")
      throw Error(manifest.string() + ": header_bytes must be 24 and byte_order \"little\"");
    sample.run_ = json.at("run").get<std::uint32_t>();
    if (json.contains("labels")) sample.label_names_ = json["labels"].get<std::vector<std::string>>();
    for (const Json& entry : json.at("sources")) {
      SampleSource source{.name = entry.at("name").get<std::string>(),
                          .id = entry.at("id").get<std::uint32_t>(),
                          .fragments = {}};
      const std::filesystem::path file = folder / entry.at("file").get<std::string>();
      const std::string text = read_file(file);
      sample.memory_.push_back(copy_of(std::as_bytes(std::span(text))));
      source.fragments = records({sample.memory_.back().get(), text.size()}, file, source.id);
      sample.sources_.push_back(std::move(source));
    }
  } catch (const Json::exception& error) {
    throw Error(manifest.string() + ": this is not the manifest of a sample: " + error.what());
  }
  sample.finish(manifest);
  const std::filesystem::path labels = folder / "labels.npy";
  if (std::filesystem::exists(labels)) {
    const std::vector<std::int64_t> values = to_integers(read_npy(labels));
    if (values.size() != sample.events_.size())
      throw Error(labels.string() + ": there must be one label for each of the " +
                  std::to_string(sample.events_.size()) + " events");
    for (const std::int64_t label : values) {
      if (label < 0 || label >= static_cast<std::int64_t>(sample.label_names_.size()))
        throw Error(labels.string() + ": label " + std::to_string(label) + " has no name in manifest.json");
      sample.labels_.push_back(static_cast<std::uint8_t>(label));
    }
  }
  return sample;
}

Sample Sample::load_recording(const std::filesystem::path& file) {
  const record::Reader reader(file);
  Sample sample;
  sample.run_ = reader.run_header().run;
  std::map<std::uint32_t, std::vector<SampleFragment>> by_source;
  record::Body body;
  record::Cursor cursor;
  record::EventView event;
  for (const record::BlockInfo& block : reader.blocks()) {
    if (block.header.kind != record::BlockKind::events) continue;
    const record::ReadStatus status = reader.read(block, body);
    if (status != record::ReadStatus::ok)
      throw Error(file.string() + ": the block at byte " + std::to_string(block.offset) +
                      " cannot be sent: " + sentence(status),
                  Fault::failure);
    sample.memory_.push_back(copy_of(body.bytes()));
    cursor.reset({sample.memory_.back().get(), body.bytes().size()});
    while (cursor.next(event) == record::ReadStatus::ok)
      for (const record::FragmentView& fragment : event.fragments)
        by_source[fragment.source].push_back({event.event, event.luminosity_block, fragment.payload});
  }
  for (auto& [id, fragments] : by_source) {
    // Shards and blocks lie in the file as they came.
    std::ranges::stable_sort(fragments, {}, &SampleFragment::event);
    sample.sources_.push_back({.name = {}, .id = id, .fragments = std::move(fragments)});
  }
  sample.finish(file);
  return sample;
}

void Sample::finish(const std::filesystem::path& path) {
  for (const SampleSource& source : sources_)
    for (const SampleFragment& fragment : source.fragments) {
      if (events_.empty()) first_luminosity_block_ = last_luminosity_block_ = fragment.luminosity_block;
      first_luminosity_block_ = std::min(first_luminosity_block_, fragment.luminosity_block);
      last_luminosity_block_ = std::max(last_luminosity_block_, fragment.luminosity_block);
      events_.push_back(fragment.event);
    }
  std::ranges::sort(events_);
  events_.erase(std::unique(events_.begin(), events_.end()), events_.end());
  if (events_.empty()) throw Error(path.string() + ": there is no event in it to send");
}

Cycle::Cycle(const Sample& sample, std::uint64_t luminosity_block_events)
    : sample_(sample),
      events_(sample.events().size()),
      first_(sample.events().front()),
      span_(sample.events().back() - first_ + 1),
      luminosity_block_events_(luminosity_block_events),
      luminosity_blocks_(sample.last_luminosity_block() - sample.first_luminosity_block() + 1) {}

std::uint32_t Cycle::luminosity_block(std::uint64_t cycle, std::uint64_t event,
                                      std::uint32_t luminosity_block) const {
  if (luminosity_block_events_ == 0)
    return luminosity_block + static_cast<std::uint32_t>(cycle) * luminosity_blocks_;
  const std::uint64_t since_start = this->event(cycle, event) - first_;
  return sample_.first_luminosity_block() +
         static_cast<std::uint32_t>(since_start / luminosity_block_events_);
}

std::size_t Cycle::index_of(std::uint64_t sent_event) const {
  if (sent_event < first_) return events_;
  const std::uint64_t event = first_ + (sent_event - first_) % span_;
  const auto& events = sample_.events();
  const auto found = std::ranges::lower_bound(events, event);
  return found != events.end() && *found == event ? static_cast<std::size_t>(found - events.begin())
                                                  : events_;
}

}  // namespace crible::pipeline
