#include "sim/proof/prove.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "engine/base/error.hpp"
#include "engine/network/verify.hpp"
#include "engine/reference/reference.hpp"
#include "sim/proof/evaluate_netlist.hpp"
#include "sim/proof/netlist_forms.hpp"
#include "sim/proof/network_forms.hpp"
#include "sim/stimulus.hpp"

namespace crible::sim::proof {

namespace {

constexpr int sampled_events = 400;  // where something is not proven
constexpr std::size_t most_near_misses = 8;

class Prover {
 public:
  Prover(const network::Network& network, const Binding& binding, const Netlist& netlist)
      : network_(network), binding_(binding), netlist_(netlist), ranges_(network::verify(network)) {}

  Proof run() {
    const auto start = std::chrono::steady_clock::now();
    for (const BoundPort& port : binding_.inputs) check_width(port, true);
    for (const BoundPort& port : binding_.outputs) check_width(port, false);
    wanted_ = elaborate(network_, forms_);
    forms_.network_is_complete();
    found_ = elaborate(netlist_, input_signals(), forms_);
    for (const BoundPort& port : binding_.outputs) check_port(port);
    check_control(binding_.valid_in, binding_.valid_out, valid_);
    check_control(binding_.tag_in, binding_.tag_out, tag_);
    proof_.words = found_.words;
    proof_.functions_proven = forms_.counts().functions_proven;
    find_carried();
    if (proof_.bits_proven < proof_.bits_total) refute();
    proof_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(proof_);
  }

  std::optional<Refutation> try_events(int count, std::uint64_t seed) {
    NetlistEvaluator evaluator(netlist_);
    Stimulus stimulus(network_, seed);
    for (int i = 0; i < count && !proof_.refutation; ++i) try_event(evaluator, stimulus.next());
    return std::move(proof_.refutation);
  }

 private:
  const std::vector<Net>& port_nets(const std::string& name) const {
    const auto found = netlist_.ports.find(name);
    if (found == netlist_.ports.end()) {
      throw Error("module '" + netlist_.top + "' has no port '" + name + "', which the binding names.");
    }
    return found->second.nets;
  }

  void check_width(const BoundPort& port, bool is_input) const {
    const std::size_t width = port_nets(port.port).size();
    if (netlist_.ports.at(port.port).is_input != is_input) {
      throw Error("Port '" + port.port + "' of module '" + netlist_.top + "' is an " +
                  (is_input ? "output" : "input") + ", and the binding takes it for an " +
                  (is_input ? "input." : "output."));
    }
    if (static_cast<std::size_t>(port.width_bits) > width) {
      throw Error("In module '" + netlist_.top + "' port '" + port.port + "' has " + std::to_string(width) +
                  " bits, and the binding needs " + std::to_string(port.width_bits) + ".");
    }
  }

  std::vector<Signal> input_signals() {
    std::vector<Signal> nets(static_cast<std::size_t>(netlist_.net_count), Signal{{-1, -2}, any_delay});
    const auto drive = [&nets](Net net, BitId bit) {
      nets[static_cast<std::size_t>(net)] = {bit, bit.is_constant() ? any_delay : 0};
    };
    for (const BoundPort& port : binding_.inputs) {
      const std::vector<Net>& bits = port_nets(port.port);
      for (std::size_t e = 0; e < port.elements.size(); ++e) {
        const BoundElement& element = port.elements[e];
        const FormId form = wanted_.elements[static_cast<std::size_t>(port.node)][e];
        for (int i = 0; i < element.width_bits; ++i) {
          drive(bits[static_cast<std::size_t>(element.offset_bits + i)], forms_.bit(form, element.shift + i));
        }
      }
    }
    const auto hold = [&](const std::string& name, long long value) {
      const std::vector<Net>& bits = port_nets(name);
      for (std::size_t i = 0; i < bits.size(); ++i) drive(bits[i], {-1, static_cast<int>((value >> i) & 1)});
    };
    for (const auto& [name, value] : binding_.constants) hold(name, value);
    if (!binding_.reset.empty()) hold(binding_.reset, binding_.reset_active_low ? 1 : 0);
    const auto free = [&](const std::string& name, std::vector<BitId>& list) {
      if (name.empty()) return;
      for (const Net net : port_nets(name)) {
        list.push_back(forms_.bit(forms_.variable({0, 1}), 0));
        drive(net, list.back());
      }
    };
    free(binding_.valid_in, valid_);
    free(binding_.tag_in, tag_);
    return nets;
  }

