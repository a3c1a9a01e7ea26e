#include "sim/proof/network_forms.hpp"

#include <algorithm>
#include <bit>

#include "sim/proof/places.hpp"
#include "sim/proof/sorting.hpp"

namespace crible::sim::proof {

namespace {

using network::Node;
using network::NodeId;
using network::Rounding;
using Elements = std::vector<FormId>;

class Elaboration {
 public:
  Elaboration(const network::Network& net, Forms& forms) : net_(net), forms_(forms) {}

  /// Of a body, whose inputs have these forms.
  Elaboration(const network::Network& net, Forms& forms, std::vector<Elements> inputs)
      : net_(net), forms_(forms), given_(std::move(inputs)) {}

  NetworkForms run() {
    for (std::size_t i = 0; i < net_.nodes.size(); ++i) {
      node_ = &net_.nodes[i];
      std::string reason;
      Elements elements;
      try {
        elements = treat();
      } catch (const Untreated& problem) {
        reason = problem.what();
        elements.assign(network::element_count(node_->shape), -1);
        for (FormId& element : elements)
          element = forms_.variable({network::lowest(node_->type), network::highest(node_->type)});
      }
      result_.elements.push_back(std::move(elements));
      result_.reasons.push_back(std::move(reason));
    }
    return std::move(result_);
  }

 private:
  const Elements& in(std::size_t input) const {
    return result_.elements[static_cast<std::size_t>(node_->inputs[input])];
  }
  const Node& source(std::size_t input) const {
    return net_.nodes[static_cast<std::size_t>(node_->inputs[input])];
  }
  std::size_t count() const { return network::element_count(node_->shape); }

  template <class Function>
  Elements each(Function function) {
    Elements result;
    for (std::size_t i = 0; i < count(); ++i) result.push_back(function(i));
    return result;
  }
  FormId paired(std::size_t input, std::size_t index) const {
    return in(input)[broadcast_place(index, node_->shape, source(input).shape)];
  }

  Elements treat() {
    return network::match(
        node_->operation,
        [&](const network::Input&) {
          if (!given_.empty()) return given_[next_given_++];
          return each([&](std::size_t) {
            return forms_.variable({network::lowest(node_->type), network::highest(node_->type)});
          });
        },
        [&](const network::Constant& op) {
          return each([&](std::size_t i) { return forms_.constant(op.values[i]); });
        },
        [&](const network::Dense& op) { return dense(op); },
        [&](const network::Conv& op) { return conv(op); },
        [&](const network::Add&) {
          return each([&](std::size_t i) { return forms_.sum({{paired(0, i), 1}, {paired(1, i), 1}}); });
        },
        [&](const network::Subtract&) {
          return each([&](std::size_t i) { return forms_.sum({{paired(0, i), 1}, {paired(1, i), -1}}); });
        },
        [&](const network::Multiply&) {
          return each([&](std::size_t i) { return forms_.multiply(paired(0, i), paired(1, i)); });
        },
        [&](const network::Requantize& op) {
          return each([&](std::size_t i) {
            const FormId result = requantize(op, in(0)[i], i);
            forms_.tighten(result);
            return result;
          });
        },
        [&](const network::Threshold& op) {
          return each([&](std::size_t i) { return threshold(op, in(0)[i], i); });
        },
        [&](const network::Lookup& op) {
          return each([&](std::size_t i) { return lookup(op, in(0)[i], i); });
        },
        [&](const network::Pool& op) { return pool(op); },
        [&](const network::Concat& op) { return concat(op); }, [&](const network::Reshape&) { return in(0); },
        [&](const network::Transpose& op) {
          return moved([&](std::vector<int>& from, const std::vector<int>& at) {
            for (std::size_t axis = 0; axis < at.size(); ++axis) {
              from[static_cast<std::size_t>(op.permutation[axis])] = at[axis];
            }
          });
        },
        [&](const network::Slice& op) {
          return moved([&](std::vector<int>& from, const std::vector<int>& at) {
            for (std::size_t axis = 0; axis < at.size(); ++axis)
              from[axis] = op.start[axis] + at[axis] * op.step[axis];
          });
        },
        [&](const network::Pad& op) { return pad(op); },
        [&](const network::Resize& op) {
          return moved([&](std::vector<int>& from, const std::vector<int>& at) {
            for (std::size_t axis = 0; axis < at.size(); ++axis) from[axis] = at[axis] / op.factor[axis];
          });
        },
        [&](const network::Reduce& op) { return reduce(op); },
        [&](const network::Sort& op) { return sort(op); },
        [&](const network::Compare& op) { return each([&](std::size_t i) { return compare(op, i); }); },
        [&](const network::Select&) {
          return each([&](std::size_t i) { return forms_.choose(paired(0, i), paired(1, i), paired(2, i)); });
        },
        [&](const network::Clamp& op) {
          return each([&](std::size_t i) { return forms_.clamp(in(0)[i], op.low, op.high); });
        },
        [&](const network::LeakyRelu& op) {
          return each([&](std::size_t i) {
            const FormId x = in(0)[i];
            return forms_.choose(forms_.less(x, forms_.constant(0)), x,
                                 forms_.sum({{x, power_of_two(op.shift)}}));
          });
        },
        [&](const network::TreeEnsemble& op) { return trees(op); },
        [&](const network::Recurrent& op) { return recurrent(op); },
        [&](const network::Output&) { return in(0); });
  }

