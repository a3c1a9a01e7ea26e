#include "hls/links.hpp"

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/base/yaml.hpp"
#include "hls/extra_ports.hpp"
#include "hls/text.hpp"

namespace crible::hls {

namespace {

constexpr int most_links = 256;
constexpr int most_words = 4096;

/// Reads the entries of one input.
class InputReader {
 public:
  InputReader(const Links& links, network::Type type) : links_(links), type_(type) {}

  void read(const yaml::Value& entry) {
    entry.expect_keys({"link", "word", "words", "bit", "count", "step", "width", "signed"});
    LinkBits place = first_place(entry);
    const std::int64_t words = optional(entry, "words", 1, links_.words, 1);
    const std::int64_t count = optional(entry, "count", 1, link_word_bits, 1);
    const std::int64_t step = optional(entry, "step", 1, link_word_bits, place.width_bits);
    const std::int64_t last_bit = place.bit + (count - 1) * step + place.width_bits - 1;
    if (last_bit >= link_word_bits) {
      throw entry.error("reads bit " + std::to_string(last_bit) + " of a word of " +
                        std::to_string(link_word_bits) + " bits");
    }
    if (place.word + words > links_.words) {
      throw entry.error("reads word " + std::to_string(place.word + words - 1) +
                        ", but an event has words 0 to " + std::to_string(links_.words - 1));
    }
    const int first_bit = place.bit;
    for (std::int64_t w = 0; w < words; ++w, ++place.word) {
      for (std::int64_t k = 0; k < count; ++k) {
        place.bit = first_bit + static_cast<int>(k * step);
        elements_.push_back(place);
      }
    }
  }

  std::vector<LinkBits> take() { return std::move(elements_); }

 private:
  static std::int64_t optional(const yaml::Value& entry, const char* key, std::int64_t low, std::int64_t high,
                               std::int64_t otherwise) {
    const auto value = entry.find(key);
    return value ? value->integer(low, high) : otherwise;
  }

  LinkBits first_place(const yaml::Value& entry) const {
    LinkBits place;
    place.link = static_cast<int>(entry.at("link").integer(0, links_.links - 1));
    place.word = static_cast<int>(optional(entry, "word", 0, links_.words - 1, 0));
    place.bit = static_cast<int>(entry.at("bit").integer(0, link_word_bits - 1));
    place.width_bits = static_cast<int>(optional(entry, "width", 1, type_.width, type_.width));
    place.is_signed = type_.is_signed;
    if (const auto value = entry.find("signed")) place.is_signed = value->boolean();
    const network::Type own{place.is_signed, place.width_bits, 0};
    if (network::contains(type_, network::Interval{lowest(own), highest(own)})) return place;
    throw entry.error(std::to_string(place.width_bits) + (place.is_signed ? " signed" : " unsigned") +
                      " bits do not fit an input of type " + network::to_string(type_));
  }

  const Links& links_;
  network::Type type_;
  std::vector<LinkBits> elements_;
};

std::size_t port_of(const yaml::Value& value, const std::vector<DataPort>& ports) {
  std::vector<std::string> names;
  for (const DataPort& port : ports) names.push_back(port.node);
  const auto found = std::find(names.begin(), names.end(), value.text());
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const std::string proposal = yaml::nearest(value.text(), names);
  throw value.error("the network has no input '" + value.text() + "'" +
                    (proposal.empty() ? "" : "; did you mean '" + proposal + "'?"));
}

/// The text of the module.
class LinksModule {
 public:
  LinksModule(const Firmware& firmware, const Links& links)
      : firmware_(firmware), links_(links), counter_bits_(width_of(links.words)) {
    used_.assign(static_cast<std::size_t>(links.links * links.words), 0);
  }

  std::string text() {
    std::string core = instance();
    return header() + (links_.words > 1 ? words() : "  wire complete = link_valid;\n\n") + core + unused() +
           "endmodule\n";
  }

 private:
  static int width_of(int words) {
    int bits = 1;
    while ((1 << bits) < words) ++bits;
    return bits;
  }

