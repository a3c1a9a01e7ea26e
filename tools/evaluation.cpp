#include "tools/evaluation.hpp"

#include <algorithm>

#include "backends/backend.hpp"
#include "engine/base/error.hpp"
#include "engine/base/npy.hpp"
#include "engine/network/encoding.hpp"
#include "engine/network/stored.hpp"
#include "engine/reference/reference.hpp"
#include "sim/run_rtl.hpp"
#include "tools/network_file.hpp"
#include "tools/progress.hpp"

namespace crible::tools {

namespace {

using network::Network;
using network::Node;

const Node& node_of(const Network& network, network::NodeId id) {
  return network.nodes[static_cast<std::size_t>(id)];
}

std::vector<const Node*> ends(const Network& network, const std::vector<network::NodeId>& ids) {
  std::vector<const Node*> nodes;
  for (const auto id : ids) nodes.push_back(&node_of(network, id));
  return nodes;
}

std::string names_of(const std::vector<const Node*>& nodes) {
  std::string names;
  for (const Node* node : nodes) names += (names.empty() ? "" : ", ") + node->name;
  return names;
}

/// The integers of one input from an array, checked or encoded.
std::vector<std::int64_t> integers_of(const Array& array, const Node& input, const std::string& source) {
  const std::size_t elements = network::element_count(input.shape);
  if (array.shape.empty() || array.element_count() != array.shape[0] * elements) {
    std::string shape = "(events";
    for (const int extent : input.shape) shape += ", " + std::to_string(extent);
    throw Error(source + ": input '" + input.name + "' needs an array of shape " + shape + ")");
  }
  const auto place = [&](std::size_t i) {
    return source + ": input '" + input.name + "', event " + std::to_string(i / elements) + ", element " +
           std::to_string(i % elements);
  };
  if (!is_float(array.kind)) {
    std::vector<std::int64_t> values = to_integers(array);
    const std::int64_t low = network::lowest(input.type);
    const std::int64_t high = network::highest(input.type);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] < low || values[i] > high)
        throw Error(place(i) + ": " + std::to_string(values[i]) + " is outside " +
                    network::to_string(input.type) +
                    "; give integers of that type, or real numbers as float32 to have them encoded");
    }
    return values;
  }
  const network::Encoding& encoding = std::get<network::Input>(input.operation).encoding;
  const std::size_t lanes = input.shape.empty() ? 1 : static_cast<std::size_t>(input.shape.back());
  const std::vector<double> reals = to_doubles(array);
  std::vector<std::int64_t> values(reals.size());
  for (std::size_t i = 0; i < reals.size(); ++i) {
    try {
      values[i] = network::encode(encoding, input.type, reals[i], i % lanes);
    } catch (const Error& error) {
      throw Error(place(i) + ": " + error.what());
    }
  }
  return values;
}

const Array& member(const NamedArrays& arrays, const std::string& name, const std::string& source,
                    const std::vector<const Node*>& inputs) {
  const auto found =
      std::find_if(arrays.begin(), arrays.end(), [&](const auto& entry) { return entry.first == name; });
  if (found == arrays.end())
    throw Error(source + ": has no array '" + name + "'; the network's inputs are: " + names_of(inputs));
  return found->second;
}

Evaluated evaluate_reference(const Network& network, const EventArrays& inputs) {
  const auto input_nodes = ends(network, network::inputs_of(network));
  Evaluated result{"reference", std::vector<std::vector<std::int64_t>>(network::outputs_of(network).size())};
  Progress progress("events", inputs.events);
  for (std::size_t event = 0; event < inputs.events; ++event) {
    std::vector<reference::Tensor> row;
    for (std::size_t i = 0; i < input_nodes.size(); ++i) {
      const std::size_t elements = network::element_count(input_nodes[i]->shape);
      const auto first = inputs.values[i].begin() + static_cast<std::ptrdiff_t>(event * elements);
      row.emplace_back(first, first + static_cast<std::ptrdiff_t>(elements));
    }
    const auto outputs = reference::evaluate(network, row);
    for (std::size_t o = 0; o < outputs.size(); ++o)
      result.outputs[o].insert(result.outputs[o].end(), outputs[o].begin(), outputs[o].end());
    progress.update(event + 1);
  }
  return result;
}

/// The network's firmware in a simulator.
Evaluated evaluate_rtl(const Network& network, const EventArrays& inputs) {
  std::vector<sim::Event> events(inputs.events);
  for (const std::vector<std::int64_t>& values : inputs.values) {
    const std::size_t elements = values.size() / std::max<std::size_t>(1, inputs.events);
    for (std::size_t event = 0; event < inputs.events; ++event) {
      const auto first = values.begin() + static_cast<std::ptrdiff_t>(event * elements);
      events[event].emplace_back(first, first + static_cast<std::ptrdiff_t>(elements));
    }
  }
  Evaluated result{"rtl", std::vector<std::vector<std::int64_t>>(network::outputs_of(network).size())};
  for (const sim::Event& outputs : sim::run_rtl(network, events)) {
    for (std::size_t o = 0; o < outputs.size(); ++o)
      result.outputs[o].insert(result.outputs[o].end(), outputs[o].begin(), outputs[o].end());
  }
  return result;
}

