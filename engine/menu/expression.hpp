#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// The syntax of conditions: text to a tree. What names mean is decided by the compiler.
namespace crible::menu {

enum class NodeKind { number, name, call, unary, binary };

enum class Operator {
  either,
  both,
  negation,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  add,
  subtract,
  multiply,
  minus,
};

/// "and", "<=", ...
const char* to_string(Operator op);

struct SyntaxNode {
  NodeKind kind = NodeKind::number;
  std::size_t at = 0;  // first character in the text; of the operator, for unary and binary
  std::string text;    // digits, name or function
  std::string unit;    // of a number; empty: none
  Operator op = Operator::both;
  std::vector<std::size_t> children;
};

/// Nodes in order of completion: children come before their parents, the root is the last.
struct SyntaxTree {
  std::vector<SyntaxNode> nodes;
};

/// What is wrong at which character of an expression. Thrown by the parser and the compiler; Menu turns it
/// into an Error with file, line and column.
struct ExpressionError {
  std::size_t at = 0;
  std::string problem;
};

/// Throws ExpressionError.
SyntaxTree parse_expression(const std::string& text);

}  // namespace crible::menu
