#include "bench/suites/load.hpp"

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/network/stored.hpp"
#include "engine/reference/reference.hpp"

namespace crible::bench {

namespace {

std::filesystem::path or_demo(const std::filesystem::path& path, const char* in_demo) {
  return path.empty() ? std::filesystem::path(CRIBLE_DEMO_DATA) / in_demo : path;
}

}  // namespace

Load::Load(const SuiteOptions& options)
    : trigger_(pipeline::load_trigger(or_demo(options.config, "run.yaml"))),
      sample_(pipeline::Sample::load(or_demo(options.sample, "stream"))) {
  const pipeline::Cycle cycle(sample_, 0);
  events_.assign(sample_.events().size(), std::vector<detector::Payload>(sources()));
  for (const pipeline::SampleSource& source : sample_.sources()) {
    const auto& known = trigger_.description.sources;
    const auto place = std::ranges::find_if(known, [&](const detector::Source& other) {
      return source.name.empty() ? other.id == source.id : other.name == source.name;
    });
    if (place == known.end()) continue;
    for (const pipeline::SampleFragment& fragment : source.fragments)
      events_[cycle.index_of(fragment.event)][static_cast<std::size_t>(place - known.begin())] =
          fragment.payload;
  }
  std::erase_if(events_, [](const std::vector<detector::Payload>& payloads) {
    return std::ranges::any_of(payloads, [](detector::Payload p) { return p.data() == nullptr; });
  });
  if (events_.empty())
    throw Error("the sample has no event with a fragment of every source of " + trigger_.file.string() +
                "; give a --sample that was made for this --config");
}

double Load::bytes_per_event() const {
  std::size_t bytes = 0;
  for (const auto& payloads : events_)
    for (const detector::Payload payload : payloads) bytes += payload.size();
  return static_cast<double>(bytes) / static_cast<double>(events_.size());
}

AnswerCheck::AnswerCheck(const Load& load, std::uint32_t run)
    : load_(load), run_(run), quantities_(load.trigger().decoder.make_event()), outputs_(load.size()) {}

bool AnswerCheck::right(std::span<const std::byte> encoded) {
  ++checked_;
  const auto decoded = menu::decode(encoded);
  const bool is_right = decoded && same(*decoded);
  if (!is_right) ++wrong_;
  return is_right;
}

bool AnswerCheck::same(const menu::DecodedDecision& decoded) {
  const pipeline::Trigger& trigger = load_.trigger();
  const std::uint64_t event = decoded.decision.event;
  if (trigger.decoder.decode(load_.payloads(event), quantities_).status != detector::DecodeStatus::ok)
    return false;
  const std::vector<std::int64_t>& outputs = outputs_of(event);
  menu::DecisionInput input;
  input.event = event;
  input.run = run_;
  input.luminosity_block = Load::luminosity_block;
  input.prescale_set = trigger.menu.schedule().set_at(Load::luminosity_block);
  input.quantities = &quantities_;
  input.outputs = outputs.data();
  menu::Decision expected;
  trigger.menu.decide(input, expected);
  if (!menu::same(expected, decoded.decision)) return false;
  for (std::size_t n = 0; n < trigger.networks.size(); ++n) {
    const menu::NetworkOutputs& layout = trigger.layout.network(n);
    const std::uint32_t objects = trigger.bindings[n].objects(quantities_);
    if (decoded.rows[n].objects != objects) return false;
    for (std::size_t i = 0; i < decoded.values[n].size(); ++i)
      if (decoded.values[n][i] != outputs[layout.first + i]) return false;
  }
  return true;
}

/// quantities_ hold the event.
const std::vector<std::int64_t>& AnswerCheck::outputs_of(std::uint64_t event) {
  auto& place = outputs_[event % load_.size()];
  if (place) return *place;
  const pipeline::Trigger& trigger = load_.trigger();
  std::vector<std::int64_t> outputs(trigger.layout.size());
  for (std::size_t n = 0; n < trigger.networks.size(); ++n)
    for (std::uint32_t object = 0; object < trigger.bindings[n].objects(quantities_); ++object)
      evaluate(n, object, outputs);
  place = std::move(outputs);
  return *place;
}

void AnswerCheck::evaluate(std::size_t n, std::uint32_t object, std::vector<std::int64_t>& outputs) const {
  const pipeline::Trigger& trigger = load_.trigger();
  const network::Network& network = trigger.networks[n];
  const auto node = [&](network::NodeId id) -> const network::Node& {
    return network.nodes[static_cast<std::size_t>(id)];
  };
  const auto row_bytes = [&](network::NodeId id) {
    return network::element_count(node(id).shape) * network::storage_bytes(node(id).type);
  };
  std::vector<std::vector<std::byte>> rows;
  std::vector<std::byte*> places;
  for (const network::NodeId id : network::inputs_of(network)) rows.emplace_back(row_bytes(id));
  for (auto& row : rows) places.push_back(row.data());
  trigger.bindings[n].gather(quantities_, object, places);
  std::vector<reference::Tensor> inputs;
  for (const network::NodeId id : network::inputs_of(network)) {
    const std::vector<std::byte>& row = rows[inputs.size()];
    const std::size_t bytes = network::storage_bytes(node(id).type);
    reference::Tensor tensor;
    for (std::size_t at = 0; at < row.size(); at += bytes)
      tensor.push_back(network::load_element(row.data() + at, node(id).type));
    inputs.push_back(std::move(tensor));
  }
  const std::vector<reference::Tensor> answers = reference::evaluate(network, inputs);
  std::vector<std::vector<std::byte>> answer_rows;
  std::vector<std::span<std::byte>> spans;
  for (const network::NodeId id : network::outputs_of(network)) {
    const std::size_t bytes = network::storage_bytes(node(id).type);
    std::vector<std::byte> row(row_bytes(id));
    const reference::Tensor& answer = answers[answer_rows.size()];
    for (std::size_t i = 0; i < answer.size(); ++i)
      network::store_element(row.data() + i * bytes, node(id).type, answer[i]);
    answer_rows.push_back(std::move(row));
  }
  for (auto& row : answer_rows) spans.emplace_back(row);
  trigger.layout.store(n, object, spans, 0, outputs.data());
}

std::uint64_t check_answers(const Load& load, std::uint32_t run,
                            const std::vector<std::span<const std::byte>>& decisions) {
  AnswerCheck answers(load, run);
  for (const auto encoded : decisions) answers.right(encoded);
  if (answers.wrong() == 0) return answers.checked();
  throw Error(std::to_string(answers.wrong()) + " of " + std::to_string(answers.checked()) +
                  " decisions differ from the reference: no figure of this run may be used",
              Fault::failure);
}

}  // namespace crible::bench
