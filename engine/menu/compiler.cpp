#include <algorithm>
#include <optional>

#include "engine/menu/measure.hpp"
#include "engine/menu/program.hpp"

namespace crible::menu {

namespace {

using detector::Unit;

struct FunctionName {
  const char* name;
  Fold fold;
  bool condition;  // the body must be a condition, not an integer
};

constexpr FunctionName folds[] = {{"any", Fold::any, true},     {"all", Fold::all, true},
                                  {"count", Fold::count, true}, {"sum", Fold::sum, false},
                                  {"max", Fold::max, false},    {"min", Fold::min, false}};

std::string known_names(const std::string& wrong, std::vector<std::string> names) {
  const std::string proposal = yaml::nearest(wrong, names);
  std::string text = proposal.empty() ? "" : "; did you mean '" + proposal + "'?";
  text += " (known: ";
  for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return text + ")";
}

bool is_comparison(Operator op) {
  return op >= Operator::less && op <= Operator::not_equal;
}

/// Walks the tree, checks what each part means, and emits code in stack order.
class Compiler {
 public:
  Compiler(const detector::Description& description, const OutputLayout& outputs)
      : description_(description), outputs_(outputs) {}

  Program compile(const std::string& text) {
    tree_ = parse_expression(text);
    const std::size_t root = tree_.nodes.size() - 1;
    const Value value = expression(root);
    if (!value.is_condition) throw ExpressionError{value.at, "this is a number, not a condition; compare it"};
    check_depth();
    return std::move(program_);
  }

 private:
  struct Scope {
    std::size_t collection;
  };

  Value expression(std::size_t id) {
    const SyntaxNode& node = tree_.nodes[id];
    switch (node.kind) {
      case NodeKind::number:
        return number(node);
      case NodeKind::name:
        return name(node);
      case NodeKind::call:
        return call(node);
      case NodeKind::unary:
        return unary(node);
      case NodeKind::binary:
        return binary(node);
    }
    return {};
  }

  Instruction& emit(Code code) {
    program_.push_back({});
    program_.back().code = code;
    return program_.back();
  }

  /// Code is emitted in stack order, and a skip leaves the stack as high as what it skips: the depth at each
  /// instruction is the sum of all effects before it.
  void check_depth() const {
    std::size_t depth = 0;
    for (const Instruction& in : program_) {
      if (in.code <= Code::load_answer || in.code == Code::begin_loop) {
        if (++depth > max_stack)
          throw ExpressionError{0, "is nested too deeply; split it into several chains"};
      } else if (in.code != Code::negate && in.code != Code::absolute && in.code != Code::invert &&
                 in.code != Code::compare_value) {
        --depth;
      }
    }
  }

  static Value integer(std::size_t at, Wide low, Wide high) {
    Value value;
    value.at = at;
    value.low = low;
    value.high = high;
    return value;
  }

  static Value condition(std::size_t at) {
    Value value = integer(at, 0, 1);
    value.is_condition = true;
    return value;
  }

  static Value number(const SyntaxNode& node) {
    const auto ratio = detector::parse_decimal(node.text);
    if (!ratio) throw ExpressionError{node.at, "'" + node.text + "' is no number with at most 18 digits"};
    Value value = integer(node.at, 0, 0);
    value.literal = Literal{*ratio, false, node.unit};
    return value;
  }

  Value name(const SyntaxNode& node) {
    const std::size_t dot = node.text.find('.');
    if (dot == std::string::npos) {
      if (!scopes_.empty()) {
        const std::size_t innermost = scopes_.size() - 1;
        if (const auto field = collection(innermost).find_field(node.text))
          return load_field(node, innermost, *field);
      }
    } else {
      const std::string first = node.text.substr(0, dot);
      if (const auto found = description_.find_collection(first))
        return qualified(node, *found, node.text.substr(dot + 1));
      for (std::size_t n = 0; n < outputs_.network_count(); ++n) {
        if (outputs_.network(n).name == first) return output(node, n, node.text.substr(dot + 1));
      }
    }
    if (const auto scalar = description_.find_scalar(node.text)) return load_scalar(node, *scalar);
    if (description_.find_collection(node.text)) {
      throw ExpressionError{node.at,
                            "'" + node.text + "' is a collection; use it as in any(" + node.text + ", ...)"};
    }
    throw ExpressionError{node.at,
                          "there is no '" + node.text + "'" + known_names(node.text, visible_names())};
  }

  const detector::Collection& collection(std::size_t scope) const {
    return description_.collections[scopes_[scope].collection];
  }

