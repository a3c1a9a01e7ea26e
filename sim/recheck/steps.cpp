#include "sim/recheck/steps.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/error.hpp"
#include "engine/network/verify.hpp"
#include "engine/reference/reference.hpp"
#include "sim/recheck/lanes.hpp"
#include "sim/recheck/words.hpp"

namespace crible::sim::recheck {

namespace {

using Json = nlohmann::json;
using network::Node;
using network::NodeId;

constexpr Number most_values = Number{1} << 24;  // of one function
constexpr int block = 64;                        // values tried at once

bool is_linear(const network::Operation& operation) {
  if (const auto* pool = std::get_if<network::Pool>(&operation)) return pool->kind == network::PoolKind::sum;
  if (const auto* reduce = std::get_if<network::Reduce>(&operation))
    return reduce->kind == network::ReduceKind::sum;
  using namespace network;
  return std::holds_alternative<Dense>(operation) || std::holds_alternative<Conv>(operation) ||
         std::holds_alternative<Add>(operation) || std::holds_alternative<Subtract>(operation) ||
         std::holds_alternative<Concat>(operation) || std::holds_alternative<Reshape>(operation) ||
         std::holds_alternative<Transpose>(operation) || std::holds_alternative<Slice>(operation) ||
         std::holds_alternative<Pad>(operation) || std::holds_alternative<Resize>(operation) ||
         std::holds_alternative<Output>(operation);
}

bool is_function(const network::Operation& operation) {
  using namespace network;
  return std::holds_alternative<Requantize>(operation) || std::holds_alternative<Threshold>(operation) ||
         std::holds_alternative<Lookup>(operation) || std::holds_alternative<Clamp>(operation) ||
         std::holds_alternative<LeakyRelu>(operation);
}

std::int64_t plain(Number value) {
  if (value > INT64_MAX || value < INT64_MIN) throw NotShown("a number is too large");
  return static_cast<std::int64_t>(value);
}

/// [variable, coefficient, ..., constant]
Json json_of(const Sum& sum) {
  Json list = Json::array();
  for (const auto& [variable, coefficient] : sum.terms) {
    list.push_back(variable);
    list.push_back(plain(coefficient));
  }
  list.push_back(plain(sum.constant));
  return list;
}

/// One node alone, with its inputs fed.
class Alone {
 public:
  Alone(const network::Network& net, const Node& node) {
    Node copy = node;
    copy.inputs.clear();
    for (const NodeId id : node.inputs) {
      const Node& source = net.nodes[static_cast<std::size_t>(id)];
      copy.inputs.push_back(static_cast<NodeId>(net_.nodes.size()));
      inputs_.emplace_back(network::element_count(source.shape), 0);
      net_.nodes.push_back({source.name, network::Input{}, {}, network::Type{true, 63, 0}, source.shape});
    }
    net_.nodes.push_back(std::move(copy));
  }
  std::vector<reference::Tensor>& inputs() { return inputs_; }
  reference::Tensor run() const { return reference::evaluate_all(net_, inputs_).back(); }

 private:
  network::Network net_;
  std::vector<reference::Tensor> inputs_;
};

/// What carries one element of a function node, and what it depends on.
struct Element {
  Sum argument;
  Sum base;           // argument = factor * base + argument.constant
  Number factor = 0;  // 0: the argument is constant
  Interval values;    // of the base
  Nets nets;
  std::vector<const Cell*> cells;  // between words that depend on the base and the nets, in order
  struct Bit {
    Net root;
    Number factor;  // bit `place` of factor * base + constant
    Number constant;
    int place;
  };
  std::vector<Bit> bits;
  Interval result;
  std::vector<int> same;  // earlier elements that have been equal so far
};

/// Goes through the network and the netlist side by side, and makes the steps or follows given ones.
class Walk {
 public:
  Walk(const network::Network& net, const Binding& binding, const std::string& netlist,
       const std::vector<Carrier>& carriers, const Json* given)
      : net_(net),
        binding_(binding),
        module_(netlist, binding),
        words_(module_),
        ranges_(network::verify(net)),
        given_(given) {
    for (const Carrier& carrier : carriers) carriers_[{carrier.node, carrier.element}] = carrier.nets;
  }

  void run() {
    for (std::size_t i = 0; i < net_.nodes.size(); ++i) {
      const Node& node = net_.nodes[i];
      sums_.emplace_back(network::element_count(node.shape));
      if (std::holds_alternative<network::Input>(node.operation)) {
        input(static_cast<NodeId>(i));
      } else if (const auto* constant = std::get_if<network::Constant>(&node.operation)) {
        for (std::size_t e = 0; e < constant->values.size(); ++e) sums_[i][e].constant = constant->values[e];
      } else if (is_linear(node.operation)) {
        linear(i);
      } else if (is_function(node.operation)) {
        follow_words();
        function(i);
      } else {
        throw NotShown("node '" + node.name + "' (" + network::keyword(node.operation) +
                       ") is neither a sum nor a function of one sum");
      }
    }
    follow_words();
    if (given_ != nullptr && next_ != given_->size())
      throw NotShown("there are steps that belong to nothing");
    for (const BoundPort& port : binding_.outputs) output(port);
    control(binding_.valid_in, binding_.valid_out);
    control(binding_.tag_in, binding_.tag_out);
  }

