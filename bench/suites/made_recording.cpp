#include "bench/suites/made_recording.hpp"

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/pipeline/decider.hpp"
#include "engine/record/writer.hpp"

namespace crible::bench {
namespace {

record::RunHeader header_of(const pipeline::Trigger& trigger) {
  record::RunHeader header;
  header.run = trigger.run.number;
  header.program = "bench_replay";
  header.config = trigger.text;
  header.menu_hash = trigger.menu.hash();
  for (const menu::Chain& chain : trigger.menu.chains()) header.chains.push_back(chain.name);
  for (std::size_t n = 0; n < trigger.networks.size(); ++n)
    header.networks.emplace_back(trigger.network_names()[n], trigger.network_hashes[n]);
  return header;
}

record::WriterOptions writer_options(const std::filesystem::path& file, int compression) {
  record::WriterOptions options;
  options.file = file;
  options.overwrite = true;
  options.compression = compression;
  options.max_wait_ns = 60'000'000'000;
  return options;
}

pipeline::DeciderOptions decider_options(const pipeline::Trigger& trigger) {
  pipeline::DeciderOptions options;
  options.run = trigger.run.number;
  options.late = trigger.run.deadline.late;
  options.late_prescale = trigger.run.deadline.prescale;
  return options;
}

/// Fragments of one event, kept until it is decided.
struct Kept {
  std::uint64_t event = 0;
  std::uint32_t luminosity_block = 0;
  std::vector<detector::Payload> payloads;  // by source of the description
};

class Recorder : private pipeline::DecisionSink {
 public:
  Recorder(const std::filesystem::path& file, const pipeline::Trigger& trigger, int compression)
      : trigger_(trigger),
        writer_(writer_options(file, compression), header_of(trigger)),
        decider_(trigger, pipeline::compile(trigger, trigger.run.batch), decider_options(trigger)) {}

  void add(Kept& kept) {
    decider_.add({.event = kept.event,
                  .luminosity_block = kept.luminosity_block,
                  .fragments = kept.payloads,
                  .prescale_set = trigger_.menu.schedule().set_at(kept.luminosity_block),
                  .times = {},
                  .cookie = &kept},
                 0, *this);
    if (decider_.any_full()) decider_.pump(0, batching::Urgency::due, *this);
  }

  void finish() {
    while (decider_.open_events() > 0) decider_.pump(0, batching::Urgency::now, *this);
    if (!writer_.close() || writer_.counters().write_failed > 0)
      throw Error("the recording could not be written: " + writer_.failure(), Fault::failure);
  }

 private:
  void decided(const pipeline::Decided& decided) noexcept override {
    const Kept& kept = *static_cast<const Kept*>(decided.cookie);
    bytes_.resize(encoded_bytes(decided.decision, trigger_.layout, decided.answers));
    encode(decided.decision, trigger_.layout, decided.answers, bytes_.data());
    fragments_.clear();
    for (std::size_t i = 0; i < kept.payloads.size(); ++i)
      if (kept.payloads[i].data() != nullptr)
        fragments_.push_back({trigger_.description.sources[i].id, kept.payloads[i]});
    writer_.append(0, {kept.event, kept.luminosity_block, decided.decision.streams, bytes_, fragments_}, 0);
  }

  const pipeline::Trigger& trigger_;
  record::Writer writer_;
  pipeline::Decider decider_;
  std::vector<std::byte> bytes_;
  std::vector<record::Fragment> fragments_;
};

}  // namespace

void make_recording(const std::filesystem::path& file, const pipeline::Trigger& trigger,
                    const pipeline::Sample& sample, std::uint64_t events, int compression) {
  // The sample's events by their place in it, sources in the order of the description.
  std::vector<Kept> once(sample.events().size());
  for (Kept& kept : once) kept.payloads.resize(trigger.description.sources.size());
  const pipeline::Cycle cycle(sample, 0);
  for (const pipeline::SampleSource& source : sample.sources()) {
    const auto index = trigger.description.find_source(source.name);
    if (!index) throw Error("the configuration has no source " + source.name);
    for (const pipeline::SampleFragment& fragment : source.fragments) {
      Kept& kept = once[cycle.index_of(fragment.event)];
      kept.event = fragment.event;
      kept.luminosity_block = fragment.luminosity_block;
      kept.payloads[*index] = fragment.payload;
    }
  }
  Recorder recorder(file, trigger, compression);
  // A cycle's events stay in place while the decider has those of the cycle before.
  std::vector<Kept> places[2] = {once, once};
  for (std::uint64_t sent = 0; sent < events; ++sent) {
    const std::uint64_t round = sent / once.size();
    const Kept& original = once[sent % once.size()];
    Kept& place = places[round % 2][sent % once.size()];
    place.event = cycle.event(round, original.event);
    place.luminosity_block = cycle.luminosity_block(round, original.event, original.luminosity_block);
    recorder.add(place);
  }
  recorder.finish();
}

}  // namespace crible::bench
