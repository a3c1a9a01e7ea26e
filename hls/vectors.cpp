#include "hls/vectors.hpp"

#include <random>

namespace crible::hls {

namespace {

constexpr std::uint32_t seed = 20260101;
constexpr int corner_events = 8;

/// All low, all high, zeros, all ones, both alternations, then random ends.
std::int64_t corner(network::Type type, int event, std::size_t element, std::mt19937& random) {
  const std::int64_t low = lowest(type);
  const std::int64_t high = highest(type);
  const bool even = element % 2 == 0;
  switch (event) {
    case 0:
      return low;
    case 1:
      return high;
    case 2:
      return 0;
    case 3:
      return type.is_signed ? -1 : high;
    case 4:
      return even ? low : high;
    case 5:
      return even ? high : low;
    default:
      return random() % 2 == 0 ? low : high;
  }
}

}  // namespace

std::vector<PortValues> vector_inputs(const Firmware& firmware) {
  std::mt19937 random(seed);
  std::vector<PortValues> events;
  for (int event = 0; event < vector_count; ++event) {
    PortValues values;
    for (const DataPort& port : firmware.inputs) {
      std::vector<std::int64_t> elements;
      for (std::size_t i = 0; i < port.elements.size(); ++i) {
        const auto span = static_cast<std::uint64_t>(highest(port.type) - lowest(port.type)) + 1;
        elements.push_back(event < corner_events
                               ? corner(port.type, event, i, random)
                               : lowest(port.type) + static_cast<std::int64_t>(random() % span));
      }
      values.push_back(std::move(elements));
    }
    events.push_back(std::move(values));
  }
  return events;
}

std::string hex_line(const std::vector<DataPort>& ports, const PortValues& values) {
  std::vector<int> bits;
  for (std::size_t p = 0; p < ports.size(); ++p) {
    for (std::size_t e = 0; e < ports[p].elements.size(); ++e) {
      for (int bit = 0; bit < ports[p].elements[e].width_bits; ++bit)
        bits.push_back(static_cast<int>((values[p][e] >> bit) & 1));
    }
  }
  while (bits.size() % 4 != 0) bits.push_back(0);
  std::string text;
  for (std::size_t i = bits.size(); i > 0; i -= 4) {
    const int digit = bits[i - 1] * 8 + bits[i - 2] * 4 + bits[i - 3] * 2 + bits[i - 4];
    text += "0123456789abcdef"[digit];
  }
  return text + "\n";
}

void add_vectors(Firmware& firmware, const std::vector<PortValues>& inputs,
                 const std::vector<PortValues>& outputs) {
  std::string sent;
  std::string wanted;
  for (const PortValues& values : inputs) sent += hex_line(firmware.inputs, values);
  for (const PortValues& values : outputs) wanted += hex_line(firmware.outputs, values);
  firmware.files.push_back({"vectors/inputs.hex", sent});
  firmware.files.push_back({"vectors/outputs.hex", wanted});
}

}  // namespace crible::hls
