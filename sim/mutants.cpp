#include "sim/mutants.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <random>

#include "engine/base/error.hpp"

namespace crible::sim {

namespace {

using proof::Cell;
using proof::Net;
using proof::net_one;
using proof::net_zero;
using proof::Netlist;

constexpr std::array<const char*, mutant_kinds> names = {
    "shift operand",  "sign extension", "constant",          "add for subtract",
    "swap operands",  "repeat operand", "drop register",     "extra register",
    "swap choices",   "stuck choice",   "strict comparison", "logic function",
    "lost inversion", "stuck bit",      "lost carry",        "table entry"};

const std::map<std::string, std::string> comparisons = {{"$lt", "$le"}, {"$le", "$lt"}, {"$gt", "$ge"},
                                                        {"$ge", "$gt"}, {"$eq", "$ne"}, {"$ne", "$eq"}};
const std::map<std::string, std::string> logic = {{"$and", "$or"},
                                                  {"$or", "$and"},
                                                  {"$xor", "$xnor"},
                                                  {"$logic_and", "$logic_or"},
                                                  {"$logic_or", "$logic_and"}};

bool is_register(const Cell& cell) {
  return cell.type.find("dff") != std::string::npos;
}
bool is_sum(const Cell& cell) {
  return cell.type == "$add" || cell.type == "$sub";
}
bool is_constant(Net net) {
  return net == net_zero || net == net_one;
}

/// The first place of the repeated bits at the top of an operand.
std::size_t sign_run(const std::vector<Net>& nets) {
  std::size_t first = nets.size() - 1;
  while (first > 0 && nets[first - 1] == nets.back()) --first;
  return first;
}

bool all_constant(const std::vector<Net>& nets) {
  return std::all_of(nets.begin(), nets.end(), is_constant);
}

/// A copy of the cell with the fault, or false when it has no place for it (or the fault would change
/// nothing).
bool apply(Cell& cell, MutantKind kind, int detail) {
  const auto place = static_cast<std::size_t>(detail);
  const std::string operand = cell.has("B") && detail % 2 == 1 ? "B" : "A";
  switch (kind) {
    case MutantKind::shift_operand: {
      if (!is_sum(cell)) return false;
      std::vector<Net>& nets = cell.connections[operand];
      if (all_constant(nets)) return false;
      nets.insert(nets.begin(), net_zero);
      nets.pop_back();
      return true;
    }
    case MutantKind::sign_extension: {
      if (!is_sum(cell) && comparisons.count(cell.type) == 0) return false;
      std::vector<Net>& nets = cell.connections[operand];
      const std::size_t first = sign_run(nets);
      if (is_constant(nets.back()) || first + 1 == nets.size()) return false;
      std::fill(nets.begin() + static_cast<std::ptrdiff_t>(first) + 1, nets.end(), net_zero);
      return true;
    }
    case MutantKind::constant: {
      if (!cell.has("B")) return false;
      for (const char* port : {"A", "B"}) {
        std::vector<Net>& nets = cell.connections[port];
        if (!all_constant(nets)) continue;
        const auto set = std::find(nets.begin(), nets.end(), net_one);
        if (set == nets.end() || nets.size() < 2) continue;
        *set = net_zero;
        *(set + 1 == nets.end() ? set - 1 : set + 1) = net_one;
        return true;
      }
      return false;
    }
    case MutantKind::add_for_subtract:
      if (!is_sum(cell)) return false;
      cell.type = cell.type == "$add" ? "$sub" : "$add";
      return true;
    case MutantKind::swap_operands:
      if (cell.type != "$sub" &&
          (comparisons.count(cell.type) == 0 || cell.type == "$eq" || cell.type == "$ne"))
        return false;
      std::swap(cell.connections["A"], cell.connections["B"]);
      std::swap(cell.parameters["A_SIGNED"], cell.parameters["B_SIGNED"]);
      return true;
    case MutantKind::repeat_operand:
      if (!is_sum(cell) || cell.port("A").size() != cell.port("B").size() || cell.port("A") == cell.port("B"))
        return false;
      cell.connections["B"] = cell.connections["A"];
      return true;
    case MutantKind::drop_register:
    case MutantKind::extra_register:
      return cell.type == "$dff" || cell.type == "$sdff";
    case MutantKind::swap_choices:
      if (cell.type != "$mux") return false;
      std::swap(cell.connections["A"], cell.connections["B"]);
      return true;
    case MutantKind::stuck_choice:
      if (cell.type != "$mux") return false;
      cell.connections["S"] = {detail % 2 == 0 ? net_zero : net_one};
      return true;
    case MutantKind::strict_comparison:
      if (comparisons.count(cell.type) == 0) return false;
      cell.type = comparisons.at(cell.type);
      return true;
    case MutantKind::logic_function:
      if (logic.count(cell.type) == 0) return false;
      cell.type = logic.at(cell.type);
      return true;
    case MutantKind::lost_inversion:
      if (cell.type != "$not") return false;
      cell.type = "$pos";
      return true;
    case MutantKind::stuck_bit:
      return cell.has("Y") && !cell.port("Y").empty();
    case MutantKind::lost_carry:
      return is_sum(cell) && cell.port("Y").size() >= 2;
    case MutantKind::table_entry: {
      if (cell.type == "$mem_v2") {
        std::string& content = cell.parameters["INIT"];
        if (content.empty()) return false;
        char& bit = content[place % content.size()];
        bit = bit == '0' ? '1' : '0';
        return true;
      }
      if (cell.type != "$mux" && cell.type != "$pmux" && cell.type != "$shiftx" && cell.type != "$shr")
        return false;
      for (const char* port : {"B", "A"}) {
        if (cell.type[1] == 's' && port[0] == 'B') continue;  // a shift's amount is no table
        std::vector<Net>& nets = cell.connections[port];
        if (!all_constant(nets)) continue;
        Net& net = nets[place % nets.size()];
        net = net == net_one ? net_zero : net_one;
        return true;
      }
      return false;
    }
  }
  return false;
}

std::string constant_text(const std::vector<Net>& nets, std::size_t first, std::size_t last) {
  std::string digits;
  for (std::size_t i = last; i-- > first;)
    digits += nets[i] == net_one ? '1' : nets[i] == net_zero ? '0' : 'x';
  return std::to_string(last - first) + "'b" + digits;
}

/// Verilog of a netlist: each cell drives a wire crible_y0, crible_y1, ...; a net is a bit of such a wire or
/// of an input port.
class Writer {
 public:
  Writer(const Netlist& netlist, const std::vector<Mutant>& mutants) : netlist_(netlist), mutants_(mutants) {
    bits_.resize(static_cast<std::size_t>(netlist.net_count));
    for (const auto& [name, port] : netlist.ports) {
      if (port.is_input) name_bits(name, port.nets);
    }
    for (std::size_t i = 0; i < netlist.cells.size(); ++i)
      name_bits("crible_y" + std::to_string(i), driven(netlist.cells[i]));
  }

