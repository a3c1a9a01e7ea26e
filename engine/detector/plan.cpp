#include "engine/detector/plan.hpp"

#include <algorithm>
#include <cstring>

namespace crible::detector {

namespace {

/// The usual case: every field that is looked at is an i16.
struct ReadShort {
  static std::int64_t integer(FieldType, const std::byte* place) noexcept {
    std::int16_t value;
    std::memcpy(&value, place, sizeof value);
    return value;
  }
};

struct ReadAny {
  static std::int64_t integer(FieldType type, const std::byte* place) noexcept {
    return read_integer(type, place);
  }
};

}  // namespace

const char* sentence(DecodeStatus status) {
  switch (status) {
    case DecodeStatus::ok:
      return "the event is as described";
    case DecodeStatus::missing_fragment:
      return "a source's fragment is missing";
    case DecodeStatus::too_short:
      return "a payload is shorter than described";
    case DecodeStatus::too_long:
      return "a payload is longer than described";
    case DecodeStatus::wrong_constant:
      return "a constant in a payload has another value than described";
    case DecodeStatus::too_many_records:
      return "a payload holds more records than described";
  }
  return "";
}

Decoder::Decoder(const Description& description) {
  for (const Source& source : description.sources) plan_source(source);
  std::size_t longest = 0;
  for (const Collection& collection : description.collections) {
    plan_collection(description, collection);
    const Field& last = collection.fields.back();
    longest = std::max(longest, last.offset_bytes + bytes_of(last.type));
  }
  zeros_.resize(longest);
}

void Decoder::plan_source(const Source& source) {
  SourcePlan plan{};
  plan.fixed_bytes = source.min_bytes;
  plan.may_be_longer = source.may_be_longer;
  plan.first_check = static_cast<std::uint32_t>(checks_.size());
  for (const Field& field : source.fields) {
    if (field.equals) add_check(plan, field);
  }
  plan.end_check = static_cast<std::uint32_t>(checks_.size());
  if (!source.records.empty() && source.records.back().count != CountKind::fixed) {
    const Records& records = source.records.back();
    const Field& field = source.fields.empty() ? Field{} : source.fields[records.count_field];
    plan.record_bytes = static_cast<std::uint32_t>(records.record_bytes);
    plan.capacity = static_cast<std::uint32_t>(records.capacity);
    plan.count = records.count;
    plan.count_type = field.type;
    plan.count_offset_bytes = static_cast<std::uint32_t>(field.offset_bytes);
  }
  sources_.push_back(plan);
}

/// Constants that lie near each other share one check.
void Decoder::add_check(const SourcePlan& plan, const Field& field) {
  const std::size_t bytes = bytes_of(field.type);
  const auto within = [&](const Check& check) {
    return field.offset_bytes >= check.offset_bytes &&
           field.offset_bytes + bytes <= check.offset_bytes + check.bytes;
  };
  if (checks_.size() == plan.first_check || !within(checks_.back())) {
    const std::size_t window = std::min<std::size_t>(8, plan.fixed_bytes);
    const std::size_t offset = std::min(field.offset_bytes, plan.fixed_bytes - window);
    checks_.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(window), 0, 0});
  }
  Check& check = checks_.back();
  const std::uint64_t ones = bytes == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * bytes)) - 1;
  const std::size_t shift = 8 * (field.offset_bytes - check.offset_bytes);
  check.mask |= ones << shift;
  check.value |= (static_cast<std::uint64_t>(*field.equals) & ones) << shift;
}

void Decoder::plan_collection(const Description& description, const Collection& collection) {
  CollectionPlan plan{};
  plan.first_part = static_cast<std::uint32_t>(parts_.size());
  for (const RecordsRef& ref : collection.from) {
    const Records& records = description.sources[ref.source].records[ref.records];
    const std::size_t fixed = records.count == CountKind::fixed ? records.capacity : 0;
    parts_.push_back({static_cast<std::uint32_t>(ref.source),
                      static_cast<std::uint32_t>(records.offset_bytes),
                      static_cast<std::uint32_t>(records.record_bytes), static_cast<std::uint32_t>(fixed)});
  }
  plan.end_part = static_cast<std::uint32_t>(parts_.size());
  plan.first_object = static_cast<std::uint32_t>(objects_);
  plan.capacity = static_cast<std::uint32_t>(collection.capacity);
  plan.drop_zero = collection.nonzero.has_value();
  plan.sort = collection.sort_by.has_value();
  plan.descending = collection.descending;
  const Field& zero = collection.fields[collection.nonzero.value_or(0)];
  const Field& sort = collection.fields[collection.sort_by.value_or(0)];
  plan.zero_type = zero.type;
  plan.sort_type = sort.type;
  plan.zero_offset_bytes = static_cast<std::uint32_t>(zero.offset_bytes);
  plan.sort_offset_bytes = static_cast<std::uint32_t>(sort.offset_bytes);
  const FieldType sole = plan.sort ? plan.sort_type : plan.zero_type;
  const bool short_integers =
      sole == FieldType::i16 && (!plan.sort || !plan.drop_zero || sole == plan.zero_type);
  plan.collect = short_integers ? &Decoder::collect<ReadShort> : &Decoder::collect<ReadAny>;
  objects_ += collection.capacity;
  collections_.push_back(plan);
}

