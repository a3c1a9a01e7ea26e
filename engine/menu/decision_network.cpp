#include "engine/menu/decision_network.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/error.hpp"
#include "engine/menu/chain_program.hpp"
#include "engine/network/build.hpp"
#include "engine/network/join.hpp"

namespace crible::menu {

namespace {

using network::NodeId;
using network::Shape;
using network::Type;

Type type_of(detector::FieldType type) {
  return network::smallest_type(range_of(type), 0);
}

/// "anomaly", or "tag_2" for the third object of a network that runs for objects.
std::string part_name(const NetworkOutputs& network, std::size_t object) {
  return network.collection ? network.name + "_" + std::to_string(object) : network.name;
}

network::Comparison comparison_of(Operator op) {
  switch (op) {
    case Operator::less:
      return network::Comparison::less;
    case Operator::less_equal:
      return network::Comparison::less_equal;
    case Operator::greater_equal:
      return network::Comparison::greater_equal;
    case Operator::equal:
      return network::Comparison::equal;
    case Operator::not_equal:
      return network::Comparison::not_equal;
    case Operator::greater:
    case Operator::either:
    case Operator::both:
    case Operator::negation:
    case Operator::add:
    case Operator::subtract:
    case Operator::multiply:
    case Operator::minus:
      break;
  }
  return network::Comparison::greater;
}

/// Carries out the compiled conditions with nodes in place of numbers. A value has one axis for each loop
/// that can be open; its extent there is that of the collection, or 1 where it is the same for all objects.
class Conditions {
 public:
  Conditions(const std::string& name, const detector::Description& description, const OutputLayout& outputs,
             const std::vector<network::Network>& networks, std::size_t rank)
      : builder_(name),
        description_(description),
        outputs_(outputs),
        networks_(networks),
        rank_(std::max<std::size_t>(rank, 1)) {}

  void add_chain(const std::string& name, const ChainProgram& chain) {
    chain_ = name;
    try {
      decisions_.push_back(
          builder_.add(builder_.unique_name(name), network::Reshape{}, {decision(chain)}, Shape{1}));
    } catch (const Error& error) {
      throw Error("chain '" + name + "' cannot become a network: " + error.what(), error.fault());
    }
  }

  network::Network finish() {
    const NodeId all =
        decisions_.size() == 1 ? decisions_[0] : builder_.add("all_chains", network::Concat{0}, decisions_);
    builder_.output("decisions", all);
    return builder_.finish();
  }

 private:
  NodeId decision(const ChainProgram& chain) {
    switch (chain.kind) {
      case ChainKind::condition: {
        stack_.clear();
        run(chain.program, 0, chain.program.size());
        return pop();
      }
      case ChainKind::random:
        return constant(0);
      case ChainKind::zero_bias:
        return in_train(chain);
    }
    return constant(0);
  }

  NodeId in_train(const ChainProgram& chain) {
    if (chain.crossings.empty()) return constant(1);
    const NodeId x = scalar(chain.crossing.source, chain.crossing.offset_bytes, chain.crossing.type);
    NodeId any = constant(0);
    for (const CrossingRange& range : chain.crossings) {
      const NodeId reached = compare(network::Comparison::greater_equal, x, constant(range.first));
      const NodeId not_past = compare(network::Comparison::less_equal, x, constant(range.last));
      any = either(any, both(reached, not_past));
    }
    return any;
  }

