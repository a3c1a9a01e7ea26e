#include "engine/codegen/renderer.hpp"

#include <algorithm>

namespace crible::codegen {

using namespace network;

namespace {

/// Computed from one scalar, at the same place: part of the loop of what it reads.
bool chains(const Operation& operation) {
  return std::holds_alternative<Requantize>(operation) || std::holds_alternative<Threshold>(operation) ||
         std::holds_alternative<Lookup>(operation) || std::holds_alternative<Clamp>(operation) ||
         std::holds_alternative<LeakyRelu>(operation) || std::holds_alternative<Reshape>(operation);
}

}  // namespace

Scope::Scope(const Network& network_)
    : network(network_),
      ranges(verify(network_)),
      consumers(network_.nodes.size()),
      done(network_.nodes.size(), true),
      places(network_.nodes.size()),
      outputs(network_.nodes.size()) {
  for (std::size_t i = network.nodes.size(); i-- > 0;) {
    const Node& node = network.nodes[i];
    const bool matters = std::holds_alternative<Output>(node.operation) || !consumers[i].empty();
    if (!matters) continue;
    done[i] = false;
    for (const NodeId input : node.inputs) {
      consumers[static_cast<std::size_t>(input)].push_back(static_cast<NodeId>(i));
    }
  }
}

Scope Renderer::open_scope(const Network& network, const std::string& prefix) {
  Scope scope(network);
  for (const Node& node : network.nodes) scope.names.push_back(fresh(prefix + identifier(node.name)));
  return scope;
}

std::string Renderer::fresh(const std::string& wanted) {
  std::string name = wanted;
  for (int copy = 2; !names_.insert(name).second; ++copy) name = join(wanted, "_", copy);
  return name;
}

Place Renderer::new_array(const std::string& wanted, Element element, std::size_t elements) {
  constexpr std::size_t word = 4;
  constexpr std::size_t tile_depth = 32;  // bytes of a row that a tile takes at once
  Place place;
  place.array = fresh(wanted);
  place.element = element;
  const bool is_byte = bytes(element) == 1;
  place.stride = elements;
  // Rows of bytes are read as words, and by tiles: 16 bytes more, so that rows begin in different banks.
  if (is_byte) place.stride = (elements + word - 1) / word * word;
  if (is_byte && many_events()) place.stride = (elements + tile_depth - 1) / tile_depth * tile_depth + 16;
  std::size_t events = many_events() ? static_cast<std::size_t>(options_.events) : 1;
  if (is_block()) {
    place.stride = elements;
    events = block_events;
  }
  const std::size_t size_bytes = place.stride * events * bytes(element);
  place.block = arena_.define(size_bytes);
  if (is_group()) {
    const char* space = scratch_ ? dialect_.global : dialect_.shared;
    const std::size_t offset = arena_.offset(place.block) / word;
    code_.line(space, name(element), "* const ", place.array, " = (", space, name(element), "*)(arena + ",
               offset, ");");
  } else if (is_block()) {
    code_.line("VECTORS ", name(element), " ", place.array, "[", place.stride, " * EVENTS];");
  } else {
    code_.line(is_byte ? "WORDS " : "", name(element), " ", place.array, "[", place.stride, "];");
  }
  return place;
}

std::string Renderer::element_of(const Place& place, std::string_view index) {
  if (place.block >= 0) arena_.use(place.block);
  std::string terms;
  for (const auto& [variable, factor] : place.base) terms += join(variable, " * ", factor, " + ");
  return join(terms, index);
}

std::string Renderer::at(const Place& place, std::string_view index) {
  const std::string element = element_of(place, index);
  if (place.table) return join(place.array, "[", element, "]");
  if (is_block()) {
    if (place.block >= 0) return join(place.array, "[(", element, ") * EVENTS + e]");
    return join(place.array, "[ROW(e) * ", place.stride, " + ", element, "]");
  }
  return join(place.array, "[", many_events() ? join("e * ", place.stride, " + ") : "", element, "]");
}

std::string Renderer::read(Scope& scope, NodeId id, std::string_view index) {
  return at(scope.place(id), index);
}

std::string Renderer::read(Scope& scope, NodeId id, std::string_view index, bool wide) {
  const std::string element = read(scope, id, index);
  return wide && scope.place(id).element != Element::i64 ? "(i64)" + element : element;
}

void Renderer::open_each(std::size_t count) {
  if (many_events()) {
    code_.open("for (i32 at = lane; at < count * ", count, "; at += lanes)");
    code_.line("const i32 e = at / ", count, ";");
    code_.line("const i32 i = at % ", count, ";");
  } else if (is_group()) {
    code_.open("for (i32 i = lane; i < ", count, "; i += lanes)");
  } else {
    code_.open("for (i32 i = 0; i < ", count, "; ++i)");
    open_events();
  }
}

void Renderer::close_each() {
  close_events();
  code_.close();
  end_step();
}

void Renderer::open_events() {
  if (is_block()) code_.open("for (i32 e = 0; e < EVENTS; ++e)");
}

void Renderer::close_events() {
  if (is_block()) code_.close();
}

/// Every element of the result: for one event after the other, or, by vectors, for all of a block.
void Renderer::open_places(std::size_t count, bool by_vectors) {
  if (!by_vectors) return open_each(count);
  code_.open("for (i32 i = 0; i < ", count, "; ++i)");
}

void Renderer::close_places(bool by_vectors) {
  if (!by_vectors) return close_each();
  code_.close();
  end_step();
}

void Renderer::finish_place(Scope& scope, const Chain& chain, const std::string& value, bool by_vectors) {
  by_vectors ? finish_vector(scope, chain, value, "i") : finish(scope, chain, value, "i");
}

std::string Renderer::value_at(Scope& scope, NodeId id, const std::string& index, bool by_vectors,
                               bool wide) {
  return by_vectors ? join("INTS(", vector(scope.place(id), index), ")") : read(scope, id, index, wide);
}

/// The greater (sign '>') or the smaller ('<') of two.
std::string Renderer::extreme(char sign, const std::string& a, const std::string& b, bool by_vectors) {
  if (by_vectors) return join(sign == '>' ? "larger(" : "smaller(", a, ", ", b, ")");
  return join(a, " ", std::string(1, sign), " ", b, " ? ", a, " : ", b);
}

void Renderer::end_step() {
  if (is_group()) code_.line(dialect_.barrier);
  arena_.next_step();
}

std::string Renderer::table(const std::string& wanted, Element element,
                            const std::vector<std::int64_t>& values) {
  const auto known = known_tables_.find({element, values});
  if (known != known_tables_.end()) return known->second;
  const std::string array = fresh(wanted);
  known_tables_.emplace(std::pair(element, values), array);
  tables_.line("TABLE_SPACE ", lanes_are_outputs() ? "VECTORS " : "", name(element), " ", array, "[",
               std::max<std::size_t>(values.size(), 1), "] = {");
  constexpr std::size_t longest = 100;
  std::string line;
  for (const std::int64_t value : values) {
    const std::string number = literal(value, element == Element::i64) + ",";
    if (line.size() + number.size() + 1 > longest) {
      tables_.line("  ", line);
      line.clear();
    }
    line += (line.empty() ? "" : " ") + number;
  }
  if (values.empty()) line = "0";
  tables_.line("  ", line);
  tables_.line("};");
  table_bytes_ += values.size() * bytes(element);
  return array;
}

std::string Renderer::table(const std::string& wanted, const std::vector<std::int64_t>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const Interval range = values.empty() ? Interval{} : Interval{*low, *high};
  return table(wanted, smallest_element(range), values);
}

Chain Renderer::begin(Scope& scope, NodeId id) {
  Chain chain;
  NodeId at = id;
  for (;;) {
    chain.links.push_back({at, {}});
    scope.done[static_cast<std::size_t>(at)] = true;
    if (std::holds_alternative<Output>(scope.node(at).operation)) chain.links.back().outputs.push_back(at);
    std::vector<NodeId> readers;
    for (const NodeId reader : scope.consumers[static_cast<std::size_t>(at)]) {
      if (std::holds_alternative<Output>(scope.node(reader).operation)) {
        chain.links.back().outputs.push_back(reader);
        scope.done[static_cast<std::size_t>(reader)] = true;
      } else {
        readers.push_back(reader);
      }
    }
    if (readers.empty()) break;
    if (readers.size() > 1 || !chains(scope.node(readers[0]).operation)) {
      chain.stored = true;
      break;
    }
    at = readers[0];
  }
  note(scope, chain);
  if (chain.stored) {
    const NodeId last = chain.links.back().node;
    scope.place(last) = new_array("t_" + scope.name(last), smallest_element(scope.range(last)),
                                  element_count(scope.node(last).shape));
  }
  return chain;
}

void Renderer::note(const Scope& scope, const Chain& chain) {
  std::string text;
  for (const Chain::Link& link : chain.links) {
    const Node& node = scope.node(link.node);
    text += join(text.empty() ? "" : "; ", scope.name(link.node), ": ", keyword(node.operation), " ",
                 to_string(node.type), " ", to_string(node.shape));
  }
  code_.line("/* ", text, " */");
}

void Renderer::finish(Scope& scope, const Chain& chain, const std::string& value, std::string_view index) {
  std::string current = value;
  for (const Chain::Link& link : chain.links) {
    const bool first = &link == &chain.links.front();
    if (!first) current = apply(scope, link.node, current, index);
    const bool renamed = !std::holds_alternative<Reshape>(scope.node(link.node).operation) || first;
    if (renamed) {
      const std::string scalar = "v_" + scope.name(link.node);
      code_.line("const ", scope.wide(link.node) ? "i64 " : "i32 ", scalar, " = ", current, ";");
      current = scalar;
    }
    for (const NodeId output : link.outputs) {
      const Place& place = scope.outputs[static_cast<std::size_t>(output)];
      const bool padded = is_block() && place.block < 0;  // events behind the end have no row
      code_.line(padded ? "if (e < count) " : "", at(place, index), " = (", name(place.element), ")", current,
                 ";");
    }
  }
  if (chain.stored) {
    const Place& place = scope.place(chain.links.back().node);
    code_.line(at(place, index), " = (", name(place.element), ")", current, ";");
  }
}

std::string Renderer::apply(Scope& scope, NodeId id, const std::string& value, std::string_view index) {
  const Operation& operation = scope.node(id).operation;
  if (const auto* o = std::get_if<Requantize>(&operation)) return requantize(scope, id, *o, value, index);
  if (const auto* o = std::get_if<Threshold>(&operation)) return threshold(scope, id, *o, value, index);
  if (const auto* o = std::get_if<Lookup>(&operation)) return lookup(scope, id, *o, value, index);
  if (const auto* o = std::get_if<Clamp>(&operation)) return clamp(scope, id, *o, value);
  if (const auto* o = std::get_if<LeakyRelu>(&operation)) {
    const std::string wide = scope.wide(id) ? join("(i64)", value) : value;
    return join(value, " < 0 ? ", value, " : ", wide, " * ",
                literal(std::int64_t{1} << o->shift, scope.wide(id)));
  }
  return value;  // reshape
}

void Renderer::each(Scope& scope, NodeId id, const std::string& value) {
  const Chain chain = begin(scope, id);
  open_each(element_count(scope.node(id).shape));
  finish(scope, chain, value, "i");
  close_each();
}

/// A unary operation whose input is in an array.
void Renderer::copy(Scope& scope, NodeId id) {
  const NodeId from = scope.node(id).inputs[0];
  const Chain chain = begin(scope, id);
  open_each(element_count(scope.node(id).shape));
  code_.line("const ", scope.wide(from) ? "i64" : "i32", " x = ", read(scope, from, "i"), ";");
  const std::string value = apply(scope, id, "x", "i");
  finish(scope, chain, value, "i");
  close_each();
}

void Renderer::render_node(Scope& scope, NodeId id) {
  const auto unary = [&](const auto&) { copy(scope, id); };
  match(
      scope.node(id).operation, [&](const Input&) { each(scope, id, at(scope.place(id), "i")); },
      [&](const Constant& o) {
        Place place;
        place.table = true;
        place.element = smallest_element(scope.range(id));
        place.array = table("c_" + scope.name(id), place.element, o.values);
        scope.place(id) = place;
      },
      [&](const Dense& o) { dense(scope, id, o); }, [&](const Conv& o) { conv(scope, id, o); },
      [&](const Add&) { binary(scope, id, "+"); }, [&](const Subtract&) { binary(scope, id, "-"); },
      [&](const Multiply&) { binary(scope, id, "*"); }, [&](const Requantize& o) { unary(o); },
      [&](const Threshold& o) { unary(o); }, [&](const Lookup& o) { unary(o); },
      [&](const Pool& o) { pool(scope, id, o); }, [&](const Concat& o) { concat(scope, id, o); },
      [&](const Reshape&) { reshape(scope, id); }, [&](const Transpose& o) { transpose(scope, id, o); },
      [&](const Slice& o) { slice(scope, id, o); }, [&](const Pad& o) { pad(scope, id, o); },
      [&](const Resize& o) { resize(scope, id, o); }, [&](const Reduce& o) { reduce(scope, id, o); },
      [&](const Sort& o) { sort(scope, id, o); }, [&](const Compare& o) { compare(scope, id, o); },
      [&](const Select&) { select(scope, id); }, [&](const Clamp& o) { unary(o); },
      [&](const LeakyRelu& o) { unary(o); }, [&](const TreeEnsemble& o) { tree_ensemble(scope, id, o); },
      [&](const Recurrent& o) { recurrent(scope, id, o); }, [&](const Output& o) { unary(o); });
}

void Renderer::render_scope(Scope& scope) {
  for (std::size_t i = 0; i < scope.network.nodes.size(); ++i) {
    if (!scope.done[i]) render_node(scope, static_cast<NodeId>(i));
    scope.done[i] = true;
  }
}

void Renderer::run(const Network& network) {
  Scope scope = open_scope(network, "");
  const auto add_port = [&](NodeId id, const char* direction) {
    const Node& node = scope.node(id);
    const std::size_t elements = element_count(node.shape);
    Place place;
    place.array = fresh(direction + scope.name(id));
    place.element = storage_element(node.type);
    place.stride = elements;
    ports_.push_back({place.array, place.element, elements, direction[0] == 'o'});
    return place;
  };
  for (const NodeId id : inputs_of(network)) scope.place(id) = add_port(id, "in_");
  for (const NodeId id : outputs_of(network)) {
    scope.outputs[static_cast<std::size_t>(id)] = add_port(id, "out_");
  }
  render_scope(scope);
}

}  // namespace crible::codegen
