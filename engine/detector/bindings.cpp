#include "engine/detector/bindings.hpp"

#include <algorithm>
#include <limits>

#include "engine/network/text.hpp"

namespace crible::detector {

namespace {

__extension__ using Wide = __int128;

constexpr network::Interval narrow_range{std::numeric_limits<std::int32_t>::min(),
                                         std::numeric_limits<std::int32_t>::max()};

bool inside(Wide low, Wide high, network::Interval range) {
  return low >= range.low && high <= range.high;
}

std::string interval_text(network::Interval range) {
  return std::to_string(range.low) + " to " + std::to_string(range.high);
}

/// The keys offset, shift and clip of an element, as written.
struct Written {
  explicit Written(yaml::Value value) : place(std::move(value)) {}

  std::int64_t offset = 0;
  std::int64_t shift = 0;  // > 0: right
  bool clip = false;
  std::optional<network::Interval> clip_range;  // the input's type without it
  yaml::Value place;
};

Written read_written(const yaml::Value& value, const Written& inherited) {
  Written written = inherited;
  written.place = value;
  const std::int64_t most = std::int64_t{1} << 40;
  if (const auto offset = value.find("offset")) written.offset = offset->integer(-most, most);
  if (const auto shift = value.find("shift")) written.shift = shift->integer(-32, 63);
  const auto clip = value.find("clip");
  if (!clip) return written;
  written.clip_range.reset();
  if (!clip->is_list()) {
    written.clip = clip->boolean();
    return written;
  }
  const std::vector<yaml::Value> ends = clip->items();
  if (ends.size() != 2) throw clip->error("must be true or [low, high]");
  const std::int64_t low = ends[0].integer(-most, most);
  written.clip = true;
  written.clip_range = network::Interval{low, ends[1].integer(low, most)};
  return written;
}

}  // namespace

/// Turns the entries of one network's `inputs` into runs.
class BindingCompiler {
 public:
  BindingCompiler(Binding& binding, const NetworkConfig& config, const Description& description,
                  const network::Network& network)
      : binding_(binding), config_(config), description_(description), network_(network) {}

  void compile() {
    binding_.name_ = config_.name;
    if (config_.per) set_collection(config_.place.at("per"));
    const std::vector<network::NodeId> nodes = network::inputs_of(network_);
    std::vector<bool> fed(nodes.size(), false);
    binding_.inputs_.resize(nodes.size());
    for (const yaml::Value& entry : config_.inputs) {
      entry.expect_keys({"input", "from"});
      input_ = find_input(entry, nodes);
      if (fed[input_]) throw entry.error("input '" + node().name + "' is fed already");
      fed[input_] = true;
      first_run_ = binding_.runs_.size();
      compile_input(entry);
      binding_.inputs_[input_] = {static_cast<std::uint32_t>(first_run_),
                                  static_cast<std::uint32_t>(binding_.runs_.size())};
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (fed[i]) continue;
      throw config_.place.at("inputs").error("nothing feeds input '" + node(nodes[i]).name +
                                             "' of the network");
    }
    write_text();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const Binding::InputPlan& input = binding_.inputs_[i];
      for (std::uint32_t r = input.first_run; r < input.end_run; ++r)
        binding_.use_lanes(binding_.runs_[r], network::storage_bytes(node(nodes[i]).type));
    }
  }

 private:
  const network::Node& node(network::NodeId id) const { return network_.nodes[static_cast<std::size_t>(id)]; }
  const network::Node& node() const { return node(network::inputs_of(network_)[input_]); }

  void set_collection(const yaml::Value& per) {
    binding_.collection_ = find_collection(per);
    binding_.max_objects_ = description_.collections[*binding_.collection_].capacity;
  }

  std::size_t find_collection(const yaml::Value& value) const {
    if (const auto found = description_.find_collection(value.text())) return *found;
    std::vector<std::string> names;
    for (const Collection& collection : description_.collections) names.push_back(collection.name);
    throw unknown(value, "collection", names);
  }

  static Error unknown(const yaml::Value& value, const std::string& what,
                       const std::vector<std::string>& names) {
    const std::string proposal = yaml::nearest(value.text(), names);
    std::string known;
    for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
    return value.error("there is no " + what + " '" + value.text() + "'" +
                       (proposal.empty() ? "" : "; did you mean '" + proposal + "'?") + " (known: " + known +
                       ")");
  }

  std::uint32_t find_input(const yaml::Value& entry, const std::vector<network::NodeId>& nodes) const {
    std::vector<std::string> names;
    for (const network::NodeId id : nodes) names.push_back(node(id).name);
    const auto name = entry.find("input");
    if (!name && nodes.size() == 1) return 0;
    const yaml::Value written = entry.at("input");
    const auto found = std::find(names.begin(), names.end(), written.text());
    if (found == names.end()) throw unknown(written, "input of the network", names);
    return static_cast<std::uint32_t>(found - names.begin());
  }

