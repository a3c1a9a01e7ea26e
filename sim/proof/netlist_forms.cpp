#include "sim/proof/netlist_forms.hpp"

#include <functional>
#include <map>

namespace crible::sim::proof {

namespace {

/// Elaborates one cell after the other.
class Cells {
 public:
  Cells(const Netlist& netlist, std::vector<Signal> nets, Forms& forms) : netlist_(netlist), forms_(forms) {
    result_.nets = std::move(nets);
    result_.nets.resize(static_cast<std::size_t>(netlist.net_count), Signal{{-1, -2}, any_delay});
    result_.nets[net_zero] = {{-1, 0}, any_delay};
    result_.nets[net_one] = {{-1, 1}, any_delay};
    find_readers();
  }

  NetlistForms run() {
    for (std::size_t i = 0; i < netlist_.cells.size(); ++i) {
      const Cell& cell = netlist_.cells[i];
      if (i >= netlist_.ordered) {
        leave(cell, "it is part of a loop through registers, or depends on one");
        continue;
      }
      try {
        treat(cell);
        ++result_.words;
      } catch (const Untreated& reason) {
        leave(cell, reason.what());
      }
    }
    return std::move(result_);
  }

 private:
  using Handler = void (Cells::*)(const Cell&);

  void find_readers() {
    is_read_.resize(static_cast<std::size_t>(netlist_.net_count), false);
    const auto mark = [this](const std::vector<Net>& nets) {
      for (const Net net : nets) {
        if (net > net_one) is_read_[static_cast<std::size_t>(net)] = true;
      }
    };
    for (const Cell& cell : netlist_.cells) {
      for (const auto& [port, nets] : cell.connections) {
        if (!cell.drives(port)) mark(nets);
      }
    }
    for (const auto& [name, port] : netlist_.ports) {
      if (!port.is_input) mark(port.nets);
    }
  }

  void treat(const Cell& cell) {
    static const std::map<std::string, Handler> handlers = {{"$add", &Cells::arithmetic},
                                                            {"$sub", &Cells::arithmetic},
                                                            {"$mul", &Cells::arithmetic},
                                                            {"$neg", &Cells::unary},
                                                            {"$pos", &Cells::unary},
                                                            {"$not", &Cells::unary},
                                                            {"$and", &Cells::bitwise},
                                                            {"$or", &Cells::bitwise},
                                                            {"$xor", &Cells::bitwise},
                                                            {"$xnor", &Cells::bitwise},
                                                            {"$mux", &Cells::multiplexer},
                                                            {"$pmux", &Cells::priority},
                                                            {"$eq", &Cells::comparison},
                                                            {"$ne", &Cells::comparison},
                                                            {"$lt", &Cells::comparison},
                                                            {"$le", &Cells::comparison},
                                                            {"$gt", &Cells::comparison},
                                                            {"$ge", &Cells::comparison},
                                                            {"$eqx", &Cells::comparison},
                                                            {"$nex", &Cells::comparison},
                                                            {"$logic_not", &Cells::truth},
                                                            {"$logic_and", &Cells::truth},
                                                            {"$logic_or", &Cells::truth},
                                                            {"$reduce_or", &Cells::truth},
                                                            {"$reduce_bool", &Cells::truth},
                                                            {"$reduce_and", &Cells::truth},
                                                            {"$shl", &Cells::shift},
                                                            {"$sshl", &Cells::shift},
                                                            {"$shr", &Cells::shift},
                                                            {"$sshr", &Cells::shift},
                                                            {"$shift", &Cells::shift},
                                                            {"$shiftx", &Cells::shift},
                                                            {"$dff", &Cells::register_cell},
                                                            {"$sdff", &Cells::register_cell},
                                                            {"$dffe", &Cells::register_cell},
                                                            {"$sdffe", &Cells::register_cell},
                                                            {"$sdffce", &Cells::register_cell},
                                                            {"$adff", &Cells::register_cell},
                                                            {"$mem_v2", &Cells::memory}};
    const auto found = handlers.find(cell.type);
    if (found == handlers.end()) throw Untreated("the checker does not know " + cell.type + " cells");
    delay_ = any_delay;
    (this->*found->second)(cell);
  }

