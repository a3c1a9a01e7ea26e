#pragma once

#include <string>
#include <vector>

#include "sim/binding.hpp"
#include "sim/proof/netlist.hpp"

/// Faults put into a module's word-level netlist, to see that the checks can fail.
namespace crible::sim {

enum class MutantKind {
  shift_operand,      // an operand one place too high
  sign_extension,     // an operand's sign bits become zeros
  constant,           // the lowest set bit of a constant operand moves to its neighbour's place
  add_for_subtract,   // and the other way round
  swap_operands,      // of a subtraction or comparison
  repeat_operand,     // the first operand in place of the second
  drop_register,      // a wire in its place
  extra_register,     // one more
  swap_choices,       // of a multiplexer
  stuck_choice,       // a multiplexer that always takes the same input
  strict_comparison,  // < for <=, >= for >, = for !=
  logic_function,     // or for and, and for or, xor for xor's inverse
  lost_inversion,     // a wire for a not
  stuck_bit,          // one bit of a result is 0
  lost_carry,         // the highest bit of a sum is a copy of the one below
  table_entry         // one bit of a table or a selected constant
};
inline constexpr int mutant_kinds = 16;

const char* to_string(MutantKind kind);

struct Mutant {
  MutantKind kind = MutantKind::stuck_bit;
  std::size_t cell = 0;  // in Netlist::cells
  int detail = 0;        // bit or entry
  std::string what;      // "stuck bit 3 of $add at top.v:12.3-12.9"
};

/// At most `count` mutants, of all kinds that the netlist has places for, spread evenly over it. Equal seeds
/// give equal lists.
std::vector<Mutant> choose_mutants(const proof::Netlist& netlist, std::size_t count, std::uint64_t seed);

/// The netlist with one fault in it.
proof::Netlist mutated(const proof::Netlist& netlist, const Mutant& mutant);

/// One module with all mutants: an input `crible_mutant` selects (0: none, i: mutants[i - 1]).
std::string mutant_module(const proof::Netlist& netlist, const std::vector<Mutant>& mutants);

inline constexpr const char* mutant_port = "crible_mutant";

}  // namespace crible::sim
