#include "sim/proof/evaluate_netlist.hpp"

namespace crible::sim::proof {

NetlistEvaluator::NetlistEvaluator(const Netlist& netlist)
    : netlist_(netlist), values_(static_cast<std::size_t>(netlist.net_count), 0) {
  values_[net_one] = 1;
  if (netlist.ordered < netlist.cells.size()) problem_ = "it has a loop through registers";
  for (const Cell& cell : netlist.cells) {
    for (const auto& [port, nets] : cell.connections) {
      const bool wide = nets.size() > 118;
      const bool bitwise = cell.type.find("dff") != std::string::npos || cell.type == "$mux" ||
                           cell.type == "$pmux" || cell.type == "$shiftx" || cell.type == "$mem_v2";
      if (wide && !bitwise && problem_.empty()) problem_ = "a " + cell.type + " cell is wider than 118 bits";
    }
  }
}

Integer NetlistEvaluator::number(const std::vector<Net>& nets, bool is_signed) const {
  Integer value = 0;
  for (std::size_t i = 0; i < nets.size(); ++i) {
    if (get(nets[i])) value += power_of_two(static_cast<int>(i));
  }
  if (is_signed && !nets.empty() && get(nets.back())) value -= power_of_two(static_cast<int>(nets.size()));
  return value;
}

Integer NetlistEvaluator::operand(const Cell& cell, const char* port, bool is_signed) const {
  return number(cell.port(port), is_signed);
}

void NetlistEvaluator::store(const std::vector<Net>& nets, Integer value) {
  for (std::size_t i = 0; i < nets.size(); ++i) {
    set(nets[i], (floor_shift(value, static_cast<int>(i)) & 1) != 0);
  }
}

void NetlistEvaluator::copy(const std::vector<Net>& from, std::size_t first, const std::vector<Net>& to) {
  for (std::size_t i = 0; i < to.size(); ++i) set(to[i], first + i < from.size() && get(from[first + i]));
}

void NetlistEvaluator::run() {
  try {
    for (const Cell& cell : netlist_.cells) evaluate(cell);
  } catch (const Untreated& reason) {
    problem_ = reason.what();
  }
}

void NetlistEvaluator::evaluate(const Cell& cell) {
  const std::string& type = cell.type;
  if (type.find("dff") != std::string::npos) return copy(cell.port("D"), 0, cell.port("Q"));
  if (type == "$mem_v2") return memory(cell);
  const std::vector<Net>& y = cell.port("Y");
  if (type == "$mux") return copy(cell.port(get(cell.port("S")[0]) ? "B" : "A"), 0, y);
  if (type == "$pmux") {
    const std::vector<Net>& select = cell.port("S");
    for (std::size_t i = 0; i < select.size(); ++i) {
      if (get(select[i])) return copy(cell.port("B"), i * y.size(), y);
    }
    return copy(cell.port("A"), 0, y);
  }
  if (type.find("sh") != std::string::npos) return shift(cell);
  const bool is_signed =
      cell.parameter("A_SIGNED") != 0 && (!cell.has("B") || cell.parameter("B_SIGNED") != 0);
  const Integer a = operand(cell, "A", is_signed);
  const Integer b = cell.has("B") ? operand(cell, "B", is_signed) : 0;
  const Integer ones = power_of_two(static_cast<int>(cell.port("A").size())) - 1;
  if (type == "$add") return store(y, a + b);
  if (type == "$sub") return store(y, a - b);
  if (type == "$mul") return store(y, product(a, b));
  if (type == "$neg") return store(y, -a);
  if (type == "$pos") return store(y, a);
  if (type == "$not") return store(y, -1 - a);
  if (type == "$and") return store(y, a & b);
  if (type == "$or") return store(y, a | b);
  if (type == "$xor") return store(y, a ^ b);
  if (type == "$xnor") return store(y, -1 - (a ^ b));
  if (type == "$eq" || type == "$eqx") return store(y, a == b);
  if (type == "$ne" || type == "$nex") return store(y, a != b);
  if (type == "$lt") return store(y, a < b);
  if (type == "$le") return store(y, a <= b);
  if (type == "$gt") return store(y, a > b);
  if (type == "$ge") return store(y, a >= b);
  if (type == "$logic_not") return store(y, a == 0);
  if (type == "$logic_and") return store(y, a != 0 && b != 0);
  if (type == "$logic_or") return store(y, a != 0 || b != 0);
  if (type == "$reduce_or" || type == "$reduce_bool") return store(y, a != 0);
  if (type == "$reduce_and") return store(y, low_bits(a, static_cast<int>(cell.port("A").size())) == ones);
  throw Untreated("the evaluator does not know " + type + " cells");
}

void NetlistEvaluator::shift(const Cell& cell) {
  const bool left = cell.type == "$shl" || cell.type == "$sshl";
  const bool indexed = cell.type == "$shift" || cell.type == "$shiftx";
  const Integer amount = operand(cell, "B", indexed && cell.parameter("B_SIGNED") != 0);
  const std::vector<Net>& from = cell.port("A");
  const std::vector<Net>& to = cell.port("Y");
  const bool sign = cell.parameter("A_SIGNED") != 0 && (cell.type == "$sshr" || left) && get(from.back());
  for (std::size_t i = 0; i < to.size(); ++i) {
    const Integer place = static_cast<Integer>(i) + (left ? -amount : amount);
    if (place < 0) {
      set(to[i], false);
    } else {
      set(to[i],
          place < static_cast<Integer>(from.size()) ? get(from[static_cast<std::size_t>(place)]) : sign);
    }
  }
}

void NetlistEvaluator::memory(const Cell& cell) {
  const auto width = static_cast<std::size_t>(cell.parameter("WIDTH"));
  const auto address_bits = static_cast<std::size_t>(cell.parameter("ABITS"));
  const std::string& content = cell.parameters.at("INIT");
  const std::vector<Net>& addresses = cell.port("RD_ADDR");
  const std::vector<Net>& data = cell.port("RD_DATA");
  for (std::size_t port = 0; port < static_cast<std::size_t>(cell.parameter("RD_PORTS")); ++port) {
    std::size_t address = 0;
    for (std::size_t i = 0; i < address_bits; ++i) {
      if (get(addresses[port * address_bits + i])) address |= std::size_t{1} << i;
    }
    address -= static_cast<std::size_t>(cell.parameter("OFFSET"));
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t place = address * width + i;
      set(data[port * width + i], place < content.size() && content[content.size() - 1 - place] == '1');
    }
  }
}

}  // namespace crible::sim::proof