Event Decoder::make_event() const {
  Event event;
  event.payloads_.resize(sources_.size());
  event.record_counts_.resize(sources_.size());
  event.counts_.resize(collections_.size());
  for (const CollectionPlan& plan : collections_) event.first_.push_back(plan.first_object);
  event.objects_.resize(objects_);
  event.keys_.resize(objects_);
  return event;
}

DecodeResult Decoder::decode(std::span<const Payload> fragments, Event& event) const noexcept {
  event.valid_ = false;
  if (fragments.size() != sources_.size()) return {DecodeStatus::missing_fragment, 0};
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    const DecodeStatus status = check(sources_[s], fragments[s], event.record_counts_[s]);
    if (status != DecodeStatus::ok) return {status, static_cast<std::uint32_t>(s)};
    event.payloads_[s] = fragments[s].data();
  }
  for (std::size_t c = 0; c < collections_.size(); ++c) {
    event.counts_[c] = (this->*collections_[c].collect)(collections_[c], event);
  }
  event.valid_ = true;
  return {};
}

DecodeStatus Decoder::check(const SourcePlan& plan, Payload payload, std::uint32_t& count) const noexcept {
  if (payload.data() == nullptr) return DecodeStatus::missing_fragment;
  if (payload.size() < plan.fixed_bytes) return DecodeStatus::too_short;
  for (std::uint32_t i = plan.first_check; i < plan.end_check; ++i) {
    const Check& constant = checks_[i];
    const std::byte* const place = payload.data() + constant.offset_bytes;
    std::uint64_t word = 0;
    if (constant.bytes == sizeof word) {
      std::memcpy(&word, place, sizeof word);
    } else {
      for (std::uint32_t b = 0; b < constant.bytes; ++b) {
        word |= static_cast<std::uint64_t>(place[b]) << (8 * b);
      }
    }
    if ((word & constant.mask) != constant.value) return DecodeStatus::wrong_constant;
  }
  if (plan.record_bytes != 0) return count_records(plan, payload, count);
  const bool longer = payload.size() > plan.fixed_bytes;
  return longer && !plan.may_be_longer ? DecodeStatus::too_long : DecodeStatus::ok;
}

DecodeStatus Decoder::count_records(const SourcePlan& plan, Payload payload,
                                    std::uint32_t& count) const noexcept {
  const std::size_t rest = payload.size() - plan.fixed_bytes;
  std::size_t records = rest / plan.record_bytes;
  if (plan.count == CountKind::field) {
    const std::int64_t said = read_integer(plan.count_type, payload.data() + plan.count_offset_bytes);
    if (said < 0 || said > plan.capacity) return DecodeStatus::too_many_records;
    if (records < static_cast<std::size_t>(said)) return DecodeStatus::too_short;
    records = static_cast<std::size_t>(said);
  }
  if (records > plan.capacity) return DecodeStatus::too_many_records;
  count = static_cast<std::uint32_t>(records);
  const bool longer = rest > records * plan.record_bytes;
  return longer && !plan.may_be_longer ? DecodeStatus::too_long : DecodeStatus::ok;
}

template <class Read>
std::uint32_t Decoder::collect(const CollectionPlan& plan, Event& event) const noexcept {
  const std::byte** const objects = event.objects_.data() + plan.first_object;
  std::int64_t* const keys = event.keys_.data() + plan.first_object;
  std::uint32_t kept = 0;
  for (std::uint32_t p = plan.first_part; p < plan.end_part; ++p) {
    const Part& part = parts_[p];
    const std::byte* record = event.payloads_[part.source] + part.offset_bytes;
    const std::uint32_t records =
        part.fixed_count != 0 ? part.fixed_count : event.record_counts_[part.source];
    for (std::uint32_t r = 0; r < records; ++r, record += part.record_bytes) {
      if (plan.drop_zero && Read::integer(plan.zero_type, record + plan.zero_offset_bytes) == 0) continue;
      std::int64_t key = 0;
      if (plan.sort) {
        key = Read::integer(plan.sort_type, record + plan.sort_offset_bytes);
        if (plan.descending) key = ~key;  // reverses the order, and cannot overflow
      }
      std::uint32_t place = kept;
      if (kept == plan.capacity) {
        if (!plan.sort || key >= keys[kept - 1]) continue;
        --place;
      } else {
        ++kept;
      }
      // From the end: sources sort their records already, so that nearly all stay where they come.
      for (; place > 0 && key < keys[place - 1]; --place) {
        objects[place] = objects[place - 1];
        keys[place] = keys[place - 1];
      }
      objects[place] = record;
      keys[place] = key;
    }
  }
  for (std::uint32_t o = kept; o < plan.capacity; ++o) objects[o] = zeros_.data();
  return kept;
}

}  // namespace crible::detector
