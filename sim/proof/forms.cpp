#include "sim/proof/forms.hpp"

#include <algorithm>

namespace crible::sim::proof {

namespace {

std::size_t hash_of(const Form& form) {
  std::size_t hash = static_cast<std::size_t>(form.constant);
  for (const auto& [atom, coefficient] : form.terms) {
    hash = hash * 1099511628211U + static_cast<std::size_t>(atom) * 7919U +
           static_cast<std::size_t>(coefficient);
  }
  return hash;
}

Integer gcd(Integer a, Integer b) {
  a = a < 0 ? -a : a;
  b = b < 0 ? -b : b;
  while (b != 0) {
    a %= b;
    std::swap(a, b);
  }
  return a;
}

std::string key_of(const Atom& atom) {
  std::string key = std::to_string(static_cast<int>(atom.kind)) + ":" + std::to_string(atom.base) + ":" +
                    std::to_string(atom.function) + ":" + std::to_string(atom.cases);
  for (const AtomId factor : atom.factors) key += "*" + std::to_string(factor);
  for (const FormId member : atom.members) key += "|" + std::to_string(member);
  return key;
}

}  // namespace

Forms::Forms() = default;

Bounds Forms::sum_bounds(const Form& form) const {
  Bounds result{form.constant, form.constant};
  for (const auto& [id, coefficient] : form.terms) {
    const Bounds of = atom(id).bounds;
    const Integer a = product(coefficient, of.low);
    const Integer b = product(coefficient, of.high);
    result.low = checked(result.low + std::min(a, b));
    result.high = checked(result.high + std::max(a, b));
  }
  return result;
}

FormId Forms::intern(Form form) {
  const std::size_t hash = hash_of(form);
  const auto [first, last] = form_ids_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    const Form& other = (*this)[it->second];
    if (other.constant == form.constant && other.terms == form.terms) return it->second;
  }
  const auto id = static_cast<FormId>(forms_.size());
  bounds_.push_back(sum_bounds(form));
  forms_.push_back(std::move(form));
  bases_.push_back(-2);
  form_ids_.emplace(hash, id);
  return id;
}

AtomId Forms::add_atom(Atom atom) {
  if (atom.kind != AtomKind::variable) {
    const auto [it, is_new] = atom_ids_.emplace(key_of(atom), static_cast<AtomId>(atoms_.size()));
    if (!is_new) return it->second;
  }
  atoms_.push_back(std::move(atom));
  return static_cast<AtomId>(atoms_.size()) - 1;
}

FormId Forms::atom_form(AtomId atom) {
  const auto found = atom_forms_.find(atom);
  if (found != atom_forms_.end()) return found->second;
  Form form;
  form.terms = {{atom, 1}};
  const FormId id = intern(std::move(form));
  atom_forms_[atom] = id;
  return id;
}

FormId Forms::variable(Bounds bounds) {
  if (bounds.low == bounds.high) return constant(bounds.low);
  Atom atom;
  atom.bounds = bounds;
  return atom_form(add_atom(std::move(atom)));
}

FormId Forms::constant(Integer value) {
  Form form;
  form.constant = value;
  return intern(std::move(form));
}

std::optional<Integer> Forms::constant_of(FormId form) const {
  const Bounds range = bounds(form);
  if (range.low == range.high) return range.low;
  return std::nullopt;
}

FormId Forms::sum(const std::vector<std::pair<FormId, Integer>>& parts, Integer constant) {
  if (parts.size() == 1 && parts[0].second == 1 && constant == 0) return parts[0].first;
  Form result;
  result.constant = constant;
  std::vector<std::pair<AtomId, Integer>> all;
  for (const auto& [form, factor] : parts) {
    if (factor == 0) continue;
    const Form& part = (*this)[form];
    result.constant = checked(result.constant + product(factor, part.constant));
    for (const auto& [atom, coefficient] : part.terms) all.emplace_back(atom, product(factor, coefficient));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < all.size();) {
    Integer coefficient = 0;
    const AtomId atom = all[i].first;
    for (; i < all.size() && all[i].first == atom; ++i) coefficient = checked(coefficient + all[i].second);
    if (coefficient != 0) result.terms.emplace_back(atom, coefficient);
  }
  return intern(std::move(result));
}

