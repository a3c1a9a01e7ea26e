#include "sim/recheck/lanes.hpp"

#include <algorithm>

namespace crible::sim::recheck {

std::vector<Lanes> LaneValues::word(const Nets& nets, std::size_t width, bool is_signed) const {
  std::vector<Lanes> result;
  for (const Net net : nets) result.push_back(get(net));
  result.resize(width, is_signed && !result.empty() ? result.back() : 0);
  return result;
}

std::vector<Lanes> LaneValues::sum(const std::vector<Lanes>& a, std::vector<Lanes> b, bool subtract) const {
  Lanes carry = subtract ? ~Lanes{0} : 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const Lanes y = subtract ? ~b[i] : b[i];
    b[i] = a[i] ^ y ^ carry;
    carry = (a[i] & y) | (a[i] & carry) | (y & carry);
  }
  return b;
}

Lanes LaneValues::any(const Nets& nets) const {
  Lanes result = 0;
  for (const Net net : nets) result |= get(net);
  return result;
}

Lanes LaneValues::less(const Cell& cell, const char* a, const char* b) const {
  const std::size_t width = std::max(cell.in("A").size(), cell.in("B").size()) + 1;
  return sum(word(cell.in(a), width, cell.is_signed()), word(cell.in(b), width, cell.is_signed()), true)
      .back();
}

Lanes LaneValues::equal(const Cell& cell) const {
  const std::size_t width = std::max(cell.in("A").size(), cell.in("B").size());
  const std::vector<Lanes> a = word(cell.in("A"), width, cell.is_signed());
  const std::vector<Lanes> b = word(cell.in("B"), width, cell.is_signed());
  Lanes differ = 0;
  for (std::size_t i = 0; i < width; ++i) differ |= a[i] ^ b[i];
  return ~differ;
}

void LaneValues::store(const Cell& cell, const std::vector<Lanes>& values) {
  for (std::size_t i = 0; i < cell.output.size(); ++i) set(cell.output[i], i < values.size() ? values[i] : 0);
}

std::uint64_t LaneValues::number(const Nets& nets, int lane) const {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < nets.size() && i < 64; ++i) value |= (get(nets[i]) >> lane & 1U) << i;
  return value;
}

bool LaneValues::compute_bitwise(const Cell& cell) {
  const std::string& type = cell.type;
  std::vector<Lanes> a = word(cell.in("A"), cell.output.size(), cell.is_signed());
  const std::vector<Lanes> b = word(cell.in("B"), cell.output.size(), cell.is_signed());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (type == "$not") a[i] = ~a[i];
    if (type == "$and") a[i] &= b[i];
    if (type == "$or") a[i] |= b[i];
    if (type == "$xor") a[i] ^= b[i];
    if (type == "$xnor") a[i] = ~(a[i] ^ b[i]);
  }
  store(cell, a);
  return true;
}

bool LaneValues::compute_choice(const Cell& cell) {
  const Nets& select = cell.in("S");
  const std::size_t width = cell.output.size();
  std::vector<Lanes> result = word(cell.in("A"), width, false);
  for (std::size_t s = select.size(); s-- > 0;) {
    const Lanes chosen = get(select[s]);
    for (std::size_t i = 0; i < width; ++i) {
      result[i] = (chosen & get(cell.in("B")[s * width + i])) | (~chosen & result[i]);
    }
  }
  store(cell, result);
  return true;
}

bool LaneValues::compute_shift(const Cell& cell) {
  const bool left = cell.type == "$shl" || cell.type == "$sshl";
  if (cell.type == "$shift" || cell.in("B").size() > 40 || cell.number("B_SIGNED") != 0) return false;
  const bool is_signed = cell.number("A_SIGNED") != 0 && cell.type != "$shiftx";
  const bool fills = cell.type == "$sshr" && is_signed;
  const std::vector<Lanes> a =
      word(cell.in("A"), std::max(cell.in("A").size(), cell.output.size()), is_signed);
  std::vector<Lanes> result(cell.output.size(), 0);
  for (int lane = 0; lane < 64; ++lane) {
    const std::uint64_t by = number(cell.in("B"), lane);
    for (std::size_t i = 0; i < result.size(); ++i) {
      const std::uint64_t place = left ? i - by : i + by;
      const bool inside = left ? i >= by : place < a.size();
      const Lanes bit = inside ? a[place] : fills ? a.back() : 0;
      result[i] |= (bit >> lane & 1U) << lane;
    }
  }
  store(cell, result);
  return true;
}

bool LaneValues::compute_table(const Cell& cell) {
  const std::string& content = cell.parameters.at("INIT");
  const auto width = static_cast<std::size_t>(cell.number("WIDTH"));
  if (cell.number("WR_PORTS") != 0 || cell.number("RD_PORTS") != 1 || cell.number("OFFSET") != 0 ||
      cell.parameters.at("RD_CLK_ENABLE").find('1') != std::string::npos) {
    return false;
  }
  std::vector<Lanes> result(width, 0);
  for (int lane = 0; lane < 64; ++lane) {
    const std::uint64_t address = number(cell.in("RD_ADDR"), lane);
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t place = address * width + i;
      const char bit = place < content.size() ? content[content.size() - 1 - place] : 'x';
      if (bit != '0' && bit != '1') return false;  // what is read has no value
      if (bit == '1') result[i] |= Lanes{1} << lane;
    }
  }
  store(cell, result);
  return true;
}

bool LaneValues::compute(const Cell& cell) {
  const std::string& type = cell.type;
  const std::size_t width = cell.output.size();
  const auto wide = [&](const char* port) { return word(cell.in(port), width, cell.is_signed()); };
  const auto one = [&](Lanes bit) {
    store(cell, {bit});
    return true;
  };
  if (type == "$add" || type == "$sub") {
    store(cell, sum(wide("A"), wide("B"), type == "$sub"));
    return true;
  }
  if (type == "$neg") {
    store(cell, sum(std::vector<Lanes>(width, 0), wide("A"), true));
    return true;
  }
  if (type == "$not" || type == "$pos" || type == "$and" || type == "$or" || type == "$xor" ||
      type == "$xnor")
    return compute_bitwise(cell);
  if (type == "$mux" || type == "$pmux") return compute_choice(cell);
  if (type == "$lt") return one(less(cell, "A", "B"));
  if (type == "$gt") return one(less(cell, "B", "A"));
  if (type == "$le") return one(~less(cell, "B", "A"));
  if (type == "$ge") return one(~less(cell, "A", "B"));
  if (type == "$eq" || type == "$eqx") return one(equal(cell));
  if (type == "$ne" || type == "$nex") return one(~equal(cell));
  if (type == "$reduce_or" || type == "$reduce_bool") return one(any(cell.in("A")));
  if (type == "$logic_not") return one(~any(cell.in("A")));
  if (type == "$logic_and") return one(any(cell.in("A")) & any(cell.in("B")));
  if (type == "$logic_or") return one(any(cell.in("A")) | any(cell.in("B")));
  if (type == "$reduce_and") {
    Lanes all = ~Lanes{0};
    for (const Net net : cell.in("A")) all &= get(net);
    return one(all);
  }
  if (type == "$shl" || type == "$sshl" || type == "$shr" || type == "$sshr" || type == "$shiftx")
    return compute_shift(cell);
  return type == "$mem_v2" && compute_table(cell);
}

}  // namespace crible::sim::recheck