  std::optional<std::size_t> scope_of(std::size_t wanted) const {
    for (std::size_t s = 0; s < scopes_.size(); ++s) {
      if (scopes_[s].collection == wanted) return s;
    }
    return std::nullopt;
  }

  Value qualified(const SyntaxNode& node, std::size_t wanted, const std::string& field_name) {
    const detector::Collection& found = description_.collections[wanted];
    const auto scope = scope_of(wanted);
    if (!scope) {
      throw ExpressionError{node.at, "'" + node.text + "' has a value for each object; write it inside any(" +
                                         found.name + ", ...) or another function over " + found.name};
    }
    if (const auto field = found.find_field(field_name)) return load_field(node, *scope, *field);
    std::vector<std::string> names;
    for (const detector::Field& field : found.fields) names.push_back(field.name);
    throw ExpressionError{
        node.at, "there is no field '" + field_name + "' of " + found.name + known_names(field_name, names)};
  }

  Value load_field(const SyntaxNode& node, std::size_t scope, std::size_t index) {
    const detector::Field& field = collection(scope).fields[index];
    Instruction& in = emit(Code::load_object);
    in.loop = static_cast<std::uint8_t>(scope);
    in.type = field.type;
    in.offset = static_cast<std::uint32_t>(field.offset_bytes);
    const network::Interval range = range_of(field.type);
    Value value = integer(node.at, range.low, range.high);
    value.unit = field.unit;
    return value;
  }

  Value load_scalar(const SyntaxNode& node, const detector::ScalarRef& scalar) {
    Instruction& in = emit(Code::load);
    in.type = scalar.type;
    in.index = static_cast<std::uint32_t>(scalar.source);
    in.offset = static_cast<std::uint32_t>(scalar.offset_bytes);
    const network::Interval range = range_of(scalar.type);
    Value value = integer(node.at, range.low, range.high);
    value.unit = scalar.unit;
    return value;
  }

  Value output(const SyntaxNode& node, std::size_t index, const std::string& element_name) {
    const NetworkOutputs& network = outputs_.network(index);
    std::vector<std::string> names;
    for (const OutputElement& element : network.elements) names.push_back(element.name);
    const auto found = std::find(names.begin(), names.end(), element_name);
    if (found == names.end()) {
      throw ExpressionError{node.at, "network '" + network.name + "' has no output '" + element_name + "'" +
                                         known_names(element_name, names)};
    }
    const auto element = static_cast<std::size_t>(found - names.begin());
    Instruction& in = emit(network.collection ? Code::load_answer : Code::load_output);
    in.index = static_cast<std::uint32_t>(network.first + element);
    if (network.collection) {
      const auto scope = scope_of(*network.collection);
      if (!scope) {
        const std::string& objects = description_.collections[*network.collection].name;
        throw ExpressionError{node.at, "'" + node.text + "' has a value for each object of " + objects +
                                           "; write it inside any(" + objects + ", ...)"};
      }
      in.loop = static_cast<std::uint8_t>(*scope);
      in.offset = static_cast<std::uint32_t>(network.elements.size());
    }
    return output_value(node, network.elements[element]);
  }

  static Value output_value(const SyntaxNode& node, const OutputElement& element) {
    Value value = integer(node.at, element.range.low, element.range.high);
    value.zero_point = element.encoding.zero_point;
    // Bounds within which a threshold fits 128 bits; scales of 32-bit floats are.
    const std::int64_t most = std::int64_t{1} << 32;
    const auto step = detector::exact_ratio(element.encoding.scale);
    if (step && step->numerator < most && value.zero_point > -most && value.zero_point < most) {
      value.real = Unit{step->numerator, step->denominator, "real"};
    }
    return value;
  }

  std::vector<std::string> visible_names() const {
    std::vector<std::string> names;
    if (!scopes_.empty()) {
      for (const detector::Field& field : collection(scopes_.size() - 1).fields) names.push_back(field.name);
    }
    for (std::size_t n = 0; n < outputs_.network_count(); ++n) {
      for (const OutputElement& element : outputs_.network(n).elements) {
        names.push_back(outputs_.network(n).name + "." + element.name);
      }
    }
    for (const std::string& scalar : description_.scalar_names()) names.push_back(scalar);
    return names;
  }

  Value call(const SyntaxNode& node) {
    if (node.text == "abs") return absolute(node);
    for (const FunctionName& function : folds) {
      if (node.text == function.name) return loop(node, function);
    }
    throw ExpressionError{node.at,
                          "there is no function '" + node.text + "'" +
                              known_names(node.text, {"any", "all", "count", "sum", "max", "min", "abs"})};
  }

