#include <algorithm>
#include <limits>

#include "backends/cpu/plan/planner.hpp"

// Bases and their rows: how tensors get from inputs, constants and packed results into the rows that a
// step wants to read.
namespace crible::backends::cpu {

using network::Interval;

bool fits_32(Interval range) {
  return range.low >= std::numeric_limits<std::int32_t>::min() &&
         range.high <= std::numeric_limits<std::int32_t>::max();
}

Interval hull_of(Interval a, Interval b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

std::int64_t offset_for(Interval range, Form form) {
  if (form == Form::wide) return 0;
  const std::int64_t half = form == Form::bytes ? 128 : 32768;
  const bool is_unsigned = form == Form::bytes;
  const std::int64_t low = is_unsigned ? 0 : -half;
  if (range.low >= low && range.high < low + 2 * half) return 0;
  if (is_unsigned && range.low >= -half && range.high < half) return -half;
  if (!is_unsigned && range.low >= 0 && range.high < 2 * half) return half;
  return range.low - low;
}

bool fits(Interval range, Form form) {
  if (form == Form::wide) return fits_32(range);
  return fits_32(range) && range.high - range.low < (form == Form::bytes ? 256 : 65536);
}

bool counts_up(const std::vector<Row>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] != rows[0] + i) return false;
  }
  return true;
}

Row Planner::new_rows(std::size_t count) {
  const auto first = static_cast<Row>(plan_.rows);
  plan_.rows += count + 1;  // a gap: rows that count up are of one group
  plan_.groups.push_back({first, count});
  return first;
}

int Planner::new_base(const std::vector<Interval>& range, bool is_64) {
  Base base;
  base.range = range;
  base.is_64 = is_64;
  const std::size_t rows_each = is_64 ? 2 : 1;
  const Row first = new_rows(range.size() * rows_each);
  for (std::size_t i = 0; i < range.size(); ++i) base.wide.push_back(first + static_cast<Row>(i * rows_each));
  bases_.push_back(std::move(base));
  return static_cast<int>(bases_.size()) - 1;
}

int Planner::input_base(int port, network::Type type, const std::vector<Interval>& range) {
  Base base;
  base.source = Base::Source::input;
  base.port = port;
  base.type = type;
  base.range = range;
  const std::size_t bytes = network::storage_bytes(type);
  base.is_64 = bytes == 8 || (bytes == 4 && !type.is_signed);
  base.wide.assign(range.size(), no_row);
  bases_.push_back(std::move(base));
  return static_cast<int>(bases_.size()) - 1;
}

Element Planner::constant(std::int64_t value) {
  const auto found = constants_.find(value);
  if (found != constants_.end()) return found->second;
  Base base;
  base.source = Base::Source::constant;
  base.range = {Interval{value, value}};
  base.is_64 = !fits_32(base.range[0]);
  base.wide.assign(1, no_row);
  bases_.push_back(std::move(base));
  const Element element{static_cast<int>(bases_.size()) - 1, 0};
  constants_[value] = element;
  return element;
}

Row Planner::constant_row(std::int64_t value, bool is_64) {
  const auto [entry, is_new] = constant_rows_.try_emplace({value, is_64}, no_row);
  if (is_new) {
    entry->second = new_rows(is_64 ? 2 : 1);
    plan_.constants.push_back({entry->second, value, is_64});
  }
  return entry->second;
}

Tensor Planner::whole(int base) const {
  Tensor tensor(bases_[static_cast<std::size_t>(base)].range.size());
  for (std::size_t i = 0; i < tensor.size(); ++i) tensor[i] = {base, static_cast<std::uint32_t>(i)};
  return tensor;
}

bool Planner::any_64(const Tensor& tensor) const {
  return std::any_of(tensor.begin(), tensor.end(),
                     [&](Element e) { return bases_[static_cast<std::size_t>(e.base)].is_64; });
}

Interval Planner::range_of(const Tensor& tensor) const {
  bool first = true;
  Interval hull;
  for (const Element& e : tensor) {
    if (e.base < 0) continue;
    const Interval range = bases_[static_cast<std::size_t>(e.base)].range[e.index];
    hull = first ? range : hull_of(hull, range);
    first = false;
  }
  return hull;
}