  Elements dense(const network::Dense& op) {
    return each([&](std::size_t i) {
      const std::size_t row = i / static_cast<std::size_t>(op.outputs);
      const std::size_t output = i % static_cast<std::size_t>(op.outputs);
      const auto inputs = static_cast<std::size_t>(op.inputs);
      std::vector<std::pair<FormId, Integer>> parts;
      for (std::size_t k = 0; k < inputs; ++k) {
        parts.emplace_back(in(0)[row * inputs + k], op.weights[output * inputs + k]);
      }
      return forms_.sum(parts, op.bias[output]);
    });
  }

  /// Calls visit(place or -1 in padding, flat kernel index) for each tap of the window at `at` (spatial
  /// axes).
  template <class Visit>
  void taps(const network::Window& window, const std::vector<int>& at, const network::Shape& spatial,
            Visit visit) {
    std::size_t kernel = 1;
    for (const int extent : window.kernel) kernel *= static_cast<std::size_t>(extent);
    for (std::size_t tap = 0; tap < kernel; ++tap) {
      std::vector<int> from = coordinates(tap, window.kernel);
      bool inside = true;
      for (std::size_t axis = 0; axis < from.size(); ++axis) {
        from[axis] =
            at[axis] * window.stride[axis] - window.pad_before[axis] + from[axis] * window.dilation[axis];
        inside = inside && from[axis] >= 0 && from[axis] < spatial[axis];
      }
      visit(inside ? static_cast<std::ptrdiff_t>(place_of(from, spatial)) : -1, tap);
    }
  }

  Elements conv(const network::Conv& op) {
    const network::Shape& shape = source(0).shape;
    const network::Shape spatial(shape.begin() + 1, shape.end());
    const std::size_t plane = network::element_count(spatial);
    const int group_channels = shape[0] / op.groups;
    std::size_t kernel = 1;
    for (const int extent : op.window.kernel) kernel *= static_cast<std::size_t>(extent);
    return each([&](std::size_t i) {
      const std::vector<int> at = coordinates(i, node_->shape);
      const auto filter = static_cast<std::size_t>(at[0]);
      const int first = at[0] / (op.filters / op.groups) * group_channels;
      const std::vector<int> spatial_at(at.begin() + 1, at.end());
      std::vector<std::pair<FormId, Integer>> parts;
      Integer constant = op.bias[filter];
      for (int c = 0; c < group_channels; ++c) {
        taps(op.window, spatial_at, spatial, [&](std::ptrdiff_t place, std::size_t tap) {
          const Integer weight =
              op.weights[(filter * static_cast<std::size_t>(group_channels) + static_cast<std::size_t>(c)) *
                             kernel +
                         tap];
          if (place < 0) {
            constant += weight * op.pad_value;
          } else {
            parts.emplace_back(
                in(0)[static_cast<std::size_t>(first + c) * plane + static_cast<std::size_t>(place)], weight);
          }
        });
      }
      return forms_.sum(parts, constant);
    });
  }