  bool is_in_time(const Signal& signal) const {
    return signal.delay == any_delay || signal.delay == binding_.latency_cycles;
  }

  /// Empty when the net is this bit after the right number of registers.
  std::string bit_problem(Net net, BitId wanted) const {
    const Signal& signal = found_.nets[static_cast<std::size_t>(net)];
    if (net == net_unknown || (signal.bit.is_constant() && signal.bit.index == -2))
      return "nothing drives it";
    if (!(signal.bit == wanted)) return "differs";
    if (!is_in_time(signal)) {
      return "it comes after " + std::to_string(signal.delay) + " registers, not " +
             std::to_string(binding_.latency_cycles);
    }
    return {};
  }

  void check_port(const BoundPort& port) {
    const std::vector<Net>& nets = port_nets(port.port);
    const network::Node& node = network_.nodes[static_cast<std::size_t>(port.node)];
    for (std::size_t e = 0; e < port.elements.size(); ++e) {
      const BoundElement& element = port.elements[e];
      const FormId wanted = wanted_.elements[static_cast<std::size_t>(port.node)][e];
      proof_.bits_total += element.width_bits;
      Unproven open{port.port, node.name, static_cast<int>(e), {}, {}};
      Bits bits;
      bool in_time = true;
      for (int i = 0; i < element.width_bits; ++i) {
        const Net net = nets[static_cast<std::size_t>(element.offset_bits + i)];
        bits.push_back(net == net_unknown ? BitId{-1, -2} : found_.nets[static_cast<std::size_t>(net)].bit);
        in_time = in_time && net != net_unknown && is_in_time(found_.nets[static_cast<std::size_t>(net)]);
        const std::string problem = bit_problem(net, forms_.bit(wanted, element.shift + i));
        if (problem.empty()) continue;
        open.bits.push_back(i);
        if (open.reason.empty() || open.reason == "differs") open.reason = problem;
      }
      if (open.reason == "differs" && in_time && same_word(bits, wanted, element.shift)) open.bits.clear();
      if (!covers(wanted, ranges_[static_cast<std::size_t>(port.node)][e], element)) {
        open.bits.clear();
        for (int i = 0; i < element.width_bits; ++i) open.bits.push_back(i);
        open.reason = "the port is too narrow for the values of the output";
      }
      proof_.bits_proven += element.width_bits - static_cast<int>(open.bits.size());
      if (open.bits.empty()) continue;
      if (open.reason == "differs") open.reason = explain(bits, wanted, element.shift);
      proof_.unproven.push_back(std::move(open));
    }
  }

  /// The port shows the whole value: its lowest `shift` bits are always zero and it fits.
  bool covers(FormId wanted, network::Interval proven, const BoundElement& element) {
    for (int i = 0; i < element.shift; ++i) {
      if (!(forms_.bit(wanted, i) == BitId{-1, 0})) return false;
    }
    const Bounds range = forms_.bounds(wanted);
    const int width = element.width_bits + element.shift;
    const Integer half = power_of_two(width - 1);
    const Bounds place{element.is_signed ? -half : 0, element.is_signed ? half - 1 : 2 * half - 1};
    return place.contains(range) || place.contains({proven.low, proven.high});
  }

