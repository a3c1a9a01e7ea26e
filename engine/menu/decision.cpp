#include "engine/menu/decision.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace crible::menu {

static_assert(std::endian::native == std::endian::little, "decisions are encoded as they lie in memory");

namespace {

std::size_t chain_words(std::size_t chains) {
  return (chains + 63) / 64;
}

std::size_t padded(std::size_t bytes) {
  return (bytes + 7) / 8 * 8;
}

std::size_t bytes_without_values(std::size_t chains, std::size_t networks) {
  return sizeof(DecisionHeader) + 2 * 8 * chain_words(chains) + padded(networks * sizeof(NetworkRows));
}

/// Writes one thing after the other.
class Writer {
 public:
  explicit Writer(std::byte* place) : place_(place) {}

  void write(const void* bytes, std::size_t count) noexcept {
    std::memcpy(place_, bytes, count);
    place_ += count;
  }

 private:
  std::byte* place_;
};

/// Reads one thing after the other; stops at the end.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool read(void* target, std::size_t count) {
    if (count > bytes_.size()) return false;
    if (count != 0) std::memcpy(target, bytes_.data(), count);
    bytes_ = bytes_.subspan(count);
    return true;
  }

  std::size_t left() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
};

DecisionHeader header_of(const Decision& decision, std::size_t networks, std::size_t bytes) noexcept {
  DecisionHeader header{};
  header.size_bytes = static_cast<std::uint32_t>(bytes);
  header.version = decision_version;
  header.header_bytes = sizeof header;
  header.event = decision.event;
  header.run = decision.run;
  header.luminosity_block = decision.luminosity_block;
  header.flags = decision.flags;
  header.streams = decision.streams;
  header.chains = decision.chains;
  header.networks = static_cast<std::uint16_t>(networks);
  header.prescale_set = decision.prescale_set;
  header.outcome = decision.outcome;
  header.menu = decision.menu;
  header.sent_ns = decision.times.sent_ns;
  header.first_received_ns = decision.times.first_received_ns;
  header.last_received_ns = decision.times.last_received_ns;
  header.built_ns = decision.times.built_ns;
  header.inferred_ns = decision.times.inferred_ns;
  header.decided_ns = decision.times.decided_ns;
  return header;
}

Decision decision_of(const DecisionHeader& header) {
  Decision decision;
  decision.event = header.event;
  decision.run = header.run;
  decision.luminosity_block = header.luminosity_block;
  decision.flags = header.flags;
  decision.streams = header.streams;
  decision.chains = header.chains;
  decision.prescale_set = header.prescale_set;
  decision.outcome = header.outcome;
  decision.menu = header.menu;
  decision.times = {header.sent_ns,  header.first_received_ns, header.last_received_ns,
                    header.built_ns, header.inferred_ns,       header.decided_ns};
  return decision;
}

bool plausible(const DecisionHeader& header, std::size_t bytes) {
  return header.version == decision_version && header.header_bytes == sizeof header &&
         header.size_bytes <= bytes && header.size_bytes % 8 == 0 && header.chains <= max_chains &&
         header.outcome <= Outcome::forced &&
         header.size_bytes >= bytes_without_values(header.chains, header.networks);
}

/// Reads the values of each network; false when they do not fill the rest exactly.
bool read_values(Reader& reader, DecodedDecision& decoded) {
  std::size_t count = 0;
  for (const NetworkRows& rows : decoded.rows) count += std::size_t{rows.objects} * rows.elements;
  if (reader.left() != count * 8) return false;
  for (const NetworkRows& rows : decoded.rows) {
    auto& values = decoded.values.emplace_back(std::size_t{rows.objects} * rows.elements);
    reader.read(values.data(), values.size() * 8);
  }
  return true;
}

}  // namespace

const char* to_string(Cause cause) {
  switch (cause) {
    case Cause::incomplete_timeout:
      return "incomplete_timeout";
    case Cause::incomplete_stop:
      return "incomplete_stop";
    case Cause::evicted:
      return "evicted";
    case Cause::bad_payload:
      return "bad_payload";
    case Cause::late_building:
      return "late_building";
    case Cause::late_queue:
      return "late_queue";
    case Cause::late_device:
      return "late_device";
    case Cause::network_failed:
      return "network_failed";
    case Cause::mixed_luminosity_blocks:
      return "mixed_luminosity_blocks";
  }
  return "";
}

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::accepted:
      return "accepted";
    case Outcome::rejected:
      return "rejected";
    case Outcome::prescaled_out:
      return "prescaled_out";
    case Outcome::forced:
      return "forced";
  }
  return "";
}

std::size_t encoded_bytes(const Decision& decision, const OutputLayout& layout,
                          const Answers& answers) noexcept {
  std::size_t values = 0;
  for (std::size_t n = 0; n < layout.network_count(); ++n) {
    values += answers.objects[n] * layout.network(n).elements.size();
  }
  return bytes_without_values(decision.chains, layout.network_count()) + values * 8;
}

std::size_t max_encoded_bytes(std::size_t chains, const OutputLayout& layout) noexcept {
  return bytes_without_values(chains, layout.network_count()) + layout.size() * 8;
}

void encode(const Decision& decision, const OutputLayout& layout, const Answers& answers,
            std::byte* place) noexcept {
  const std::size_t networks = layout.network_count();
  Writer writer(place);
  const DecisionHeader header = header_of(decision, networks, encoded_bytes(decision, layout, answers));
  writer.write(&header, sizeof header);
  writer.write(decision.before.data(), 8 * chain_words(decision.chains));
  writer.write(decision.after.data(), 8 * chain_words(decision.chains));
  for (std::size_t n = 0; n < networks; ++n) {
    const NetworkRows rows{static_cast<std::uint16_t>(answers.objects[n]),
                           static_cast<std::uint16_t>(layout.network(n).elements.size())};
    writer.write(&rows, sizeof rows);
  }
  const NetworkRows nothing{};
  if (networks % 2 != 0) writer.write(&nothing, sizeof nothing);
  for (std::size_t n = 0; n < networks; ++n) {
    const NetworkOutputs& network = layout.network(n);
    const std::size_t count = answers.objects[n] * network.elements.size();
    if (count != 0) writer.write(answers.values + network.first, count * 8);
  }
}

std::optional<DecodedDecision> decode(std::span<const std::byte> bytes) {
  DecisionHeader header;
  if (!Reader(bytes).read(&header, sizeof header) || !plausible(header, bytes.size())) return std::nullopt;
  Reader reader(bytes.subspan(sizeof header, header.size_bytes - sizeof header));
  DecodedDecision decoded;
  decoded.decision = decision_of(header);
  reader.read(decoded.decision.before.data(), 8 * chain_words(header.chains));
  reader.read(decoded.decision.after.data(), 8 * chain_words(header.chains));
  decoded.rows.resize((header.networks + 1U) / 2 * 2);
  reader.read(decoded.rows.data(), decoded.rows.size() * sizeof(NetworkRows));
  decoded.rows.resize(header.networks);
  if (!read_values(reader, decoded)) return std::nullopt;
  return decoded;
}

}  // namespace crible::menu
