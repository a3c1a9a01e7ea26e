#include <algorithm>

#include "engine/base/sha256.hpp"
#include "engine/menu/chain_program.hpp"
#include "engine/menu/menu.hpp"

namespace crible::menu {

namespace {

constexpr std::int64_t most_prescale = 0xFFFFFFFF;
constexpr std::size_t most_sets = 1000;

std::vector<std::string> names_of(const auto& items) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.name);
  return names;
}

/// The position of a name; throws with a proposal when there is none.
std::size_t find(const yaml::Value& value, const std::string& name, const std::vector<std::string>& names,
                 const std::string& what) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const std::string proposal = yaml::nearest(name, names);
  std::string known;
  for (const std::string& one : names) known += (known.empty() ? "" : ", ") + one;
  throw value.error("there is no " + what + " '" + name + "'" +
                    (proposal.empty() ? "" : "; did you mean '" + proposal + "'?") + " (known: " + known +
                    ")");
}

std::uint32_t load_prescale(const yaml::Value& value) {
  return static_cast<std::uint32_t>(value.integer(0, most_prescale));
}

Stream load_stream(const yaml::Value& value) {
  Stream stream;
  if (value.is_scalar()) {
    stream.name = value.name();
    return stream;
  }
  value.expect_keys({"name", "prescale", "record"});
  stream.name = value.at("name").name();
  if (const auto prescale = value.find("prescale")) stream.prescale = load_prescale(*prescale);
  if (const auto record = value.find("record")) stream.record = record->boolean();
  return stream;
}

std::vector<Stream> load_streams(const yaml::Value& section) {
  std::vector<Stream> streams;
  for (const yaml::Value& value : section.items()) {
    Stream stream = load_stream(value);
    for (const Stream& other : streams) {
      if (other.name == stream.name) throw value.error("there is a stream '" + stream.name + "' already");
    }
    if (stream.name == "debug" && stream.prescale != 1) {
      throw value.error("the debug stream keeps what could not be decided; it cannot be prescaled");
    }
    streams.push_back(std::move(stream));
  }
  const auto names = names_of(streams);
  if (std::find(names.begin(), names.end(), "debug") == names.end()) streams.push_back({"debug", 1, true});
  if (streams.size() > max_streams) throw section.error("has more than 32 streams, debug included");
  return streams;
}

/// The message, then the line of the condition with a caret under the place.
Error placed(const yaml::Value& value, const ExpressionError& error) {
  const std::string& text = value.text();
  const std::size_t at = std::min(error.at, text.size());
  const yaml::Place place = value.place_of(at);
  const std::size_t before = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  const std::string line = text.substr(begin, std::min(text.find('\n', at), text.size()) - begin);
  return Error(value.file() + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": " +
               value.key() + ": " + error.problem + "\n  " + line + "\n  " + std::string(at - begin, ' ') +
               "^");
}

/// Reads the chains of one menu.
class ChainLoader {
 public:
  ChainLoader(const detector::Description& description, const OutputLayout& outputs,
              const std::vector<Stream>& streams)
      : description_(description), outputs_(outputs), stream_names_(names_of(streams)) {}

  Chain load(const yaml::Value& value, ChainProgram& program) const {
    value.expect_keys({"name", "when", "random", "zero_bias", "prescale", "streams"});
    Chain chain;
    chain.name = value.at("name").name();
    chain.kind = kind_of(value);
    switch (chain.kind) {
      case ChainKind::condition:
        load_condition(value.at("when"), chain, program);
        break;
      case ChainKind::random:
        load_random(value.at("random"), chain, program);
        break;
      case ChainKind::zero_bias:
        load_zero_bias(value.at("zero_bias"), chain, program);
        break;
    }
    program.kind = chain.kind;
    if (const auto prescale = value.find("prescale")) chain.prescale = load_prescale(*prescale);
    for (const yaml::Value& stream : value.at("streams").items()) {
      chain.streams |= std::uint32_t{1} << find(stream, stream.text(), stream_names_, "stream");
    }
    if (chain.streams == 0) throw value.at("streams").error("needs at least one stream");
    return chain;
  }