  /// Whether the bits, read as one word, are equal to the wanted value as functions of one sum.
  bool same_word(const Bits& bits, FormId wanted, int shift) {
    for (const BitId bit : bits) {
      if (bit.is_constant() && bit.index == -2) return false;
    }
    try {
      const int width = static_cast<int>(bits.size());
      const FormId found = forms_.slice(modular_word(forms_, bits), 0, width);
      return found == forms_.slice(forms_.slice(wanted, shift, 0), 0, width);
    } catch (const Untreated&) {
      return false;
    }
  }

  /// Why a word is not what it should be: what could not be treated below it, or the two forms.
  std::string explain(const Bits& bits, FormId wanted, int shift) {
    const std::vector<bool> reached = atoms_below(bits);
    for (const auto& [unknown, reason] : found_.opaque) {
      const Form& form = forms_[unknown];
      if (!form.terms.empty() && reached[static_cast<std::size_t>(form.terms[0].first)]) return reason;
    }
    for (std::size_t i = 0; i < wanted_.reasons.size(); ++i) {
      if (!wanted_.reasons[i].empty()) return "node '" + network_.nodes[i].name + "': " + wanted_.reasons[i];
    }
    const std::string absent = first_absent();
    const FormId found = modular_word(forms_, bits);
    return (absent.empty() ? "" : absent + "; ") + "it is " + forms_.text(found) + ", expected " +
           forms_.text(wanted) + (shift > 0 ? " shifted right by " + std::to_string(shift) : "") +
           "; the difference is " + forms_.text(forms_.sum({{found, power_of_two(shift)}, {wanted, -1}}));
  }

  /// Which bits of the netlist hold the elements of nodes that compute something else than sums.
  void find_carried() {
    std::unordered_map<BitId, Net> where;
    // Cells are in order: what an element is computed as comes before sums that show its bits again.
    for (const Cell& cell : netlist_.cells) {
      for (const std::string& port : cell.outputs) {
        for (const Net net : cell.port(port)) {
          if (net > net_one) where.try_emplace(found_.nets[static_cast<std::size_t>(net)].bit, net);
        }
      }
    }
    for (const auto& [name, port] : netlist_.ports) {
      for (const Net net : port.nets) {
        if (port.is_input) where[found_.nets[static_cast<std::size_t>(net)].bit] = net;
      }
    }
    where[{-1, 0}] = net_zero;
    where[{-1, 1}] = net_one;
    for (std::size_t i = 0; i < network_.nodes.size(); ++i) {
      const network::Node& node = network_.nodes[i];
      if (!is_function(node.operation)) continue;
      for (std::size_t e = 0; e < wanted_.elements[i].size(); ++e) {
        Carried carried{static_cast<int>(i), static_cast<int>(e), {}};
        for (int bit = 0; bit < node.type.width; ++bit) {
          const auto found = where.find(forms_.bit(wanted_.elements[i][e], bit));
          if (found == where.end()) break;
          carried.nets.push_back(found->second);
        }
        if (static_cast<int>(carried.nets.size()) == node.type.width)
          proof_.carried.push_back(std::move(carried));
      }
    }
  }
  static bool is_function(const network::Operation& operation) {
    return std::holds_alternative<network::Requantize>(operation) ||
           std::holds_alternative<network::Threshold>(operation) ||
           std::holds_alternative<network::Lookup>(operation) ||
           std::holds_alternative<network::Clamp>(operation) ||
           std::holds_alternative<network::LeakyRelu>(operation);
  }

  /// The first element of the network whose bits no signal of the module carries.
  std::string first_absent() {
    std::unordered_set<BitId> present;
    for (const Signal& signal : found_.nets) present.insert(signal.bit);
    for (std::size_t i = 0; i < network_.nodes.size(); ++i) {
      const network::Node& node = network_.nodes[i];
      if (!std::holds_alternative<network::Requantize>(node.operation)) continue;
      for (std::size_t e = 0; e < wanted_.elements[i].size(); ++e) {
        const FormId form = wanted_.elements[i][e];
        for (int index = 0; index < node.type.width; ++index) {
          const BitId bit = forms_.bit(form, index);
          if (bit.is_constant() || present.count(bit) != 0) continue;
          return "no signal is known to be '" + node.name + "' element " + std::to_string(e) + " (bit " +
                 std::to_string(index) + " of " + forms_.text(form) + ")";
        }
      }
    }
    return {};
  }