  std::string text() {
    ports();
    for (std::size_t i = 0; i < netlist_.cells.size(); ++i) cell(i);
    return head_ + declarations_ + body_ + "endmodule\n";
  }

 private:
  struct Bit {
    std::string wire;
    int index = 0;
  };

  static const std::vector<Net>& driven(const Cell& cell) {
    return cell.port(is_register(cell) ? "Q" : cell.type == "$mem_v2" ? "RD_DATA" : "Y");
  }

  void name_bits(const std::string& wire, const std::vector<Net>& nets) {
    for (std::size_t i = 0; i < nets.size(); ++i) {
      if (nets[i] > net_one) bits_[static_cast<std::size_t>(nets[i])] = {wire, static_cast<int>(i)};
    }
  }

  void ports() {
    std::string list = std::string("input wire [15:0] ") + mutant_port;
    for (const auto& [name, port] : netlist_.ports) {
      list += std::string(",\n  ") + (port.is_input ? "input" : "output") + " wire [" +
              std::to_string(port.nets.size() - 1) + ":0] " + name;
      if (!port.is_input) body_ += "  assign " + name + " = " + word(port.nets) + ";\n";
    }
    head_ = "module " + netlist_.top + " (\n  " + list + "\n);\n";
  }

  /// A concatenation; runs of bits of one wire become part selects.
  std::string word(const std::vector<Net>& nets) const {
    std::vector<std::string> parts;
    for (std::size_t first = 0; first < nets.size();) {
      std::size_t last = first + 1;
      if (nets[first] <= net_one) {
        while (last < nets.size() && nets[last] <= net_one) ++last;
        parts.push_back(constant_text(nets, first, last));
      } else {
        const Bit& low = bits_[static_cast<std::size_t>(nets[first])];
        const auto continues = [&](std::size_t i) {
          if (nets[i] <= net_one) return false;
          const Bit& bit = bits_[static_cast<std::size_t>(nets[i])];
          return bit.wire == low.wire && bit.index == low.index + static_cast<int>(i - first);
        };
        while (last < nets.size() && continues(last)) ++last;
        parts.push_back(low.wire + "[" + std::to_string(low.index + static_cast<int>(last - first) - 1) +
                        ":" + std::to_string(low.index) + "]");
      }
      first = last;
    }
    std::string text;
    for (std::size_t i = parts.size(); i-- > 0;) text += (text.empty() ? "" : ", ") + parts[i];
    return "{" + text + "}";
  }