 private:
  static ChainKind kind_of(const yaml::Value& value) {
    const bool condition = value.has("when");
    const bool random = value.has("random");
    const bool zero_bias = value.has("zero_bias");
    if (condition + random + zero_bias != 1) {
      throw value.error("needs exactly one of the keys when, random, zero_bias");
    }
    return condition ? ChainKind::condition : random ? ChainKind::random : ChainKind::zero_bias;
  }

  void load_condition(const yaml::Value& value, Chain& chain, ChainProgram& program) const {
    chain.condition = value.text();
    try {
      program.program = compile_condition(chain.condition, description_, outputs_);
      program.steps = shorten(program.program);
    } catch (const ExpressionError& error) {
      throw placed(value, error);
    }
  }

  static void load_random(const yaml::Value& value, Chain& chain, ChainProgram& program) {
    value.expect_keys({"one_in"});
    program.one_in = static_cast<std::uint32_t>(value.at("one_in").integer(1, most_prescale));
    program.random_key = prescale_key("random", chain.name);
    chain.condition = "random, one in " + std::to_string(program.one_in);
  }

  void load_zero_bias(const yaml::Value& value, Chain& chain, ChainProgram& program) const {
    chain.condition = "zero bias";
    if (value.is_scalar()) {
      if (value.text() != "all") throw value.error("must be 'all', or a map with the keys quantity and in");
      return;
    }
    value.expect_keys({"quantity", "in"});
    const yaml::Value quantity = value.at("quantity");
    const auto scalar = description_.find_scalar(quantity.text());
    if (!scalar) find(quantity, quantity.text(), description_.scalar_names(), "integer");
    program.crossing = *scalar;
    const network::Interval range = range_of(scalar->type);
    for (const yaml::Value& item : value.at("in").items())
      program.crossings.push_back(load_range(item, range));
    if (program.crossings.empty()) throw value.at("in").error("needs at least one value or [first, last]");
    chain.condition += " where " + quantity.text() + " is in a list";
  }

  static CrossingRange load_range(const yaml::Value& item, network::Interval range) {
    if (item.is_scalar()) {
      const std::int64_t value = item.integer(range.low, range.high);
      return {value, value};
    }
    const std::vector<yaml::Value> ends = item.items();
    if (ends.size() != 2) throw item.error("must be a value or [first, last]");
    const std::int64_t first = ends[0].integer(range.low, range.high);
    return {first, ends[1].integer(first, range.high)};
  }

  const detector::Description& description_;
  const OutputLayout& outputs_;
  std::vector<std::string> stream_names_;
};

std::vector<ScheduleEntry> load_schedule(const yaml::Value& section, const std::vector<std::string>& sets) {
  std::vector<ScheduleEntry> entries{{0, 0}};
  for (const yaml::Value& value : section.items()) {
    value.expect_keys({"from", "set"});
    const auto from = static_cast<std::uint32_t>(value.at("from").integer(0, most_prescale));
    const auto set =
        static_cast<std::uint16_t>(find(value.at("set"), value.at("set").text(), sets, "prescale set"));
    const bool first = entries.size() == 1 && from == 0;
    if (!first && from <= entries.back().from_luminosity_block) {
      throw value.at("from").error("must be a later luminosity block than the entry before");
    }
    if (first) entries.pop_back();
    entries.push_back({from, set});
  }
  return entries;
}

std::string program_text(const ChainProgram& program) {
  std::string text;
  if (program.kind == ChainKind::random) text += "    one_in " + std::to_string(program.one_in) + "\n";
  for (const CrossingRange& range : program.crossings) {
    text += "    crossing " + std::to_string(program.crossing.source) + " " +
            std::to_string(program.crossing.offset_bytes) + " " + to_string(program.crossing.type) + " " +
            std::to_string(range.first) + " " + std::to_string(range.last) + "\n";
  }
  return text + to_text(program.program);
}

}  // namespace

