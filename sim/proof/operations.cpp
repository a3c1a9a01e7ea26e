#include <algorithm>

#include "sim/proof/forms.hpp"

/// Operations on forms that are not linear.
namespace crible::sim::proof {

FormId Forms::slice(FormId form, int low, int width, bool sign) {
  const auto folded = folded_.find(form);
  if (folded != folded_.end() && folded->second.second <= low) {
    return slice(folded->second.first, low - folded->second.second, width, sign);
  }
  const Bounds range = bounds(form);
  const Bounds shifted{floor_shift(range.low, low), floor_shift(range.high, low)};
  if (width > 0) {
    const Integer size = power_of_two(width);
    const Integer half = sign ? size / 2 : 0;
    const Integer period = floor_shift(shifted.low + half, width);
    if (period == floor_shift(shifted.high + half, width)) {  // no wrap: the bits are those of a difference
      const FormId all = slice(form, low, 0);
      return period == 0 ? all : sum({{all, 1}}, -period * size);
    }
  }
  if (low == 0 && width == 0) return form;
  if (shifted.low == shifted.high && width == 0) return constant(shifted.low);
  // Multiples of 2^low are not touched by the division.
  if (width == 0) {
    const Integer divisor = power_of_two(low);
    Form divided;
    bool exact = true;
    for (const auto& [atom, coefficient] : (*this)[form].terms) {
      exact = exact && coefficient % divisor == 0;
      divided.terms.emplace_back(atom, coefficient / divisor);
    }
    divided.constant = floor_shift((*this)[form].constant, low);
    if (exact) return intern(std::move(divided));
  }
  const FormId base = base_of(form);
  const std::size_t atoms_before = atoms_.size();
  const FormId result = make(base, functions_.slice(function_of(form, base), low, width, sign));
  const auto newest = static_cast<AtomId>(atoms_.size()) - 1;
  const bool is_new_atom = atoms_.size() > atoms_before && (*this)[result].constant == 0 &&
                           (*this)[result].terms == std::vector<std::pair<AtomId, Integer>>{{newest, 1}};
  if (is_new_atom && !sign) {
    Atom& atom = atoms_.back();
    atom.alias = form;
    atom.alias_low = low;
    atom.alias_width = width;
  }
  return result;
}

FormId Forms::clamp(FormId form, Integer low, Integer high) {
  const Bounds range = bounds(form);
  if (range.low >= low && range.high <= high) return form;
  if (range.high <= low) return constant(low);
  if (range.low >= high) return constant(high);
  const FormId base = base_of(form);
  FunctionId result = function_of(form, base);
  if (range.low < low) result = functions_.binary(FunctionKind::maximum, result, functions_.constant(low));
  if (range.high > high) result = functions_.binary(FunctionKind::minimum, result, functions_.constant(high));
  return make(base, result);
}

FormId Forms::less(FormId a, FormId b) {
  const FormId difference = sum({{a, 1}, {b, -1}});
  const Bounds range = bounds(difference);
  if (range.high < 0) return constant(1);
  if (range.low >= 0) return constant(0);
  const FormId base = base_of(difference);
  return make(base,
              functions_.binary(FunctionKind::less, function_of(difference, base), functions_.constant(0)));
}

FormId Forms::equal(FormId a, FormId b) {
  const FormId difference = sum({{a, 1}, {b, -1}});
  const Bounds range = bounds(difference);
  if (range.low > 0 || range.high < 0) return constant(0);
  if (range.low == 0 && range.high == 0) return constant(1);
  const FormId base = base_of(difference);
  return make(base,
              functions_.binary(FunctionKind::equal, function_of(difference, base), functions_.constant(0)));
}

FormId Forms::maximum_pattern(FormId condition, FormId yes, FormId no) {
  if (constant_of(yes) || constant_of(no)) return -1;
  const FormId difference = sum({{yes, 1}, {no, -1}});
  const FormId base = common_base({condition, difference});
  if (base < 0) return -1;
  const FunctionId d = over(difference, base);
  const FunctionId zero = functions_.constant(0);
  const FunctionId chosen = functions_.choose(over(condition, base), d, zero);
  const Bounds range = bounds(base);
  if (functions_.agree(chosen, functions_.binary(FunctionKind::maximum, d, zero), range).proven) {
    return maximum({yes, no});
  }
  if (functions_.agree(chosen, functions_.binary(FunctionKind::minimum, d, zero), range).proven) {
    return sum({{maximum({sum({{yes, -1}}), sum({{no, -1}})}), -1}});
  }
  return -1;
}

FormId Forms::choose_linear(FormId condition, FormId yes, FormId no) {
  return sum({{no, 1}, {multiply(condition, sum({{yes, 1}, {no, -1}})), 1}});
}

FormId Forms::choose(FormId condition, FormId yes, FormId no) {
  if (const auto value = constant_of(condition)) return *value != 0 ? yes : no;
  if (yes == no) return yes;
  const FormId base = common_base({condition, yes, no});
  if (base >= 0) {
    return make(base, functions_.choose(over(condition, base), over(yes, base), over(no, base)));
  }
  const FormId largest = maximum_pattern(condition, yes, no);
  if (largest >= 0) return largest;
  const FormId decided = choose_cases(condition, yes, no);
  if (decided >= 0) return decided;
  const FormId result = choose_linear(condition, yes, no);
  Bounds& range = bounds_[static_cast<std::size_t>(result)];
  const Bounds a = bounds(yes);
  const Bounds b = bounds(no);
  range.low = std::max(range.low, std::min(a.low, b.low));
  range.high = std::min(range.high, std::max(a.high, b.high));
  return result;
}

FormId Forms::maximum(std::vector<FormId> members) {
  // A maximum among the members is replaced by what it is the largest of.
  std::vector<FormId> all;
  for (const FormId member : members) {
    const Form& form = (*this)[member];
    if (form.terms.size() == 1 && form.terms[0].second == 1 &&
        atom(form.terms[0].first).kind == AtomKind::maximum) {
      for (const FormId inner : std::vector<FormId>(atom(form.terms[0].first).members)) {
        all.push_back(form.constant == 0 ? inner : sum({{inner, 1}}, (*this)[member].constant));
      }
    } else {
      all.push_back(member);
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  Bounds range = bounds(all[0]);
  for (const FormId member : all) {
    range.low = std::max(range.low, bounds(member).low);
    range.high = std::max(range.high, bounds(member).high);
  }
  std::erase_if(all, [&](FormId member) { return bounds(member).high < range.low; });
  if (all.size() == 1) return all[0];
  FormId base = base_of(all[0]);
  for (const FormId member : all) {
    if (!(*this)[member].terms.empty() && base_of(member) != base) base = -1;
  }
  if (base >= 0) {
    FunctionId result = function_of(all[0], base);
    for (const FormId member : all) {
      result = functions_.binary(FunctionKind::maximum, result, function_of(member, base));
    }
    return make(base, result);
  }
  Atom atom;
  atom.kind = AtomKind::maximum;
  atom.members = std::move(all);
  atom.bounds = range;
  return atom_form(add_atom(std::move(atom)));
}

FormId Forms::table(FormId form, Integer first, std::vector<Integer> values) {
  if (const auto index = constant_of(form))
    return constant(values.at(static_cast<std::size_t>(*index - first)));
  const FormId base = base_of(form);
  return make(base, functions_.table(function_of(form, base), first, std::move(values)));
}

FormId Forms::steps(FormId form, const std::vector<Integer>& thresholds, Integer start, int sign) {
  const FormId base = base_of(form);
  if (base < 0) {
    for (const Integer threshold : thresholds) start += *constant_of(form) >= threshold ? sign : 0;
    return constant(start);
  }
  const FunctionId of = function_of(form, base);
  std::vector<std::pair<FunctionId, Integer>> terms;
  for (const Integer threshold : thresholds) {
    // 1 - (form < threshold)
    terms.emplace_back(functions_.binary(FunctionKind::less, of, functions_.constant(threshold)), -sign);
    start += sign;
  }
  const FormId result = make(base, functions_.linear(terms, start));
  return result;
}

FormId Forms::bitwise(FunctionKind kind, FormId a, FormId b) {
  const FormId base = common_base({a, b});
  if (base < 0) throw Untreated("a bitwise operation on words that depend on different sums");
  return make(base, functions_.binary(kind, over(a, base), over(b, base)));
}

bool Forms::is_of_network(FormId form) const {
  return std::all_of((*this)[form].terms.begin(), (*this)[form].terms.end(),
                     [this](const auto& term) { return term.first < network_atoms_; });
}

FormId Forms::recognize(FormId form, int width) {
  const FormId base = base_of(form);
  if (base < 0) return form;
  // A decision is kept as the number that the network knows, else as the signed one of its width.
  if ((*this)[base].terms.size() == 1 && atom((*this)[base].terms[0].first).kind == AtomKind::cases) {
    for (const bool sign : {true, false}) {
      const FormId read = slice(form, 0, width, sign);
      if (is_of_network(read)) return read;
    }
    return slice(form, 0, width, true);
  }
  const FunctionId function = function_of(form, base);
  if (functions_[function].kind == FunctionKind::argument) return form;
  if (functions_[function].kind == FunctionKind::linear && functions_[function].operands.size() == 1 &&
      functions_[function].operands[0] == functions_.argument()) {
    return form;
  }
  // A word's own class is no discovery: 63 in six bits was read as -1, and the network says 63.
  std::size_t signature = 0;
  const auto other = [&](FunctionId wanted) {
    const auto known = known_equal(base, wanted, signature);
    return known && *known != form ? known : std::nullopt;
  };
  if (const auto known = other(function)) return *known;
  for (const bool sign : {false, true}) {
    if (const auto known = other(functions_.slice(function, 0, width, sign))) return *known;
  }
  return form;
}

}  // namespace crible::sim::proof