  /// Unknown bits in place of what could not be treated.
  void leave(const Cell& cell, const std::string& reason) {
    for (const std::string& port : cell.outputs) {
      for (const Net net : cell.port(port)) {
        if (net <= net_one) continue;
        const FormId unknown = forms_.variable({0, 1});
        result_.opaque.emplace_back(unknown, cell.source + " (" + cell.type + "): " + reason);
        result_.nets[static_cast<std::size_t>(net)] = {{unknown, 0}, any_delay};
      }
    }
  }

  /// The bits of an input port; all that are not constant must come after equally many registers.
  Bits read(const Cell& cell, const std::string& port) {
    Bits bits;
    for (const Net net : cell.port(port)) {
      if (net == net_unknown) throw Untreated("it reads an x");
      const Signal& signal = result_.nets[static_cast<std::size_t>(net)];
      if (signal.bit.is_constant() && signal.bit.index == -2)
        throw Untreated("it reads a net that nothing drives");
      if (signal.delay != any_delay) {
        if (delay_ != any_delay && delay_ != signal.delay) {
          throw Untreated("signals after " + std::to_string(delay_) + " and after " +
                          std::to_string(signal.delay) + " registers meet");
        }
        delay_ = signal.delay;
      }
      bits.push_back(signal.bit);
    }
    return bits;
  }

  void write(const std::vector<Net>& nets, const Bits& bits) {
    for (std::size_t i = 0; i < nets.size(); ++i) {
      const BitId bit = bits[i];
      result_.nets[static_cast<std::size_t>(nets[i])] = {bit, bit.is_constant() ? any_delay : delay_};
    }
  }

  void write(const Cell& cell, FormId form) {
    std::vector<Net> nets = cell.port("Y");
    nets.resize(read_width(cell));
    const int width = static_cast<int>(nets.size());
    write(nets, bits_of(forms_, forms_.recognize(form, width), width));
  }

  /// The bits of a sum that anything reads: Yosys makes some wider than the expression is, and extends their
  /// operands by zeros although they are signed.
  std::size_t read_width(const Cell& cell) const {
    const std::vector<Net>& nets = cell.port("Y");
    std::size_t width = nets.size();
    while (is_sum(cell) && width > 1 && nets[width - 1] > net_one &&
           !is_read_[static_cast<std::size_t>(nets[width - 1])]) {
      --width;
    }
    return width;
  }
  static bool is_sum(const Cell& cell) {
    return cell.type == "$add" || cell.type == "$sub" || cell.type == "$mul" || cell.type == "$neg";
  }

  static bool both_signed(const Cell& cell) {
    return cell.parameter("A_SIGNED") != 0 && (!cell.has("B") || cell.parameter("B_SIGNED") != 0);
  }

  /// An operand that is extended to the width of the result.
  FormId operand(const Cell& cell, const std::string& port) {
    const Bits bits = read(cell, port);
    const std::size_t width = read_width(cell);
    if (bits.size() >= width) return modular_word(forms_, std::span(bits).first(width));
    return integer_word(forms_, bits, both_signed(cell));
  }

  Bits extended(const Cell& cell, const std::string& port) {
    Bits bits = read(cell, port);
    const BitId fill = both_signed(cell) ? bits.back() : BitId{-1, 0};
    bits.resize(cell.port("Y").size(), fill);
    return bits;
  }

  void arithmetic(const Cell& cell) {
    const FormId a = operand(cell, "A");
    const FormId b = operand(cell, "B");
    if (cell.type == "$mul") return write(cell, forms_.multiply(a, b));
    write(cell, forms_.sum({{a, 1}, {b, cell.type == "$sub" ? -1 : 1}}));
  }

  void unary(const Cell& cell) {
    const FormId a = operand(cell, "A");
    if (cell.type == "$pos") return write(cell, a);
    write(cell, forms_.sum({{a, -1}}, cell.type == "$not" ? -1 : 0));
  }