FormId Forms::multiply(FormId a, FormId b) {
  if (const auto value = constant_of(a)) return sum({{b, *value}});
  if (const auto value = constant_of(b)) return sum({{a, *value}});
  const Form left = (*this)[a];
  const Form right = (*this)[b];
  if (left.terms.size() * right.terms.size() > 1U << 16U) throw Untreated("a product of two long sums");
  std::vector<std::pair<FormId, Integer>> parts;
  parts.emplace_back(a, right.constant);
  parts.emplace_back(b, left.constant);
  for (const auto& [x, i] : left.terms) {
    for (const auto& [y, j] : right.terms) {
      std::vector<AtomId> factors;
      for (const AtomId each : {x, y}) {
        const Atom& of = atom(each);
        if (of.kind == AtomKind::monomial) {
          factors.insert(factors.end(), of.factors.begin(), of.factors.end());
        } else {
          factors.push_back(each);
        }
      }
      std::sort(factors.begin(), factors.end());
      // A bit times itself is itself.
      factors.erase(std::unique(factors.begin(), factors.end(),
                                [&](AtomId p, AtomId q) {
                                  return p == q && Bounds{0, 1}.contains(atom(p).bounds);
                                }),
                    factors.end());
      if (factors.size() == 1) {
        parts.emplace_back(atom_form(factors[0]), product(i, j));
        continue;
      }
      Atom monomial;
      monomial.kind = AtomKind::monomial;
      monomial.bounds = {1, 1};
      for (std::size_t f = 0; f < factors.size(); ++f) {
        const Bounds of = atom(factors[f]).bounds;
        const Bounds before = monomial.bounds;
        const Integer ends[] = {product(before.low, of.low), product(before.low, of.high),
                                product(before.high, of.low), product(before.high, of.high)};
        monomial.bounds = {*std::min_element(ends, ends + 4), *std::max_element(ends, ends + 4)};
      }
      if (factors.size() == 2 && factors[0] == factors[1])
        monomial.bounds.low = std::max<Integer>(0, monomial.bounds.low);
      monomial.factors = std::move(factors);
      parts.emplace_back(atom_form(add_atom(std::move(monomial))), product(i, j));
    }
  }
  return sum(parts, -product(left.constant, right.constant));
}

FormId Forms::primitive(FormId form) {
  Form result = (*this)[form];
  result.constant = 0;
  Integer divisor = 0;
  for (const auto& [atom, coefficient] : result.terms) divisor = gcd(divisor, coefficient);
  if (divisor == 0) return -1;
  if (result.terms.front().second < 0) divisor = -divisor;
  for (auto& [atom, coefficient] : result.terms) coefficient /= divisor;
  return intern(std::move(result));
}

Forms::Base& Forms::base_data(FormId base) {
  Base& data = base_data_[base];
  if (!data.points.empty()) return data;
  const Bounds range = bounds(base);
  const auto add = [&](Integer t) {
    if (t >= range.low && t <= range.high) data.points.push_back(t);
  };
  for (int i = 0; i < 6; ++i) {
    add(range.low + i);
    add(range.high - i);
    add(i - 3);
  }
  std::uint64_t state = 0x9e3779b97f4a7c15U;
  for (int i = 0; i < 60; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    add(range.low + static_cast<Integer>(state >> 3U) % range.size());
    // Half of the points near zero: there the functions of a trigger network are not saturated.
    add(static_cast<Integer>(state >> 20U) % (static_cast<Integer>(1) << (2 + i / 4)) - (1 << (i / 4)));
  }
  return data;
}

std::optional<FormId> Forms::known_equal(FormId base, FunctionId function, std::size_t& signature) {
  Base& data = base_data(base);
  const std::vector<Integer> values = functions_.evaluate(function, data.points);
  signature = 0;
  for (const Integer value : values) signature = signature * 1099511628211U + static_cast<std::size_t>(value);
  const auto [first, last] = data.classes.equal_range(signature);
  for (auto it = first; it != last; ++it) {
    const Agreement agreement = functions_.agree(function, it->second.function, bounds(base));
    if (agreement.proven) {
      ++counts_.functions_proven;
      steps_.push_back({base, function, it->second.function, agreement.method});
      return it->second.form;
    }
    if (agreement.counterexample) {
      ++counts_.functions_refuted;
      near_misses_.push_back({base, *agreement.counterexample});
    }
  }
  return affine_of(base, function, values);
}

