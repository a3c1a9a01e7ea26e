#include "tools/quantize_rows.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/base/npy.hpp"
#include "engine/network/encoding.hpp"

namespace crible::tools {

namespace {

using quantize::Program;
using quantize::Rows;
using quantize::Step;

const importers::InputType* given_type(const quantize::Options& options, const std::string& name) {
  auto found = options.input_types.find(name);
  if (found == options.input_types.end()) found = options.input_types.find("");
  return found == options.input_types.end() ? nullptr : &found->second;
}

std::vector<double> reals_of(const Array& array, const Step& input, const quantize::Options& options,
                             const std::string& source) {
  const std::size_t elements = network::element_count(input.shape);
  if (array.shape.empty() || array.element_count() != array.shape[0] * elements) {
    std::string shape = "(events";
    for (const int extent : input.shape) shape += ", " + std::to_string(extent);
    throw Error(source + ": input '" + input.name + "' needs an array of shape " + shape + ")");
  }
  std::vector<double> values = to_doubles(array);
  const auto fail = [&](std::size_t i, const std::string& why) {
    throw Error(source + ": input '" + input.name + "', event " + std::to_string(i / elements) +
                ", element " + std::to_string(i % elements) + ": " + why);
  };
  if (is_float(array.kind)) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) fail(i, "is NaN or infinite; calibrate with real numbers only");
    }
    return values;
  }
  const importers::InputType* type = given_type(options, input.name);
  if (!type)
    throw Error(source + ": holds integers; say what they stand for with --input-type " + input.name +
                "=s8.5 (signed, 8 bits, 5 of them fraction), or give real numbers as float32");
  const double step =
      type->step ? type->step->first / type->step->second : std::ldexp(1.0, -type->type.fraction);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!network::contains(type->type, static_cast<std::int64_t>(values[i])))
      fail(i, std::to_string(static_cast<std::int64_t>(values[i])) + " is outside " +
                  network::to_string(type->type) + "; give the type that the integers have");
    values[i] *= step;
  }
  return values;
}

}  // namespace

Rows read_rows(const Program& program, const quantize::Options& options, const std::filesystem::path& path) {
  const bool several = path.extension() == ".npz";
  std::string names;
  for (const auto id : program.inputs) names += (names.empty() ? "" : ", ") + program.step(id).name;
  if (!several && program.inputs.size() != 1)
    throw Error(path.string() + ": the model has " + std::to_string(program.inputs.size()) +
                " inputs; give an .npz file with the arrays " + names);
  const NamedArrays arrays =
      several ? read_npz(path) : NamedArrays{{program.step(program.inputs[0]).name, read_npy(path)}};
  Rows rows;
  for (const auto id : program.inputs) {
    const Step& input = program.step(id);
    const auto found = std::find_if(arrays.begin(), arrays.end(),
                                    [&](const auto& entry) { return entry.first == input.name; });
    if (found == arrays.end())
      throw Error(path.string() + ": has no array '" + input.name + "'; the model's inputs are: " + names);
    rows.inputs.push_back(reals_of(found->second, input, options, path.string()));
    const std::size_t events = found->second.shape[0];
    if (rows.inputs.size() > 1 && events != rows.events)
      throw Error(path.string() + ": its arrays have different numbers of events");
    rows.events = events;
  }
  if (rows.events == 0) throw Error(path.string() + ": has no events; calibration needs some hundred");
  return rows;
}

std::vector<std::int64_t> read_labels(const std::filesystem::path& path, std::size_t events) {
  const Array array = read_npy(path);
  if (is_float(array.kind))
    throw Error(path.string() + ": holds " + to_string(array.kind) + "; labels are integers");
  if (array.element_count() != events)
    throw Error(path.string() + ": has " + std::to_string(array.element_count()) + " labels for " +
                std::to_string(events) + " events; give one for each");
  return to_integers(array);
}

Split split(const Rows& rows, double fraction) {
  if (!(fraction >= 0 && fraction < 1))
    throw Error("--hold-back " + std::to_string(fraction) +
                ": give a fraction from 0 to below 1, such as 0.3");
  Split result;
  const auto is_held_back = [&](std::size_t i) {
    const auto passed = [&](std::size_t n) { return std::floor(static_cast<double>(n) * fraction + 1e-9); };
    return fraction == 0 || passed(i + 1) > passed(i);
  };
  const auto append = [&](Rows& to, std::size_t event) {
    ++to.events;
    to.inputs.resize(rows.inputs.size());
    for (std::size_t i = 0; i < rows.inputs.size(); ++i) {
      const auto values = rows.event(event)[i];
      to.inputs[i].insert(to.inputs[i].end(), values.begin(), values.end());
    }
  };
  for (std::size_t event = 0; event < rows.events; ++event) {
    const bool held = is_held_back(event);
    if (held) result.places.push_back(event);
    if (held) append(result.held_back, event);
    if (!held || fraction == 0) append(result.calibration, event);
  }
  if (result.calibration.events == 0 || result.held_back.events == 0)
    throw Error("--hold-back " + std::to_string(fraction) + " of " + std::to_string(rows.events) +
                " events leaves none to " + (result.held_back.events == 0 ? "compare" : "calibrate") +
                " with; give more events, or --hold-back 0 to use all for both");
  return result;
}

EventArrays encode_rows(const network::Network& network, const Rows& rows) {
  EventArrays arrays;
  arrays.events = rows.events;
  const auto inputs = network::inputs_of(network);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const network::Node& node = network.nodes[static_cast<std::size_t>(inputs[i])];
    const network::Encoding& encoding = std::get<network::Input>(node.operation).encoding;
    std::vector<std::int64_t> values;
    for (const double x : rows.inputs[i]) values.push_back(network::encode(encoding, node.type, x));
    arrays.values.push_back(std::move(values));
  }
  return arrays;
}

}  // namespace crible::tools
