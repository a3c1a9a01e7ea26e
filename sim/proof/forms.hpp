#pragma once

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/proof/cases.hpp"
#include "sim/proof/function.hpp"

/// Exact values as linear forms over atoms, each form and atom stored once. The network and the netlist are
/// both turned into forms of one Forms object; what is equal has the same id.
namespace crible::sim::proof {

using AtomId = int;
using FormId = int;

enum class AtomKind {
  variable,  // an input's element, or something that could not be treated
  function,  // a function of one form
  monomial,  // the product of two or more atoms
  maximum,   // the largest of several forms
  cases      // decided by comparing several forms with constants
};

struct Atom {
  AtomKind kind = AtomKind::variable;
  FormId base = -1;             // function: of this form (primitive: no constant, no common factor)
  FunctionId function = -1;     // function
  std::vector<AtomId> factors;  // monomial, ascending
  std::vector<FormId> members;  // maximum, ascending
  CaseId cases = -1;            // cases
  Bounds bounds;

  // A function that only selects bits of a form: its bits are that form's bits.
  FormId alias = -1;
  int alias_low = 0;
  int alias_width = 0;  // 0: to the top
};

struct Form {
  std::vector<std::pair<AtomId, Integer>> terms;  // ascending atoms, no zero coefficients
  Integer constant = 0;
};

/// A bit of a value's infinite two's complement representation: `index` of `form`, or a constant (form -1,
/// index 0 or 1). Canonical: equal bits of equal values have equal ids.
struct BitId {
  FormId form = -1;
  int index = 0;

  bool operator==(const BitId&) const = default;
  bool is_constant() const { return form < 0; }
};

/// What was settled on the way, for the report.
struct FormCounts {
  long long functions_proven = 0;  // functions of one form proven equal over its whole interval
  long long functions_refuted = 0;
};

/// Two functions of one base that agree on the sampled points and differ at t: a fault that samples hardly
/// find.
struct NearMiss {
  FormId base = -1;
  Integer t = 0;
};

/// One proven equality of functions, for the certificate.
struct FunctionStep {
  FormId base = -1;
  FunctionId made = -1;
  FunctionId equal_to = -1;
  const char* method = "";
};

/// Owns atoms, forms and the functions of forms.
class Forms {
 public:
  Forms();

  const Cases& cases() const { return cases_; }
  Functions& functions() { return functions_; }
  const Functions& functions() const { return functions_; }
  const Form& operator[](FormId id) const { return forms_[static_cast<std::size_t>(id)]; }
  const Atom& atom(AtomId id) const { return atoms_[static_cast<std::size_t>(id)]; }
  Bounds bounds(FormId id) const { return bounds_[static_cast<std::size_t>(id)]; }

  /// A new unknown inside the bounds, as a form.
  FormId variable(Bounds bounds);
  FormId constant(Integer value);
  FormId sum(const std::vector<std::pair<FormId, Integer>>& parts, Integer constant = 0);
  FormId multiply(FormId a, FormId b);

  /// Bits [low + width - 1 : low] as a number; width 0: floor(form / 2^low).
  FormId slice(FormId form, int low, int width, bool sign = false);
  FormId clamp(FormId form, Integer low, Integer high);
  FormId less(FormId a, FormId b);
  FormId equal(FormId a, FormId b);
  /// condition (0 or 1) ? yes : no
  FormId choose(FormId condition, FormId yes, FormId no);
  FormId maximum(std::vector<FormId> members);
  /// values[form - first]
  FormId table(FormId form, Integer first, std::vector<Integer> values);
  /// base + sign * number of thresholds that are at most the form
  FormId steps(FormId form, const std::vector<Integer>& thresholds, Integer base, int sign);

  /// A bitwise operation on two values that are functions of one form; Untreated otherwise.
  FormId bitwise(FunctionKind kind, FormId a, FormId b);

  /// The same value modulo 2^width where a known function of the same form agrees with it there: that one.
  FormId recognize(FormId form, int width);

  /// Finds the least and the largest value of a function of one form, where interval arithmetic is too wide.
  void tighten(FormId form);

  /// The primitive form that `form` is a function of; -1 for constants.
  FormId base_of(FormId form);
  /// The form as a function of its base.
  FunctionId function_of(FormId form, FormId base);