  /// Instructions [begin, end) of a program; skips and loops are entered as a whole.
  void run(const Program& program, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const Instruction& in = program[i];
      switch (in.code) {
        case Code::push:
          stack_.push_back(constant(in.value));
          break;
        case Code::load:
          stack_.push_back(scalar(in.index, in.offset, in.type));
          break;
        case Code::load_object:
          stack_.push_back(field(collections_[in.loop], in.loop, in));
          break;
        case Code::load_output:
          stack_.push_back(answer(in.index, 0));
          break;
        case Code::load_answer:
          stack_.push_back(answer(in.index, in.loop));
          break;
        case Code::add:
          arithmetic(network::Add{});
          break;
        case Code::subtract:
          arithmetic(network::Subtract{});
          break;
        case Code::multiply:
          arithmetic(network::Multiply{});
          break;
        case Code::negate:
          stack_.push_back(negated(pop()));
          break;
        case Code::absolute: {
          const NodeId x = pop();
          const NodeId negative = compare(network::Comparison::less, x, constant(0));
          stack_.push_back(select(negative, negated(x), x));
          break;
        }
        case Code::invert:
          stack_.push_back(inverted(pop()));
          break;
        case Code::compare: {
          const NodeId right = pop();
          stack_.push_back(compare(comparison_of(in.comparison), pop(), right));
          break;
        }
        case Code::compare_value:
          stack_.push_back(compare(comparison_of(in.comparison), pop(), constant(in.value)));
          break;
        case Code::skip_if_false:
        case Code::skip_if_true: {
          const NodeId left = pop();
          run(program, i + 1, in.target);
          const NodeId right = pop();
          stack_.push_back(in.code == Code::skip_if_false ? both(left, right) : either(left, right));
          i = in.target - 1;
          break;
        }
        case Code::begin_loop:
          collections_[in.loop] = in.index;
          run(program, i + 1, in.target - 1);
          stack_.push_back(folded(program[in.target - 1], in, pop()));
          i = in.target - 1;
          break;
        case Code::end_loop:
        case Code::within:
        case Code::load_within:
        case Code::load_object_within:
        case Code::load_output_within:
        case Code::fold_field:
        case Code::fold_compared:
          break;  // met inside a loop, and made by shorten() alone
      }
    }
  }

  NodeId pop() {
    const NodeId value = stack_.back();
    stack_.pop_back();
    return value;
  }

  NodeId add(const network::Operation& operation, std::vector<NodeId> inputs) {
    return builder_.add(builder_.unique_name(chain_ + "_step"), operation, std::move(inputs));
  }

  NodeId compare(network::Comparison comparison, NodeId left, NodeId right) {
    return add(network::Compare{comparison}, {left, right});
  }

  NodeId select(NodeId condition, NodeId yes, NodeId no) {
    return add(network::Select{}, {condition, yes, no});
  }

  NodeId both(NodeId left, NodeId right) { return select(left, right, constant(0)); }
  NodeId either(NodeId left, NodeId right) { return select(left, constant(1), right); }
  NodeId inverted(NodeId x) { return select(x, constant(0), constant(1)); }
  NodeId negated(NodeId x) { return add(network::Subtract{}, {constant(0), x}); }

  void arithmetic(const network::Operation& operation) {
    const NodeId right = pop();
    const NodeId left = pop();
    stack_.push_back(add(operation, {left, right}));
  }

  /// Joins the body's results over the objects that are there.
  NodeId folded(const Instruction& end, const Instruction& begin, NodeId body) {
    const NodeId there = object_is_there(begin.index, begin.loop);
    const NodeId neutral = constant(begin.value);
    switch (end.fold) {
      case Fold::any:
        return reduced(network::ReduceKind::max, end.loop, both(there, body));
      case Fold::all:
        return reduced(network::ReduceKind::min, end.loop, either(inverted(there), body));
      case Fold::count:
      case Fold::sum:
        return reduced(network::ReduceKind::sum, end.loop, select(there, body, neutral));
      case Fold::max:
        return reduced(network::ReduceKind::max, end.loop, select(there, body, neutral));
      case Fold::min:
        return reduced(network::ReduceKind::min, end.loop, select(there, body, neutral));
    }
    return body;
  }

  NodeId reduced(network::ReduceKind kind, std::size_t axis, NodeId x) {
    Shape shape = builder_.node(x).shape;
    shape[axis] = 1;
    return reshaped(add(network::Reduce{kind, static_cast<int>(axis)}, {x}), shape);
  }

