#include "sim/proof/cases.hpp"

#include <algorithm>
#include <set>

namespace crible::sim::proof {

namespace {

constexpr std::size_t most_new_nodes = 20'000;  // by one choice

}  // namespace

CaseId Cases::leaf(Integer value) {
  CaseNode node;
  node.value = value;
  const auto [it, is_new] = ids_.emplace(node, static_cast<CaseId>(nodes_.size()));
  if (is_new) nodes_.push_back(std::move(node));
  return it->second;
}

CaseId Cases::decide(int form, const std::vector<Integer>& from, const std::vector<CaseId>& children) {
  CaseNode node;
  node.form = form;
  node.children.push_back(children[0]);
  for (std::size_t i = 1; i < children.size(); ++i) {
    if (children[i] == node.children.back()) continue;
    node.from.push_back(from[i - 1]);
    node.children.push_back(children[i]);
  }
  if (node.children.size() == 1) return node.children[0];
  const auto [it, is_new] = ids_.emplace(node, static_cast<CaseId>(nodes_.size()));
  if (is_new) nodes_.push_back(std::move(node));
  return it->second;
}

/// What is left of a diagram when the form, which it asks for first if at all, has the value `at`.
CaseId Cases::cofactor(CaseId id, int form, Integer at) const {
  const CaseNode& node = (*this)[id];
  if (node.children.empty() || node.form != form) return id;
  const auto after = std::upper_bound(node.from.begin(), node.from.end(), at);
  return node.children[static_cast<std::size_t>(after - node.from.begin())];
}

CaseId Cases::choose(CaseId condition, CaseId yes, CaseId no) {
  return choose_within(condition, yes, no, nodes_.size() + most_new_nodes);
}

CaseId Cases::choose_within(CaseId condition, CaseId yes, CaseId no, std::size_t limit) {
  if (is_leaf(condition)) return (*this)[condition].value != 0 ? yes : no;
  if (yes == no) return yes;
  const auto key = std::make_tuple(condition, yes, no);
  const auto known = chosen_.find(key);
  if (known != chosen_.end()) return known->second;
  if (nodes_.size() > limit) throw Untreated("a decision over too many cases");
  int first = (*this)[condition].form;
  std::set<Integer> edges;
  for (const CaseId id : {yes, no}) {
    if (!is_leaf(id)) first = std::min(first, (*this)[id].form);
  }
  for (const CaseId id : {condition, yes, no}) {
    const CaseNode& node = (*this)[id];
    if (!node.children.empty() && node.form == first) edges.insert(node.from.begin(), node.from.end());
  }
  const std::vector<Integer> from(edges.begin(), edges.end());
  std::vector<CaseId> children;
  for (std::size_t i = 0; i <= from.size(); ++i) {
    const Integer at = i == 0 ? from[0] - 1 : from[i - 1];
    children.push_back(choose_within(cofactor(condition, first, at), cofactor(yes, first, at),
                                     cofactor(no, first, at), limit));
  }
  const CaseId result = decide(first, from, children);
  chosen_[key] = result;
  return result;
}

CaseId Cases::map(CaseId root, const std::function<Integer(Integer)>& function) {
  std::map<CaseId, CaseId> made;
  const std::function<CaseId(CaseId)> walk = [&](CaseId id) {
    const auto known = made.find(id);
    if (known != made.end()) return known->second;
    const CaseNode node = (*this)[id];
    CaseId result = 0;
    if (node.children.empty()) {
      result = leaf(function(node.value));
    } else {
      std::vector<CaseId> children;
      for (const CaseId child : node.children) children.push_back(walk(child));
      result = decide(node.form, node.from, children);
    }
    made[id] = result;
    return result;
  };
  return walk(root);
}

/// Each node once, from the left.
template <class Visit>
void Cases::visit(CaseId root, Visit visit_node) const {
  std::set<CaseId> seen;
  std::vector<CaseId> open = {root};
  while (!open.empty()) {
    const CaseId id = open.back();
    open.pop_back();
    if (!seen.insert(id).second) continue;
    const CaseNode& node = (*this)[id];
    visit_node(node);
    open.insert(open.end(), node.children.rbegin(), node.children.rend());
  }
}

std::vector<Integer> Cases::values(CaseId id) const {
  std::set<Integer> all;
  visit(id, [&](const CaseNode& node) {
    if (node.children.empty()) all.insert(node.value);
  });
  return {all.begin(), all.end()};
}

bool Cases::falls_first(CaseId id) const {
  std::vector<Integer> first;
  visit(id, [&](const CaseNode& node) {
    if (node.children.empty() && first.size() < 2) first.push_back(node.value);
  });
  return first.size() == 2 && first[1] < first[0];
}

std::vector<int> Cases::forms(CaseId id) const {
  std::set<int> all;
  visit(id, [&](const CaseNode& node) {
    if (!node.children.empty()) all.insert(node.form);
  });
  return {all.begin(), all.end()};
}

Integer Cases::evaluate(CaseId id, const std::function<Integer(int)>& value_of) const {
  while (!is_leaf(id)) id = cofactor(id, (*this)[id].form, value_of((*this)[id].form));
  return (*this)[id].value;
}

}  // namespace crible::sim::proof
