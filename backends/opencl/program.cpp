#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "backends/opencl/api.hpp"
#include "backends/paths.hpp"
#include "engine/base/error.hpp"
#include "engine/codegen/render.hpp"
#include "engine/network/network.hpp"

namespace crible::backends::opencl {
namespace {

using Clock = std::chrono::steady_clock;

/// An array of a batch. Where host and device share memory both use `host`; elsewhere `host` is pinned memory
/// and is copied to or from `device`.
struct Array {
  std::size_t row_bytes = 0;
  std::byte* host = nullptr;
  Memory pinned;
  Memory device;
  bool shared = false;
};

struct Batch {
  Queue queue;  // one for each slot: batches overlap
  Kernel kernel;
  std::vector<Array> inputs;
  std::vector<Array> outputs;
  Memory scratch;
  Event done;
  Clock::time_point started;
};

class OpenclProgram : public Program, public Paths {
 public:
  OpenclProgram(const network::Network& network, const DeviceInfo& device, const CompileOptions& options)
      : network_(network), device_(device), max_batch_(options.max_batch), hang_(options.hang_ns) {
    choose_form();
    cl_int error = CL_SUCCESS;
    context_.reset(clCreateContext(nullptr, 1, &device_.id, nullptr, nullptr, &error));
    check(error, where() + "no context");
    program_ = build(context_.get(), device_.id, source_.text, where());
    for (std::size_t i = 0; i < options.slots; ++i) batches_.push_back(make_batch());
    for (Batch& batch : batches_) slots_.push_back(slot_of(batch));
  }

  ~OpenclProgram() override {
    for (Batch& batch : batches_) {
      clFinish(batch.queue.get());
      free_shared(batch.inputs);
      free_shared(batch.outputs);
      unmap(batch, batch.inputs);
      unmap(batch, batch.outputs);
      clFinish(batch.queue.get());
    }
  }

  const network::Network& network() const override { return network_; }
  const std::string& device() const override { return device_.name; }
  std::size_t max_batch() const override { return max_batch_; }
  std::span<Slot> slots() override { return slots_; }

  Status submit(std::size_t slot, std::size_t events) noexcept override {
    if (slot >= slots_.size() || events == 0 || events > max_batch_) return Status::bad_batch;
    Batch& batch = batches_[slot];
    if (batch.done) return Status::busy;
    for (const Array& array : batch.inputs) {
      if (!array.shared && !copy_in(batch, array, events)) return Status::device_failed;
    }
    const auto count = static_cast<cl_int>(events);
    if (clSetKernelArg(batch.kernel.get(), events_argument_, sizeof count, &count) != CL_SUCCESS) {
      return Status::device_failed;
    }
    const std::size_t groups = (events + events_of_group_ - 1) / events_of_group_;
    const std::size_t items = std::min(groups, most_groups_) * local_items_;
    cl_event done = nullptr;
    if (clEnqueueNDRangeKernel(batch.queue.get(), batch.kernel.get(), 1, nullptr, &items, &local_items_, 0,
                               nullptr, &done) != CL_SUCCESS) {
      return Status::device_failed;
    }
    batch.done.reset(done);
    for (const Array& array : batch.outputs) {
      if (!array.shared && !copy_out(batch, array, events)) return Status::device_failed;
    }
    batch.started = Clock::now();
    return clFlush(batch.queue.get()) == CL_SUCCESS ? Status::ok : Status::device_failed;
  }

  Status poll(std::size_t slot) noexcept override {
    if (slot >= slots_.size()) return Status::bad_batch;
    Batch& batch = batches_[slot];
    if (!batch.done) return Status::ok;
    cl_int state = CL_QUEUED;
    const cl_int error =
        clGetEventInfo(batch.done.get(), CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, nullptr);
    if (error != CL_SUCCESS || state < 0) return Status::device_failed;
    if (state == CL_COMPLETE) {
      batch.done.reset();
      return Status::ok;
    }
    return Clock::now() - batch.started > hang_ ? Status::deadline_passed : Status::pending;
  }

  const char* path(std::size_t) const noexcept override { return path_; }

  Status run(std::size_t slot, std::size_t events) noexcept override {
    Status status = submit(slot, events);
    if (status != Status::ok) return status;
    if (device_.is_cpu) return wait(batches_[slot]);
    while ((status = poll(slot)) == Status::pending) std::this_thread::yield();
    return status;
  }