  void compile_input(const yaml::Value& entry) {
    elements_ = 0;
    const yaml::Value from = entry.at("from");
    for (const yaml::Value& item : from.items()) compile_item(item);
    const std::size_t wanted = network::element_count(node().shape);
    if (elements_ == wanted) return;
    throw from.error("gives " + std::to_string(elements_) + " elements, but input '" + node().name +
                     "' of the network has " + std::to_string(wanted));
  }

  void compile_item(const yaml::Value& item) {
    const Written plain(item);
    if (item.has("value")) {
      item.expect_keys({"value", "offset", "shift", "clip"});
      compile_value(item.at("value"), read_written(item, plain));
    } else if (item.has("columns")) {
      item.expect_keys({"columns", "offset", "shift", "clip"});
      compile_columns(item.at("columns"), read_written(item, plain));
    } else if (item.has("objects")) {
      item.expect_keys({"objects", "first", "fields", "offset", "shift", "clip"});
      compile_objects(item, read_written(item, plain));
    } else if (item.has("object")) {
      item.expect_keys({"object", "offset", "shift", "clip"});
      compile_current(item.at("object"), read_written(item, plain));
    } else if (item.has("constant")) {
      item.expect_keys({"constant", "repeat"});
      compile_constant(item);
    } else {
      item.expect_keys({"value", "columns", "objects", "object", "constant"});
      throw item.error("needs one of the keys value, columns, objects, object, constant");
    }
  }

  /// The array that "source.field" names, or null.
  const Field* find_array(const std::string& name, std::uint32_t& source) const {
    const std::size_t dot = std::min(name.find('.'), name.size());
    const auto found = description_.find_source(name.substr(0, dot));
    if (!found || dot == name.size()) return nullptr;
    source = static_cast<std::uint32_t>(*found);
    for (const Field& field : description_.sources[*found].fields) {
      if (field.name == name.substr(dot + 1)) return &field;
    }
    return nullptr;
  }

  void compile_value(const yaml::Value& value, const Written& written) {
    Run run;
    if (const auto scalar = description_.find_scalar(value.text())) {
      run.index = static_cast<std::uint32_t>(scalar->source);
      run.offset_bytes = static_cast<std::uint32_t>(scalar->offset_bytes);
      run.type = scalar->type;
      run.count = 1;
    } else if (const Field* field = find_array(value.text(), run.index)) {
      run.offset_bytes = static_cast<std::uint32_t>(field->offset_bytes);
      run.type = field->type;
      run.count = static_cast<std::uint32_t>(field->count());
    } else {
      throw unknown(value, "integer or array", description_.scalar_names());
    }
    add_run(run, {written}, 1, 0);
  }

  void compile_columns(const yaml::Value& columns, const Written& written) {
    std::vector<Run> parts;
    std::uint32_t row_elements = 0;
    for (const yaml::Value& name : columns.items()) {
      Run run;
      const Field* field = find_array(name.text(), run.index);
      if (field == nullptr) throw unknown(name, "array", description_.scalar_names());
      if (field->shape.size() != 2)
        throw name.error("has no rows and columns: its shape must have two extents");
      run.type = field->type;
      run.offset_bytes = static_cast<std::uint32_t>(field->offset_bytes);
      run.repeat = static_cast<std::uint32_t>(field->shape[0]);
      run.count = static_cast<std::uint32_t>(field->shape[1]);
      run.step_bytes = static_cast<std::uint32_t>(run.count * bytes_of(field->type));
      if (!parts.empty() && parts.front().repeat != run.repeat) {
        throw name.error("has " + std::to_string(run.repeat) + " rows, but the first one has " +
                         std::to_string(parts.front().repeat));
      }
      row_elements += run.count;
      parts.push_back(run);
    }
    if (parts.empty()) throw columns.error("needs at least one array");
    std::uint32_t first = 0;
    for (const Run& run : parts) {
      add_run(run, {written}, row_elements, first);
      first += run.count;
    }
    elements_ += std::size_t{row_elements} * parts.front().repeat;
  }

