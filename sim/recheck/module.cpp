#include "sim/recheck/module.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"

namespace crible::sim::recheck {

namespace {

using Json = nlohmann::json;

Nets nets_of(const Json& bits) {
  Nets nets;
  for (const Json& bit : bits) {
    nets.push_back(bit.is_number() ? bit.get<int>() : bit == "0" ? 0 : bit == "1" ? 1 : -1);
  }
  return nets;
}

Cell read_cell(const Json& json) {
  Cell cell;
  cell.type = json.at("type").get<std::string>();
  for (const auto& [key, value] : json.at("parameters").items()) {
    cell.parameters[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  for (const auto& [name, bits] : json.at("connections").items()) {
    if (json.at("port_directions").at(name) == "output") {
      cell.output = nets_of(bits);
    } else {
      cell.inputs[name] = nets_of(bits);
    }
  }
  return cell;
}

/// Registers bit by bit, since a shift register in one word looks like a loop; a choice by the reset is the
/// wire that an inactive reset leaves.
std::vector<Cell> parts(Cell cell, Net reset, bool active_low) {
  const bool by_reset = cell.type == "$mux" && cell.in("S") == Nets{reset};
  if (by_reset) {
    const Nets from = cell.in(active_low ? "B" : "A");
    cell.type = "$wire";
    cell.inputs = {{"D", from}};
  }
  if (!cell.is_wire() || cell.output.size() != cell.in("D").size()) return {std::move(cell)};
  std::vector<Cell> bits;
  for (std::size_t i = 0; i < cell.output.size(); ++i) {
    bits.push_back(cell);
    bits.back().inputs["D"] = {cell.in("D")[i]};
    bits.back().output = {cell.output[i]};
  }
  return bits;
}

}  // namespace

const Nets& Cell::in(const std::string& port) const {
  static const Nets none;
  const auto found = inputs.find(port);
  return found == inputs.end() ? none : found->second;
}

long long Cell::number(const std::string& key, long long otherwise) const {
  const auto found = parameters.find(key);
  if (found == parameters.end()) return otherwise;
  const std::string& digits = found->second;
  if (digits.size() < 8) return std::stoll(digits);
  return std::stoll(digits.substr(digits.size() - std::min<std::size_t>(digits.size(), 31)), nullptr, 2);
}

bool Cell::is_signed() const {
  return number("A_SIGNED") != 0 && (inputs.count("B") == 0 || number("B_SIGNED") != 0);
}

Net Module::single(const std::string& port_name) const {
  return port_name.empty() || port(port_name).size() != 1 ? -1 : port(port_name)[0];
}

Module::Module(const std::string& json, const Binding& binding) {
  try {
    const Json module = Json::parse(json).at("modules").at(binding.top);
    int count = 2;
    const auto note = [&count](const Nets& nets) {
      for (const Net net : nets) count = std::max(count, net + 1);
    };
    for (const auto& [name, port] : module.at("ports").items()) note(ports_[name] = nets_of(port.at("bits")));
    const Net reset = single(binding.reset);
    std::vector<Cell> cells;
    for (const auto& [name, cell] : module.at("cells").items()) {
      for (Cell& part : parts(read_cell(cell), reset, binding.reset_active_low)) {
        note(part.output);
        for (const auto& [port, nets] : part.inputs) note(nets);
        cells.push_back(std::move(part));
      }
    }
    read_.assign(static_cast<std::size_t>(count), false);
    drivers_.assign(static_cast<std::size_t>(count), -1);
    delays_.assign(static_cast<std::size_t>(count), no_delay);
    for (Net net = 0; net < count; ++net) roots_.push_back(net);
    delays_[0] = delays_[1] = any_delay;
    const auto mark = [this](const Nets& nets) {
      for (const Net net : nets) {
        if (net >= 0) read_[static_cast<std::size_t>(net)] = true;
      }
    };
    for (const Cell& cell : cells) {
      for (const auto& [port, nets] : cell.inputs) mark(nets);
    }
    for (const auto& [name, port] : module.at("ports").items()) {
      if (port.at("direction") == "output") {
        mark(ports_[name]);
        continue;
      }
      for (const Net net : ports_[name]) delays_[static_cast<std::size_t>(net)] = 0;
    }
    order(std::move(cells));
    for (const Cell& cell : cells_) pass(cell, single(binding.clock), reset);
  } catch (const Json::exception& problem) {
    throw Error(std::string("The netlist cannot be read: ") + problem.what(), Fault::failure);
  }
}

const Nets& Module::port(const std::string& name) const {
  const auto found = ports_.find(name);
  if (found == ports_.end()) throw Error("The netlist has no port '" + name + "'.");
  return found->second;
}

Nets Module::roots(const Nets& nets) const {
  Nets result;
  for (const Net net : nets) result.push_back(root(net));
  return result;
}

const Cell* Module::driver(Net net) const {
  if (net <= 1 || drivers_[static_cast<std::size_t>(net)] < 0) return nullptr;
  const Cell& cell = cells_[static_cast<std::size_t>(drivers_[static_cast<std::size_t>(net)])];
  return cell.is_wire() ? nullptr : &cell;
}

void Module::order(std::vector<Cell> cells) {
  std::vector<int> driven_by(roots_.size(), -1);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (const Net net : cells[i].output) {
      if (net > 1) driven_by[static_cast<std::size_t>(net)] = static_cast<int>(i);
    }
  }
  std::vector<int> waits(cells.size(), 0);
  std::vector<std::vector<std::size_t>> users(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (const auto& [port, nets] : cells[i].inputs) {
      for (const Net net : nets) {
        const int source = net > 1 ? driven_by[static_cast<std::size_t>(net)] : -1;
        if (source < 0) continue;
        ++waits[i];
        users[static_cast<std::size_t>(source)].push_back(i);
      }
    }
  }
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (waits[i] == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    const std::size_t next = ready.back();
    ready.pop_back();
    for (const std::size_t user : users[next]) {
      if (--waits[user] == 0) ready.push_back(user);
    }
    for (const Net net : cells[next].output) {
      if (net > 1) drivers_[static_cast<std::size_t>(net)] = static_cast<int>(cells_.size());
    }
    cells_.push_back(std::move(cells[next]));
  }
}

/// Delays of a cell's outputs; a register's roots.
void Module::pass(const Cell& cell, Net clock, Net reset) {
  int delay = any_delay;
  const auto join = [&](const Nets& nets) {
    for (const Net net : nets) {
      const int of = this->delay(net);
      if (of == any_delay) continue;
      delay = of == no_delay || (delay != any_delay && delay != of) ? no_delay : of;
      if (delay == no_delay) return;
    }
  };
  if (!cell.is_wire()) {
    for (const auto& [port, nets] : cell.inputs) {
      if (delay != no_delay) join(nets);
    }
    for (const Net net : cell.output) delays_[static_cast<std::size_t>(net)] = delay;
    return;
  }
  // Anything but a plain register on the binding's clock stays unknown.
  const bool wire = cell.type == "$wire";
  const bool plain = (cell.type == "$dff" || cell.type == "$sdff") && cell.in("CLK") == Nets{clock} &&
                     cell.number("CLK_POLARITY", 1) == 1 &&
                     (cell.type == "$dff" || cell.in("SRST") == Nets{reset});
  if (!plain && !wire) return;
  for (std::size_t i = 0; i < cell.output.size(); ++i) {
    const Net from = cell.in("D")[i];
    if (from < 0) continue;
    const int before = this->delay(from);
    const auto to = static_cast<std::size_t>(cell.output[i]);
    roots_[to] = root(from);
    delays_[to] = before >= 0 && !wire ? before + 1 : before;
  }
}

}  // namespace crible::sim::recheck
