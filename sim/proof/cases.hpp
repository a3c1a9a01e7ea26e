#pragma once

#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include "sim/proof/integer.hpp"

/// Decision diagrams: values that are decided by comparing a few forms with constants, as trees are.
namespace crible::sim::proof {

using CaseId = int;

/// One decision: which of the intervals of a form its value is in. Leaves have no children.
struct CaseNode {
  int form = -1;
  Integer value = 0;             // leaf
  std::vector<Integer> from;     // where each child but the first begins, ascending
  std::vector<CaseId> children;  // neighbours differ

  bool operator<(const CaseNode& other) const {
    return std::tie(form, value, from, children) <
           std::tie(other.form, other.value, other.from, other.children);
  }
};

/// Owns diagrams. The forms on every way down ascend, so that equal decisions over the same forms have one
/// id.
class Cases {
 public:
  const CaseNode& operator[](CaseId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  bool is_leaf(CaseId id) const { return (*this)[id].children.empty(); }

  CaseId leaf(Integer value);
  /// Children of one form; equal neighbours become one.
  CaseId decide(int form, const std::vector<Integer>& from, const std::vector<CaseId>& children);
  /// condition != 0 ? yes : no. Throws Untreated when the diagram grows too large.
  CaseId choose(CaseId condition, CaseId yes, CaseId no);
  /// The diagram with another value in every leaf.
  CaseId map(CaseId id, const std::function<Integer(Integer)>& function);

  /// All values, ascending.
  std::vector<Integer> values(CaseId id) const;
  /// The first value on the way down that differs from the one at the very left; nothing for a leaf.
  bool falls_first(CaseId id) const;
  /// All forms that are asked for.
  std::vector<int> forms(CaseId id) const;
  /// The value where `value_of` gives each form's.
  Integer evaluate(CaseId id, const std::function<Integer(int)>& value_of) const;

 private:
  template <class Visit>
  void visit(CaseId id, Visit visit_node) const;
  CaseId cofactor(CaseId id, int form, Integer at) const;
  CaseId choose_within(CaseId condition, CaseId yes, CaseId no, std::size_t limit);

  std::vector<CaseNode> nodes_;
  std::map<CaseNode, CaseId> ids_;
  std::map<std::tuple<CaseId, CaseId, CaseId>, CaseId> chosen_;
};

}  // namespace crible::sim::proof
