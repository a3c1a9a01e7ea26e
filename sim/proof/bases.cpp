#include <algorithm>

#include "sim/proof/forms.hpp"

/// Which forms are functions of one form, and of which.
namespace crible::sim::proof {

namespace {

/// The inverse of an odd number modulo 2^bits.
Integer inverse(Integer odd, int bits) {
  Integer result = 1;
  for (int right = 1; right < bits; right *= 2)
    result = low_bits(result * (2 - low_bits(odd * result, bits)), bits);
  return low_bits(result, bits);
}

Integer coefficient_of(const Form& form, AtomId atom) {
  const auto at = std::lower_bound(form.terms.begin(), form.terms.end(), atom,
                                   [](const auto& term, AtomId wanted) { return term.first < wanted; });
  return at != form.terms.end() && at->first == atom ? at->second : 0;
}

constexpr int most_halvings = 400;

/// The largest value: the interval whose bound is the highest is halved until that bound is reached.
Integer largest_value(const Functions& functions, FunctionId function, Bounds t) {
  const auto less_high = [](const auto& a, const auto& b) { return a.first.high < b.first.high; };
  std::vector<std::pair<Bounds, Bounds>> heap = {{functions.bounds(function, t), t}};
  for (int i = 0; i < most_halvings; ++i) {
    const auto [values, of] = heap.front();
    if (values.low == values.high || of.low == of.high) break;
    std::pop_heap(heap.begin(), heap.end(), less_high);
    heap.pop_back();
    const Integer middle = of.low + (of.high - of.low) / 2;
    for (const Bounds half : {Bounds{of.low, middle}, Bounds{middle + 1, of.high}}) {
      heap.emplace_back(functions.bounds(function, half), half);
      std::push_heap(heap.begin(), heap.end(), less_high);
    }
  }
  return heap.front().first.high;
}

}  // namespace

void Forms::tighten(FormId id) {
  const Form form = (*this)[id];
  if (form.terms.size() != 1) return;
  const AtomId only = form.terms[0].first;
  const Atom of = atom(only);
  if (of.kind != AtomKind::function) return;
  const Bounds t = bounds(of.base);
  const FunctionId negated = functions_.linear({{of.function, -1}}, 0);
  const Bounds values{-largest_value(functions_, negated, t), largest_value(functions_, of.function, t)};
  const FormId as_form = atom_form(only);
  atoms_[static_cast<std::size_t>(only)].bounds = values;
  bounds_[static_cast<std::size_t>(as_form)] = values;
  bounds_[static_cast<std::size_t>(id)] = sum_bounds(form);
}

/// A function that low bits decide is one of any other base with the same low bits: a sum without the terms
/// that do not reach these bits. With to = w * from modulo 2^bits (w odd), t_from = t_to / w.
std::optional<FunctionId> Forms::rebased(FunctionId function, FormId from, FormId to) {
  if (from == to) return function;
  const auto key = std::make_tuple(function, from, to);
  const auto known = rebased_.find(key);
  if (known != rebased_.end()) return known->second;
  std::optional<FunctionId> result;
  const std::optional<int> bits = functions_.deciding_bits(function);
  if (bits && *bits > 0 && *bits <= 40) {
    const Form& old_base = (*this)[from];
    const Form& new_base = (*this)[to];
    const auto odd = std::find_if(old_base.terms.begin(), old_base.terms.end(),
                                  [](const auto& term) { return term.second % 2 != 0; });
    if (odd != old_base.terms.end()) {
      const Integer w = low_bits(
          coefficient_of(new_base, odd->first) * inverse(low_bits(odd->second, *bits), *bits), *bits);
      const auto agrees = [&](AtomId atom) {
        return low_bits(coefficient_of(new_base, atom), *bits) ==
               low_bits(w * low_bits(coefficient_of(old_base, atom), *bits), *bits);
      };
      const auto of_term = [&](const auto& term) { return agrees(term.first); };
      if (w % 2 != 0 && std::all_of(old_base.terms.begin(), old_base.terms.end(), of_term) &&
          std::all_of(new_base.terms.begin(), new_base.terms.end(), of_term)) {
        result = functions_.scaled_argument(function, low_bits_signed(inverse(w, *bits), *bits));
      }
    }
  }
  rebased_[key] = result;
  return result;
}

/// The form without the functions of `base`; -1 when nothing is left.
FormId Forms::rest_of(FormId form, FormId base) {
  Form rest;
  for (const auto& term : (*this)[form].terms) {
    if (atom(term.first).base != base) rest.terms.push_back(term);
  }
  return rest.terms.empty() ? -1 : intern(std::move(rest));
}

FormId Forms::base_of(FormId form) {
  const FormId known = bases_[static_cast<std::size_t>(form)];
  if (known != -2) return known;
  const Form of = (*this)[form];
  FormId result = primitive(form);
  // Is it a * L + functions of L alone + constant? The newest functions come first.
  std::vector<FormId> tried;
  for (auto it = of.terms.rbegin(); it != of.terms.rend() && tried.size() < 4; ++it) {
    const FormId base = atom(it->first).base;
    if (base < 0 || std::find(tried.begin(), tried.end(), base) != tried.end()) continue;
    tried.push_back(base);
    const FormId rest = rest_of(form, base);
    if (rest < 0 || primitive(rest) == base) {
      result = base;
      break;
    }
    // Low bits of another sum that are low bits of this one as well.
    const auto low_bits_only = [&](const auto& term) {
      return atom(term.first).base != base || functions_.deciding_bits(atom(term.first).function);
    };
    if (!std::all_of(of.terms.begin(), of.terms.end(), low_bits_only)) continue;
    const FormId other = base_of(rest);
    const auto moves = [&](const auto& term) {
      return atom(term.first).base != base || rebased(atom(term.first).function, base, other);
    };
    if (std::all_of(of.terms.begin(), of.terms.end(), moves)) {
      result = other;
      break;
    }
  }
  bases_[static_cast<std::size_t>(form)] = result;
  return result;
}

FunctionId Forms::function_of(FormId form, FormId base) {
  const Form of = (*this)[form];
  const Form base_form = (*this)[base];
  std::vector<std::pair<FunctionId, Integer>> terms;
  Integer slope = 0;
  for (const auto& [id, coefficient] : of.terms) {
    const Atom& each = atom(id);
    const Integer in_base = coefficient_of(base_form, id);
    if (each.kind == AtomKind::function && each.base == base) {
      terms.emplace_back(each.function, coefficient);
    } else if (in_base != 0) {
      slope = coefficient / in_base;
    } else {
      terms.emplace_back(*rebased(each.function, each.base, base), coefficient);
    }
  }
  terms.emplace_back(functions_.argument(), slope);
  return functions_.linear(terms, of.constant);
}

/// The form as a function of a base that common_base() found for it.
FunctionId Forms::over(FormId form, FormId base) {
  if ((*this)[form].terms.empty()) return functions_.constant((*this)[form].constant);
  const FormId own = base_of(form);
  const FunctionId function = function_of(form, own);
  return own == base ? function : *rebased(function, own, base);
}

FormId Forms::common_base(std::initializer_list<FormId> forms) {
  std::vector<FormId> bases;
  for (const FormId form : forms) {
    if ((*this)[form].terms.empty()) continue;
    const FormId base = base_of(form);
    if (std::find(bases.begin(), bases.end(), base) == bases.end()) bases.push_back(base);
  }
  if (bases.size() == 1) return bases[0];
  for (const FormId target : bases) {
    const auto moves = [&](FormId form) {
      if ((*this)[form].terms.empty()) return true;
      const FormId base = base_of(form);
      return base == target || rebased(function_of(form, base), base, target).has_value();
    };
    if (std::all_of(forms.begin(), forms.end(), moves)) return target;
  }
  return -1;
}

}  // namespace crible::sim::proof