  std::string header() const {
    const ControlPorts& c = firmware_.control;
    std::string text = "// " + firmware_.top + " behind links of 64-bit words, " + number(links_.words) +
                       " of each link for an event\n\nmodule " + firmware_.top + "_links (\n";
    text += "  input  wire " + c.clock + ",\n  input  wire " + c.reset + ",\n  input  wire link_valid,\n";
    if (links_.words > 1) text += "  input  wire link_start,\n";
    for (int link = 0; link < links_.links; ++link)
      text += "  input  wire " + range_text(link_word_bits) + "link_" + number(link) + ",\n";
    if (!has_tag()) text += "  input  wire " + range_text(c.tag_bits) + c.tag_in + ",\n";
    for (const ExtraPort& port : extra_ports(firmware_))
      text += (port.is_input ? "  input  wire " : "  output wire ") + range_text(port.width_bits) +
              port.name + ",\n";
    for (const DataPort& port : firmware_.outputs)
      text += "  output wire " + range_text(port.width_bits) + port.port + ",\n";
    if (links_.words > 1) text += "  output wire link_error,\n";
    return text + "  output wire " + c.valid_out + ",\n  output wire " + range_text(c.tag_bits) + c.tag_out +
           "\n);\n\n";
  }

  bool has_tag() const { return links_.tag.width_bits > 0; }

  static std::string word_name(int link, int word) { return "word_" + number(link) + "_" + number(word); }

  /// Which word this is, and the words before the last one in registers.
  std::string words() const {
    const ControlPorts& c = firmware_.control;
    const std::string zero = number(counter_bits_) + "'d0";
    const std::string one = number(counter_bits_) + "'d1";
    const std::string last = number(counter_bits_) + "'d" + number(links_.words - 1);
    std::string text = "  // the number of the word that comes next; 0: the first of an event\n";
    text += "  logic " + range_text(counter_bits_) + "next_word;\n";
    text += "  wire " + range_text(counter_bits_) + "this_word = link_start ? " + zero + " : next_word;\n";
    text += "  wire taken = link_valid & (link_start | (next_word != " + zero + "));\n";
    text += "  wire complete = taken & (this_word == " + last + ");\n";
    text += "  logic error;\n  assign link_error = error;\n";
    text += "  always_ff @(posedge " + c.clock + ") begin\n    if (" + c.reset +
            ") begin\n      next_word <= " + zero +
            ";\n      error <= 1'b0;\n    end else begin\n      error <= link_valid & (link_start == " +
            "(next_word != " + zero + "));\n      if (taken) next_word <= complete ? " + zero +
            " : this_word + " + one + ";\n    end\n  end\n\n";
    text += "  // the words before the last one\n";
    std::string stored;
    for (int word = 0; word + 1 < links_.words; ++word) {
      for (int link = 0; link < links_.links; ++link) {
        text += "  logic " + range_text(link_word_bits) + word_name(link, word) + ";\n";
        stored += "    if (taken && this_word == " + number(counter_bits_) + "'d" + number(word) + ") " +
                  word_name(link, word) + " <= link_" + number(link) + ";\n";
      }
    }
    return text + "  always_ff @(posedge " + c.clock + ") begin\n" + stored + "  end\n\n";
  }

  std::string bits(const LinkBits& place, int to) {
    for (int k = 0; k < place.width_bits; ++k)
      used_[static_cast<std::size_t>(place.word * links_.links + place.link)] |= std::uint64_t{1}
                                                                                 << (place.bit + k);
    const std::string source =
        place.word + 1 == links_.words ? "link_" + number(place.link) : word_name(place.link, place.word);
    const int high = place.bit + place.width_bits - 1;
    const std::string text =
        source + "[" + (high == place.bit ? number(high) : number(high) + ":" + number(place.bit)) + "]";
    if (place.width_bits == to) return text;
    return number(to) + "'(" + (place.is_signed ? "$signed(" + text + ")" : text) + ")";
  }