  Elements pool(const network::Pool& op) {
    const network::Shape& shape = source(0).shape;
    const network::Shape spatial(shape.begin() + 1, shape.end());
    const std::size_t plane = network::element_count(spatial);
    return each([&](std::size_t i) {
      const std::vector<int> at = coordinates(i, node_->shape);
      std::vector<FormId> members;
      taps(op.window, {at.begin() + 1, at.end()}, spatial, [&](std::ptrdiff_t place, std::size_t) {
        if (place >= 0)
          members.push_back(in(0)[static_cast<std::size_t>(at[0]) * plane + static_cast<std::size_t>(place)]);
      });
      return op.kind == network::PoolKind::max ? forms_.maximum(members) : total(members);
    });
  }

  FormId total(const std::vector<FormId>& members) {
    std::vector<std::pair<FormId, Integer>> parts;
    for (const FormId member : members) parts.emplace_back(member, 1);
    return forms_.sum(parts);
  }
  FormId smallest(const std::vector<FormId>& members) {
    std::vector<FormId> negated;
    for (const FormId member : members) negated.push_back(forms_.sum({{member, -1}}));
    return forms_.sum({{forms_.maximum(negated), -1}});
  }

  FormId round(FormId v, int shift, Rounding rounding) {
    if (shift == 0) return v;
    const Integer step = power_of_two(shift);
    const Integer half = step / 2;
    const FormId negative = forms_.less(v, forms_.constant(0));
    const auto floor_of = [&](Integer offset, FormId part = -1, Integer factor = 0) {
      std::vector<std::pair<FormId, Integer>> parts = {{v, 1}};
      if (part >= 0) parts.emplace_back(part, factor);
      return forms_.slice(forms_.sum(parts, offset), shift, 0);
    };
    switch (rounding) {
      case Rounding::floor:
        return floor_of(0);
      case Rounding::ceil:
        return floor_of(step - 1);
      case Rounding::toward_zero:
        return floor_of(0, negative, step - 1);
      case Rounding::away_from_zero:
        return floor_of(step - 1, negative, 1 - step);
      case Rounding::half_up:
        return floor_of(half);
      case Rounding::half_down:
        return floor_of(half - 1);
      case Rounding::half_even:
        return floor_of(half - 1, forms_.slice(v, shift, 1), 1);
      case Rounding::half_away:
        return floor_of(half, negative, -1);
      case Rounding::half_toward_zero:
        return floor_of(half - 1, negative, 1);
    }
    return v;
  }

  FormId requantize(const network::Requantize& op, FormId x, std::size_t i) {
    const auto pick = [&](const auto& list) {
      return list[attribute_place(list.size(), i, node_->shape, op.axis)];
    };
    const FormId scaled = forms_.sum({{x, pick(op.multiplier)}}, pick(op.offset));
    const FormId rounded = forms_.sum({{round(scaled, pick(op.shift), op.rounding), 1}}, pick(op.zero_point));
    const network::Type type = node_->type;
    if (op.overflow == network::Overflow::wrap) return forms_.slice(rounded, 0, type.width, type.is_signed);
    const Integer low = network::lowest(type);
    const bool symmetric = op.overflow == network::Overflow::saturate_symmetric && type.is_signed;
    return forms_.clamp(rounded, symmetric ? low + 1 : low, network::highest(type));
  }

  FormId threshold(const network::Threshold& op, FormId x, std::size_t i) {
    const std::size_t row = attribute_place(op.base.size(), i, node_->shape, op.axis);
    const auto steps = static_cast<std::ptrdiff_t>(op.steps);
    const auto first = op.thresholds.begin() + static_cast<std::ptrdiff_t>(row) * steps;
    return forms_.steps(x, {first, first + steps}, op.base[row], op.sign[row]);
  }

  FormId lookup(const network::Lookup& op, FormId x, std::size_t i) {
    const std::size_t row = attribute_place(static_cast<std::size_t>(op.rows), i, node_->shape, op.axis);
    const auto entries = static_cast<std::ptrdiff_t>(op.table.size()) / op.rows;
    const auto first = op.table.begin() + static_cast<std::ptrdiff_t>(row) * entries;
    return forms_.table(x, op.first, {first, first + entries});
  }