  std::vector<bool> atoms_below(const Bits& bits) {
    std::vector<bool> seen(forms_.atom_count(), false);
    std::vector<FormId> open;
    for (const BitId bit : bits) {
      if (!bit.is_constant()) open.push_back(bit.form);
    }
    while (!open.empty()) {
      const Form form = forms_[open.back()];
      open.pop_back();
      std::vector<AtomId> atoms;
      for (const auto& term : form.terms) atoms.push_back(term.first);
      while (!atoms.empty()) {
        const AtomId id = atoms.back();
        atoms.pop_back();
        if (seen[static_cast<std::size_t>(id)]) continue;
        seen[static_cast<std::size_t>(id)] = true;
        const Atom& atom = forms_.atom(id);
        if (atom.base >= 0) open.push_back(atom.base);
        open.insert(open.end(), atom.members.begin(), atom.members.end());
        if (atom.kind == AtomKind::cases) {
          const std::vector<FormId> asked = forms_.cases().forms(atom.cases);
          open.insert(open.end(), asked.begin(), asked.end());
        }
        atoms.insert(atoms.end(), atom.factors.begin(), atom.factors.end());
      }
    }
    return seen;
  }

  void check_control(const std::string& from, const std::string& to, const std::vector<BitId>& sent) {
    if (from.empty() || to.empty()) return;
    const std::vector<Net>& nets = port_nets(to);
    Unproven open{to, from, 0, {}, {}};
    for (std::size_t i = 0; i < nets.size(); ++i) {
      ++proof_.bits_total;
      const std::string problem =
          i < sent.size() ? bit_problem(nets[i], sent[i]) : "it is wider than " + from;
      if (problem.empty()) {
        ++proof_.bits_proven;
      } else {
        open.bits.push_back(static_cast<int>(i));
        open.reason = problem == "differs" ? "it is not " + from + " delayed" : problem;
      }
    }
    if (!open.bits.empty()) proof_.unproven.push_back(std::move(open));
  }

  void refute() {
    NetlistEvaluator evaluator(netlist_);
    if (!evaluator.problem().empty()) return;
    for (const NearMiss& miss : first_near_misses()) {
      const std::optional<Event> event = reach(miss);
      if (event && try_event(evaluator, *event)) return;
    }
    Stimulus stimulus(network_, 1);
    for (int i = 0; i < sampled_events; ++i) {
      if (try_event(evaluator, stimulus.next())) return;
    }
  }

