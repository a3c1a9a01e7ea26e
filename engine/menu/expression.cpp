#include "engine/menu/expression.hpp"

#include <algorithm>
#include <boost/spirit/home/x3.hpp>

namespace crible::menu {

const char* to_string(Operator op) {
  switch (op) {
    case Operator::either:
      return "or";
    case Operator::both:
      return "and";
    case Operator::negation:
      return "not";
    case Operator::less:
      return "<";
    case Operator::less_equal:
      return "<=";
    case Operator::greater:
      return ">";
    case Operator::greater_equal:
      return ">=";
    case Operator::equal:
      return "==";
    case Operator::not_equal:
      return "!=";
    case Operator::add:
      return "+";
    case Operator::subtract:
      return "-";
    case Operator::multiply:
      return "*";
    case Operator::minus:
      return "-";
  }
  return "";
}

namespace {

namespace x3 = boost::spirit::x3;
using Iterator = std::string::const_iterator;

constexpr std::size_t longest_text = 2000;
constexpr int deepest = 64;  // parentheses

/// The tree under construction. The grammar decides at each token without going back, so that the actions
/// can work on stacks: operands are finished subtrees, operators wait for their right operand.
struct State {
  Iterator begin;
  SyntaxTree tree;
  std::vector<std::size_t> operands;
  std::vector<std::pair<Operator, std::size_t>> operators;
  std::vector<std::size_t> calls;  // operands below each open argument list

  std::size_t position(Iterator from, Iterator end) const {
    while (from != end && (*from == ' ' || *from == '\t' || *from == '\n')) ++from;
    return static_cast<std::size_t>(from - begin);
  }

  void push(SyntaxNode node) {
    operands.push_back(tree.nodes.size());
    tree.nodes.push_back(std::move(node));
  }

  SyntaxNode& top() { return tree.nodes[operands.back()]; }

  void apply(NodeKind kind) {
    SyntaxNode node;
    node.kind = kind;
    std::tie(node.op, node.at) = operators.back();
    operators.pop_back();
    const std::size_t arity = kind == NodeKind::binary ? 2 : 1;
    node.children.assign(operands.end() - static_cast<std::ptrdiff_t>(arity), operands.end());
    operands.resize(operands.size() - arity);
    push(std::move(node));
  }

  void open_call() { calls.push_back(operands.size()); }

