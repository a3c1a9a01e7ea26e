#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/codegen/dialect.hpp"
#include "engine/network/network.hpp"

/// The integer network as text of the C family: one function that computes events, and one kernel that calls
/// it for a batch. Pure text; nothing here knows a device.
namespace crible::codegen {

/// Who computes an event, and where its tensors are.
enum class Form {
  item,    // a work-item for each event; tensors in private memory
  group,   // a work-group for each `events` events; tensors in the group's memory, or in scratch memory
  block,   // a work-item for each `block_events` events; tensors in private memory, the events of an element
           // side by side: what a processor's vector instructions want
  single,  // a work-item for each event as `item`, but the outputs of a layer side by side: what they want of
           // few events
};

inline constexpr int block_events = 16;

struct Options {
  Form form = Form::item;
  int events = 1;            // of one group at a time; 16 or more: dense layers by tiles of 16 events
  bool packed_dots = false;  // dense layers by dot4 of bytes
  std::size_t shared_bytes = 48 * 1024;  // of a group's memory; tensors that need more are in scratch memory
};

/// A parameter of the kernel: an input or output of the network.
struct Port {
  std::string name;
  std::string element;       // "i8"
  std::size_t elements = 0;  // of an event
  bool is_output = false;
};

struct Source {
  std::string text;
  std::vector<Port> ports;
  std::size_t table_bytes = 0;   // weights, thresholds, trees, ...
  std::size_t tensor_bytes = 0;  // of one work-item's or one group's tensors
  bool scratch = false;          // the kernel takes scratch memory: tensor_bytes for each group
  bool uses_tiles = false;
};

/// Name of the kernel: parameters are one pointer for each input, one for each output, the scratch memory if
/// any, and the number of events (int). Rows as in backends::Slot. Work-items or groups share the events, so
/// any number of them is right. The host dialect has also NAME_ports(void* const* ports, void* scratch, int).
inline constexpr const char* kernel_name = "network";

/// The network must be verified. Deterministic: equal networks and options give equal text.
Source render(const network::Network& network, const Dialect& dialect, const Options& options);

/// Whether the tensors of one work-item fit in so much private memory. Not for Form::group.
bool fits_private(const network::Network& network, Form form, std::size_t private_bytes);

}  // namespace crible::codegen
