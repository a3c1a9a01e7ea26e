#include "tests/golden/executor.hpp"

#include <algorithm>
#include <cstring>

#include "backends/backend.hpp"
#include "engine/base/error.hpp"
#include "engine/network/encoding.hpp"
#include "engine/reference/reference.hpp"

namespace crible::golden {

namespace {

using network::Network;
using network::Node;

using Rows = std::vector<std::vector<std::int64_t>>;

Rows run_reference(const Network& network, const std::vector<std::int64_t>& rows, std::size_t elements) {
  Rows outputs(network::outputs_of(network).size());
  for (std::size_t at = 0; at < rows.size(); at += elements) {
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(at);
    const auto result = reference::evaluate(
        network, {reference::Tensor(first, first + static_cast<std::ptrdiff_t>(elements))});
    for (std::size_t i = 0; i < result.size(); ++i)
      outputs[i].insert(outputs[i].end(), result[i].begin(), result[i].end());
  }
  return outputs;
}

void store(std::int64_t value, std::byte* to, std::size_t bytes) {
  std::memcpy(to, &value, bytes);
}

std::int64_t load(const std::byte* from, network::Type type) {
  const std::size_t bytes = network::storage_bytes(type);
  std::uint64_t bits = 0;
  std::memcpy(&bits, from, bytes);
  const unsigned unused = 64 - static_cast<unsigned>(bytes) * 8;
  if (type.is_signed) return static_cast<std::int64_t>(bits << unused) >> unused;
  return static_cast<std::int64_t>(bits);
}

Rows run_device(const Network& network, const std::string& device, const std::vector<std::int64_t>& rows,
                std::size_t elements) {
  backends::CompileOptions options;
  options.device = device;
  options.max_batch = 64;
  const auto program = backends::find(device.substr(0, device.find(':'))).compile(network, options);
  if (program->device() != device)
    throw Error("asked for " + device + ", got " + program->device(), Fault::failure);
  const Node& input = network.nodes[static_cast<std::size_t>(network::inputs_of(network)[0])];
  const std::size_t bytes = network::storage_bytes(input.type);
  const auto output_ids = network::outputs_of(network);
  Rows outputs(output_ids.size());
  const std::size_t events = rows.size() / elements;
  backends::Slot& slot = program->slots()[0];
  for (std::size_t done = 0; done < events; done += options.max_batch) {
    const std::size_t batch = std::min(options.max_batch, events - done);
    for (std::size_t i = 0; i < batch * elements; ++i)
      store(rows[done * elements + i], slot.inputs[0].data() + i * bytes, bytes);
    if (const auto status = program->run(0, batch); status != backends::Status::ok)
      throw Error(backends::sentence(status), Fault::failure);
    for (std::size_t o = 0; o < output_ids.size(); ++o) {
      const Node& output = network.nodes[static_cast<std::size_t>(output_ids[o])];
      const std::size_t count = batch * network::element_count(output.shape);
      for (std::size_t i = 0; i < count; ++i)
        outputs[o].push_back(
            load(slot.outputs[o].data() + i * network::storage_bytes(output.type), output.type));
    }
  }
  return outputs;
}

}  // namespace

std::vector<std::string> executors() {
  std::vector<std::string> names{"reference"};
  for (const auto& backend : backends::registry()) {
    for (const auto& device : backend->devices()) {
      if (device.usable) names.push_back(device.name);
    }
  }
  return names;
}

Rows run(const Network& network, const std::string& executor, const std::vector<std::int64_t>& rows) {
  const Node& input = network.nodes[static_cast<std::size_t>(network::inputs_of(network).at(0))];
  const std::size_t elements = network::element_count(input.shape);
  if (rows.size() % elements != 0) throw Error("the rows do not fit the network's input", Fault::failure);
  if (executor == "reference") return run_reference(network, rows, elements);
  return run_device(network, executor, rows, elements);
}

std::vector<std::int64_t> encoded(const Network& network, const std::vector<double>& reals) {
  const Node& input = network.nodes[static_cast<std::size_t>(network::inputs_of(network).at(0))];
  const network::Encoding& encoding = std::get<network::Input>(input.operation).encoding;
  std::vector<std::int64_t> result;
  result.reserve(reals.size());
  for (const double x : reals) result.push_back(network::encode(encoding, input.type, x));
  return result;
}

}  // namespace crible::golden