  void compile_objects(const yaml::Value& item, const Written& written) {
    Run run;
    run.from = From::objects;
    run.index = static_cast<std::uint32_t>(find_collection(item.at("objects")));
    const Collection& collection = description_.collections[run.index];
    run.repeat = static_cast<std::uint32_t>(collection.capacity);
    if (const auto first = item.find("first")) {
      run.repeat =
          static_cast<std::uint32_t>(first->integer(1, static_cast<std::int64_t>(collection.capacity)));
    }
    const std::vector<yaml::Value> fields = item.at("fields").items();
    const auto row_elements = static_cast<std::uint32_t>(fields.size());
    std::uint32_t first = 0;
    for (const yaml::Value& entry : fields) {
      Written own = written;
      yaml::Value name = entry;
      if (entry.is_map()) {
        entry.expect_keys({"name", "offset", "shift", "clip"});
        own = read_written(entry, written);
        name = entry.at("name");
      }
      own.place = entry;
      set_field(run, collection, name);
      add_run(run, {own}, row_elements, first++);
    }
    elements_ += std::size_t{row_elements} * run.repeat;
  }

  void compile_current(const yaml::Value& name, const Written& written) {
    if (!binding_.collection_) throw name.error("there is no current object: the network has no 'per'");
    Run run;
    run.from = From::current;
    run.index = static_cast<std::uint32_t>(*binding_.collection_);
    set_field(run, description_.collections[run.index], name);
    add_run(run, {written}, 1, 0);
  }

  void set_field(Run& run, const Collection& collection, const yaml::Value& name) const {
    const auto found = collection.find_field(name.text());
    if (!found) {
      std::vector<std::string> names;
      for (const Field& field : collection.fields) names.push_back(field.name);
      throw unknown(name, "field of " + collection.name, names);
    }
    run.offset_bytes = static_cast<std::uint32_t>(collection.fields[*found].offset_bytes);
    run.type = collection.fields[*found].type;
    run.count = 1;
  }

  void compile_constant(const yaml::Value& item) {
    const network::Interval type{network::lowest(node().type), network::highest(node().type)};
    const std::int64_t value = item.at("constant").integer(type.low, type.high);
    std::int64_t repeat = 1;
    if (const auto times = item.find("repeat")) repeat = times->integer(1, 1 << 20);
    Run run;
    run.from = From::constants;
    run.type = FieldType::i64;
    run.offset_bytes = static_cast<std::uint32_t>(binding_.constants_.size() * sizeof value);
    run.count = static_cast<std::uint32_t>(repeat);
    binding_.constants_.insert(binding_.constants_.end(), static_cast<std::size_t>(repeat), value);
    Written written(item);
    written.clip = true;
    add_run(run, written, 1, 0);
  }

  /// Adds a run whose rows begin at element `first` of every `row_elements`; a run of one row counts its
  /// elements itself.
  void add_run(Run run, const Written& written, std::uint32_t row_elements, std::uint32_t first) {
    const std::size_t bytes = network::storage_bytes(node().type);
    run.place_bytes = static_cast<std::uint32_t>((elements_ + first) * bytes);
    run.place_step_bytes = static_cast<std::uint32_t>(row_elements * bytes);
    if (elements_ + std::size_t{row_elements} * run.repeat > network::element_count(node().shape)) {
      throw written.place.error("gives more elements than input '" + node().name + "' of the network has (" +
                                std::to_string(network::element_count(node().shape)) + ")");
    }
    if (run.from != From::objects && row_elements == 1) elements_ += run.count;
    const auto transform = make_transform(run, written);
    const bool narrow =
        bytes <= 4 && inside(transform.low, transform.high, narrow_range) && fits_narrow(run, written);
    run.arithmetic = narrow ? Arithmetic::narrow : Arithmetic::wide;
    run.kernel = copy_kernel(run.type, run.arithmetic, bytes);
    add_transform(run, transform, bytes);
  }

  static bool is_narrow(const Run& run) { return run.arithmetic == Arithmetic::narrow; }

  static bool fits_narrow(const Run& run, const Written& written) {
    const network::Interval range = range_of(run.type);
    const Wide low = Wide{range.low} - written.offset;
    const Wide high = Wide{range.high} - written.offset;
    return written.shift >= 0 && written.shift < 32 && inside(written.offset, written.offset, narrow_range) &&
           inside(range.low, range.high, narrow_range) && inside(low, high, narrow_range);
  }