  Value absolute(const SyntaxNode& node) {
    if (node.children.size() != 1) throw ExpressionError{node.at, "abs takes one number"};
    Value value = expression(node.children[0]);
    settle(value, std::nullopt);
    emit(Code::absolute);
    const Wide low = value.low;
    const Wide high = value.high;
    value.low = low > 0 ? low : high < 0 ? -high : 0;
    value.high = std::max(-low, high);
    forget_real(value);
    return checked(value, node.at);
  }

  Value loop(const SyntaxNode& node, const FunctionName& function) {
    const bool bare_count = function.fold == Fold::count && node.children.size() == 1;
    if (node.children.size() != 2 && !bare_count) {
      throw ExpressionError{node.at, node.text + " takes a collection and " +
                                         (function.condition ? "a condition" : "a number") +
                                         " on its objects"};
    }
    const SyntaxNode& over = tree_.nodes[node.children[0]];
    const auto found = over.kind == NodeKind::name ? description_.find_collection(over.text) : std::nullopt;
    if (!found)
      throw ExpressionError{
          over.at, "there is no collection '" + over.text + "'" + known_names(over.text, collection_names())};
    if (scope_of(*found))
      throw ExpressionError{over.at, "the objects of " + over.text + " are taken one by one already"};
    if (scopes_.size() == max_loops)
      throw ExpressionError{node.at, "more than 4 functions over objects inside each other"};
    const std::size_t begin = program_.size();
    emit(Code::begin_loop);
    scopes_.push_back({*found});
    const Value body = loop_body(node, function, bare_count);
    const Value result = loop_result(node, function.fold, body);
    scopes_.pop_back();
    Instruction& end = emit(Code::end_loop);
    end.fold = function.fold;
    end.loop = static_cast<std::uint8_t>(scopes_.size());
    end.target = static_cast<std::uint32_t>(begin + 1);
    Instruction& start = program_[begin];
    start.index = static_cast<std::uint32_t>(*found);
    start.loop = end.loop;
    start.target = static_cast<std::uint32_t>(program_.size());
    start.value = empty_result(function.fold, body);
    return result;
  }

  std::vector<std::string> collection_names() const {
    std::vector<std::string> names;
    for (const detector::Collection& one : description_.collections) names.push_back(one.name);
    return names;
  }

  Value loop_body(const SyntaxNode& node, const FunctionName& function, bool bare_count) {
    if (bare_count) {
      emit(Code::push).value = 1;
      return condition(node.at);
    }
    Value body = expression(node.children[1]);
    if (function.condition) {
      if (!body.is_condition)
        throw ExpressionError{body.at, node.text + " needs a condition here, not a number"};
    } else {
      settle(body, std::nullopt);
    }
    return body;
  }

  /// The result of a loop over nothing.
  static std::int64_t empty_result(Fold fold, const Value& body) {
    switch (fold) {
      case Fold::any:
      case Fold::count:
      case Fold::sum:
        return 0;
      case Fold::all:
        return 1;
      case Fold::max:
        return static_cast<std::int64_t>(body.low);
      case Fold::min:
        return static_cast<std::int64_t>(body.high);
    }
    return 0;
  }

  Value loop_result(const SyntaxNode& node, Fold fold, const Value& body) {
    const auto most = static_cast<std::int64_t>(collection(scopes_.size() - 1).capacity);
    if (fold == Fold::any || fold == Fold::all) return condition(node.at);
    if (fold == Fold::count) return integer(node.at, 0, most);
    Value value = body;
    value.at = node.at;
    if (fold == Fold::sum) {
      value.low = std::min<Wide>(0, body.low * most);
      value.high = std::max<Wide>(0, body.high * most);
      forget_real(value);
    }
    return checked(value, node.at);
  }

  static void forget_real(Value& value) {
    value.real.reset();
    value.zero_point = 0;
  }

  Value unary(const SyntaxNode& node) {
    Value value = expression(node.children[0]);
    if (node.op == Operator::negation) {
      if (!value.is_condition) throw ExpressionError{value.at, "'not' needs a condition here, not a number"};
      emit(Code::invert);
      return condition(node.at);
    }
    if (value.literal) {
      value.literal->negative = !value.literal->negative;
      value.at = node.at;
      return value;
    }
    need_number(value, node);
    emit(Code::negate);
    std::swap(value.low, value.high);
    value.low = -value.low;
    value.high = -value.high;
    forget_real(value);
    return checked(value, node.at);
  }