  Elements concat(const network::Concat& op) {
    return each([&](std::size_t i) {
      std::vector<int> at = coordinates(i, node_->shape);
      int& along = at[static_cast<std::size_t>(op.axis)];
      std::size_t input = 0;
      while (along >= source(input).shape[static_cast<std::size_t>(op.axis)]) {
        along -= source(input).shape[static_cast<std::size_t>(op.axis)];
        ++input;
      }
      return in(input)[place_of(at, source(input).shape)];
    });
  }

  template <class Place>
  Elements moved(Place place) {
    const network::Shape& shape = source(0).shape;
    return each([&](std::size_t i) {
      std::vector<int> from(shape.size());
      place(from, coordinates(i, node_->shape));
      return in(0)[place_of(from, shape)];
    });
  }

  Elements pad(const network::Pad& op) {
    const network::Shape& shape = source(0).shape;
    return each([&](std::size_t i) {
      std::vector<int> at = coordinates(i, node_->shape);
      for (std::size_t axis = 0; axis < at.size(); ++axis) {
        at[axis] -= op.before[axis];
        if (at[axis] < 0 || at[axis] >= shape[axis]) return forms_.constant(op.value);
      }
      return in(0)[place_of(at, shape)];
    });
  }

  Elements reduce(const network::Reduce& op) {
    const network::Shape& shape = source(0).shape;
    return each([&](std::size_t i) {
      std::vector<int> at = coordinates(i, node_->shape);
      at.insert(at.begin() + op.axis, 0);
      std::vector<FormId> members;
      for (int k = 0; k < shape[static_cast<std::size_t>(op.axis)]; ++k) {
        at[static_cast<std::size_t>(op.axis)] = k;
        members.push_back(in(0)[place_of(at, shape)]);
      }
      switch (op.kind) {
        case network::ReduceKind::sum:
          return total(members);
        case network::ReduceKind::max:
          return forms_.maximum(members);
        case network::ReduceKind::min:
          return smallest(members);
        case network::ReduceKind::sum_of_squares:
          for (FormId& member : members) member = forms_.multiply(member, member);
          return total(members);
        case network::ReduceKind::argmax:
          return argmax(members);
      }
      return members[0];
    });
  }

  /// The index of the first largest, by a scan that keeps the best so far.
  FormId argmax(const std::vector<FormId>& members) {
    FormId best = members[0];
    FormId index = forms_.constant(0);
    for (std::size_t k = 1; k < members.size(); ++k) {
      const FormId larger = forms_.less(best, members[k]);
      index = forms_.choose(larger, forms_.constant(static_cast<Integer>(k)), index);
      best = forms_.maximum({best, members[k]});
    }
    return index;
  }

  /// Keys with their places below them, so that equal ones keep their order.
  Elements sort(const network::Sort& op) {
    const auto axis = static_cast<std::size_t>(op.axis);
    const bool has_key = node_->inputs.size() == 2;
    const std::size_t count = static_cast<std::size_t>(node_->shape[axis]);
    const int index_bits = std::bit_width(count - 1);
    const bool moves = has_key && op.result == network::SortResult::values;
    Elements result(this->count());
    for (std::size_t i = 0; i < result.size(); ++i) {
      std::vector<int> at = coordinates(i, node_->shape);
      if (at[axis] != 0) continue;
      std::vector<SortEntry> entries;
      std::vector<std::size_t> places;
      for (std::size_t k = 0; k < count; ++k) {
        at[axis] = static_cast<int>(k);
        places.push_back(place_of(at, node_->shape));
        const FormId key = has_key ? paired(1, places[k]) : in(0)[places[k]];
        const FormId ordered = op.descending ? forms_.sum({{key, -1}}, -1) : key;
        entries.push_back({forms_.sum({{ordered, power_of_two(index_bits)}}, static_cast<Integer>(k)),
                           moves ? in(0)[places[k]] : -1});
      }
      sort_entries(forms_, entries);
      for (std::size_t k = 0; k < count; ++k) result[places[k]] = sorted(op, entries[k], index_bits);
    }
    return result;
  }

  FormId sorted(const network::Sort& op, const SortEntry& entry, int index_bits) {
    if (op.result == network::SortResult::indices) {
      return index_bits == 0 ? forms_.constant(0) : forms_.slice(entry.key, 0, index_bits);
    }
    if (entry.payload >= 0) return entry.payload;
    const FormId key = forms_.slice(entry.key, index_bits, 0);
    return op.descending ? forms_.sum({{key, -1}}, -1) : key;
  }