void fill(backends::Slot& slot, const std::vector<const Node*>& input_nodes, const EventArrays& inputs,
          std::size_t first, std::size_t events) {
  for (std::size_t i = 0; i < input_nodes.size(); ++i) {
    const std::size_t elements = network::element_count(input_nodes[i]->shape);
    const std::size_t bytes = network::storage_bytes(input_nodes[i]->type);
    for (std::size_t e = 0; e < events * elements; ++e)
      network::store_element(slot.inputs[i].data() + e * bytes, input_nodes[i]->type,
                             inputs.values[i][first * elements + e]);
  }
}

Evaluated evaluate_device(const Network& network, const EventArrays& inputs, const std::string& wanted) {
  const std::vector<std::string> accelerators = backends::accelerators();
  const std::string name = wanted != "auto" ? wanted : accelerators.empty() ? "cpu" : accelerators.front();
  const std::size_t colon = name.find(':');
  const backends::Backend& backend = backends::find(name.substr(0, colon));
  if (const std::string reason = backend.supports(network); !reason.empty()) throw Error(reason);
  backends::CompileOptions options;
  if (colon != std::string::npos) options.device = name;
  options.max_batch = std::clamp<std::size_t>(inputs.events, 1, 1024);
  options.slots = 1;
  const auto program = backend.compile(network, options);
  const auto input_nodes = ends(network, network::inputs_of(network));
  const auto output_nodes = ends(network, network::outputs_of(network));
  Evaluated result{program->device(), std::vector<std::vector<std::int64_t>>(output_nodes.size())};
  backends::Slot& slot = program->slots()[0];
  Progress progress("events", inputs.events);
  for (std::size_t done = 0; done < inputs.events; done += options.max_batch) {
    const std::size_t events = std::min(options.max_batch, inputs.events - done);
    fill(slot, input_nodes, inputs, done, events);
    if (const auto status = program->run(0, events); status != backends::Status::ok)
      throw Error(program->device() + ": " + backends::sentence(status), Fault::failure);
    for (std::size_t o = 0; o < output_nodes.size(); ++o) {
      const std::size_t count = events * network::element_count(output_nodes[o]->shape);
      const std::size_t bytes = network::storage_bytes(output_nodes[o]->type);
      for (std::size_t i = 0; i < count; ++i)
        result.outputs[o].push_back(
            network::load_element(slot.outputs[o].data() + i * bytes, output_nodes[o]->type));
    }
    progress.update(done + events);
  }
  return result;
}

ElementKind kind_of(network::Type type) {
  const std::size_t bytes = network::storage_bytes(type);
  if (bytes == 8) return ElementKind::int64;  // unsigned types are at most 32 bits wide
  if (bytes == 4) return type.is_signed ? ElementKind::int32 : ElementKind::uint32;
  if (bytes == 2) return type.is_signed ? ElementKind::int16 : ElementKind::uint16;
  return type.is_signed ? ElementKind::int8 : ElementKind::uint8;
}

Array array_of(const Node& output, const std::vector<std::int64_t>& integers, std::size_t events, bool real) {
  std::vector<std::size_t> shape{events};
  shape.insert(shape.end(), output.shape.begin(), output.shape.end());
  if (!real) return from_integers(kind_of(output.type), shape, integers);
  const network::Encoding& encoding = std::get<network::Output>(output.operation).encoding;
  std::vector<double> reals;
  for (const std::int64_t q : integers) reals.push_back(network::decode(encoding, q));
  return from_doubles(ElementKind::float32, shape, reals);
}

}  // namespace

EventArrays read_inputs(const Network& network, const std::filesystem::path& path) {
  const auto inputs = ends(network, network::inputs_of(network));
  EventArrays arrays;
  const bool several = path.extension() == ".npz";
  if (!several && inputs.size() != 1)
    throw Error(path.string() + ": the network has " + std::to_string(inputs.size()) +
                " inputs; give an .npz file with the arrays " + names_of(inputs));
  const NamedArrays named = several ? read_npz(path) : NamedArrays{{inputs[0]->name, read_npy(path)}};
  for (const Node* input : inputs) {
    const Array& array = member(named, input->name, path.string(), inputs);
    arrays.values.push_back(integers_of(array, *input, path.string()));
    if (input != inputs.front() && array.shape[0] != arrays.events)
      throw Error(path.string() + ": its arrays have different numbers of events");
    arrays.events = array.shape[0];
  }
  return arrays;
}

Evaluated evaluate(const Network& network, const EventArrays& inputs, const std::string& backend) {
  if (backend == "rtl") return evaluate_rtl(network, inputs);
  return backend == "reference" ? evaluate_reference(network, inputs)
                                : evaluate_device(network, inputs, backend);
}

void check_output_path(const Network& network, const std::filesystem::path& path) {
  const auto outputs = ends(network, network::outputs_of(network));
  if (path.extension() != ".npy" && path.extension() != ".npz")
    throw Error(path.string() + ": the output file must end in .npy or .npz");
  if (path.extension() == ".npy" && outputs.size() != 1)
    throw Error(path.string() + ": the network has " + std::to_string(outputs.size()) + " outputs (" +
                names_of(outputs) + "); give a file that ends in .npz");
}

void write_outputs(const Network& network, const std::vector<std::vector<std::int64_t>>& outputs,
                   std::size_t events, bool real, const std::filesystem::path& path) {
  const auto nodes = ends(network, network::outputs_of(network));
  NamedArrays arrays;
  for (std::size_t o = 0; o < nodes.size(); ++o)
    arrays.emplace_back(nodes[o]->name, array_of(*nodes[o], outputs[o], events, real));
  if (path.extension() == ".npz") return write_npz(path, arrays);
  write_npy(path, arrays.front().second);
}

}  // namespace crible::tools