Menu::Menu(const yaml::Value& section, const detector::Description& description, const OutputLayout& outputs)
    : programs_(std::make_unique<Programs>()) {
  section.expect_keys({"name", "streams", "chains", "prescale_sets", "schedule"});
  name_ = section.at("name").name();
  streams_ = load_streams(section.at("streams"));
  load_chains(section.at("chains"), description, outputs);
  load_sets(section);
  if (const auto schedule = section.find("schedule"))
    schedule_ = Schedule(load_schedule(*schedule, set_names_));
  for (std::size_t s = 0; s < streams_.size(); ++s) {
    if (streams_[s].name == "debug") debug_stream_ = s;
    if (streams_[s].record) recorded_streams_ |= std::uint32_t{1} << s;
    stream_keys_.push_back(prescale_key("stream", streams_[s].name));
  }
  fault_key_ = prescale_key("late", "debug");
  write_text(description, outputs);
}

void Menu::load_chains(const yaml::Value& section, const detector::Description& description,
                       const OutputLayout& outputs) {
  const ChainLoader loader(description, outputs, streams_);
  for (const yaml::Value& value : section.items()) {
    ChainProgram program;
    Chain chain = loader.load(value, program);
    for (const Chain& other : chains_) {
      if (other.name == chain.name)
        throw value.error("there is a chain '" + chain.name + "' already; rename one");
    }
    if (chains_.size() == max_chains) throw value.error("is chain 513; a menu has 512 at most");
    chain_keys_.push_back(prescale_key("prescale", chain.name));
    chains_.push_back(std::move(chain));
    programs_->chains.push_back(std::move(program));
  }
  if (chains_.empty()) throw section.error("needs at least one chain");
}

void Menu::load_sets(const yaml::Value& section) {
  set_names_.push_back("default");
  for (const Chain& chain : chains_) prescales_.push_back(chain.prescale);
  const auto sets = section.find("prescale_sets");
  if (!sets) return;
  const auto chain_names = names_of(chains_);
  for (const std::string& set : sets->keys()) {
    const auto changes = sets->find(set);
    if (!yaml::is_name(set)) throw sets->error("'" + set + "' is no name: letters, digits and _ only");
    if (set == "default")
      throw sets->error("'default' is what the chains say themselves; choose another name");
    if (set_names_.size() == most_sets) throw sets->error("has more than 999 sets");
    set_names_.push_back(set);
    for (const Chain& chain : chains_) prescales_.push_back(chain.prescale);
    if (!changes) continue;
    for (const std::string& chain : changes->keys()) {
      const std::size_t index = find(*changes, chain, chain_names, "chain");
      prescales_[(set_names_.size() - 1) * chains_.size() + index] = load_prescale(changes->at(chain));
    }
  }
}

void Menu::write_text(const detector::Description& description, const OutputLayout& outputs) {
  text_ = detector::to_text(description);
  for (std::size_t n = 0; n < outputs.network_count(); ++n) {
    text_ += outputs.network(n).binding;
    for (const OutputElement& element : outputs.network(n).elements)
      text_ += "  output " + element.name + "\n";
  }
  text_ += "menu " + name_ + "\n";
  for (const Stream& stream : streams_) {
    text_ += "stream " + stream.name + " " + std::to_string(stream.prescale) +
             (stream.record ? " record" : "") + "\n";
  }
  for (std::size_t c = 0; c < chains_.size(); ++c) {
    text_ += "chain " + chains_[c].name + " streams " + std::to_string(chains_[c].streams) + "\n" +
             program_text(programs_->chains[c]);
  }
  for (std::size_t s = 0; s < set_names_.size(); ++s) {
    text_ += "prescale_set " + set_names_[s];
    for (std::size_t c = 0; c < chains_.size(); ++c) {
      text_ += " " + std::to_string(prescale(static_cast<std::uint16_t>(s), c));
    }
    text_ += "\n";
  }
  for (const ScheduleEntry& entry : schedule_.entries()) {
    text_ += "schedule " + std::to_string(entry.from_luminosity_block) + " " + set_names_[entry.set] + "\n";
  }
  const auto digest = sha256(text_);
  hash_ = sha256_hex(text_);
  for (int i = 0; i < 8; ++i) short_hash_ = short_hash_ << 8 | digest[static_cast<std::size_t>(i)];
}

}  // namespace crible::menu