  FormId compare(const network::Compare& op, std::size_t i) {
    const FormId a = paired(0, i);
    const FormId b = paired(1, i);
    const auto inverse = [&](FormId of) { return forms_.sum({{of, -1}}, 1); };
    switch (op.comparison) {
      case network::Comparison::less:
        return forms_.less(a, b);
      case network::Comparison::less_equal:
        return inverse(forms_.less(b, a));
      case network::Comparison::greater:
        return forms_.less(b, a);
      case network::Comparison::greater_equal:
        return inverse(forms_.less(a, b));
      case network::Comparison::equal:
        return forms_.equal(a, b);
      case network::Comparison::not_equal:
        return inverse(forms_.equal(a, b));
    }
    return a;
  }

  /// The body once for each step.
  Elements recurrent(const network::Recurrent& op) {
    const network::Network& body = *op.body;
    const auto steps = static_cast<std::size_t>(source(0).shape[0]);
    const std::size_t step_size = in(0).size() / steps;
    const auto emit = static_cast<std::size_t>(op.emit);
    std::vector<Elements> states;
    for (std::size_t i = 1; i < node_->inputs.size(); ++i) states.push_back(in(i));
    std::vector<Elements> rows(steps);
    for (std::size_t k = 0; k < steps; ++k) {
      const std::size_t step = op.reverse ? steps - 1 - k : k;
      const auto first = in(0).begin() + static_cast<std::ptrdiff_t>(step * step_size);
      std::vector<Elements> inputs = {{first, first + static_cast<std::ptrdiff_t>(step_size)}};
      inputs.insert(inputs.end(), states.begin(), states.end());
      const NetworkForms forms = Elaboration(body, forms_, std::move(inputs)).run();
      for (const std::string& reason : forms.reasons) {
        if (!reason.empty()) throw Untreated(reason);
      }
      states.clear();
      for (const NodeId id : network::outputs_of(body))
        states.push_back(forms.elements[static_cast<std::size_t>(id)]);
      rows[step] = states[emit];
    }
    if (!op.sequence) return states[emit];
    Elements all;
    for (const Elements& row : rows) all.insert(all.end(), row.begin(), row.end());
    return all;
  }

  Elements trees(const network::TreeEnsemble& op) {
    Elements result;
    for (const std::int64_t bias : op.bias) result.push_back(forms_.constant(bias));
    for (const network::Tree& tree : op.trees) {
      FormId& sum = result[static_cast<std::size_t>(tree.output)];
      sum = forms_.sum({{sum, 1}, {walk(op, tree, 0), 1}});
    }
    return result;
  }

  FormId walk(const network::TreeEnsemble& op, const network::Tree& tree, int child) {
    if (child < 0 || tree.nodes.empty()) {
      return forms_.constant(tree.leaves[static_cast<std::size_t>(child < 0 ? -1 - child : 0)]);
    }
    const network::TreeNode& node = tree.nodes[static_cast<std::size_t>(child)];
    const FormId x = in(0)[static_cast<std::size_t>(node.feature)];
    FormId left = forms_.less(x, forms_.constant(static_cast<Integer>(node.threshold) + 1));
    if (!node.categories.empty()) {
      std::vector<FormId> members;
      for (const std::int64_t category : node.categories)
        members.push_back(forms_.equal(x, forms_.constant(category)));
      left = total(members);
    }
    if (op.missing) {
      left = forms_.choose(forms_.equal(x, forms_.constant(*op.missing)),
                           forms_.constant(node.missing_left ? 1 : 0), left);
    }
    return forms_.choose(left, walk(op, tree, node.left), walk(op, tree, node.right));
  }

  const network::Network& net_;
  Forms& forms_;
  std::vector<Elements> given_;  // of the inputs of a body
  std::size_t next_given_ = 0;
  const Node* node_ = nullptr;
  NetworkForms result_;
};

}  // namespace

NetworkForms elaborate(const network::Network& network, Forms& forms) {
  return Elaboration(network, forms).run();
}

}  // namespace crible::sim::proof
