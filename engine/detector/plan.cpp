#include "engine/detector/plan.hpp"

#include <algorithm>

namespace crible::detector {

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
    if (!field.equals) continue;
    checks_.push_back({static_cast<std::uint32_t>(field.offset_bytes), field.type, *field.equals});
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
  for (std::size_t c = 0; c < collections_.size(); ++c) collect(collections_[c], event, event.counts_[c]);
  event.valid_ = true;
  return {};
}

DecodeStatus Decoder::check(const SourcePlan& plan, Payload payload, std::uint32_t& count) const noexcept {
  if (payload.data() == nullptr) return DecodeStatus::missing_fragment;
  if (payload.size() < plan.fixed_bytes) return DecodeStatus::too_short;
  for (std::uint32_t i = plan.first_check; i < plan.end_check; ++i) {
    const Check& constant = checks_[i];
    if (read_integer(constant.type, payload.data() + constant.offset_bytes) != constant.value) {
      return DecodeStatus::wrong_constant;
    }
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

void Decoder::collect(const CollectionPlan& plan, Event& event, std::uint32_t& count) const noexcept {
  const std::byte** objects = event.objects_.data() + plan.first_object;
  std::uint32_t kept = 0;
  for (std::uint32_t p = plan.first_part; p < plan.end_part; ++p) {
    const Part& part = parts_[p];
    const std::byte* record = event.payloads_[part.source] + part.offset_bytes;
    const std::uint32_t records =
        part.fixed_count != 0 ? part.fixed_count : event.record_counts_[part.source];
    for (std::uint32_t r = 0; r < records; ++r, record += part.record_bytes) {
      if (plan.drop_zero && read_integer(plan.zero_type, record + plan.zero_offset_bytes) == 0) continue;
      kept = insert(plan, objects, kept, record);
    }
  }
  count = kept;
  for (std::uint32_t o = kept; o < plan.capacity; ++o) objects[o] = zeros_.data();
}

std::uint32_t Decoder::insert(const CollectionPlan& plan, const std::byte** objects, std::uint32_t count,
                              const std::byte* record) noexcept {
  const bool full = count == plan.capacity;
  std::uint32_t place = count;
  if (plan.sort) {
    // From the end: sources sort their records already, so that nearly all stay where they come.
    const auto key = [&plan](const std::byte* r) {
      return read_integer(plan.sort_type, r + plan.sort_offset_bytes);
    };
    const std::int64_t mine = key(record);
    while (place > 0) {
      const std::int64_t other = key(objects[place - 1]);
      if (plan.descending ? other >= mine : other <= mine) break;
      --place;
    }
  }
  if (place == plan.capacity) return count;
  const std::uint32_t end = full ? count - 1 : count;
  for (std::uint32_t o = end; o > place; --o) objects[o] = objects[o - 1];
  objects[place] = record;
  return full ? count : count + 1;
}

}  // namespace crible::detector
