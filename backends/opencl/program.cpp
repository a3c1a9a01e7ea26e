#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "backends/opencl/api.hpp"
#include "backends/opencl/completion.hpp"
#include "backends/opencl/form.hpp"
#include "backends/path_choice.hpp"
#include "backends/paths.hpp"
#include "engine/base/error.hpp"
#include "engine/network/network.hpp"
#include "engine/network/text.hpp"

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
  Queue queue;                  // one for each slot: batches overlap
  std::vector<Kernel> kernels;  // by form; null where it was not built
  std::vector<Array> inputs;
  std::vector<Array> outputs;
  Memory scratch;
  Event done;
  std::unique_ptr<Completion> completion = std::make_unique<Completion>();
  Clock::time_point started;
};

/// Of the batches of zeros when a program starts: drivers compile a kernel when it is first used.
constexpr std::chrono::seconds patience_of_set_up{300};

class OpenclProgram : public Program, public Paths {
 public:
  OpenclProgram(const network::Network& network, const DeviceInfo& device, const CompileOptions& options)
      : OpenclProgram(network, device, options.max_batch, options.hang_ns) {
    set_up(options.slots);
  }

  /// What a kernel that hangs still uses is not freed.
  ~OpenclProgram() override {
    if (!all_ended()) {
      static_cast<void>(new std::vector<Batch>(std::move(batches_)));
      return;
    }
    for (Batch& batch : batches_) {
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
    return start(batch, choice_.of(events), events);
  }

  Status poll(std::size_t slot) noexcept override {
    if (slot >= slots_.size()) return Status::bad_batch;
    Batch& batch = batches_[slot];
    if (!batch.done) return Status::ok;
    const Status status = state_of(batch.done.get());
    if (status == Status::ok) batch.done.reset();
    if (status != Status::pending) return status;
    return Clock::now() - batch.started > hang_ ? Status::deadline_passed : Status::pending;
  }

  const char* path(std::size_t events) const noexcept override {
    return forms_[choice_.of(events)].name.c_str();
  }
  std::string how() const override { return choice_.how; }

  Status run(std::size_t slot, std::size_t events) noexcept override {
    Status status = submit(slot, events);
    if (status != Status::ok) return status;
    if (device_.is_cpu) return wait(batches_[slot], hang_);
    while ((status = poll(slot)) == Status::pending) std::this_thread::yield();
    return status;
  }

 private:
  OpenclProgram(const network::Network& network, const DeviceInfo& device, std::size_t max_batch,
                std::int64_t hang_ns)
      : network_(network), device_(device), max_batch_(max_batch), hang_(hang_ns) {}

  void set_up(std::size_t slot_count) {
    forms_ = forms_for(network_, device_, max_batch_, where());
    cl_int error = CL_SUCCESS;
    context_.reset(clCreateContext(nullptr, 1, &device_.id, nullptr, nullptr, &error));
    check(error, where() + "no context");
    PathQuestion question{network::content_hash(network_) + "-" + device_.description, {}, max_batch_};
    for (const TextForm& form : forms_) question.names.push_back(form.name);
    choice_ = known_paths(question);
    const bool is_known = !choice_.of_point.empty();
    for (std::size_t form = 0; form < forms_.size(); ++form) {
      if (is_known && !choice_.takes(form)) continue;
      forms_[form].program = build(context_.get(), device_.id, forms_[form].source.text, where());
    }
    for (std::size_t i = 0; i < slot_count; ++i) batches_.push_back(make_batch());
    for (Batch& batch : batches_) slots_.push_back(slot_of(batch));
    for (std::size_t form = 0; form < forms_.size(); ++form) {
      if (forms_[form].program) time(form, 1);
    }
    if (is_known) return;
    choice_ = measured_paths(question, choice_, [&](std::size_t form, std::size_t events) {
      return least_time([&] { return time(form, events); });
    });
  }

  Status wait(Batch& batch, std::chrono::nanoseconds patience) const noexcept {
    const cl_event done = batch.done.get();
    const Status status = device_.runs_in_waiter ? wait_inside(done) : batch.completion->wait(done, patience);
    if (status == Status::deadline_passed) {
      static_cast<void>(batch.completion.release());  // the driver may still raise it
      return status;
    }
    batch.done.reset();
    const bool late = Clock::now() - batch.started > patience;
    return status == Status::ok && late ? Status::deadline_passed : status;
  }

  /// Gives what is in flight some time.
  bool all_ended() const noexcept {
    const Clock::time_point give_up = Clock::now() + std::chrono::seconds(2);
    for (const Batch& batch : batches_) {
      while (batch.done && state_of(batch.done.get()) == Status::pending) {
        if (Clock::now() > give_up) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
    return true;
  }

  std::string where() const { return "network " + network_.name + " on " + device_.name + ": "; }

  Status start(Batch& batch, std::size_t form, std::size_t events) noexcept {
    for (const Array& array : batch.inputs) {
      if (!array.shared && !copy_in(batch, array, events)) return Status::device_failed;
    }
    const TextForm& text = forms_[form];
    const auto count = static_cast<cl_int>(events);
    const cl_kernel kernel = batch.kernels[form].get();
    if (clSetKernelArg(kernel, events_argument(text), sizeof count, &count) != CL_SUCCESS) {
      return Status::device_failed;
    }
    const std::size_t groups = (events + text.events_of_group - 1) / text.events_of_group;
    const std::size_t items = std::min(groups, text.most_groups) * text.local_items;
    cl_event done = nullptr;
    if (clEnqueueNDRangeKernel(batch.queue.get(), kernel, 1, nullptr, &items, &text.local_items, 0, nullptr,
                               &done) != CL_SUCCESS) {
      return Status::device_failed;
    }
    batch.done.reset(done);
    for (const Array& array : batch.outputs) {
      if (!array.shared && !copy_out(batch, array, events)) return Status::device_failed;
    }
    batch.started = Clock::now();
    return clFlush(batch.queue.get()) == CL_SUCCESS ? Status::ok : Status::device_failed;
  }

  /// From submit to answer, in the way in which run() waits.
  std::chrono::nanoseconds time(std::size_t form, std::size_t events) {
    const Clock::time_point begin = Clock::now();
    Status status = start(batches_[0], form, events);
    if (status == Status::ok) status = wait(batches_[0], patience_of_set_up);
    if (status == Status::ok) return Clock::now() - begin;
    throw Error(where() + "a batch of zeros failed by path " + forms_[form].name + ": " + sentence(status),
                Fault::failure);
  }

  Batch make_batch() {
    Batch batch;
    cl_int error = CL_SUCCESS;
    batch.queue.reset(clCreateCommandQueue(context_.get(), device_.id, 0, &error));
    check(error, where() + "no command queue");
    for (const network::NodeId id : inputs_of(network_))
      batch.inputs.push_back(make_array(batch, id, CL_MEM_READ_ONLY));
    for (const network::NodeId id : outputs_of(network_))
      batch.outputs.push_back(make_array(batch, id, CL_MEM_WRITE_ONLY));
    for (const TextForm& form : forms_) batch.kernels.push_back(make_kernel(batch, form));
    return batch;
  }

  cl_uint events_argument(const TextForm& form) const noexcept {
    return static_cast<cl_uint>(form.source.ports.size() + (form.source.scratch ? 1 : 0));
  }

  /// Knows the arrays of the batch; null when the form was not built.
  Kernel make_kernel(Batch& batch, const TextForm& form) const {
    if (!form.program) return nullptr;
    cl_int error = CL_SUCCESS;
    Kernel kernel(clCreateKernel(form.program.get(), codegen::kernel_name, &error));
    check(error, where() + "no kernel");
    cl_uint argument = 0;
    const auto set = [&](const Memory& memory) {
      const cl_mem own = memory.get();
      check(clSetKernelArg(kernel.get(), argument++, sizeof own, &own), where() + "no kernel parameter");
    };
    for (const auto* arrays : {&batch.inputs, &batch.outputs}) {
      for (const Array& array : *arrays) {
        if (!array.shared) {
          set(array.device);
          continue;
        }
        check(clSetKernelArgSVMPointer(kernel.get(), argument++, array.host),
              where() + "no kernel parameter");
      }
    }
    if (form.source.scratch) {
      const std::size_t size = form.source.tensor_bytes * form.most_groups;
      batch.scratch.reset(clCreateBuffer(context_.get(), CL_MEM_READ_WRITE, size, nullptr, &error));
      check(error, where() + "no scratch memory");
      set(batch.scratch);
    }
    return kernel;
  }

  Array make_array(Batch& batch, network::NodeId id, cl_mem_flags access) {
    constexpr unsigned alignment = 64;
    const network::Node& node = network_.nodes[static_cast<std::size_t>(id)];
    Array array;
    array.row_bytes = network::element_count(node.shape) * network::storage_bytes(node.type);
    array.shared = device_.fine_grained;
    const std::size_t size = array.row_bytes * max_batch_;
    const std::string what =
        where() + std::to_string(size) + " bytes for a batch of " + std::to_string(max_batch_) + " events";
    if (array.shared) {
      array.host = static_cast<std::byte*>(
          clSVMAlloc(context_.get(), CL_MEM_READ_WRITE | CL_MEM_SVM_FINE_GRAIN_BUFFER, size, alignment));
      check(array.host == nullptr ? CL_MEM_OBJECT_ALLOCATION_FAILURE : CL_SUCCESS, what);
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

  network::Network network_;
  DeviceInfo device_;
  std::size_t max_batch_;
  std::chrono::nanoseconds hang_;
  std::vector<TextForm> forms_;
  PathChoice choice_;
  Context context_;
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