  Json steps = Json::array();
  Rechecked done;

 private:
  void input(NodeId id) {
    const Node& node = net_.nodes[static_cast<std::size_t>(id)];
    const auto bound = std::find_if(binding_.inputs.begin(), binding_.inputs.end(),
                                    [id](const BoundPort& port) { return port.node == id; });
    const Nets& nets = module_.port(bound->port);
    for (std::size_t e = 0; e < bound->elements.size(); ++e) {
      const BoundElement& at = bound->elements[e];
      Sum& sum = sums_[static_cast<std::size_t>(id)][e];
      sum.terms[words_.variable({network::lowest(node.type), network::highest(node.type)})] = 1;
      if (at.shift != 0) throw NotShown("input '" + node.name + "' is shifted in its port");
      const auto first = nets.begin() + at.offset_bits;
      words_.claim({first, first + at.width_bits}, sum);
    }
  }

  /// A node that is linear is known from its value at zero and at each unit.
  void linear(std::size_t id) {
    const Node& node = net_.nodes[id];
    Alone alone(net_, node);
    const reference::Tensor at_zero = alone.run();
    for (std::size_t e = 0; e < at_zero.size(); ++e) sums_[id][e].constant = at_zero[e];
    for (std::size_t input = 0; input < node.inputs.size(); ++input) {
      const auto source = static_cast<std::size_t>(node.inputs[input]);
      for (std::size_t k = 0; k < alone.inputs()[input].size(); ++k) {
        alone.inputs()[input][k] = 1;
        const reference::Tensor at_unit = alone.run();
        alone.inputs()[input][k] = 0;
        for (std::size_t e = 0; e < at_zero.size(); ++e) {
          if (at_unit[e] != at_zero[e]) add(sums_[id][e], sums_[source][k], at_unit[e] - at_zero[e]);
        }
      }
    }
  }

  /// All words that the steps name next; or all that can be followed now.
  void follow_words() {
    if (given_ != nullptr) {
      while (next_ < given_->size() && (*given_)[next_].contains("word")) {
        const Json& step = (*given_)[next_++];
        const Net net = step.at("word").get<int>();
        need_bit(net);
        const Cell* cell = module_.driver(net);
        if (cell == nullptr) throw NotShown(where() + "no cell drives bit " + std::to_string(net));
        const Word word = words_.derive(*cell);
        if (json_of(word.sum) != step.at("sum")) throw NotShown(where() + "the word is another sum");
        words_.claim(word.nets, word.sum);
        ++done.words;
      }
      return;
    }
    for (const Cell& cell : module_.cells()) {
      if (cell.is_register() || cell.output.empty() || claimed_.count(cell.output[0]) != 0) continue;
      try {
        const Word word = words_.derive(cell);
        steps.push_back({{"word", cell.output[0]}, {"sum", json_of(word.sum)}});
        words_.claim(word.nets, word.sum);
        claimed_.insert(cell.output[0]);
        ++done.words;
      } catch (const NotShown&) {
      }
    }
  }

  void function(std::size_t id) {
    const Node& node = net_.nodes[id];
    const auto source = static_cast<std::size_t>(node.inputs[0]);
    const Json* stated = nullptr;
    if (given_ != nullptr) {
      if (next_ == given_->size() || (*given_)[next_].value("function", "") != node.name)
        throw NotShown(where() + "the step of node '" + node.name + "' is missing");
      stated = &(*given_)[next_++].at("elements");
      if (stated->size() != sums_[id].size()) throw NotShown(where() + "elements are missing");
    }
    std::vector<Element> elements(sums_[id].size());
    for (std::size_t e = 0; e < elements.size(); ++e) {
      elements[e].nets = stated != nullptr ? (*stated)[e].at("bits").get<Nets>()
                                           : carriers_[{static_cast<NodeId>(id), static_cast<int>(e)}];
      for (const Net net : elements[e].nets) need_bit(net);
      try {
        prepare(elements[e], sums_[source][e], ranges_[source][e]);
      } catch (const NotShown& reason) {
        throw NotShown("element " + std::to_string(e) + " of '" + node.name + "': " + reason.what());
      }
      for (std::size_t before = 0; before < e; ++before) {
        if (elements[before].base == elements[e].base) elements[e].same.push_back(static_cast<int>(before));
      }
    }
    try_values(node, elements);
    Json list = Json::array();
    for (std::size_t e = 0; e < elements.size(); ++e) {
      const Element& of = elements[e];
      name(of, id, e);
      list.push_back({{"sum", json_of(of.argument)},
                      {"from", plain(of.values.low)},
                      {"to", plain(of.values.high)},
                      {"bits", of.nets},
                      {"least", plain(of.result.low)},
                      {"most", plain(of.result.high)}});
      if (stated != nullptr && list.back() != (*stated)[e])
        throw NotShown(where() + "element " + std::to_string(e) + " of '" + node.name +
                       "' is another function");
    }
    if (given_ == nullptr) steps.push_back({{"function", node.name}, {"elements", std::move(list)}});
    done.functions += static_cast<long long>(elements.size());
  }

