#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/detector/description.hpp"
#include "engine/detector/event.hpp"

namespace crible::detector {

enum class DecodeStatus : std::uint8_t {
  ok,
  missing_fragment,  // a source's fragment is not there
  too_short,         // a payload ends before what is described
  too_long,          // bytes left behind what is described
  wrong_constant,    // a field that must have one value (magic, source id) has another
  too_many_records,  // more records than the description allows
};
inline constexpr std::size_t decode_status_count = 6;

/// One sentence for each status.
const char* sentence(DecodeStatus status);

struct DecodeResult {
  DecodeStatus status = DecodeStatus::ok;
  std::uint32_t source = 0;  // index of the source at fault, when not ok
};

/// The description compiled to flat tables. Immutable; shared by all shards.
class Decoder {
 public:
  explicit Decoder(const Description& description);

  /// An event with room for every collection. Allocates; call it when starting.
  Event make_event() const;

  /// Checks the fragments against the description and finds their parts. `fragments` has one entry for each
  /// source, in the order of the description. When the result is not ok, event.valid() is false.
  DecodeResult decode(std::span<const Payload> fragments, Event& event) const noexcept;

 private:
  /// Eight neighbouring bytes of the payload (fewer when its fixed part is shorter): those under the mask
  /// must be as in `value`.
  struct Check {
    std::uint32_t offset_bytes;
    std::uint32_t bytes;
    std::uint64_t mask;
    std::uint64_t value;
  };

  /// What is checked in one source's payload. The array of records with a varying count, if there is one,
  /// follows the fixed part.
  struct SourcePlan {
    std::size_t fixed_bytes;
    std::uint32_t first_check;
    std::uint32_t end_check;
    std::uint32_t record_bytes;  // 0: no varying array
    std::uint32_t capacity;
    CountKind count;
    FieldType count_type;
    std::uint32_t count_offset_bytes;
    bool may_be_longer;
  };

  /// One array of records that a collection takes.
  struct Part {
    std::uint32_t source;
    std::uint32_t offset_bytes;
    std::uint32_t record_bytes;
    std::uint32_t fixed_count;  // 0: the source's varying count
  };

  struct CollectionPlan;
  using Collect = std::uint32_t (Decoder::*)(const CollectionPlan& plan, Event& event) const noexcept;

  struct CollectionPlan {
    Collect collect;  // for the types of the fields
    std::uint32_t first_part;
    std::uint32_t end_part;
    std::uint32_t first_object;
    std::uint32_t capacity;
    bool drop_zero;
    bool sort;
    bool descending;
    FieldType zero_type;
    FieldType sort_type;
    std::uint32_t zero_offset_bytes;
    std::uint32_t sort_offset_bytes;
  };

  void plan_source(const Source& source);
  void plan_collection(const Description& description, const Collection& collection);
  DecodeStatus count_records(const SourcePlan& plan, Payload payload, std::uint32_t& count) const noexcept;
  DecodeStatus check(const SourcePlan& plan, Payload payload, std::uint32_t& count) const noexcept;
  void add_check(const SourcePlan& plan, const Field& field);
  template <class Read>
  std::uint32_t collect(const CollectionPlan& plan, Event& event) const noexcept;

  std::vector<SourcePlan> sources_;
  std::vector<Check> checks_;
  std::vector<Part> parts_;
  std::vector<CollectionPlan> collections_;
  std::vector<std::byte> zeros_;  // a record of zeros, long enough for every collection
  std::size_t objects_ = 0;
};

}  // namespace crible::detector
