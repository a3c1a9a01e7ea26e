#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "backends/cpu/steps.hpp"
#include "engine/network/network.hpp"
#include "engine/network/verify.hpp"

namespace crible::backends::cpu {

/// 64-byte aligned bytes, zero at first.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t bytes);

  std::byte* data() const { return data_.get(); }
  std::size_t size() const { return bytes_; }

 private:
  struct Free {
    void operator()(std::byte* p) const;
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t bytes_ = 0;
};

/// A row that never changes: `value` in every lane.
struct ConstantRow {
  Row row;
  std::int64_t value;
  bool is_64;
};

/// A network as steps for tiles of `events` events, with everything that the steps point to.
struct Plan {
  int events = 1;
  std::size_t rows = 0;
  std::vector<Step> steps;
  std::vector<ConstantRow> constants;
  std::vector<Buffer> data;

  /// Copies `values` (plain data) into memory that lives as long as the plan.
  template <class T>
  const T* keep(const std::vector<T>& values) {
    data.emplace_back((values.size() + 1) * sizeof(T));  // never empty, so never null
    if (!values.empty()) std::memcpy(data.back().data(), values.data(), values.size() * sizeof(T));
    return reinterpret_cast<const T*>(data.back().data());
  }
  template <class T>
  const T* keep_one(const T& value) {
    return keep(std::vector<T>{value});
  }

  /// The rows' memory, constants filled in.
  Buffer make_rows() const;
};

/// Which of a variant's kernels a plan is made for.
enum class Layout { single, tile };

Plan make_plan(const network::Network& network, const network::Ranges& ranges, const Kernels& kernels,
               Layout layout);

}  // namespace crible::backends::cpu
