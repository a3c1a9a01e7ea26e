#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "engine/detector/description.hpp"

namespace crible::detector {

/// A source's fragment of one event; data() is null when it is missing. Not aligned.
using Payload = std::span<const std::byte>;

/// Reads one little-endian integer.
inline std::int64_t read_integer(FieldType type, const std::byte* place) noexcept {
  const auto as = [place]<class T>(T value) -> std::int64_t {
    std::memcpy(&value, place, sizeof value);
    return static_cast<std::int64_t>(value);
  };
  switch (type) {
    case FieldType::u8:
      return as(std::uint8_t{});
    case FieldType::i8:
      return as(std::int8_t{});
    case FieldType::u16:
      return as(std::uint16_t{});
    case FieldType::i16:
      return as(std::int16_t{});
    case FieldType::u32:
      return as(std::uint32_t{});
    case FieldType::i32:
      return as(std::int32_t{});
    case FieldType::i64:
      return as(std::int64_t{});
  }
  return 0;
}

/// A decoded event: where its parts lie in the fragments. Nothing is copied, so it is valid as long as the
/// fragments are. Made once by Decoder::make_event and filled again for each event without allocation.
class Event {
 public:
  /// decode() said ok; otherwise nothing else may be asked.
  bool valid() const noexcept { return valid_; }

  /// The payload of a source.
  const std::byte* payload(std::size_t source) const noexcept { return payloads_[source]; }

  /// Number of objects in a collection, and the record of each. Behind the last object, up to the
  /// collection's capacity, records are zeros.
  std::uint32_t count(std::size_t collection) const noexcept { return counts_[collection]; }
  const std::byte* object(std::size_t collection, std::size_t index) const noexcept {
    return objects_[first_[collection] + index];
  }
  /// The records of all objects, one after the other, with the padding.
  const std::byte* const* objects(std::size_t collection) const noexcept {
    return objects_.data() + first_[collection];
  }

 private:
  friend class Decoder;

  bool valid_ = false;
  std::vector<const std::byte*> payloads_;
  std::vector<std::uint32_t> record_counts_;  // of each source's array with a varying count
  std::vector<std::uint32_t> counts_;
  std::vector<std::uint32_t> first_;  // of each collection in objects_
  std::vector<const std::byte*> objects_;
  std::vector<std::int64_t> keys_;  // what objects_ are sorted by
};

}  // namespace crible::detector