  void prepare(Element& element, const Sum& argument, network::Interval proven) {
    element.argument = argument;
    element.base = primitive(argument);
    std::set<Net> seen;
    for (const Net net : element.nets) cone(element, module_.root(net), seen);
    const Interval range = words_.interval(argument);
    if (range.low < proven.low || range.high > proven.high)
      throw NotShown("a sum leaves the range that the network has proven");
    if (argument.is_constant()) return;
    const auto first = *element.base.terms.begin();
    element.factor = argument.terms.at(first.first) / first.second;
    element.values = words_.interval(element.base);
    if (element.values.high - element.values.low > most_values)
      throw NotShown("a function of too many values");
  }

  /// From a bit down to words that depend on the element's base alone.
  void cone(Element& element, Net root, std::set<Net>& seen) {
    if (root == 0 || root == 1 || !seen.insert(root).second) return;
    for (const Place& place : words_.places(root)) {
      const Sum& sum = words_[place.word].sum;
      Number factor = 0;
      if (!multiple_of(sum, element.base, place.bit + 1, factor)) continue;
      element.bits.push_back({root, factor, sum.constant, place.bit});
      return;
    }
    const Cell* cell = module_.driver(root);
    if (cell == nullptr) throw NotShown("a bit depends on more than one sum");
    try {
      for (const auto& [port, nets] : cell->inputs) {
        for (const Net net : nets) {
          if (net < 0) throw NotShown("a cell reads an unknown bit");
          cone(element, module_.root(net), seen);
        }
      }
    } catch (const NotShown& below) {
      throw NotShown(why(*cell, below.what()));
    }
    for (const Net net : cell->output) seen.insert(net);
    if (std::find(element.cells.begin(), element.cells.end(), cell) == element.cells.end())
      element.cells.push_back(cell);
  }

  /// A reason with that of a sum above it that is not followed.
  std::string why(const Cell& cell, std::string reason) const {
    if ((cell.type != "$add" && cell.type != "$sub") || reason.find(" (") != std::string::npos) return reason;
    try {
      words_.derive(cell);
    } catch (const NotShown& problem) {
      reason += " (bit " + std::to_string(cell.output[0]) + ", " + cell.type + ": " + problem.what() + ")";
    }
    return reason;
  }

  /// The node and the netlist for every value of every element's base.
  void try_values(const Node& node, std::vector<Element>& elements) {
    Alone alone(net_, node);
    LaneValues lanes(module_);
    Number longest = 0;
    for (const Element& element : elements) {
      longest = std::max(longest, element.values.high - element.values.low + 1);
      done.values += static_cast<long long>(element.values.high - element.values.low + 1);
    }
    std::vector<reference::Tensor> results(block);
    for (Number first = 0; first < longest; first += block) {
      for (int lane = 0; lane < block; ++lane) {
        for (std::size_t e = 0; e < elements.size(); ++e) {
          const Element& of = elements[e];
          alone.inputs()[0][e] = plain(of.factor * at(of, first + lane) + of.argument.constant);
        }
        results[static_cast<std::size_t>(lane)] = alone.run();
      }
      for (std::size_t e = 0; e < elements.size(); ++e) {
        Element& of = elements[e];
        if (first > of.values.high - of.values.low) continue;
        note_results(of, results, e, first == 0);
        if (!of.nets.empty() && !carried(of, results, e, first, lanes))
          throw NotShown("element " + std::to_string(e) + " of '" + node.name + "' differs in the netlist");
      }
    }
  }

  static Number at(const Element& element, Number index) {
    return std::min(element.values.low + index, element.values.high);
  }

  static void note_results(Element& element, const std::vector<reference::Tensor>& results, std::size_t e,
                           bool is_first) {
    if (is_first) element.result = {results[0][e], results[0][e]};
    for (const reference::Tensor& row : results) {
      element.result.low = std::min<Number>(element.result.low, row[e]);
      element.result.high = std::max<Number>(element.result.high, row[e]);
      std::erase_if(element.same, [&](int other) { return row[static_cast<std::size_t>(other)] != row[e]; });
    }
  }