  std::string instance() {
    const ControlPorts& c = firmware_.control;
    std::string text = "  " + firmware_.top + " core (\n    ." + c.clock + "(" + c.clock + "),\n    ." +
                       c.reset + "(" + c.reset + "),\n    ." + c.valid_in + "(complete),\n    ." + c.tag_in +
                       "(" + (has_tag() ? bits(links_.tag, c.tag_bits) : c.tag_in) + "),\n";
    for (const ExtraPort& port : extra_ports(firmware_))
      text += "    ." + port.name + "(" + port.name + "),\n";
    for (std::size_t p = 0; p < firmware_.inputs.size(); ++p) {
      const DataPort& port = firmware_.inputs[p];
      text += "    ." + port.port + "({";
      for (std::size_t e = port.elements.size(); e-- > 0;)
        text += bits(links_.inputs[p][e], port.elements[e].width_bits) + (e == 0 ? "}),\n" : ",\n      ");
    }
    for (const DataPort& port : firmware_.outputs) text += "    ." + port.port + "(" + port.port + "),\n";
    return text + "    ." + c.valid_out + "(" + c.valid_out + "),\n    ." + c.tag_out + "(" + c.tag_out +
           ")\n  );\n\n";
  }

  /// Names the bits that carry nothing, so that a linter finds only what was not meant.
  std::string unused() const {
    std::string list;
    for (int word = 0; word < links_.words; ++word) {
      for (int link = 0; link < links_.links; ++link) {
        // A link's port is read as a whole where its earlier words are kept.
        const bool is_port = word + 1 == links_.words;
        if (is_port && links_.words > 1) continue;
        const std::uint64_t used = used_[static_cast<std::size_t>(word * links_.links + link)];
        const std::string name = is_port ? "link_" + number(link) : word_name(link, word);
        for (int bit = 0; bit < link_word_bits; ++bit) {
          if (((used >> bit) & 1) != 0) continue;
          int high = bit;
          while (high + 1 < link_word_bits && ((used >> (high + 1)) & 1) == 0) ++high;
          list +=
              ",\n    " + name + "[" + (high == bit ? number(high) : number(high) + ":" + number(bit)) + "]";
          bit = high;
        }
      }
    }
    return list.empty()
               ? list
               : "  // bits that carry nothing for this network\n  wire unused = &{1'b0" + list + "};\n";
  }

  const Firmware& firmware_;
  const Links& links_;
  int counter_bits_ = 1;
  std::vector<std::uint64_t> used_;  // [word][link]: bits that are read
};

}  // namespace

Links read_links(const std::filesystem::path& file, const Firmware& firmware) {
  const yaml::Value root = yaml::load(file);
  root.expect_keys({"links", "words", "tag", "inputs"});
  Links links;
  links.links = static_cast<int>(root.at("links").integer(1, most_links));
  if (const auto words = root.find("words")) links.words = static_cast<int>(words->integer(1, most_words));
  if (const auto tag = root.find("tag")) {
    InputReader reader(links, {false, firmware.control.tag_bits, 0});
    reader.read(*tag);
    const std::vector<LinkBits> places = reader.take();
    if (places.size() != 1) throw tag->error("is one number; leave out 'count' and 'words'");
    links.tag = places.front();
  }
  links.inputs.resize(firmware.inputs.size());
  for (const yaml::Value& entry : root.at("inputs").items()) {
    entry.expect_keys({"input", "elements"});
    const std::size_t p = port_of(entry.at("input"), firmware.inputs);
    const DataPort& port = firmware.inputs[p];
    if (!links.inputs[p].empty()) throw entry.error("input '" + port.node + "' is fed already");
    InputReader reader(links, port.type);
    for (const yaml::Value& item : entry.at("elements").items()) reader.read(item);
    links.inputs[p] = reader.take();
    if (links.inputs[p].size() != port.elements.size()) {
      throw entry.at("elements")
          .error("gives " + std::to_string(links.inputs[p].size()) + " elements, but input '" + port.node +
                 "' has " + std::to_string(port.elements.size()));
    }
  }
  for (std::size_t p = 0; p < links.inputs.size(); ++p) {
    if (links.inputs[p].empty())
      throw root.at("inputs").error("nothing feeds input '" + firmware.inputs[p].node + "'");
  }
  return links;
}

std::string links_shell(const Firmware& firmware, const Links& links) {
  return LinksModule(firmware, links).text();
}

}  // namespace crible::hls
