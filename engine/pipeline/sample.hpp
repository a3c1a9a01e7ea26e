#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace crible::pipeline {

/// One fragment of a sample. The payload belongs to the Sample.
struct SampleFragment {
  std::uint64_t event = 0;
  std::uint32_t luminosity_block = 0;
  std::span<const std::byte> payload;
};

/// What one source has sent, in ascending order of events.
struct SampleSource {
  std::string name;      // empty when the sample does not know names: a recording
  std::uint32_t id = 0;  // the sample's own; the configuration's when the sample is a recording
  std::vector<SampleFragment> fragments;
};

/// Events to be sent, by source. Two kinds of files hold them: a folder with manifest.json and one file of
/// records per source, or a recording.
class Sample {
 public:
  /// Reads the folder (or its manifest.json) or the recording at `path`. Throws Error naming file and
  /// place when a record contradicts the manifest, or the recording holds no events.
  static Sample load(const std::filesystem::path& path);

  const std::vector<SampleSource>& sources() const { return sources_; }

  std::uint32_t run() const { return run_; }

  /// Event numbers in ascending order, each once.
  const std::vector<std::uint64_t>& events() const { return events_; }

  /// Truth of each event of events() as an index of label_names(); empty when the sample has none.
  const std::vector<std::uint8_t>& labels() const { return labels_; }
  const std::vector<std::string>& label_names() const { return label_names_; }

  /// Payloads begin with the record header of a stream folder, which repeats the event number.
  bool has_record_headers() const { return has_record_headers_; }

  std::uint32_t first_luminosity_block() const { return first_luminosity_block_; }
  std::uint32_t last_luminosity_block() const { return last_luminosity_block_; }

 private:
  static Sample load_folder(const std::filesystem::path& manifest);
  static Sample load_recording(const std::filesystem::path& file);
  void finish(const std::filesystem::path& path);

  std::vector<SampleSource> sources_;
  std::vector<std::uint64_t> events_;
  std::vector<std::uint8_t> labels_;
  std::vector<std::string> label_names_;
  std::vector<std::unique_ptr<std::byte[]>> memory_;
  std::uint32_t run_ = 0;
  std::uint32_t first_luminosity_block_ = 0;
  std::uint32_t last_luminosity_block_ = 0;
  bool has_record_headers_ = false;
};

/// The header that opens each record of a stream folder, little-endian.
struct RecordHeader {
  std::uint16_t magic;
  std::uint16_t source;
  std::uint32_t run;
  std::uint32_t event;
  std::uint32_t orbit;
  std::uint16_t bunch_crossing;
  std::uint16_t luminosity_block;
  std::uint16_t payload_words;  // of 16 bits
  std::uint16_t flags;
};

constexpr std::uint16_t record_magic = 0xC1B1;

static_assert(sizeof(RecordHeader) == 24 && offsetof(RecordHeader, event) == 8);
static_assert(offsetof(RecordHeader, luminosity_block) == 18 && offsetof(RecordHeader, payload_words) == 20);

/// Sample events again and again under fresh, ascending event numbers: where the k-th event of an endless
/// stream comes from, and what it is called.
class Cycle {
 public:
  /// `luminosity_block_events`: event numbers per luminosity block; 0: the sample's own blocks, which go on
  /// counting from cycle to cycle. The sample must outlive the cycle.
  Cycle(const Sample& sample, std::uint64_t luminosity_block_events);

  std::size_t sample_events() const { return events_; }

  /// Event number and luminosity block in cycle `cycle` of what the sample calls `event`, `luminosity_block`.
  std::uint64_t event(std::uint64_t cycle, std::uint64_t event) const { return event + cycle * span_; }
  std::uint32_t luminosity_block(std::uint64_t cycle, std::uint64_t event,
                                 std::uint32_t luminosity_block) const;

  /// The sample's index of an event that was sent; sample_events() when there is none.
  std::size_t index_of(std::uint64_t sent_event) const;

 private:
  const Sample& sample_;
  std::size_t events_;
  std::uint64_t first_;
  std::uint64_t span_;  // event numbers per cycle
  std::uint64_t luminosity_block_events_;
  std::uint32_t luminosity_blocks_;  // per cycle
};

}  // namespace crible::pipeline