void Planner::make_wide(const Tensor& tensor) {
  if (is_waiting(tensor)) flush_chains();
  std::map<int, std::vector<std::uint32_t>> missing;
  for (const Element& e : tensor) {
    if (e.base >= 0 && bases_[static_cast<std::size_t>(e.base)].wide[e.index] == no_row) {
      missing[e.base].push_back(e.index);
    }
  }
  for (auto& [base, elements] : missing) {
    std::sort(elements.begin(), elements.end());
    elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
    make_wide(base, elements);
  }
}

namespace {

Kind load_kind(network::Type type) {
  switch (network::storage_bytes(type)) {
    case 1:
      return type.is_signed ? Kind::load_s8 : Kind::load_u8;
    case 2:
      return type.is_signed ? Kind::load_s16 : Kind::load_u16;
    case 4:
      return type.is_signed ? Kind::load_s32 : Kind::load_u32;
    default:
      return Kind::load_s64;
  }
}

}  // namespace

void Planner::make_wide(int id, const std::vector<std::uint32_t>& elements) {
  Base& base = bases_[static_cast<std::size_t>(id)];
  if (base.source == Base::Source::constant) {
    base.wide[0] = constant_row(base.range[0].low, base.is_64);
    return;
  }
  const std::size_t rows_each = base.is_64 ? 2 : 1;
  const Row first = new_rows(elements.size() * rows_each);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    rows.push_back(first + static_cast<Row>(i * rows_each));
    base.wide[elements[i]] = rows.back();
  }
  const auto count = static_cast<std::uint32_t>(elements.size());
  if (base.source == Base::Source::input) {
    emit(load_kind(base.type),
         Transfer{elements.back() - elements.front() + 1 == elements.size() && !base.is_64,
                  static_cast<std::uint32_t>(base.port), static_cast<std::uint32_t>(base.range.size()), count,
                  plan_.keep(elements), plan_.keep_rows(rows)});
    return;
  }
  std::vector<Row> lanes;
  std::vector<std::uint8_t> parts;
  for (std::uint32_t element : elements) {
    lanes.push_back(base.lane[element]);
    parts.push_back(base.part[element]);
  }
  emit(base.packed == Form::bytes ? Kind::unpack_bytes : Kind::unpack_shorts,
       Unpack{count, static_cast<std::int32_t>(base.offset), plan_.keep_rows(lanes), plan_.keep(parts),
              plan_.keep_rows(rows)});
}

std::vector<Row> Planner::rows_of(const Tensor& tensor, bool want_64) {
  make_wide(tensor);
  std::vector<Row> from, to;
  std::vector<Row> rows;
  for (const Element& e : tensor) {
    Base& base = bases_[static_cast<std::size_t>(e.base)];
    if (!want_64 || base.is_64) {
      rows.push_back(base.wide[e.index]);
      continue;
    }
    if (base.widened.empty()) base.widened.assign(base.wide.size(), no_row);
    Row& widened = base.widened[e.index];
    if (widened == no_row && base.source == Base::Source::constant) {
      widened = constant_row(base.range[0].low, true);
    } else if (widened == no_row) {
      widened = new_rows(2);
      from.push_back(base.wide[e.index]);
      to.push_back(widened);
    }
    rows.push_back(widened);
  }
  if (!from.empty()) {
    emit(Kind::widen, elementwise(from, {}, {}, to));
  }
  return rows;
}

namespace {

/// Where an input row can be read as a lane as it stands: the byte of its first element, else -1.
std::int64_t direct_byte(const Base& base, const std::array<Element, 4>& parts, Form form, int id) {
  const auto bytes = static_cast<std::int64_t>(network::storage_bytes(base.type));
  if (base.source != Base::Source::input || bytes != (form == Form::bytes ? 1 : 2)) return -1;
  std::int64_t start = -1;
  for (int part = 0; part < parts_of(form); ++part) {
    const Element e = parts[static_cast<std::size_t>(part)];
    if (e.base < 0) continue;
    const std::int64_t would_start = static_cast<std::int64_t>(e.index) - part;
    if (e.base != id || would_start < 0 || (start >= 0 && start != would_start)) return -1;
    start = would_start;
  }
  const auto row_bytes = static_cast<std::int64_t>(base.range.size()) * bytes;
  return start >= 0 && start * bytes + 4 <= row_bytes ? start * bytes : -1;
}

std::uint32_t flip_of(network::Type type, Form form) {
  if (form == Form::bytes) return type.is_signed ? 0x80808080u : 0u;
  return type.is_signed ? 0u : 0x80008000u;
}

/// What `flip_of` does to a stored value, as an offset.
std::int64_t direct_offset(network::Type type, Form form) {
  if (form == Form::bytes) return type.is_signed ? -128 : 0;
  return type.is_signed ? 0 : 32768;
}

}  // namespace

