#include "sim/proof/netlist.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"

namespace crible::sim::proof {

namespace {

using Json = nlohmann::json;

Net net_of(const Json& bit, int& count) {
  if (bit.is_number()) {
    count = std::max(count, bit.get<int>() + 1);
    return bit.get<int>();
  }
  const auto text = bit.get<std::string>();
  return text == "0" ? net_zero : text == "1" ? net_one : net_unknown;
}

std::vector<Net> nets_of(const Json& bits, int& count) {
  std::vector<Net> nets;
  for (const Json& bit : bits) nets.push_back(net_of(bit, count));
  return nets;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Cell read_cell(const std::string& name, const Json& json, int& count) {
  Cell cell;
  cell.name = name;
  cell.type = json.at("type").get<std::string>();
  if (json.contains("attributes") && json["attributes"].contains("src")) {
    const auto source = json["attributes"]["src"].get<std::string>();
    const std::size_t last = source.rfind('|');
    cell.source = last == std::string::npos ? source : source.substr(last + 1);
  }
  for (const auto& [key, value] : json.at("parameters").items()) cell.parameters[key] = text_of(value);
  for (const auto& [port, bits] : json.at("connections").items())
    cell.connections[port] = nets_of(bits, count);
  for (const auto& [port, direction] : json.at("port_directions").items()) {
    if (direction == "output") cell.outputs.push_back(port);
  }
  return cell;
}

/// Orders cells so that each stands after those that drive its inputs; registers count as cells.
void order_cells(Netlist& netlist) {
  const std::size_t count = netlist.cells.size();
  std::vector<int> driver(static_cast<std::size_t>(netlist.net_count), -1);
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::string& port : netlist.cells[i].outputs) {
      for (const Net net : netlist.cells[i].connections[port]) {
        if (net > net_one) driver[static_cast<std::size_t>(net)] = static_cast<int>(i);
      }
    }
  }
  std::vector<int> waiting(count, 0);
  std::vector<std::vector<int>> users(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<int> sources;
    for (const auto& [port, nets] : netlist.cells[i].connections) {
      if (netlist.cells[i].drives(port)) continue;
      for (const Net net : nets) {
        const int source = net > net_one ? driver[static_cast<std::size_t>(net)] : -1;
        if (source >= 0) sources.push_back(source);
      }
    }
    std::sort(sources.begin(), sources.end());
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
    waiting[i] = static_cast<int>(sources.size());
    for (const int source : sources) users[static_cast<std::size_t>(source)].push_back(static_cast<int>(i));
  }
  std::vector<int> ready;
  for (std::size_t i = count; i-- > 0;) {
    if (waiting[i] == 0) ready.push_back(static_cast<int>(i));
  }
  std::vector<Cell> sorted;
  std::vector<bool> done(count, false);
  while (!ready.empty()) {
    const auto i = static_cast<std::size_t>(ready.back());
    ready.pop_back();
    done[i] = true;
    sorted.push_back(std::move(netlist.cells[i]));
    for (const int user : users[i]) {
      if (--waiting[static_cast<std::size_t>(user)] == 0) ready.push_back(user);
    }
  }
  netlist.ordered = sorted.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (!done[i]) sorted.push_back(std::move(netlist.cells[i]));
  }
  netlist.cells = std::move(sorted);
}

/// One bit of a register or multiplexer.
Cell bit_of(const Cell& cell, std::size_t index, std::size_t width) {
  Cell bit = cell;
  bit.name += "[" + std::to_string(index) + "]";
  for (const char* port : {"A", "B", "Y", "D", "Q"}) {
    const auto found = bit.connections.find(port);
    if (found != bit.connections.end()) found->second = {found->second[index]};
  }
  for (const char* key : {"SRST_VALUE", "ARST_VALUE"}) {
    const auto found = bit.parameters.find(key);
    if (found != bit.parameters.end() && found->second.size() == width) {
      found->second = found->second.substr(width - 1 - index, 1);
    }
  }
  return bit;
}

/// Registers and multiplexers in loops, bit by bit: a shift register in one word is a loop of words and a
/// chain of bits.
void split_loops(Netlist& netlist) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < netlist.cells.size(); ++i) {
    Cell& cell = netlist.cells[i];
    const bool splits = cell.type == "$mux" || cell.type.find("dff") != std::string::npos;
    if (i < netlist.ordered || !splits) {
      cells.push_back(std::move(cell));
      continue;
    }
    const std::size_t width = cell.connections.at(cell.type == "$mux" ? "Y" : "Q").size();
    for (std::size_t bit = 0; bit < width; ++bit) cells.push_back(bit_of(cell, bit, width));
  }
  netlist.cells = std::move(cells);
}

}  // namespace

const std::vector<Net>& Cell::port(const std::string& port_name) const {
  const auto found = connections.find(port_name);
  if (found == connections.end()) throw Untreated("a " + type + " cell without port " + port_name);
  return found->second;
}

bool Cell::drives(const std::string& port_name) const {
  return std::find(outputs.begin(), outputs.end(), port_name) != outputs.end();
}

long long Cell::parameter(const std::string& key, long long otherwise) const {
  const auto found = parameters.find(key);
  if (found == parameters.end()) return otherwise;
  const std::string& text = found->second;
  // Yosys writes numbers as text of binary digits.
  const bool binary = text.size() >= 8 && text.find_first_not_of("01") == std::string::npos;
  if (!binary) return std::stoll(text);
  return static_cast<std::int32_t>(
      std::stoull(text.size() > 32 ? text.substr(text.size() - 32) : text, nullptr, 2));
}

Netlist parse_netlist(const std::string& text, const std::string& top) {
  try {
    const Json json = Json::parse(text);
    const Json& modules = json.at("modules");
    if (!modules.contains(top)) throw Error("Yosys' netlist has no module '" + top + "'.");
    const Json& module = modules.at(top);
    Netlist netlist;
    netlist.top = top;
    for (const auto& [name, port] : module.at("ports").items()) {
      Port& result = netlist.ports[name];
      result.is_input = port.at("direction") == "input";
      result.nets = nets_of(port.at("bits"), netlist.net_count);
    }
    for (const auto& [name, cell] : module.at("cells").items()) {
      netlist.cells.push_back(read_cell(name, cell, netlist.net_count));
    }
    if (module.contains("netnames")) {
      for (const auto& [name, net] : module.at("netnames").items()) {
        netlist.names[name] = nets_of(net.at("bits"), netlist.net_count);
      }
    }
    order_cells(netlist);
    if (netlist.ordered < netlist.cells.size()) {
      split_loops(netlist);
      order_cells(netlist);
    }
    return netlist;
  } catch (const Json::exception& problem) {
    throw Error(std::string("Yosys' netlist cannot be read: ") + problem.what(), Fault::failure);
  }
}

}  // namespace crible::sim::proof