 private:
  /// Sleeps until the batch is done. A device on the processor itself wants the core that polling would take,
  /// and what it runs cannot stop answering by itself; that it was late is found out afterwards.
  Status wait(Batch& batch) const noexcept {
    const cl_event done = batch.done.get();
    const bool answered = clWaitForEvents(1, &done) == CL_SUCCESS;
    batch.done.reset();
    if (!answered) return Status::device_failed;
    return Clock::now() - batch.started > hang_ ? Status::deadline_passed : Status::ok;
  }

  std::string where() const { return "network " + network_.name + " on " + device_.name + ": "; }

  /// One event for each work-item, or on a processor a block of events, where the tensors fit private memory;
  /// else a group for each event.
  void choose_form() {
    constexpr std::size_t gpu_private_bytes = 4 * 1024;
    constexpr std::size_t cpu_private_bytes = 512 * 1024;  // of a thread's stack
    constexpr std::size_t gpu_items = 128;
    constexpr std::size_t cpu_items = 16;
    constexpr std::size_t groups_of_unit = 8;  // with scratch memory: enough to keep the device busy
    codegen::Options options;
    options.form = device_.is_cpu ? codegen::suitable_form_for_vectors(network_, cpu_private_bytes)
                                  : codegen::suitable_form(network_, gpu_private_bytes);
    options.packed_dots = device_.packed_dots;
    options.shared_bytes = device_.local_bytes;
    source_ = codegen::render(network_, codegen::opencl_c, options);
    const bool is_item = options.form == codegen::Form::item;
    path_ = is_item ? "item" : options.form == codegen::Form::block ? "block" : "group";
    local_items_ = std::min(device_.is_cpu ? cpu_items : gpu_items, device_.group_items);
    if (device_.is_cpu && !is_item) local_items_ = 1;
    events_of_group_ = is_item                                ? local_items_
                       : options.form == codegen::Form::block ? codegen::block_events
                                                              : 1;
    if (source_.scratch) most_groups_ = std::size_t{device_.units} * groups_of_unit;
    require_room();
  }

  void require_room() const {
    const std::size_t ports = inputs_of(network_).size() + outputs_of(network_).size();
    const auto refuse = [&](const char* what, std::size_t needed, std::size_t there) {
      throw Error(where() + "it needs " + std::to_string(needed) + " bytes of " + what +
                  " and the device has " + std::to_string(there) + "; run it on the cpu backend");
    };
    if (source_.table_bytes > device_.constant_bytes) {
      refuse("constant memory", source_.table_bytes, device_.constant_bytes);
    }
    const std::size_t parameters = (ports + 2) * sizeof(void*);
    if (parameters > device_.parameter_bytes) {
      refuse("kernel parameters", parameters, device_.parameter_bytes);
    }
    for (const auto* ids : {&ports_.inputs, &ports_.outputs}) {
      for (const std::size_t row : *ids) {
        if (row * max_batch_ > device_.buffer_bytes)
          refuse("one buffer", row * max_batch_, device_.buffer_bytes);
      }
    }
    if (source_.scratch && source_.tensor_bytes * most_groups_ > device_.buffer_bytes) {
      refuse("one buffer", source_.tensor_bytes * most_groups_, device_.buffer_bytes);
    }
  }

  Batch make_batch() {
    Batch batch;
    cl_int error = CL_SUCCESS;
    batch.queue.reset(clCreateCommandQueue(context_.get(), device_.id, 0, &error));
    check(error, where() + "no command queue");
    batch.kernel.reset(clCreateKernel(program_.get(), codegen::kernel_name, &error));
    check(error, where() + "no kernel");
    events_argument_ = 0;
    for (const std::size_t row : ports_.inputs)
      batch.inputs.push_back(make_array(batch, row, CL_MEM_READ_ONLY));
    for (const std::size_t row : ports_.outputs)
      batch.outputs.push_back(make_array(batch, row, CL_MEM_WRITE_ONLY));
    if (source_.scratch) {
      batch.scratch.reset(clCreateBuffer(context_.get(), CL_MEM_READ_WRITE,
                                         source_.tensor_bytes * most_groups_, nullptr, &error));
      check(error, where() + "no scratch memory");
      const cl_mem memory = batch.scratch.get();
      check(clSetKernelArg(batch.kernel.get(), events_argument_++, sizeof memory, &memory),
            where() + "scratch");
    }
    return batch;
  }