  /// Declares the cell's wire and drives it.
  void drive(std::size_t index, const std::string& value) {
    const std::string range = "  wire [" + std::to_string(driven(netlist_.cells[index]).size() - 1) + ":0] ";
    declarations_ += range + "crible_y" + std::to_string(index) + ";\n";
    body_ += "  assign crible_y" + std::to_string(index) + " = " + value + ";\n";
  }

  std::string extended(const Cell& cell, const char* port, std::size_t width, bool is_signed) const {
    std::vector<Net> nets = cell.port(port);
    const Net fill = is_signed && !nets.empty() ? nets.back() : net_zero;
    nets.resize(width, fill);
    const std::string text = word(nets);
    return is_signed ? "$signed(" + text + ")" : text;
  }

  /// The value of a combinational cell, as wide as `width`.
  std::string expression(const Cell& cell, std::size_t width) const {
    const std::string& type = cell.type;
    const bool is_signed =
        cell.parameter("A_SIGNED") != 0 && (!cell.has("B") || cell.parameter("B_SIGNED") != 0);
    const auto wide = [&](const char* port) {
      return extended(cell, port, std::max(width, cell.port(port).size()), is_signed);
    };
    const auto plain = [&](const char* port) { return word(cell.port(port)); };
    static const std::map<std::string, std::string> binary = {{"$add", "+"}, {"$sub", "-"}, {"$mul", "*"},
                                                              {"$and", "&"}, {"$or", "|"},  {"$xor", "^"}};
    if (const auto found = binary.find(type); found != binary.end())
      return wide("A") + " " + found->second + " " + wide("B");
    if (type == "$xnor") return "~(" + wide("A") + " ^ " + wide("B") + ")";
    if (type == "$neg") return "-" + wide("A");
    if (type == "$not") return "~" + wide("A");
    if (type == "$pos") return wide("A");
    static const std::map<std::string, std::string> compare = {{"$lt", "<"},   {"$le", "<="}, {"$gt", ">"},
                                                               {"$ge", ">="},  {"$eq", "=="}, {"$ne", "!="},
                                                               {"$eqx", "=="}, {"$nex", "!="}};
    if (const auto found = compare.find(type); found != compare.end()) {
      const std::size_t both = std::max(cell.port("A").size(), cell.port("B").size());
      return extended(cell, "A", both, is_signed) + " " + found->second + " " +
             extended(cell, "B", both, is_signed);
    }
    if (type == "$logic_not") return "!" + plain("A");
    if (type == "$logic_and") return "(|" + plain("A") + ") && (|" + plain("B") + ")";
    if (type == "$logic_or") return "(|" + plain("A") + ") || (|" + plain("B") + ")";
    if (type == "$reduce_or" || type == "$reduce_bool") return "|" + plain("A");
    if (type == "$reduce_and") return "&" + plain("A");
    if (type == "$mux") return plain("S") + " ? " + plain("B") + " : " + plain("A");
    if (type == "$shl" || type == "$sshl") return wide("A") + " << " + plain("B");
    if (type == "$shr" || type == "$shiftx") return wide("A") + " >> " + plain("B");
    if (type == "$sshr") return wide("A") + (is_signed ? " >>> " : " >> ") + plain("B");
    if (type == "$pmux") return selected(cell, width);
    throw Error("Mutants of " + type + " cells cannot be written.", Fault::failure);
  }