  NodeId reshaped(NodeId x, const Shape& shape) {
    return builder_.add(builder_.unique_name(builder_.node(x).name + "_shaped"), network::Reshape{}, {x},
                        shape);
  }

  /// Extent `extent` along the axis of a loop, 1 along the others.
  Shape along(std::size_t axis, std::size_t extent) const {
    Shape shape(rank_, 1);
    shape[axis] = static_cast<int>(extent);
    return shape;
  }

  NodeId constant(std::int64_t value) {
    const auto [at, is_new] = constants_.try_emplace(value, -1);
    if (is_new) {
      const std::string name =
          (value < 0 ? "minus_" : "value_") + std::to_string(value < 0 ? 0 - static_cast<std::uint64_t>(value)
                                                                       : static_cast<std::uint64_t>(value));
      at->second = builder_.constant(builder_.unique_name(name), Shape(rank_, 1),
                                     network::smallest_type({value, value}, 0), {value});
    }
    return at->second;
  }

  NodeId input(const std::string& name, const Shape& shape, Type type) {
    const auto [at, is_new] = inputs_.try_emplace(name, -1);
    if (!is_new) return at->second;
    if (type.width > 32)
      throw Error("'" + name + "' has " + std::to_string(type.width) +
                  " bits; an input of a network has at most 32, so leave the chain to the software menu");
    return at->second = builder_.input(name, shape, type);
  }

  NodeId scalar(std::size_t source, std::size_t offset_bytes, detector::FieldType type) {
    return reshaped(input(scalar_name(source, offset_bytes), {1}, type_of(type)), Shape(rank_, 1));
  }

  /// A quantity's name where it has one, else "source.field" or "source.field[2, 5]".
  std::string scalar_name(std::size_t source, std::size_t offset_bytes) const {
    for (const detector::Quantity& quantity : description_.quantities) {
      if (quantity.value.source == source && quantity.value.offset_bytes == offset_bytes)
        return quantity.name;
    }
    const detector::Source& from = description_.sources[source];
    const auto holds_it = [&](const detector::Field& field) {
      return offset_bytes >= field.offset_bytes &&
             offset_bytes < field.offset_bytes + field.count() * bytes_of(field.type);
    };
    const detector::Field& field = *std::find_if(from.fields.begin(), from.fields.end(), holds_it);
    return from.name + "." + field.name + place_text(field, offset_bytes);
  }

  /// "[2, 5]" for an element of an array, nothing for a scalar.
  static std::string place_text(const detector::Field& field, std::size_t offset_bytes) {
    std::size_t place = (offset_bytes - field.offset_bytes) / bytes_of(field.type);
    std::string text;
    for (std::size_t axis = field.shape.size(); axis-- > 0; place /= field.shape[axis])
      text = std::to_string(place % field.shape[axis]) + (text.empty() ? "]" : ", ") + text;
    return text.empty() ? text : "[" + text;
  }

  NodeId field(std::size_t index, std::size_t axis, const Instruction& in) {
    const detector::Collection& collection = description_.collections[index];
    const auto found = std::find_if(
        collection.fields.begin(), collection.fields.end(),
        [&](const detector::Field& f) { return f.offset_bytes == in.offset && f.type == in.type; });
    const NodeId all =
        input(collection.name + "." + found->name, {static_cast<int>(collection.capacity)}, type_of(in.type));
    return reshaped(all, along(axis, collection.capacity));
  }

  NodeId object_is_there(std::size_t index, std::size_t axis) {
    const detector::Collection& collection = description_.collections[index];
    const auto capacity = static_cast<std::int64_t>(collection.capacity);
    const NodeId count = input(collection.name + ".count", {1}, network::smallest_type({0, capacity}, 0));
    std::vector<std::int64_t> places;
    for (std::int64_t i = 0; i < capacity; ++i) places.push_back(i);
    const NodeId numbers =
        builder_.constant(builder_.unique_name(collection.name + "_places"), along(axis, collection.capacity),
                          network::smallest_type({0, capacity - 1}, 0), places);
    return compare(network::Comparison::less, numbers, reshaped(count, Shape(rank_, 1)));
  }

