#include "backends/opencl/form.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace crible::backends::opencl {

namespace {

using codegen::Form;
using network::Network;

/// "", or what is too large.
std::string too_large(const char* what, std::size_t needed, std::size_t there) {
  if (needed <= there) return {};
  return "it needs " + std::to_string(needed) + " bytes of " + what + " and the device has " +
         std::to_string(there) + "; run it on the cpu backend";
}

std::string trouble_with_ports(const Network& network, const DeviceInfo& device, std::size_t max_batch) {
  std::vector<network::NodeId> ports = inputs_of(network);
  for (const network::NodeId id : outputs_of(network)) ports.push_back(id);
  std::string trouble =
      too_large("kernel parameters", (ports.size() + 2) * sizeof(void*), device.parameter_bytes);
  for (const network::NodeId id : ports) {
    const network::Node& node = network.nodes[static_cast<std::size_t>(id)];
    const std::size_t row = network::element_count(node.shape) * network::storage_bytes(node.type);
    if (trouble.empty()) trouble = too_large("one buffer", row * max_batch, device.buffer_bytes);
  }
  return trouble;
}

std::string trouble_with(const TextForm& form, const DeviceInfo& device) {
  const std::string trouble = too_large("constant memory", form.source.table_bytes, device.constant_bytes);
  if (!trouble.empty() || !form.source.scratch) return trouble;
  return too_large("one buffer", form.source.tensor_bytes * form.most_groups, device.buffer_bytes);
}

class Forms {
 public:
  Forms(const Network& network, const DeviceInfo& device) : network_(network), device_(device) {}

  /// A processor's threads compute an event or a block each, with vectors.
  void for_processor() {
    constexpr std::size_t private_bytes = 512 * 1024;  // of a thread's stack
    for (const Form form : {Form::block, Form::single}) {
      if (!fits_private(network_, form, private_bytes)) continue;
      add(form == Form::block ? "block" : "single", {.form = form}, 1,
          form == Form::block ? codegen::block_events : 1);
    }
    if (list_.empty()) add("group", {.form = Form::group}, 1, 1);
  }

  void for_accelerator() {
    constexpr std::size_t private_bytes = 4 * 1024;
    constexpr std::size_t most_items = 128;
    constexpr int tile_events = 32;
    const std::size_t items = std::min(most_items, device_.group_items);
    if (fits_private(network_, Form::item, private_bytes)) add("item", {.form = Form::item}, items, items);
    add("group", {.form = Form::group}, items, 1);
    add("tiles", {.form = Form::group, .events = tile_events}, items, tile_events);
    if (!list_.back().source.uses_tiles || list_.back().source.scratch) list_.pop_back();
  }

  std::vector<TextForm>& list() { return list_; }

 private:
  void add(const char* name, codegen::Options options, std::size_t local_items, std::size_t events_of_group) {
    constexpr std::size_t groups_of_unit = 8;  // with scratch memory: enough to keep the device busy
    options.packed_dots = device_.packed_dots;
    options.shared_bytes = device_.local_bytes;
    TextForm form;
    form.name = name;
    form.source = codegen::render(network_, codegen::opencl_c, options);
    form.local_items = local_items;
    form.events_of_group = events_of_group;
    if (form.source.scratch) form.most_groups = std::size_t{device_.units} * groups_of_unit;
    list_.push_back(std::move(form));
  }

  const Network& network_;
  const DeviceInfo& device_;
  std::vector<TextForm> list_;
};

}  // namespace

std::vector<TextForm> forms_for(const Network& network, const DeviceInfo& device, std::size_t max_batch,
                                const std::string& where) {
  std::string trouble = trouble_with_ports(network, device, max_batch);
  if (!trouble.empty()) throw Error(where + trouble);
  Forms forms(network, device);
  device.is_cpu ? forms.for_processor() : forms.for_accelerator();
  std::erase_if(forms.list(), [&](const TextForm& form) {
    const std::string own = trouble_with(form, device);
    if (!own.empty()) trouble = own;
    return !own.empty();
  });
  if (forms.list().empty()) throw Error(where + trouble);
  return std::move(forms.list());
}

}  // namespace crible::backends::opencl