  Value binary(const SyntaxNode& node) {
    if (node.op == Operator::both || node.op == Operator::either) return logic(node);
    return is_comparison(node.op) ? comparison(node) : arithmetic(node);
  }

  Value logic(const SyntaxNode& node) {
    need_condition(expression(node.children[0]), node);
    const std::size_t skip = program_.size();
    emit(node.op == Operator::both ? Code::skip_if_false : Code::skip_if_true);
    need_condition(expression(node.children[1]), node);
    program_[skip].target = static_cast<std::uint32_t>(program_.size());
    return condition(node.at);
  }

  static void need_condition(const Value& value, const SyntaxNode& node) {
    if (value.is_condition) return;
    throw ExpressionError{value.at,
                          std::string("'") + to_string(node.op) + "' needs a condition here, not a number"};
  }

  static void need_number(const Value& value, const SyntaxNode& node) {
    if (!value.is_condition) return;
    throw ExpressionError{value.at,
                          std::string("'") + to_string(node.op) + "' needs a number here, not a condition"};
  }

  Value comparison(const SyntaxNode& node) {
    Value left = expression(node.children[0]);
    need_number(left, node);
    Value right = expression(node.children[1]);
    need_number(right, node);
    if (left.literal && right.literal)
      throw ExpressionError{node.at, "both sides are constants; there is nothing to compare"};
    if (right.literal) return compare_literal(node, node.op, left, right);
    if (left.literal) return compare_literal(node, mirrored(node.op), right, left);
    need_equal_units(node, left, right);
    emit(Code::compare).comparison = node.op;
    return condition(node.at);
  }

  Value compare_literal(const SyntaxNode& node, Operator op, const Value& measured, const Value& written) {
    const IntegerComparison comparison = integer_comparison(node, op, measured, written);
    Instruction& in = emit(Code::compare_value);
    in.comparison = comparison.op;
    in.value = comparison.limit;
    return condition(node.at);
  }

  /// Turns a literal into a number in steps of `unit`, pushed by the instruction `place`, or by a new one.
  void settle(Value& value, const std::optional<Unit>& unit,
              std::optional<std::size_t> place = std::nullopt) {
    if (value.is_condition) throw ExpressionError{value.at, "a number is needed here, not a condition"};
    if (!value.literal) return;
    const std::int64_t exact = integer_of(value, unit);
    value = integer(value.at, exact, exact);
    value.unit = unit;
    Instruction& in = place ? program_[*place] : emit(Code::push);
    in.value = exact;
  }

  Value arithmetic(const SyntaxNode& node) {
    const bool product = node.op == Operator::multiply;
    Value left = expression(node.children[0]);
    need_number(left, node);
    // A literal takes its unit from the other side, which comes later: its instruction is completed then.
    const std::size_t place = program_.size();
    if (left.literal) emit(Code::push);
    Value right = expression(node.children[1]);
    need_number(right, node);
    if (!left.literal) settle(right, product ? std::nullopt : left.unit);
    if (left.literal && right.literal) settle(right, std::nullopt);
    settle(left, product ? std::nullopt : right.unit, place);
    if (!product) need_equal_units(node, left, right);
    emit(node.op == Operator::add ? Code::add : product ? Code::multiply : Code::subtract);
    return checked(combined(node, left, right), node.at);
  }

  static Value combined(const SyntaxNode& node, const Value& left, const Value& right) {
    Value value = integer(node.at, 0, 0);
    if (node.op == Operator::add) {
      value.low = left.low + right.low;
      value.high = left.high + right.high;
    } else if (node.op == Operator::subtract) {
      value.low = left.low - right.high;
      value.high = left.high - right.low;
    } else {
      const Wide corners[] = {left.low * right.low, left.low * right.high, left.high * right.low,
                              left.high * right.high};
      value.low = *std::min_element(std::begin(corners), std::end(corners));
      value.high = *std::max_element(std::begin(corners), std::end(corners));
    }
    const bool product = node.op == Operator::multiply;
    value.unit = left.unit;
    if (product && !left.unit) value.unit = right.unit;
    if (product && left.unit && right.unit) value.unit.reset();
    return value;
  }

  const detector::Description& description_;
  const OutputLayout& outputs_;
  SyntaxTree tree_;
  Program program_;
  std::vector<Scope> scopes_;
};

}  // namespace

Program compile_condition(const std::string& text, const detector::Description& description,
                          const OutputLayout& outputs) {
  return Compiler(description, outputs).compile(text);
}

}  // namespace crible::menu