  static bool carried(const Element& element, const std::vector<reference::Tensor>& results, std::size_t e,
                      Number first, LaneValues& lanes) {
    for (const Element::Bit& bit : element.bits) {
      Lanes values = 0;
      for (int lane = 0; lane < block; ++lane) {
        const Number value = bit.factor * at(element, first + lane) + bit.constant;
        values |= static_cast<Lanes>((value >> bit.place) & 1) << lane;
      }
      lanes.set(bit.root, values);
    }
    for (const Cell* cell : element.cells) {
      if (!lanes.compute(*cell)) throw NotShown("a " + cell->type + " cell cannot be computed");
    }
    for (std::size_t i = 0; i < element.nets.size(); ++i) {
      Lanes wanted = 0;
      for (int lane = 0; lane < block; ++lane) {
        wanted |= static_cast<Lanes>(
                      (results[static_cast<std::size_t>(lane)][e] >> std::min<std::size_t>(i, 63)) & 1)
                  << lane;
      }
      if (lanes.get(element.nets[i]) != wanted) return false;
    }
    return true;
  }

  /// The element's sum from here on: a constant, an equal element before it, or a new variable.
  void name(const Element& element, std::size_t id, std::size_t e) {
    Sum& sum = sums_[id][e];
    if (element.result.low == element.result.high) {
      sum.constant = element.result.low;
    } else if (!element.same.empty()) {
      sum = sums_[id][static_cast<std::size_t>(element.same[0])];
    } else {
      sum.terms[words_.variable(element.result)] = 1;
    }
    if (!element.nets.empty()) words_.claim(element.nets, sum);
  }

  bool in_time(Net net) const {
    const int delay = module_.delay(net);
    return delay == any_delay || delay == binding_.latency_cycles;
  }

  void output(const BoundPort& port) {
    const Nets& all = module_.port(port.port);
    for (std::size_t e = 0; e < port.elements.size(); ++e) {
      const BoundElement& at = port.elements[e];
      const Nets nets(all.begin() + at.offset_bits, all.begin() + at.offset_bits + at.width_bits);
      const std::string name = "element " + std::to_string(e) + " of port '" + port.port + "'";
      Sum shown;
      try {
        add(shown, words_.read(nets, 0, at.is_signed), Number{1} << at.shift);
      } catch (const NotShown& reason) {
        throw NotShown(name + ": " + reason.what());
      }
      if (!(shown == sums_[static_cast<std::size_t>(port.node)][e])) throw NotShown(name + " is another sum");
      if (!std::all_of(nets.begin(), nets.end(), [this](Net net) { return in_time(net); }))
        throw NotShown(name + " does not come after " + std::to_string(binding_.latency_cycles) +
                       " registers");
      done.bits += at.width_bits;
    }
  }

  void control(const std::string& from, const std::string& to) {
    if (from.empty() || to.empty()) return;
    const Nets& sent = module_.port(from);
    const Nets& nets = module_.port(to);
    for (std::size_t i = 0; i < nets.size(); ++i) {
      if (i >= sent.size() || module_.root(nets[i]) != sent[i] || !in_time(nets[i]))
        throw NotShown("port '" + to + "' is not '" + from + "' delayed");
    }
    done.bits += static_cast<long long>(nets.size());
  }

  void need_bit(Net net) const {
    if (net < 0 || static_cast<std::size_t>(net) >= module_.size())
      throw NotShown(where() + "the netlist has no bit " + std::to_string(net));
  }
  std::string where() const { return "step " + std::to_string(next_) + ": "; }

  const network::Network& net_;
  const Binding& binding_;
  Module module_;
  Words words_;
  network::Ranges ranges_;
  const Json* given_;
  std::size_t next_ = 0;
  std::map<std::pair<NodeId, int>, Nets> carriers_;
  std::set<Net> claimed_;
  std::vector<std::vector<Sum>> sums_;  // of every element of every node so far
};

}  // namespace

std::string make_steps(const network::Network& network, const Binding& binding,
                       const std::string& netlist_json, const std::vector<Carrier>& carriers) {
  Walk walk(network, binding, netlist_json, carriers, nullptr);
  walk.run();
  return walk.steps.dump();
}

Rechecked check_steps(const std::string& steps, const network::Network& network, const Binding& binding,
                      const std::string& netlist_json) {
  try {
    const Json given = Json::parse(steps);
    Walk walk(network, binding, netlist_json, {}, &given);
    walk.run();
    return walk.done;
  } catch (const Json::exception& problem) {
    throw NotShown(std::string("the steps cannot be read: ") + problem.what());
  }
}

}  // namespace crible::sim::recheck
