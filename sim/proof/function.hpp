#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "sim/proof/integer.hpp"

/// Functions of one integer t, as expressions; and proofs that two of them agree on a whole interval.
namespace crible::sim::proof {

using FunctionId = int;

enum class FunctionKind {
  argument,    // t
  linear,      // constant + sum of coefficients[i] * operands[i]
  slice,       // bits [low + width - 1 : low] of the operand; width 0: floor(operand / 2^low)
  slice_sign,  // the same, the highest bit counting negative
  less,        // operands[0] < operands[1]: 0 or 1
  equal,       // operands[0] == operands[1]
  choose,      // operands[0] != 0 ? operands[1] : operands[2]
  minimum,
  maximum,
  bit_and,  // of the infinite two's complement representations
  bit_or,
  bit_xor,
  multiply,
  table  // values[operand - constant], the first or last one outside
};

struct Function {
  FunctionKind kind = FunctionKind::argument;
  std::vector<FunctionId> operands;
  std::vector<Integer> coefficients;  // linear
  Integer constant = 0;               // linear; first index of a table
  int low = 0;                        // slice
  int width = 0;
  std::vector<Integer> values;  // table

  bool operator==(const Function&) const = default;
};

/// What a comparison over an interval found.
struct Agreement {
  bool proven = false;
  std::optional<Integer> counterexample;  // a t at which they differ
  const char* method = "";                // "pieces" or "every value"
};

/// Owns expressions; equal ones have equal ids. Operands are made before what uses them.
class Functions {
 public:
  Functions();

  FunctionId argument() const { return 0; }
  FunctionId constant(Integer value);
  FunctionId linear(const std::vector<std::pair<FunctionId, Integer>>& terms, Integer constant);
  FunctionId slice(FunctionId operand, int low, int width, bool sign = false);
  FunctionId binary(FunctionKind kind, FunctionId a, FunctionId b);
  FunctionId choose(FunctionId condition, FunctionId yes, FunctionId no);
  FunctionId table(FunctionId operand, Integer first, std::vector<Integer> values);

  const Function& operator[](FunctionId id) const { return all_[static_cast<std::size_t>(id)]; }
  std::optional<Integer> constant_of(FunctionId id) const;

  /// The value at t.
  Integer evaluate(FunctionId id, Integer t) const;
  std::vector<Integer> evaluate(FunctionId id, const std::vector<Integer>& points) const;

  /// An interval that holds all values over t in `bounds`; not always the smallest.
  /// With a `cut`, that expression counts as t.
  Bounds bounds(FunctionId id, Bounds t, FunctionId cut = 0) const;

  /// How many low bits of t decide the value; nothing when more than any number of them does.
  std::optional<int> deciding_bits(FunctionId id) const;

  /// The function with `factor` * t in place of t.
  FunctionId scaled_argument(FunctionId id, Integer factor);

  /// Proves f(t) = g(t) for all t in `bounds`, or finds a t where they differ, or gives up. By pieces: for
  /// each residue r of t mod 2^m both are piecewise affine in t's quotient, so that a few pieces settle all
  /// of them; or by trying every value, where that is quicker.
  Agreement agree(FunctionId f, FunctionId g, Bounds bounds) const;

 private:
  FunctionId intern(Function function);
  FunctionId modulo(FunctionId operand, int bits);
  std::vector<FunctionId> order_of(const std::vector<FunctionId>& roots, FunctionId cut = 0) const;
  std::optional<FunctionId> common_cut(FunctionId f, FunctionId g) const;
  Agreement agree(FunctionId f, FunctionId g, Bounds bounds, FunctionId cut) const;
  Bounds without_equal_ends(FunctionId f, FunctionId g, Bounds range, FunctionId cut) const;
  std::vector<Integer> evaluate(FunctionId id, const std::vector<Integer>& points, FunctionId cut) const;

  struct Hash {
    std::size_t operator()(const Function& function) const;
  };
  std::vector<Function> all_;
  std::unordered_map<Function, FunctionId, Hash> ids_;
};

/// The value of one expression node from those of its operands.
Integer apply(const Function& function, const Integer* operands);

}  // namespace crible::sim::proof