  std::string selected(const Cell& cell, std::size_t width) const {
    const std::vector<Net>& select = cell.port("S");
    const std::vector<Net>& words = cell.port("B");
    std::string text;
    for (std::size_t i = 0; i < select.size(); ++i) {
      text += word({select[i]}) + " ? " +
              word({words.begin() + static_cast<std::ptrdiff_t>(i * width),
                    words.begin() + static_cast<std::ptrdiff_t>((i + 1) * width)}) +
              " : ";
    }
    return text + word(cell.port("A"));
  }

  void cell(std::size_t index) {
    const Cell& original = netlist_.cells[index];
    if (is_register(original)) return register_cell(index);
    if (original.type == "$mem_v2") return memory(index);
    const std::vector<Net>& y = original.port("Y");
    if (y.empty()) return;
    const std::string name = "crible_c" + std::to_string(index);
    const std::string range = "  wire [" + std::to_string(y.size() - 1) + ":0] ";
    body_ += range + name + " = " + expression(original, y.size()) + ";\n";
    std::string value = name;
    for (std::size_t m = 0; m < mutants_.size(); ++m) {
      if (mutants_[m].cell != index) continue;
      const std::string variant = name + "_" + std::to_string(m + 1);
      body_ += range + variant + " = " + faulty(original, mutants_[m], name) + ";\n";
      value = "(" + selects(m) + " ? " + variant + " : " + value + ")";
    }
    drive(index, value);
  }

  static std::string selects(std::size_t m) {
    return std::string(mutant_port) + " == 16'd" + std::to_string(m + 1);
  }

  std::string faulty(const Cell& original, const Mutant& mutant, const std::string& name) const {
    const std::size_t width = original.port("Y").size();
    if (mutant.kind == MutantKind::stuck_bit) {
      std::string mask(width, '1');
      mask[width - 1 - static_cast<std::size_t>(mutant.detail) % width] = '0';
      return name + " & " + std::to_string(width) + "'b" + mask;
    }
    if (mutant.kind == MutantKind::lost_carry) {
      return "{" + name + "[" + std::to_string(width - 2) + "], " + name + "[" + std::to_string(width - 2) +
             ":0]}";
    }
    Cell changed = original;
    apply(changed, mutant.kind, mutant.detail);
    return expression(changed, width);
  }

  void register_cell(std::size_t index) {
    const Cell& original = netlist_.cells[index];
    const std::vector<Net>& d = original.port("D");
    const std::string name = "crible_c" + std::to_string(index);
    const std::string range = "[" + std::to_string(d.size() - 1) + ":0] ";
    const std::string clock =
        "  always @(" + std::string(original.parameter("CLK_POLARITY", 1) != 0 ? "posedge " : "negedge ") +
        word({original.port("CLK")[0]}).substr(1, word({original.port("CLK")[0]}).size() - 2) + ") ";
    std::string loaded = name + " <= " + word(d) + ";";
    if (original.has("SRST")) {
      const bool high = original.parameter("SRST_POLARITY", 1) != 0;
      std::string value = original.parameters.at("SRST_VALUE");
      loaded = "if (" + std::string(high ? "" : "!") + word(original.port("SRST")) + ") " + name +
               " <= " + std::to_string(d.size()) + "'b" + value + "; else " + enabled(original, loaded);
    } else {
      loaded = enabled(original, loaded);
    }
    body_ += "  reg " + range + name + ";\n" + clock + loaded + "\n";
    std::string value = name;
    for (std::size_t m = 0; m < mutants_.size(); ++m) {
      if (mutants_[m].cell != index) continue;
      std::string variant = word(d);
      if (mutants_[m].kind == MutantKind::extra_register) {
        variant = name + "_" + std::to_string(m + 1);
        body_ += "  reg " + range + variant + ";\n" + clock + variant + " <= " + name + ";\n";
      }
      value = "(" + selects(m) + " ? " + variant + " : " + value + ")";
    }
    drive(index, value);
  }

  std::string enabled(const Cell& cell, const std::string& loaded) const {
    if (!cell.has("EN")) return loaded;
    return "if (" + std::string(cell.parameter("EN_POLARITY", 1) != 0 ? "" : "!") + word(cell.port("EN")) +
           ") " + loaded;
  }