  BitId bit(FormId form, int index);
  std::optional<Integer> constant_of(FormId form) const;

  /// All that was made so far is the network's: words are read as what it knows where there is a choice.
  void network_is_complete() { network_atoms_ = static_cast<AtomId>(atoms_.size()); }

  const FormCounts& counts() const { return counts_; }
  const std::vector<FunctionStep>& steps_proven() const { return steps_; }
  const std::vector<NearMiss>& near_misses() const { return near_misses_; }
  std::size_t atom_count() const { return atoms_.size(); }

  /// "3*v1 - v2 + 4", for messages.
  std::string text(FormId form) const;

 private:
  struct Class {
    FunctionId function = -1;
    FormId form = -1;
  };
  struct Base {
    std::vector<Integer> points;
    std::unordered_multimap<std::size_t, Class> classes;  // by the signature on the points
    std::unordered_map<FunctionId, FormId> made;
  };

  FormId intern(Form form);
  AtomId add_atom(Atom atom);
  FormId atom_form(AtomId atom);
  FormId make(FormId base, FunctionId function);
  std::optional<FormId> known_equal(FormId base, FunctionId function, std::size_t& signature);
  Base& base_data(FormId base);
  std::optional<FormId> affine_of(FormId base, FunctionId function, const std::vector<Integer>& values);
  FormId primitive(FormId form);
  FormId common_base(std::initializer_list<FormId> forms);
  FunctionId over(FormId form, FormId base);
  FormId rest_of(FormId form, FormId base);
  std::optional<FunctionId> rebased(FunctionId function, FormId from, FormId to);
  BitId find_bit(FormId form, int index);
  BitId reduced_bit(FormId id, int index);
  FormId choose_linear(FormId condition, FormId yes, FormId no);
  FormId maximum_pattern(FormId condition, FormId yes, FormId no);
  bool is_of_network(FormId form) const;
  FormId choose_cases(FormId condition, FormId yes, FormId no);
  std::optional<CaseId> pieces_of(FormId base, FunctionId function);
  std::optional<CaseId> cases_of(FormId form);
  FormId form_of(CaseId id);
  std::optional<FormId> function_of_cases(FormId base, FunctionId function);
  Bounds sum_bounds(const Form& form) const;

  Functions functions_;
  Cases cases_;
  std::map<std::pair<FormId, FunctionId>, std::optional<CaseId>> pieces_;
  std::vector<Form> forms_;
  std::vector<Bounds> bounds_;
  std::vector<Atom> atoms_;
  std::vector<FormId> bases_;  // of each form; -2: not asked for yet
  std::unordered_multimap<std::size_t, FormId> form_ids_;
  std::unordered_map<std::string, AtomId> atom_ids_;
  std::unordered_map<AtomId, FormId> atom_forms_;
  std::unordered_map<FormId, Base> base_data_;
  std::unordered_map<std::uint64_t, BitId> bits_;
  std::unordered_map<FormId, std::pair<FormId, int>>
      folded_;  // whole -> the form that has its bits from `int` on
  std::map<std::tuple<FunctionId, FormId, FormId>, std::optional<FunctionId>> rebased_;
  AtomId network_atoms_ = 0;
  std::vector<FunctionStep> steps_;
  std::vector<NearMiss> near_misses_;
  FormCounts counts_;
};

/// Values of forms for given values of the variables.
class Assignment {
 public:
  explicit Assignment(const Forms& forms) : forms_(forms) {}

  /// `variable` is a form that variable() returned (a constant one is ignored).
  void set(FormId variable, Integer value);
  /// Variables that were not set count as the lower end of their bounds.
  Integer value(FormId form);

 private:
  Integer atom_value(AtomId atom);

  const Forms& forms_;
  std::unordered_map<AtomId, Integer> atoms_;
};

}  // namespace crible::sim::proof

template <>
struct std::hash<crible::sim::proof::BitId> {
  std::size_t operator()(const crible::sim::proof::BitId& bit) const noexcept {
    return static_cast<std::size_t>(bit.form) * 1000003U + static_cast<std::size_t>(bit.index);
  }
};