  static bool replicated(const Bits& bits) {
    for (const BitId bit : bits) {
      if (bit.is_constant() || !(bit == bits[0])) return false;
    }
    return true;
  }

  void bitwise(const Cell& cell) {
    Bits a = extended(cell, "A");
    Bits b = extended(cell, "B");
    if (replicated(a)) std::swap(a, b);
    if (replicated(b)) return masked(cell, a, b[0]);
    Bits result;
    bool simple = true;
    for (std::size_t i = 0; i < a.size(); ++i) {
      simple = simple && (a[i].is_constant() || b[i].is_constant() || a[i] == b[i]);
    }
    if (!simple) {
      try {
        const FormId both = forms_.bitwise(kind_of(cell.type), integer_word(forms_, a, false),
                                           integer_word(forms_, b, false));
        return write(cell, cell.type == "$xnor" ? forms_.sum({{both, -1}}, -1) : both);
      } catch (const Untreated&) {
      }
    }
    for (std::size_t i = 0; i < a.size(); ++i) result.push_back(bit_operation(cell.type, a[i], b[i]));
    write(cell.port("Y"), result);
  }

  static FunctionKind kind_of(const std::string& type) {
    return type == "$and"  ? FunctionKind::bit_and
           : type == "$or" ? FunctionKind::bit_or
                           : FunctionKind::bit_xor;
  }

  /// word op {n{bit}}
  void masked(const Cell& cell, const Bits& word, BitId mask) {
    const FormId a = modular_word(forms_, word);
    const FormId not_a = forms_.sum({{a, -1}}, -1);
    const FormId condition = bit_word(forms_, mask);
    if (cell.type == "$and") return write(cell, forms_.choose(condition, a, forms_.constant(0)));
    if (cell.type == "$or") return write(cell, forms_.choose(condition, forms_.constant(-1), a));
    if (cell.type == "$xor") return write(cell, forms_.choose(condition, not_a, a));
    write(cell, forms_.choose(condition, a, not_a));
  }

  BitId bit_operation(const std::string& type, BitId a, BitId b) {
    const FormId x = bit_word(forms_, a);
    const FormId y = bit_word(forms_, b);
    const FormId not_y = forms_.sum({{y, -1}}, 1);
    FormId result = -1;
    if (type == "$and") result = forms_.choose(x, y, forms_.constant(0));
    if (type == "$or") result = forms_.choose(x, forms_.constant(1), y);
    if (type == "$xor") result = forms_.choose(x, not_y, y);
    if (type == "$xnor") result = forms_.choose(x, y, not_y);
    return forms_.bit(result, 0);
  }

  void multiplexer(const Cell& cell) {
    const FormId condition = bit_word(forms_, read(cell, "S")[0]);
    if (const auto value = forms_.constant_of(condition)) {
      return write(cell.port("Y"), read(cell, *value != 0 ? "B" : "A"));
    }
    const Bits yes = read(cell, "B");
    const Bits no = read(cell, "A");
    write(cell, chosen(condition, yes, no));
  }

  /// The modular forms of both words; a constant takes the sign that the other's range suggests.
  FormId chosen(FormId condition, const Bits& yes, const Bits& no) {
    return forms_.choose(condition, modular_word(forms_, yes), modular_word(forms_, no));
  }

  void priority(const Cell& cell) {
    const Bits select = read(cell, "S");
    const Bits words = read(cell, "B");
    const std::size_t width = cell.port("Y").size();
    FormId result = modular_word(forms_, read(cell, "A"));
    for (std::size_t i = select.size(); i-- > 0;) {
      const FormId word = modular_word(forms_, std::span(words).subspan(i * width, width));
      result = forms_.choose(bit_word(forms_, select[i]), word, result);
    }
    write(cell, result);
  }