std::optional<FormId> Forms::affine_of(FormId base, FunctionId function, const std::vector<Integer>& values) {
  const std::vector<Integer>& points = base_data(base).points;
  std::size_t other = 0;
  while (other < points.size() && points[other] == points[0]) ++other;
  if (other == points.size()) return std::nullopt;
  const Integer run = points[other] - points[0];
  const Integer rise = values[other] - values[0];
  if (rise % run != 0) return std::nullopt;
  const Integer slope = rise / run;
  const Integer constant = values[0] - product(slope, points[0]);
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (product(slope, points[i]) + constant != values[i]) return std::nullopt;
  }
  const FunctionId affine = functions_.linear({{functions_.argument(), slope}}, constant);
  const Agreement agreement = functions_.agree(function, affine, bounds(base));
  if (!agreement.proven) return std::nullopt;
  ++counts_.functions_proven;
  steps_.push_back({base, function, affine, agreement.method});
  return sum({{base, slope}}, constant);
}

FormId Forms::make(FormId base, FunctionId function) {
  if (const auto value = functions_.constant_of(function)) return constant(*value);
  const Function& of = functions_[function];
  if (of.kind == FunctionKind::argument) return base;
  if (of.kind == FunctionKind::linear && of.operands.size() == 1 && of.operands[0] == functions_.argument()) {
    return sum({{base, of.coefficients[0]}}, of.constant);
  }
  {
    const Base& data = base_data(base);
    const auto known = data.made.find(function);
    if (known != data.made.end()) return known->second;
  }
  std::size_t signature = 0;
  std::optional<FormId> result = function_of_cases(base, function);
  if (!result) result = known_equal(base, function, signature);
  if (!result) {
    Atom atom;
    atom.kind = AtomKind::function;
    atom.base = base;
    atom.function = function;
    atom.bounds = functions_.bounds(function, bounds(base));
    result = atom_form(add_atom(std::move(atom)));
    base_data(base).classes.emplace(signature, Class{function, *result});
  }
  base_data(base).made[function] = *result;
  return *result;
}

std::string Forms::text(FormId id) const {
  const Form& form = (*this)[id];
  std::string result;
  std::size_t shown = 0;
  for (const auto& [atom, coefficient] : form.terms) {
    if (++shown > 6) {
      result += " + ... (" + std::to_string(form.terms.size()) + " terms)";
      break;
    }
    const bool negative = coefficient < 0;
    result += result.empty() ? (negative ? "-" : "") : (negative ? " - " : " + ");
    const Integer size = negative ? -coefficient : coefficient;
    if (size != 1) result += to_string(size) + "*";
    result += "v" + std::to_string(atom);
  }
  if (form.constant == 0 && !result.empty()) return result;
  if (result.empty()) return to_string(form.constant);
  return result + (form.constant < 0 ? " - " : " + ") +
         to_string(form.constant < 0 ? -form.constant : form.constant);
}

void Assignment::set(FormId variable, Integer value) {
  const Form& form = forms_[variable];
  if (!form.terms.empty()) atoms_[form.terms[0].first] = value;
}

Integer Assignment::value(FormId id) {
  const Form& form = forms_[id];
  Integer sum = form.constant;
  for (const auto& [atom, coefficient] : form.terms)
    sum = checked(sum + product(coefficient, atom_value(atom)));
  return sum;
}

Integer Assignment::atom_value(AtomId id) {
  const auto known = atoms_.find(id);
  if (known != atoms_.end()) return known->second;
  const Atom& atom = forms_.atom(id);
  Integer result = atom.bounds.low;
  switch (atom.kind) {
    case AtomKind::variable:
      break;
    case AtomKind::function:
      result = forms_.functions().evaluate(atom.function, value(atom.base));
      break;
    case AtomKind::monomial:
      result = 1;
      for (const AtomId factor : atom.factors) result = product(result, atom_value(factor));
      break;
    case AtomKind::maximum:
      result = value(atom.members[0]);
      for (const FormId member : atom.members) result = std::max(result, value(member));
      break;
    case AtomKind::cases:
      result = forms_.cases().evaluate(atom.cases, [this](FormId form) { return value(form); });
      break;
  }
  atoms_[id] = result;
  return result;
}

}  // namespace crible::sim::proof