  void memory(std::size_t index) {
    const Cell& original = netlist_.cells[index];
    if (original.parameter("WR_PORTS") != 0 || original.parameter("RD_PORTS") != 1) {
      throw Error("Mutants of a module with memories that are written cannot be made.", Fault::failure);
    }
    const auto width = static_cast<std::size_t>(original.parameter("WIDTH"));
    const auto shifted = [&](const Cell& cell) {
      const std::string& content = cell.parameters.at("INIT");
      return std::to_string(content.size()) + "'b" + content + " >> (32'd" + std::to_string(width) + " * " +
             word(cell.port("RD_ADDR")) + ")";
    };
    std::string value = shifted(original);
    for (std::size_t m = 0; m < mutants_.size(); ++m) {
      if (mutants_[m].cell != index) continue;
      Cell changed = original;
      apply(changed, mutants_[m].kind, mutants_[m].detail);
      value = "(" + selects(m) + " ? " + shifted(changed) + " : " + value + ")";
    }
    drive(index, value);
  }

  const Netlist& netlist_;
  const std::vector<Mutant>& mutants_;
  std::vector<Bit> bits_;  // of each net
  std::string head_;
  std::string declarations_;
  std::string body_;
};

}  // namespace

const char* to_string(MutantKind kind) {
  return names[static_cast<std::size_t>(kind)];
}

std::vector<Mutant> choose_mutants(const Netlist& netlist, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::vector<Mutant>> by_kind(mutant_kinds);
  for (int kind = 0; kind < mutant_kinds; ++kind) {
    for (std::size_t i = 0; i < netlist.cells.size(); ++i) {
      Mutant mutant{static_cast<MutantKind>(kind), i, static_cast<int>(random() % 4096), {}};
      Cell trial = netlist.cells[i];
      if (!apply(trial, mutant.kind, mutant.detail)) continue;
      const Cell& cell = netlist.cells[i];
      mutant.what = std::string(to_string(mutant.kind)) + ": " + cell.type + " at " + cell.source;
      by_kind[static_cast<std::size_t>(kind)].push_back(std::move(mutant));
    }
    std::shuffle(by_kind[static_cast<std::size_t>(kind)].begin(),
                 by_kind[static_cast<std::size_t>(kind)].end(), random);
  }
  std::vector<Mutant> chosen;
  for (std::size_t round = 0; chosen.size() < count; ++round) {
    bool any = false;
    for (const auto& list : by_kind) {
      if (round >= list.size() || chosen.size() >= count) continue;
      chosen.push_back(list[round]);
      any = true;
    }
    if (!any) break;
  }
  return chosen;
}

Netlist mutated(const Netlist& netlist, const Mutant& mutant) {
  Netlist result = netlist;
  Cell& cell = result.cells[mutant.cell];
  const auto new_net = [&result] { return result.net_count++; };
  const auto insert = [&](Cell extra) {
    result.cells.insert(result.cells.begin() + static_cast<std::ptrdiff_t>(mutant.cell) + 1,
                        std::move(extra));
    if (mutant.cell < result.ordered) ++result.ordered;
  };
  if (mutant.kind == MutantKind::stuck_bit || mutant.kind == MutantKind::lost_carry) {
    // The faulty bit gets a driver of its own.
    const std::size_t width = cell.port("Y").size();
    const std::size_t place =
        mutant.kind == MutantKind::lost_carry ? width - 1 : static_cast<std::size_t>(mutant.detail) % width;
    Net& net = cell.connections["Y"][place];
    Cell wire;
    wire.name = "fault";
    wire.type = "$pos";
    wire.source = cell.source;
    wire.connections["A"] = {mutant.kind == MutantKind::lost_carry ? cell.port("Y")[width - 2] : net_zero};
    wire.connections["Y"] = {net};
    wire.outputs = {"Y"};
    net = new_net();
    insert(std::move(wire));
  } else if (mutant.kind == MutantKind::drop_register) {
    cell.type = "$pos";
    cell.connections = {{"A", cell.port("D")}, {"Y", cell.port("Q")}};
    cell.parameters.clear();
    cell.outputs = {"Y"};
  } else if (mutant.kind == MutantKind::extra_register) {
    Cell second = cell;
    for (Net& net : cell.connections["Q"]) net = new_net();
    second.connections["D"] = cell.connections["Q"];
    insert(std::move(second));
  } else {
    apply(cell, mutant.kind, mutant.detail);
  }
  return result;
}

std::string mutant_module(const Netlist& netlist, const std::vector<Mutant>& mutants) {
  return Writer(netlist, mutants).text();
}

}  // namespace crible::sim