  /// Makes an array and gives it to the kernel as the next parameter.
  Array make_array(Batch& batch, std::size_t row_bytes, cl_mem_flags access) {
    constexpr unsigned alignment = 64;
    Array array;
    array.row_bytes = row_bytes;
    array.shared = device_.fine_grained;
    const std::size_t size = row_bytes * max_batch_;
    const std::string what =
        where() + std::to_string(size) + " bytes for a batch of " + std::to_string(max_batch_) + " events";
    if (array.shared) {
      array.host = static_cast<std::byte*>(
          clSVMAlloc(context_.get(), CL_MEM_READ_WRITE | CL_MEM_SVM_FINE_GRAIN_BUFFER, size, alignment));
      check(array.host == nullptr ? CL_MEM_OBJECT_ALLOCATION_FAILURE : CL_SUCCESS, what);
      check(clSetKernelArgSVMPointer(batch.kernel.get(), events_argument_++, array.host), what);
    } else {
      cl_int error = CL_SUCCESS;
      array.device.reset(clCreateBuffer(context_.get(), access, size, nullptr, &error));
      check(error, what);
      array.pinned.reset(
          clCreateBuffer(context_.get(), CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, size, nullptr, &error));
      check(error, what);
      array.host = static_cast<std::byte*>(clEnqueueMapBuffer(batch.queue.get(), array.pinned.get(), CL_TRUE,
                                                              CL_MAP_READ | CL_MAP_WRITE, 0, size, 0, nullptr,
                                                              nullptr, &error));
      check(error, what);
      const cl_mem memory = array.device.get();
      check(clSetKernelArg(batch.kernel.get(), events_argument_++, sizeof memory, &memory), what);
    }
    std::memset(array.host, 0, size);
    return array;
  }

  Slot slot_of(Batch& batch) const {
    Slot slot;
    for (const Array& array : batch.inputs)
      slot.inputs.emplace_back(array.host, array.row_bytes * max_batch_);
    for (const Array& array : batch.outputs)
      slot.outputs.emplace_back(array.host, array.row_bytes * max_batch_);
    return slot;
  }

  static bool copy_in(Batch& batch, const Array& array, std::size_t events) noexcept {
    return clEnqueueWriteBuffer(batch.queue.get(), array.device.get(), CL_FALSE, 0, array.row_bytes * events,
                                array.host, 0, nullptr, nullptr) == CL_SUCCESS;
  }

  /// The last copy is what a batch is done with.
  static bool copy_out(Batch& batch, const Array& array, std::size_t events) noexcept {
    cl_event done = nullptr;
    if (clEnqueueReadBuffer(batch.queue.get(), array.device.get(), CL_FALSE, 0, array.row_bytes * events,
                            array.host, 0, nullptr, &done) != CL_SUCCESS) {
      return false;
    }
    batch.done.reset(done);
    return true;
  }

  void free_shared(std::vector<Array>& arrays) const noexcept {
    for (Array& array : arrays) {
      if (array.shared) clSVMFree(context_.get(), array.host);
    }
  }

  static void unmap(Batch& batch, std::vector<Array>& arrays) noexcept {
    for (Array& array : arrays) {
      if (array.pinned) {
        clEnqueueUnmapMemObject(batch.queue.get(), array.pinned.get(), array.host, 0, nullptr, nullptr);
      }
    }
  }

  struct Ports {
    std::vector<std::size_t> inputs;  // bytes of a row
    std::vector<std::size_t> outputs;

    explicit Ports(const network::Network& network) {
      const auto row = [&](network::NodeId id) {
        const network::Node& node = network.nodes[static_cast<std::size_t>(id)];
        return network::element_count(node.shape) * network::storage_bytes(node.type);
      };
      for (const network::NodeId id : inputs_of(network)) inputs.push_back(row(id));
      for (const network::NodeId id : outputs_of(network)) outputs.push_back(row(id));
    }
  };

  network::Network network_;
  DeviceInfo device_;
  std::size_t max_batch_;
  std::chrono::nanoseconds hang_;
  Ports ports_{network_};
  codegen::Source source_;
  const char* path_ = "";
  std::size_t local_items_ = 1;
  std::size_t events_of_group_ = 1;
  std::size_t most_groups_ = std::size_t{1} << 30;
  cl_uint events_argument_ = 0;
  Context context_;
  ProgramHandle program_;
  std::vector<Batch> batches_;
  std::vector<Slot> slots_;
};

}  // namespace

std::unique_ptr<Program> make_program(const network::Network& network, const DeviceInfo& device,
                                      const CompileOptions& options) {
  if (options.max_batch == 0 || options.slots == 0) {
    throw Error("A program needs a batch of at least one event and at least one slot.");
  }
  return std::make_unique<OpenclProgram>(network, device, options);
}

}  // namespace crible::backends::opencl