/// Rows of lanes that are asked for together lie together; `flush_packs` emits what fills them.
std::vector<Row> Planner::packed_rows(const std::vector<std::array<Element, 4>>& lanes, Form form,
                                      std::int64_t offset) {
  std::size_t fresh = 0;
  std::vector<Row*> entries;
  for (const std::array<Element, 4>& parts : lanes) {
    const auto [entry, is_new] = packed_rows_.try_emplace({{form, offset}, parts}, no_row);
    entries.push_back(&entry->second);
    if (!is_new) continue;
    pending_packs_.push_back({form, offset, parts, static_cast<Row>(fresh++)});
  }
  if (fresh > 0) {
    const Row first = new_rows(fresh);
    for (PendingPack& pack : pending_packs_) {
      pack.row += first;
      packed_rows_[{{form, offset}, pack.parts}] = pack.row;
    }
  }
  flush_packs();
  std::vector<Row> rows;
  for (const Row* entry : entries) rows.push_back(*entry);
  return rows;
}

void Planner::flush_packs() {
  std::map<int, std::vector<std::pair<std::uint32_t, Row>>> direct;
  std::vector<PendingPack> packs;
  for (const PendingPack& pack : pending_packs_) {
    int id = -1;
    for (const Element& e : pack.parts) id = id < 0 ? e.base : id;
    const Base& base = bases_[static_cast<std::size_t>(id)];
    const std::int64_t byte = direct_byte(base, pack.parts, pack.form, id);
    if (byte >= 0 && direct_offset(base.type, pack.form) == pack.offset) {
      direct[id].push_back({static_cast<std::uint32_t>(byte), pack.row});
    } else {
      packs.push_back(pack);
    }
  }
  for (const auto& [id, lanes] : direct) {
    const Base& base = bases_[static_cast<std::size_t>(id)];
    const Form form = pending_packs_.front().form;
    std::vector<std::uint32_t> bytes;
    std::vector<Row> rows;
    for (const auto& [byte, row] : lanes) {
      bytes.push_back(byte);
      rows.push_back(row);
    }
    const std::size_t row_bytes = base.range.size() * network::storage_bytes(base.type);
    bool consecutive = true;
    for (std::size_t i = 0; i < bytes.size(); ++i) consecutive = consecutive && bytes[i] == bytes[0] + 4 * i;
    emit(Kind::load_lanes,
         LoadLanes{consecutive, static_cast<std::uint32_t>(base.port), static_cast<std::uint32_t>(row_bytes),
                   static_cast<std::uint32_t>(rows.size()), flip_of(base.type, form), plan_.keep(bytes),
                   plan_.keep_rows(rows)});
  }
  if (!packs.empty()) {
    const PendingPack& first = packs.front();
    Tensor elements;
    for (const PendingPack& pack : packs) {
      for (int part = 0; part < parts_of(pack.form); ++part) {
        const Element e = pack.parts[static_cast<std::size_t>(part)];
        elements.push_back(e.base >= 0 ? e : constant(pack.offset));
      }
    }
    std::vector<Row> out;
    for (const PendingPack& pack : packs) out.push_back(pack.row);
    const std::vector<Row> in = rows_of(elements, false);
    std::size_t present = elements.size();  // without the missing parts of the last lane
    while (packs.back().parts[(present - 1) % static_cast<std::size_t>(parts_of(first.form))].base < 0)
      --present;
    // Whole vectors are written, for which there is room only from the first row of a group on.
    const bool contiguous = direct.empty() && counts_up(out) &&
                            counts_up({in.begin(), in.begin() + static_cast<std::ptrdiff_t>(present)});
    emit(first.form == Form::bytes ? Kind::pack_bytes : Kind::pack_shorts,
         Pack{static_cast<std::uint32_t>(out.size()), contiguous, static_cast<std::int32_t>(first.offset),
              plan_.keep_rows(in), plan_.keep_rows(out)});
  }
  pending_packs_.clear();
}

}  // namespace crible::backends::cpu