  /// An element of a network's output, without its fraction: conditions compare integers.
  NodeId answer(std::size_t flat, std::size_t axis) {
    std::size_t n = outputs_.network_count() - 1;
    while (outputs_.network(n).first > flat) --n;
    const NetworkOutputs& network = outputs_.network(n);
    const OutputElement& element = network.elements[flat - network.first];
    const network::Node& node =
        networks_[n].nodes[static_cast<std::size_t>(network::outputs_of(networks_[n])[element.output])];
    std::vector<NodeId> objects;
    for (std::size_t object = 0; object < network.max_objects; ++object) {
      const NodeId whole = input(part_name(network, object) + "/" + node.name, node.shape, node.type);
      const auto count = static_cast<int>(network::element_count(node.shape));
      const NodeId flat_output = reshaped(whole, {count});
      const auto place = static_cast<int>(element.offset_bytes / element.element_bytes);
      objects.push_back(builder_.add(builder_.unique_name(part_name(network, object) + "_" + element.name),
                                     network::Slice{{place}, {1}}, {flat_output}, Shape{1}));
    }
    const NodeId all = objects.size() == 1 ? objects[0] : add(network::Concat{0}, objects);
    const NodeId integers =
        builder_.add(builder_.unique_name(network.name + "_" + element.name + "_integer"),
                     network::Requantize{}, {all}, Type{node.type.is_signed, node.type.width, 0});
    return reshaped(integers, along(axis, network.max_objects));
  }

  network::Builder builder_;
  const detector::Description& description_;
  const OutputLayout& outputs_;
  const std::vector<network::Network>& networks_;
  std::size_t rank_ = 1;
  std::string chain_;
  std::size_t collections_[max_loops] = {};
  std::vector<NodeId> stack_;
  std::vector<NodeId> decisions_;
  std::map<std::int64_t, NodeId> constants_;
  std::map<std::string, NodeId> inputs_;
};

}  // namespace

network::Network conditions_network(const Menu& menu, const detector::Description& description,
                                    const OutputLayout& outputs,
                                    const std::vector<network::Network>& networks) {
  std::size_t rank = 1;
  for (const ChainProgram& chain : menu.programs()) {
    for (const Instruction& in : chain.program)
      if (in.code == Code::begin_loop) rank = std::max<std::size_t>(rank, std::size_t{in.loop} + 1);
  }
  Conditions conditions(menu.name(), description, outputs, networks, rank);
  for (std::size_t c = 0; c < menu.chains().size(); ++c)
    conditions.add_chain(menu.chains()[c].name, menu.programs()[c]);
  return conditions.finish();
}

network::Network decision_network(const Menu& menu, const detector::Description& description,
                                  const OutputLayout& outputs,
                                  const std::vector<network::Network>& networks) {
  network::Network conditions = conditions_network(menu, description, outputs, networks);
  std::set<std::string> read;
  for (const NodeId id : network::inputs_of(conditions))
    read.insert(conditions.nodes[static_cast<std::size_t>(id)].name);
  std::vector<network::Part> parts;
  network::Part last{"", std::move(conditions), {}, {}};
  for (std::size_t n = 0; n < outputs.network_count(); ++n) {
    for (std::size_t object = 0; object < outputs.network(n).max_objects; ++object) {
      network::Part part{part_name(outputs.network(n), object), networks[n], {}, {}};
      bool is_read = false;
      for (const NodeId id : network::outputs_of(networks[n])) {
        const std::string& name = networks[n].nodes[static_cast<std::size_t>(id)].name;
        part.hidden_outputs.push_back(name);
        const std::string joint = part.prefix + "/" + name;
        if (!read.contains(joint)) continue;
        is_read = true;
        last.feeds.push_back({joint, joint, {}});
      }
      if (is_read) parts.push_back(std::move(part));
    }
  }
  parts.push_back(std::move(last));
  return network::join(menu.name(), parts);
}

}  // namespace crible::menu
