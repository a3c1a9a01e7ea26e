#include <algorithm>

#include "sim/proof/forms.hpp"

/// The canonical identity of each bit of a form.
namespace crible::sim::proof {

BitId Forms::bit(FormId form, int index) {
  const std::uint64_t key = (static_cast<std::uint64_t>(form) << 16U) | static_cast<std::uint64_t>(index);
  const auto found = bits_.find(key);
  if (found != bits_.end()) return found->second;
  const BitId result = find_bit(form, index);
  bits_[key] = result;
  return result;
}

BitId Forms::find_bit(FormId id, int index) {
  const Form form = (*this)[id];
  const Bounds range = bounds(id);
  if (range.low == range.high) return {-1, static_cast<int>(floor_shift(range.low, index) & 1)};
  // The sign bit stands for all above it.
  int top = 0;
  const Integer reach = std::max(range.high, -1 - range.low);
  while (power_of_two(top) <= reach) ++top;
  if (index >= top) {
    if (range.low >= 0) return {-1, 0};
    if (range.high < 0) return {-1, 1};
    if (index > top) return bit(id, top);
  }
  // Low bits come from the constant when all coefficients are even.
  int even = 126;
  for (const auto& [atom, coefficient] : form.terms) even = std::min(even, factors_of_two(coefficient));
  if (even > 0) {
    if (index < even) return {-1, static_cast<int>(floor_shift(form.constant, index) & 1)};
    Form divided;
    divided.constant = floor_shift(form.constant, even);
    for (const auto& [atom, coefficient] : form.terms) {
      divided.terms.emplace_back(atom, coefficient / power_of_two(even));
    }
    return bit(intern(std::move(divided)), index - even);
  }
  const BitId reduced = reduced_bit(id, index);
  if (!(reduced == BitId{id, index})) return reduced;
  // floor(a / 2^s) + rest has the bits of a + 2^s * rest.
  const auto selects = [this](const std::pair<AtomId, Integer>& term) { return atom(term.first).alias >= 0; };
  if (form.terms.size() == 1 && form.constant == 0 && form.terms[0].second == 1 && selects(form.terms[0])) {
    const Atom& only = atom(form.terms[0].first);
    if (only.alias_width > 0 && index >= only.alias_width) return {-1, 0};
    return bit(only.alias, index + only.alias_low);
  }
  const auto floors = [&](const std::pair<AtomId, Integer>& term) {
    return selects(term) && atom(term.first).alias_width == 0 && term.second == 1;
  };
  if (std::count_if(form.terms.begin(), form.terms.end(), floors) == 1) {
    const auto term = *std::find_if(form.terms.begin(), form.terms.end(), floors);
    const Atom part = atom(term.first);
    const Integer scale = power_of_two(part.alias_low);
    const FormId whole = sum({{part.alias, 1}, {id, scale}, {atom_form(term.first), -scale}});
    folded_.try_emplace(whole, id, part.alias_low);
    return bit(whole, index + part.alias_low);
  }
  return {id, index};
}

/// Leaves out the terms that cannot reach this bit: multiples of what is above it.
BitId Forms::reduced_bit(FormId id, int index) {
  const Form form = (*this)[id];
  if (index > 100) return {id, index};
  const Integer modulus = power_of_two(index + 1);
  Form low;
  low.constant = form.constant;
  for (const auto& term : form.terms) {
    if (term.second % modulus != 0) low.terms.push_back(term);
  }
  if (low.terms.size() < form.terms.size()) return bit(intern(std::move(low)), index);
  return {id, index};
}

}  // namespace crible::sim::proof