  std::vector<NearMiss> first_near_misses() const {
    const auto& all = forms_.near_misses();
    return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), most_near_misses))};
  }

  /// An event in which the base has the value t: starts at random and moves one element at a time.
  std::optional<Event> reach(const NearMiss& miss) {
    Stimulus stimulus(network_, 7);
    std::mt19937_64 random(11);
    const std::vector<network::NodeId> inputs = network::inputs_of(network_);
    Event best = stimulus.next();
    Integer distance = off(best, miss);
    for (int i = 0; i < 40; ++i) {
      Event event = stimulus.next();
      const Integer other = off(event, miss);
      if (other < distance) {
        best = std::move(event);
        distance = other;
      }
    }
    for (int i = 0; i < 3000 && distance > 0; ++i) {
      Event event = best;
      const std::size_t which = random() % event.size();
      const network::Type type = network_.nodes[static_cast<std::size_t>(inputs[which])].type;
      std::int64_t& value = event[which][random() % event[which].size()];
      const auto step = static_cast<std::int64_t>(1) << (random() % static_cast<unsigned>(type.width));
      value = std::clamp(random() % 2 == 0 ? value + step : value - step, network::lowest(type),
                         network::highest(type));
      const Integer other = off(event, miss);
      if (other <= distance) {
        best = std::move(event);
        distance = other;
      }
    }
    if (distance > 0) return std::nullopt;
    return best;
  }

  Integer off(const Event& event, const NearMiss& miss) {
    Assignment assignment(forms_);
    const std::vector<network::NodeId> inputs = network::inputs_of(network_);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      for (std::size_t k = 0; k < event[i].size(); ++k) {
        assignment.set(wanted_.elements[static_cast<std::size_t>(inputs[i])][k], event[i][k]);
      }
    }
    const Integer distance = assignment.value(miss.base) - miss.t;
    return distance < 0 ? -distance : distance;
  }

  bool try_event(NetlistEvaluator& evaluator, const Event& event) {
    ++proof_.sampled_events;
    for (const auto& [name, value] : binding_.constants) {
      const std::vector<Net>& nets = port_nets(name);
      for (std::size_t i = 0; i < nets.size(); ++i) evaluator.set(nets[i], ((value >> i) & 1) != 0);
    }
    if (!binding_.reset.empty()) evaluator.set(port_nets(binding_.reset)[0], binding_.reset_active_low);
    if (!binding_.valid_in.empty()) evaluator.set(port_nets(binding_.valid_in)[0], true);
    const std::vector<network::NodeId> inputs = network::inputs_of(network_);
    for (const BoundPort& port : binding_.inputs) {
      const auto index =
          static_cast<std::size_t>(std::find(inputs.begin(), inputs.end(), port.node) - inputs.begin());
      const std::vector<Net>& nets = port_nets(port.port);
      for (std::size_t e = 0; e < port.elements.size(); ++e) {
        const BoundElement& element = port.elements[e];
        for (int i = 0; i < element.width_bits; ++i) {
          evaluator.set(nets[static_cast<std::size_t>(element.offset_bits + i)],
                        ((event[index][e] >> (element.shift + i)) & 1) != 0);
        }
      }
    }
    evaluator.run();
    if (!evaluator.problem().empty()) return false;
    const std::vector<reference::Tensor> values = reference::evaluate_all(network_, event);
    for (const BoundPort& port : binding_.outputs) {
      const std::vector<Net>& nets = port_nets(port.port);
      for (std::size_t e = 0; e < port.elements.size(); ++e) {
        const long long got = read_element(evaluator, nets, port.elements[e]);
        const long long expected = values[static_cast<std::size_t>(port.node)][e];
        if (got == expected) continue;
        proof_.refutation = Refutation{event,
                                       port.port,
                                       network_.nodes[static_cast<std::size_t>(port.node)].name,
                                       static_cast<int>(e),
                                       expected,
                                       got};
        return true;
      }
    }
    return false;
  }

  static long long read_element(const NetlistEvaluator& evaluator, const std::vector<Net>& nets,
                                const BoundElement& element) {
    long long value = 0;
    for (int i = 0; i < element.width_bits; ++i) {
      const bool bit = evaluator.get(nets[static_cast<std::size_t>(element.offset_bits + i)]);
      if (bit) value += i == element.width_bits - 1 && element.is_signed ? -(1LL << i) : 1LL << i;
    }
    return value * (1LL << element.shift);
  }

  const network::Network& network_;
  const Binding& binding_;
  const Netlist& netlist_;
  network::Ranges ranges_;
  Forms forms_;
  NetworkForms wanted_;
  NetlistForms found_;
  std::vector<BitId> valid_;
  std::vector<BitId> tag_;
  Proof proof_;
};

}  // namespace

Proof prove(const network::Network& network, const Binding& binding, const Netlist& netlist) {
  return Prover(network, binding, netlist).run();
}

std::optional<Refutation> refute_by_events(const network::Network& network, const Binding& binding,
                                           const Netlist& netlist, int events, std::uint64_t seed) {
  return Prover(network, binding, netlist).try_events(events, seed);
}

}  // namespace crible::sim::proof