  void comparison(const Cell& cell) {
    const FormId a = integer_word(forms_, read(cell, "A"), both_signed(cell));
    const FormId b = integer_word(forms_, read(cell, "B"), both_signed(cell));
    const std::string& type = cell.type;
    const bool inverted = type == "$ne" || type == "$nex" || type == "$ge" || type == "$le";
    FormId result = -1;
    if (type == "$lt" || type == "$ge") result = forms_.less(a, b);
    if (type == "$gt" || type == "$le") result = forms_.less(b, a);
    if (result < 0) result = forms_.equal(a, b);
    write(cell, inverted ? forms_.sum({{result, -1}}, 1) : result);
  }

  /// 1 where the word is not zero.
  FormId truth_of(const Bits& bits) {
    const FormId zero = forms_.equal(integer_word(forms_, bits, false), forms_.constant(0));
    return forms_.sum({{zero, -1}}, 1);
  }

  void truth(const Cell& cell) {
    const Bits bits = read(cell, "A");
    if (cell.type == "$reduce_and") {
      const Integer ones = power_of_two(static_cast<int>(bits.size())) - 1;
      return write(cell, forms_.equal(integer_word(forms_, bits, false), forms_.constant(ones)));
    }
    const FormId a = truth_of(bits);
    if (cell.type == "$reduce_or" || cell.type == "$reduce_bool") return write(cell, a);
    if (cell.type == "$logic_not") return write(cell, forms_.sum({{a, -1}}, 1));
    const FormId b = truth_of(read(cell, "B"));
    if (cell.type == "$logic_and") return write(cell, forms_.choose(a, b, forms_.constant(0)));
    write(cell, forms_.choose(a, forms_.constant(1), b));
  }

  void shift(const Cell& cell) {
    const bool left = cell.type == "$shl" || cell.type == "$sshl";
    const bool indexed = cell.type == "$shift" || cell.type == "$shiftx";
    const FormId amount = integer_word(forms_, read(cell, "B"), indexed && cell.parameter("B_SIGNED") != 0);
    const auto constant = forms_.constant_of(amount);
    if (!constant) return variable_shift(cell, amount);
    Bits bits = read(cell, "A");
    const bool sign = cell.type == "$sshr" && cell.parameter("A_SIGNED") != 0;
    const BitId fill = sign || (left && cell.parameter("A_SIGNED") != 0) ? bits.back() : BitId{-1, 0};
    const Integer by = left ? -*constant : *constant;
    Bits result;
    for (Integer i = 0; i < static_cast<Integer>(cell.port("Y").size()); ++i) {
      const Integer place = i + by;
      if (place < 0) {
        result.push_back({-1, 0});
      } else {
        const bool inside = place < static_cast<Integer>(bits.size());
        if (!inside && cell.type == "$shiftx") throw Untreated("a word is read beyond its bits");
        result.push_back(inside ? bits[static_cast<std::size_t>(place)] : fill);
      }
    }
    write(cell.port("Y"), result);
  }

  /// A constant word shifted by a variable amount is a table.
  void variable_shift(const Cell& cell, FormId amount) {
    const Bits bits = read(cell, "A");
    const Bounds range = forms_.bounds(amount);
    const std::size_t width = cell.port("Y").size();
    if (cell.type != "$shr" && cell.type != "$shiftx" && cell.type != "$shift") {
      throw Untreated("a shift by a variable amount");
    }
    if (range.low < 0 || range.size() > 1 << 20) throw Untreated("a shift by a variable amount");
    std::vector<Integer> values;
    for (Integer by = range.low; by <= range.high; ++by) {
      Integer value = 0;
      for (std::size_t i = 0; i < width; ++i) {
        const std::size_t place = static_cast<std::size_t>(by) + i;
        if (place >= bits.size() && cell.type == "$shiftx") throw Untreated("a word is read beyond its bits");
        if (place >= bits.size()) continue;
        if (!bits[place].is_constant()) throw Untreated("a variable word shifted by a variable amount");
        if (bits[place].index == 1) value += power_of_two(static_cast<int>(i));
      }
      values.push_back(value);
    }
    write(cell, forms_.table(amount, range.low, std::move(values)));
  }