  /// The name below the arguments becomes the function.
  void close_call() {
    const std::size_t first = calls.back();
    calls.pop_back();
    SyntaxNode call = tree.nodes[operands[first - 1]];
    call.kind = NodeKind::call;
    call.children.assign(operands.begin() + static_cast<std::ptrdiff_t>(first), operands.end());
    operands.resize(first - 1);
    push(std::move(call));
  }
};

struct StateTag;

template <class Context>
State& state(Context& context) {
  return x3::get<StateTag>(context).get();
}

/// What the parser under a raw[] matched, without the space before it.
template <class Context>
std::size_t position(Context& context) {
  return static_cast<std::size_t>(x3::_attr(context).begin() - state(context).begin);
}

template <class Context>
std::string matched(Context& context) {
  return {x3::_attr(context).begin(), x3::_attr(context).end()};
}

const auto push_number = [](auto& context) {
  state(context).push({NodeKind::number, position(context), matched(context), "", {}, {}});
};
const auto push_name = [](auto& context) {
  state(context).push({NodeKind::name, position(context), matched(context), "", {}, {}});
};
const auto set_unit = [](auto& context) { state(context).top().unit = matched(context); };
const auto binary = [](auto& context) { state(context).apply(NodeKind::binary); };
const auto unary = [](auto& context) { state(context).apply(NodeKind::unary); };
const auto open_call = [](auto& context) { state(context).open_call(); };
const auto close_call = [](auto& context) { state(context).close_call(); };

auto operation(Operator op) {
  return [op](auto& context) { state(context).operators.emplace_back(op, position(context)); };
}

auto refuse(const char* problem) {
  return [problem](auto& context) { throw ExpressionError{position(context), problem}; };
}

// Tokens that have actions give these the text they matched: raw[].
const auto letter = x3::omit[x3::char_("a-zA-Z_")];
const auto letter_or_digit = x3::omit[x3::char_("a-zA-Z0-9_")];

auto word(const char* text) {
  return x3::raw[x3::lexeme[x3::lit(text) >> !letter_or_digit]];
}

auto symbol(const char* text) {
  return x3::raw[x3::lit(text)];
}

const auto reserved = x3::lexeme[(x3::lit("and") | x3::lit("or") | x3::lit("not")) >> !letter_or_digit];
const auto identifier = x3::omit[letter >> *letter_or_digit];
const auto subscript = x3::omit[x3::lit('[') >> *x3::char_("0-9, ") >> x3::lit(']')];
const auto name_text = x3::raw[x3::lexeme[identifier >> *(x3::lit('.') >> identifier) >> -subscript]];
const auto number_text = x3::raw[x3::lexeme[+x3::digit >> -(x3::lit('.') >> *x3::digit)]];
const auto unit_text = x3::raw[x3::lexeme[identifier]];

const x3::rule<class Disjunction> disjunction("a condition");
const x3::rule<class Conjunction> conjunction("a condition");
const x3::rule<class Negation> negation("a condition");
const x3::rule<class Comparison> comparison("a number, a name or '('");
const x3::rule<class Sum> sum("a number, a name or '('");
const x3::rule<class Product> product("a number, a name or '('");
const x3::rule<class Factor> factor("a number, a name or '('");
const x3::rule<class Primary> primary("a number, a name or '('");

const auto comparator =
    (symbol("<=")[operation(Operator::less_equal)] | symbol(">=")[operation(Operator::greater_equal)] |
     symbol("==")[operation(Operator::equal)] | symbol("!=")[operation(Operator::not_equal)] |
     symbol("<")[operation(Operator::less)] | symbol(">")[operation(Operator::greater)] |
     symbol("=")[refuse("'=' is no comparison; write '=='")]);

// The actions stand behind the rules, as parsers of nothing, so that a failure names the rule alone.
const auto then_binary = x3::eps[binary];
const auto then_unary = x3::eps[unary];

const auto disjunction_def = conjunction >>
                             *(word("or")[operation(Operator::either)] > conjunction > then_binary);
const auto conjunction_def = negation >> *(word("and")[operation(Operator::both)] > negation > then_binary);
const auto negation_def = (word("not")[operation(Operator::negation)] > negation > then_unary) | comparison;
const auto comparison_def =
    sum >> -(comparator > sum > then_binary >
             -(x3::raw[x3::char_("<>=!")][refuse("comparisons cannot be chained; join them with 'and'")]));
const auto sum_def = product >> *((symbol("+")[operation(Operator::add)] > product > then_binary) |
                                  (symbol("-")[operation(Operator::subtract)] > product > then_binary));
const auto product_def = factor >>
                         *((symbol("*")[operation(Operator::multiply)] > factor > then_binary) |
                           (symbol("/")[refuse("there is no division; multiply the other side instead")]));
const auto factor_def = (symbol("-")[operation(Operator::minus)] > factor > then_unary) | primary;
const auto primary_def =
    (number_text[push_number] >> -(!reserved >> unit_text[set_unit])) | (x3::lit('(') > disjunction > ')') |
    (!reserved >> name_text[push_name] >>
     -(x3::lit('(')[open_call] > disjunction > *(x3::lit(',') > disjunction) > ')' > x3::eps[close_call]));

BOOST_SPIRIT_DEFINE(disjunction, conjunction, negation, comparison, sum, product, factor, primary)

void check_text(const std::string& text) {
  if (text.size() > longest_text) {
    throw ExpressionError{longest_text, "is longer than 2000 characters; split it into several chains"};
  }
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) > 127)
      throw ExpressionError{i, "only ASCII characters can stand here"};
    depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    if (depth > deepest) throw ExpressionError{i, "more than 64 open parentheses"};
  }
}

}  // namespace

SyntaxTree parse_expression(const std::string& text) {
  check_text(text);
  State state{text.begin(), {}, {}, {}, {}};
  Iterator at = text.begin();
  const auto grammar = x3::with<StateTag>(std::ref(state))[disjunction];
  try {
    if (!x3::phrase_parse(at, text.end(), grammar, x3::space)) {
      throw ExpressionError{state.position(at, text.end()), "a condition should begin here"};
    }
  } catch (const x3::expectation_failure<Iterator>& failure) {
    throw ExpressionError{state.position(failure.where(), text.end()),
                          "expected " + failure.which() + " here"};
  }
  if (at != text.end()) {
    throw ExpressionError{state.position(at, text.end()), "expected an operator or the end here"};
  }
  return std::move(state.tree);
}

}  // namespace crible::menu