  /// Proves that every value of the field stays inside the input's type.
  Transform<std::int64_t> make_transform(const Run& run, const Written& written) const {
    const network::Interval range = range_of(run.type);
    const network::Interval whole{std::numeric_limits<std::int64_t>::min(),
                                  std::numeric_limits<std::int64_t>::max()};
    const int right = written.shift > 0 ? static_cast<int>(written.shift) : 0;
    const int left = written.shift < 0 ? static_cast<int>(-written.shift) : 0;
    const Wide low = ((Wide{range.low} - written.offset) >> right) * (Wide{1} << left);
    const Wide high = ((Wide{range.high} - written.offset) >> right) * (Wide{1} << left);
    if (!inside(Wide{range.low} - written.offset, Wide{range.high} - written.offset, whole) ||
        !inside(low, high, whole)) {
      throw written.place.error("offset and shift can overflow 64 bits");
    }
    const network::Interval type{network::lowest(node().type), network::highest(node().type)};
    network::Interval result{static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)};
    if (written.clip) {
      const network::Interval clip = written.clip_range.value_or(type);
      result = {std::clamp(result.low, clip.low, clip.high), std::clamp(result.high, clip.low, clip.high)};
    }
    if (!inside(result.low, result.high, type)) {
      throw written.place.error("can be " + interval_text(result) + ", but input '" + node().name +
                                "' of the network is " + to_string(node().type) + " (" + interval_text(type) +
                                "); add 'clip: true' or a shift");
    }
    return {written.offset, result.low, result.high, static_cast<std::uint8_t>(right),
            static_cast<std::uint8_t>(left)};
  }

  void add_transform(Run run, const Transform<std::int64_t>& transform, std::size_t bytes) {
    if (binding_.runs_.size() > first_run_ && extends(binding_.runs_.back(), run, bytes)) {
      append(binding_.runs_.back(), transform);
      return;
    }
    run.transform =
        static_cast<std::uint32_t>(is_narrow(run) ? binding_.narrow_.size() : binding_.wide_.size());
    push(run, transform);
    binding_.runs_.push_back(run);
  }

  void push(const Run& run, const Transform<std::int64_t>& t) {
    if (is_narrow(run)) {
      binding_.narrow_.push_back({static_cast<std::int32_t>(t.offset), static_cast<std::int32_t>(t.low),
                                  static_cast<std::int32_t>(t.high), t.right, t.left});
    } else {
      binding_.wide_.push_back(t);
    }
  }

  /// `next` is one element that goes on where `last` ends, both in the source and in the input.
  static bool extends(const Run& last, const Run& next, std::size_t bytes) {
    return last.kernel == next.kernel && last.from == next.from && last.arithmetic == next.arithmetic &&
           last.index == next.index && last.repeat == next.repeat && next.count == 1 &&
           next.from != From::constants &&
           (last.repeat == 1 || last.place_step_bytes == next.place_step_bytes) &&
           (last.repeat == 1 || last.step_bytes == next.step_bytes) && (!last.uniform || last.count == 1) &&
           last.offset_bytes + last.count * bytes_of(last.type) == next.offset_bytes &&
           last.place_bytes + last.count * bytes == next.place_bytes;
  }

  /// The last run's transforms are the last in their list, so that one more may follow.
  void append(Run& run, const Transform<std::int64_t>& transform) {
    run.uniform = false;
    ++run.count;
    push(run, transform);
  }

  void write_text() {
    std::string& text = binding_.text_;
    text = "network " + config_.name + " " + network::content_hash(network_);
    if (binding_.collection_) text += " per " + description_.collections[*binding_.collection_].name;
    text += "\n";
    for (std::size_t i = 0; i < binding_.inputs_.size(); ++i) {
      const Binding::InputPlan& input = binding_.inputs_[i];
      text += "  input " + std::to_string(i) + "\n";
      for (std::uint32_t r = input.first_run; r < input.end_run; ++r) text += run_text(binding_.runs_[r]);
    }
    for (const std::int64_t constant : binding_.constants_)
      text += "  constant " + std::to_string(constant) + "\n";
  }

  std::string run_text(const Run& run) const {
    std::string text = "  run";
    for (const std::uint32_t number :
         {static_cast<std::uint32_t>(run.from), run.place_bytes, run.place_step_bytes, run.index,
          run.offset_bytes, run.step_bytes, run.repeat, run.count}) {
      text += " " + std::to_string(number);
    }
    text += std::string(" ") + to_string(run.type);
    for (std::uint32_t i = 0; i < (run.uniform ? 1 : run.count); ++i) {
      text += is_narrow(run) ? transform_text(binding_.narrow_[run.transform + i])
                             : transform_text(binding_.wide_[run.transform + i]);
    }
    return text + "\n";
  }

  template <class Transform>
  static std::string transform_text(const Transform& t) {
    return " (" + std::to_string(t.offset) + " " + std::to_string(t.right) + " " + std::to_string(t.left) +
           " " + std::to_string(t.low) + " " + std::to_string(t.high) + ")";
  }

  Binding& binding_;
  const NetworkConfig& config_;
  const Description& description_;
  const network::Network& network_;
  std::uint32_t input_ = 0;    // being compiled
  std::size_t first_run_ = 0;  // of it
  std::size_t elements_ = 0;   // of it that are fed already
};

Binding::Binding(const NetworkConfig& config, const Description& description,
                 const network::Network& network) {
  BindingCompiler(*this, config, description, network).compile();
}

}  // namespace crible::detector