  /// A table in a memory without write ports.
  void memory(const Cell& cell) {
    if (cell.parameter("WR_PORTS") != 0) throw Untreated("a memory that is written");
    const auto width = static_cast<std::size_t>(cell.parameter("WIDTH"));
    const auto address_bits = static_cast<std::size_t>(cell.parameter("ABITS"));
    const std::string& content = cell.parameters.at("INIT");
    const std::string& clocked = cell.parameters.at("RD_CLK_ENABLE");
    if (clocked.find('1') != std::string::npos) throw Untreated("a memory with a clocked read port");
    const std::vector<Net>& addresses = cell.port("RD_ADDR");
    const std::vector<Net>& data = cell.port("RD_DATA");
    for (std::size_t port = 0; port < static_cast<std::size_t>(cell.parameter("RD_PORTS")); ++port) {
      delay_ = any_delay;
      const FormId address = read_word(addresses, port * address_bits, address_bits);
      const Bounds range = forms_.bounds(address);
      std::vector<Integer> values;
      for (Integer i = range.low; i <= range.high; ++i) {
        values.push_back(entry(content, static_cast<std::size_t>(i - cell.parameter("OFFSET")), width));
      }
      const FormId word =
          forms_.recognize(forms_.table(address, range.low, std::move(values)), static_cast<int>(width));
      write({data.begin() + static_cast<std::ptrdiff_t>(port * width),
             data.begin() + static_cast<std::ptrdiff_t>((port + 1) * width)},
            bits_of(forms_, word, static_cast<int>(width)));
    }
  }

  static Integer entry(const std::string& content, std::size_t index, std::size_t width) {
    if ((index + 1) * width > content.size()) throw Untreated("a memory is read outside its words");
    Integer value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const char bit = content[content.size() - 1 - index * width - i];
      if (bit != '0' && bit != '1') throw Untreated("a memory word that is read has no value");
      if (bit == '1') value += power_of_two(static_cast<int>(i));
    }
    return value;
  }

  FormId read_word(const std::vector<Net>& nets, std::size_t first, std::size_t count) {
    Cell part;
    part.connections["A"] = {nets.begin() + static_cast<std::ptrdiff_t>(first),
                             nets.begin() + static_cast<std::ptrdiff_t>(first + count)};
    return integer_word(forms_, read(part, "A"), false);
  }

  void register_cell(const Cell& cell) {
    if (cell.type == "$adff") throw Untreated("an asynchronous reset");
    const Net clock = cell.port("CLK")[0];
    if (clock_ == net_unknown) clock_ = clock;
    if (clock != clock_ || cell.parameter("CLK_POLARITY", 1) != 1) throw Untreated("a second clock");
    for (const char* port : {"EN", "SRST"}) {
      if (!cell.has(port)) continue;
      const BitId control = read(cell, port)[0];
      const bool active_high = cell.parameter(std::string(port) + "_POLARITY", 1) != 0;
      const bool wanted = std::string(port) == "EN";
      if (!control.is_constant())
        throw Untreated(std::string("a register with a variable ") + (wanted ? "enable" : "reset"));
      if (((control.index == 1) == active_high) != wanted) throw Untreated("a register that is never loaded");
    }
    const std::vector<Net>& from = cell.port("D");
    const std::vector<Net>& to = cell.port("Q");
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i] == net_unknown) throw Untreated("it reads an x");
      Signal signal = result_.nets[static_cast<std::size_t>(from[i])];
      if (signal.delay != any_delay) ++signal.delay;
      result_.nets[static_cast<std::size_t>(to[i])] = signal;
    }
  }

  const Netlist& netlist_;
  Forms& forms_;
  NetlistForms result_;
  std::vector<bool> is_read_;  // by a cell or an output port
  int delay_ = any_delay;      // of the cell that is treated
  Net clock_ = net_unknown;
};

}  // namespace

NetlistForms elaborate(const Netlist& netlist, std::vector<Signal> nets, Forms& forms) {
  return Cells(netlist, std::move(nets), forms).run();
}

}  // namespace crible::sim::proof
