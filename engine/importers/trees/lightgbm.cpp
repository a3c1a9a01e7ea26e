#include <charconv>
#include <map>

#include "engine/base/error.hpp"
#include "engine/importers/trees/readers.hpp"

namespace crible::importers::trees {
namespace {

/// decision_type of a split: bit 0 categorical, bit 1 default left, bits 2 and 3 the missing type
/// (LightGBM, include/LightGBM/tree.h).
constexpr int categorical_bit = 1;
constexpr int default_left_bit = 2;
enum class Missing { none = 0, zero = 1, nan = 2 };

/// `key=value` lines of the header or of one tree.
class Section {
 public:
  Section(std::string where, std::map<std::string, std::string, std::less<>> values)
      : where_(std::move(where)), values_(std::move(values)) {}

  const std::string& where() const { return where_; }
  bool has(std::string_view key) const { return values_.find(key) != values_.end(); }

  std::string_view text(std::string_view key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) {
      throw Error(where_ + ": key '" + std::string(key) + "' is missing; the file is damaged");
    }
    return found->second;
  }

  template <class Number>
  std::vector<Number> numbers(std::string_view key) const {
    std::vector<Number> result;
    const std::string_view line = text(key);
    const char* at = line.data();
    const char* const end = at + line.size();
    while (true) {
      while (at != end && *at == ' ') ++at;
      if (at == end) return result;
      Number value{};
      const auto [next, error] = std::from_chars(at, end, value);
      if (error != std::errc{} || (next != end && *next != ' ')) {
        throw Error(where_ + ": key '" + std::string(key) +
                    "' has something that is not a number; the file is damaged");
      }
      result.push_back(value);
      at = next;
    }
  }

  template <class Number>
  Number number(std::string_view key) const {
    const std::vector<Number> all = numbers<Number>(key);
    if (all.size() != 1)
      throw Error(where_ + ": key '" + std::string(key) + "' is not one number; the file is damaged");
    return all[0];
  }

  template <class Number>
  std::vector<Number> numbers(std::string_view key, std::size_t count) const {
    std::vector<Number> all = numbers<Number>(key);
    if (all.size() != count) {
      throw Error(where_ + ": key '" + std::string(key) + "' has " + std::to_string(all.size()) +
                  " numbers and not " + std::to_string(count) + "; the file is damaged");
    }
    return all;
  }

 private:
  std::string where_;
  std::map<std::string, std::string, std::less<>> values_;
};

/// The header and then one section for each tree; parameters after the trees are left aside.
std::vector<Section> sections_of(std::string_view text, const std::string& source) {
  std::vector<Section> result;
  std::string where = source + ": header";
  std::map<std::string, std::string, std::less<>> values;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line == "end of trees") break;
    const std::size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals);
    const std::string_view value = equals == line.npos ? std::string_view{} : line.substr(equals + 1);
    if (key == "Tree" && equals != line.npos) {
      result.emplace_back(where, std::move(values));
      values.clear();
      where = source + ": tree " + std::string(value);
    } else if (!line.empty()) {
      values.emplace(key, value);
    }
  }
  result.emplace_back(where, std::move(values));
  return result;
}

std::vector<std::int64_t> categories_of(const Section& section, double index) {
  const auto boundaries = section.numbers<std::size_t>("cat_boundaries");
  const auto words = section.numbers<std::uint32_t>("cat_threshold");
  const auto at = static_cast<std::size_t>(index);
  if (index < 0 || at + 1 >= boundaries.size() || boundaries[at] > boundaries[at + 1] ||
      boundaries[at + 1] > words.size()) {
    throw Error(section.where() + ": cat_boundaries do not fit cat_threshold; the file is damaged");
  }
  std::vector<std::int64_t> result;
  for (std::size_t word = boundaries[at]; word < boundaries[at + 1]; ++word) {
    for (std::int64_t bit = 0; bit < 32; ++bit) {
      if (words[word] >> bit & 1U)
        result.push_back(static_cast<std::int64_t>(word - boundaries[at]) * 32 + bit);
    }
  }
  return result;
}

Split read_split(const Section& section, int feature, double threshold, int decision_type, int left,
                 int right) {
  Split split;
  split.feature = feature;
  split.left = left;
  split.right = right;
  if ((decision_type & categorical_bit) != 0) {
    split.kind = SplitKind::member;
    split.categories = categories_of(section, threshold);
    return split;
  }
  split.kind = SplitKind::less_equal;
  split.threshold = threshold;
  const bool default_left = (decision_type & default_left_bit) != 0;
  switch (static_cast<Missing>(decision_type >> 2 & 3)) {
    case Missing::none:  // NaN counts as 0.0
      split.missing_left = 0.0 <= threshold;
      return split;
    case Missing::zero:
      split.zero_is_missing = true;
      split.missing_left = default_left;
      return split;
    case Missing::nan:
      split.missing_left = default_left;
      return split;
  }
  throw Error(section.where() + ": decision_type " + std::to_string(decision_type) +
              " is unknown; the file is damaged");
}

RealTree read_tree(const Section& section) {
  if (section.has("is_linear") && section.number<int>("is_linear") != 0) {
    throw Error(section.where() + " has linear leaves; train with linear_tree=false");
  }
  const auto leaves = section.number<std::size_t>("num_leaves");
  if (leaves == 0) throw Error(section.where() + " has no leaf; the file is damaged");
  RealTree tree;
  tree.leaves = section.numbers<double>("leaf_value", leaves);
  if (leaves == 1) return tree;
  const std::size_t splits = leaves - 1;
  const auto feature = section.numbers<int>("split_feature", splits);
  const auto threshold = section.numbers<double>("threshold", splits);
  const auto decision_type = section.numbers<int>("decision_type", splits);
  const auto left = section.numbers<int>("left_child", splits);
  const auto right = section.numbers<int>("right_child", splits);
  for (std::size_t i = 0; i < splits; ++i) {
    tree.splits.push_back(read_split(section, feature[i], threshold[i], decision_type[i], left[i], right[i]));
  }
  return tree;
}

}  // namespace

Ensemble read_lightgbm(std::string_view text, const std::string& source) {
  const std::vector<Section> sections = sections_of(text, source);
  const Section& header = sections.front();
  if (header.has("average_output")) {
    throw Error(source +
                ": a random forest divides its sum by the number of trees, which has no exact integer; " +
                "train with boosting gbdt or dart");
  }
  Ensemble result;
  result.name = "lightgbm";
  result.source = source;
  result.features = header.number<int>("max_feature_idx") + 1;
  result.outputs = header.number<int>("num_tree_per_iteration");
  result.cut_negative_to_zero = true;
  if (result.outputs < 1)
    throw Error(source + ": num_tree_per_iteration is not positive; the file is damaged");
  result.bias.assign(static_cast<std::size_t>(result.outputs), 0.0);
  for (std::size_t i = 1; i < sections.size(); ++i) {
    RealTree tree = read_tree(sections[i]);
    tree.output = static_cast<int>(i - 1) % result.outputs;
    result.trees.push_back(std::move(tree));
  }
  if (header.has("objective")) {
    result.notes.push_back("the outputs are the raw scores of objective " +
                           std::string(header.text("objective")));
  }
  check(result);
  return result;
}

}  // namespace crible::importers::trees
