#include <algorithm>

#include "sim/proof/forms.hpp"

/// Forms as decisions over cases, and back.
namespace crible::sim::proof {

namespace {

constexpr std::size_t most_pieces = 64;
constexpr int most_trials = 2048;  // intervals looked at while a function is taken apart

Integer common_divisor(Integer a, Integer b) {
  while (b != 0) {
    a %= b;
    std::swap(a, b);
  }
  return a;
}

}  // namespace

/// A function of one form as a decision, when it has few values; the intervals are found by halving.
std::optional<CaseId> Forms::pieces_of(FormId base, FunctionId function) {
  const auto key = std::make_pair(base, function);
  const auto known = pieces_.find(key);
  if (known != pieces_.end()) return known->second;
  std::optional<CaseId>& result = pieces_[key];
  std::vector<Integer> from;
  std::vector<CaseId> children;
  std::vector<Bounds> open = {bounds(base)};
  for (int trial = 0; !open.empty(); ++trial) {
    const Bounds t = open.back();
    open.pop_back();
    const Bounds values = functions_.bounds(function, t);
    if (values.low != values.high) {
      if (t.low == t.high || trial > most_trials) return std::nullopt;
      const Integer middle = t.low + (t.high - t.low) / 2;
      open.push_back({middle + 1, t.high});
      open.push_back({t.low, middle});
      continue;
    }
    const CaseId value = cases_.leaf(values.low);
    if (!children.empty() && children.back() == value) continue;
    if (!children.empty()) from.push_back(t.low);
    children.push_back(value);
    if (children.size() > most_pieces) return std::nullopt;
  }
  result = cases_.decide(base, from, children);
  return result;
}

std::optional<CaseId> Forms::cases_of(FormId id) {
  const Form form = (*this)[id];
  if (form.terms.empty()) return cases_.leaf(form.constant);
  if (form.terms.size() == 1 && atom(form.terms[0].first).kind == AtomKind::cases) {
    return cases_.map(atom(form.terms[0].first).cases, [&](Integer value) {
      return checked(product(form.terms[0].second, value) + form.constant);
    });
  }
  const FormId base = base_of(id);
  return pieces_of(base, function_of(id, base));
}

FormId Forms::form_of(CaseId id) {
  if (cases_.is_leaf(id)) return constant(cases_[id].value);
  const std::vector<int> asked = cases_.forms(id);
  if (asked.size() == 1) {
    const CaseNode node = cases_[id];
    std::vector<std::pair<FunctionId, Integer>> steps;
    Integer last = cases_[node.children[0]].value;
    const Integer first = last;
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      const Integer value = cases_[node.children[i]].value;
      const FunctionId before =
          functions_.binary(FunctionKind::less, functions_.argument(), functions_.constant(node.from[i - 1]));
      steps.emplace_back(functions_.linear({{before, -1}}, 1), value - last);
      last = value;
    }
    return make(node.form, functions_.linear(steps, first));
  }
  // The same decision whatever its leaves' offset, factor and sign.
  const std::vector<Integer> values = cases_.values(id);
  Integer factor = 0;
  for (const Integer value : values) factor = common_divisor(value - values[0], factor);
  if (factor < 0) factor = -factor;
  Integer offset = values[0];
  if (cases_.falls_first(id)) {
    factor = -factor;
    offset = values.back();
  }
  Atom atom;
  atom.kind = AtomKind::cases;
  atom.cases = cases_.map(id, [&](Integer value) { return (value - offset) / factor; });
  atom.bounds = {0, (values.back() - values[0]) / (factor < 0 ? -factor : factor)};
  return sum({{atom_form(add_atom(std::move(atom))), factor}}, offset);
}

FormId Forms::choose_cases(FormId condition, FormId yes, FormId no) {
  const auto when = cases_of(condition);
  if (!when) return -1;
  const auto a = cases_of(yes);
  if (!a) return -1;
  const auto b = cases_of(no);
  if (!b) return -1;
  try {
    return form_of(cases_.choose(*when, *a, *b));
  } catch (const Untreated&) {
    return -1;
  }
}

/// A function of a decision is a decision.
std::optional<FormId> Forms::function_of_cases(FormId base, FunctionId function) {
  const Form& form = (*this)[base];
  if (form.terms.size() != 1 || atom(form.terms[0].first).kind != AtomKind::cases) return std::nullopt;
  const CaseId argument = atom(form.terms[0].first).cases;
  return form_of(cases_.map(argument, [&](Integer value) { return functions_.evaluate(function, value); }));
}

}  // namespace crible::sim::proof
