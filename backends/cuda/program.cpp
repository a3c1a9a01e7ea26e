#include "backends/cuda/program.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

#include "backends/cuda/nvrtc.hpp"
#include "backends/cuda/persistent.hpp"
#include "backends/path_choice.hpp"
#include "backends/paths.hpp"
#include "engine/base/error.hpp"
#include "engine/codegen/render.hpp"
#include "engine/network/text.hpp"

namespace crible::backends::cuda {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t private_bytes = 4 * 1024;  // more tensors than that: a group for each event
constexpr std::size_t item_threads = 128;
constexpr std::size_t group_threads = 256;
constexpr std::size_t tile_threads = 256;
constexpr int tile_events = 32;
constexpr std::size_t groups_of_multiprocessor = 8;
constexpr std::size_t largest_persistent_batch = 64;
constexpr std::size_t largest_graph = 4096;

/// How a batch gets to the GPU and back.
enum class Path : std::uint8_t {
  persistent,  // the kernel that waits at a mailbox
  graph,       // copies and kernel as one graph
  batched,     // copies and kernel, a work-item or a group for each event
  tiles,       // copies and kernel, layers by the tensor cores
};

constexpr std::array<const char*, 4> path_names{"persistent", "graph", "batched", "tiles"};

/// A text compiled and loaded.
struct Code {
  codegen::Source source;
  ModuleHandle* module = nullptr;
  FunctionHandle* kernel = nullptr;
  FunctionHandle* persistent = nullptr;
  std::size_t threads = 0;
  std::size_t events_of_group = 1;
};

struct Array {
  std::size_t row_bytes = 0;
  std::byte* host = nullptr;  // pinned and mapped
  DevicePointer mapped = 0;   // the same memory as the device sees it
  DevicePointer device = 0;
};

struct Batch {
  StreamHandle* stream = nullptr;
  StreamHandle* persistent_stream = nullptr;
  EventHandle* done = nullptr;
  std::vector<Array> inputs;
  std::vector<Array> outputs;
  DevicePointer scratch = 0;
  std::vector<GraphExecHandle*> graphs;  // by power of two
  Mail* mail = nullptr;
  DevicePointer mapped_mail = 0;
  std::int32_t answered = 0;  // parameter of the persistent kernel
  std::optional<Path> path;   // in flight
  Clock::time_point started;
};

class CudaProgram : public Program, public Paths {
 public:
  CudaProgram(const network::Network& network, const DeviceInfo& device, const CompileOptions& options)
      : network_(network), device_(device), max_batch_(options.max_batch), hang_(options.hang_ns) {
    check(api_.context_retain(&context_, device_.id), where() + "no context");
    try {
      set_up(options.slots);
    } catch (...) {
      tear_down();
      throw;
    }
  }
  ~CudaProgram() override { tear_down(); }

  const network::Network& network() const override { return network_; }
  const std::string& device() const override { return device_.name; }
  std::size_t max_batch() const override { return max_batch_; }
  std::span<Slot> slots() override { return slots_; }

  Status submit(std::size_t slot, std::size_t events) noexcept override {
    if (slot >= slots_.size() || events == 0 || events > max_batch_) return Status::bad_batch;
    if (batches_[slot].path) return Status::busy;
    return start(slot, events, path_of(events)) == success ? Status::ok : Status::device_failed;
  }

  Status poll(std::size_t slot) noexcept override {
    if (slot >= slots_.size()) return Status::bad_batch;
    Batch& batch = batches_[slot];
    if (!batch.path) return Status::ok;
    Status status = *batch.path == Path::persistent ? poll_mail(batch) : poll_event(batch);
    if (status == Status::pending && Clock::now() - batch.started > hang_) status = Status::deadline_passed;
    if (status == Status::ok) batch.path.reset();
    return status;
  }

  const char* path(std::size_t events) const noexcept override { return path_names[choice_.of(events)]; }
  std::string how() const override { return choice_.how; }

  Status run(std::size_t slot, std::size_t events) noexcept override {
    Status status = submit(slot, events);
    while (status == Status::ok && (status = poll(slot)) == Status::pending) status = Status::ok;
    return status;
  }

 private:
  std::string where() const { return "network " + network_.name + " on " + device_.name + ": "; }

  Path path_of(std::size_t events) const noexcept { return static_cast<Path>(choice_.of(events)); }

  void set_up(std::size_t slot_count) {
    check(api_.context_set(context_), where() + "no context");
    if (codegen::fits_private(network_, codegen::Form::item, private_bytes)) {
      item_ = load({.form = codegen::Form::item, .packed_dots = true}, item_threads, false);
    }
    const std::size_t shared = std::min<std::size_t>(device_.shared_bytes, 48 * 1024) - 1024;
    group_ = load({.form = codegen::Form::group, .packed_dots = true, .shared_bytes = shared}, group_threads,
                  true);
    load_tiles(shared);
    batches_.resize(slot_count);
    for (Batch& batch : batches_) make(batch);
    for (Batch& batch : batches_) {
      Slot slot;
      for (const Array& array : batch.inputs)
        slot.inputs.emplace_back(array.host, array.row_bytes * max_batch_);
      for (const Array& array : batch.outputs)
        slot.outputs.emplace_back(array.host, array.row_bytes * max_batch_);
      slots_.push_back(std::move(slot));
    }
    for (std::size_t slot = 0; slot < batches_.size(); ++slot) {
      capture(slot);
      check(start_persistent(batches_[slot]), where() + "the persistent kernel does not start");
    }
    choose_paths();
  }

  std::optional<Code> load(const codegen::Options& options, std::size_t threads, bool persistent) {
    Code code;
    code.source = codegen::render(network_, codegen::cuda_c, options);
    code.threads = threads;
    code.events_of_group =
        options.form == codegen::Form::item ? threads : static_cast<std::size_t>(options.events);
    std::string text = code.source.text;
    if (persistent) text += persistent_kernel(code.source);
    const std::vector<char> cubin = compile_cuda(text, device_.architecture, Output::cubin);
    check(api_.module_load(&code.module, cubin.data()),
          where() + "the driver does not take the compiled text");
    modules_.push_back(code.module);
    check(api_.module_function(&code.kernel, code.module, codegen::kernel_name), where() + "no kernel");
    if (persistent) {
      check(api_.module_function(&code.persistent, code.module, persistent_name), where() + "no kernel");
    }
    return code;
  }

  /// Only where there are layers of bytes and the tensors of a block of events fit.
  void load_tiles(std::size_t shared) {
    const codegen::Options options{
        .form = codegen::Form::group, .events = tile_events, .packed_dots = true, .shared_bytes = shared};
    const codegen::Source source = codegen::render(network_, codegen::cuda_c, options);
    if (source.uses_tiles && !source.scratch) tiles_ = load(options, tile_threads, false);
  }

  std::size_t most_groups() const {
    return static_cast<std::size_t>(device_.multiprocessors) * groups_of_multiprocessor;
  }

  void make(Batch& batch) {
    check(api_.stream_create(&batch.stream, stream_non_blocking), where() + "no stream");
    check(api_.stream_create(&batch.persistent_stream, stream_non_blocking), where() + "no stream");
    check(api_.event_create(&batch.done, event_disable_timing), where() + "no event");
    for (const network::NodeId id : inputs_of(network_)) batch.inputs.push_back(make_array(id));
    for (const network::NodeId id : outputs_of(network_)) batch.outputs.push_back(make_array(id));
    if (group_->source.scratch) {
      check(api_.memory_alloc(&batch.scratch, group_->source.tensor_bytes * most_groups()),
            too_large("scratch"));
    }
    void* mail = nullptr;
    check(api_.host_alloc(&mail, sizeof(Mail), host_alloc_mapped | host_alloc_portable),
          where() + "no mailbox");
    batch.mail = new (mail) Mail;
    check(api_.host_device_pointer(&batch.mapped_mail, mail, 0), where() + "no mailbox");
  }

  std::string too_large(const char* what) const {
    return where() + "no memory for the " + what + " of batches of " + std::to_string(max_batch_) +
           " events (" + std::to_string(device_.memory_bytes >> 20) +
           " MiB in all); choose smaller batches or the cpu backend";
  }

  Array make_array(network::NodeId id) {
    const network::Node& node = network_.nodes[static_cast<std::size_t>(id)];
    Array array;
    array.row_bytes = network::element_count(node.shape) * network::storage_bytes(node.type);
    const std::size_t size = array.row_bytes * max_batch_;
    void* host = nullptr;
    check(api_.host_alloc(&host, size, host_alloc_mapped | host_alloc_portable), too_large("arrays"));
    array.host = static_cast<std::byte*>(host);
    std::memset(array.host, 0, size);
    check(api_.host_device_pointer(&array.mapped, host, 0), too_large("arrays"));
    check(api_.memory_alloc(&array.device, size), too_large("arrays"));
    return array;
  }

  // --- one batch ---

  Result start(std::size_t slot, std::size_t events, Path path) noexcept {
    Batch& batch = batches_[slot];
    if (const Result bound = api_.context_set(context_); bound != success) return bound;
    batch.started = Clock::now();
    batch.path = path;
    if (path == Path::persistent) {
      batch.mail->events = static_cast<std::int32_t>(events);
      std::atomic_thread_fence(std::memory_order_seq_cst);
      batch.mail->request = batch.mail->request + 1;
      return success;
    }
    Result result = success;
    if (path == Path::graph) {
      result = api_.graph_launch(batch.graphs[point_of(events)], batch.stream);
    } else {
      result = enqueue(batch, events, path == Path::tiles ? *tiles_ : plain());
    }
    return result != success ? result : api_.event_record(batch.done, batch.stream);
  }

  const Code& plain() const noexcept { return item_ ? *item_ : *group_; }

  /// Copies in, the kernel, copies out.
  Result enqueue(Batch& batch, std::size_t events, const Code& code) noexcept {
    constexpr std::size_t most_parameters = 512;
    void* parameters[most_parameters];
    std::size_t count = 0;
    for (Array& array : batch.inputs) {
      parameters[count++] = &array.device;
      const Result copied = api_.copy_in(array.device, array.host, array.row_bytes * events, batch.stream);
      if (copied != success) return copied;
    }
    for (Array& array : batch.outputs) parameters[count++] = &array.device;
    if (code.source.scratch) parameters[count++] = &batch.scratch;
    int number = static_cast<int>(events);
    parameters[count++] = &number;
    const std::size_t groups = (events + code.events_of_group - 1) / code.events_of_group;
    const auto blocks = static_cast<unsigned>(code.source.scratch ? std::min(groups, most_groups()) : groups);
    const Result launched = api_.launch(code.kernel, blocks, 1, 1, static_cast<unsigned>(code.threads), 1, 1,
                                        0, batch.stream, parameters, nullptr);
    if (launched != success) return launched;
    for (Array& array : batch.outputs) {
      const Result copied = api_.copy_out(array.host, array.device, array.row_bytes * events, batch.stream);
      if (copied != success) return copied;
    }
    return success;
  }

  Status poll_event(Batch& batch) noexcept {
    if (api_.context_set(context_) != success) return Status::device_failed;
    const Result result = api_.event_query(batch.done);
    if (result == not_ready) return Status::pending;
    return result == success ? Status::ok : Status::device_failed;
  }

  Status poll_mail(Batch& batch) noexcept {
    if (batch.mail->answer == batch.mail->request) {
      std::atomic_thread_fence(std::memory_order_seq_cst);
      return Status::ok;
    }
    if (batch.mail->ended == 0) return Status::pending;
    // The watchdog has ended the kernel before this request came: start it again.
    if (api_.context_set(context_) != success) return Status::device_failed;
    const Result result = api_.stream_query(batch.persistent_stream);
    if (result == not_ready) return Status::pending;
    return result == success && start_persistent(batch) == success ? Status::pending : Status::device_failed;
  }

  Result start_persistent(Batch& batch) noexcept {
    constexpr std::size_t most_parameters = 512;
    std::int64_t patience_ticks = std::int64_t{20'000'000'000};  // about ten seconds of a GPU's clock
    void* parameters[most_parameters];
    std::size_t count = 0;
    for (Array& array : batch.inputs) parameters[count++] = &array.mapped;
    for (Array& array : batch.outputs) parameters[count++] = &array.mapped;
    if (group_->source.scratch) parameters[count++] = &batch.scratch;
    batch.answered = batch.mail->answer;
    batch.mail->ended = 0;
    parameters[count++] = &batch.mapped_mail;
    parameters[count++] = &batch.answered;
    parameters[count++] = &patience_ticks;
    return api_.launch(group_->persistent, 1, 1, 1, static_cast<unsigned>(group_->threads), 1, 1, 0,
                       batch.persistent_stream, parameters, nullptr);
  }

  /// A graph for each power of two up to largest_graph: a smaller batch computes rows that nobody reads.
  void capture(std::size_t slot) {
    Batch& batch = batches_[slot];
    for (std::size_t size = 1; size <= std::min(max_batch_, largest_graph); size *= 2) {
      GraphHandle* graph = nullptr;
      GraphExecHandle* executable = nullptr;
      check(api_.capture_begin(batch.stream, capture_thread_local), where() + "no graph");
      const Result enqueued = enqueue(batch, size, plain());
      check(api_.capture_end(batch.stream, &graph), where() + "no graph");
      check(enqueued, where() + "no graph");
      const Result made = api_.graph_instantiate(&executable, graph, 0);
      api_.graph_destroy(graph);
      check(made, where() + "no graph");
      batch.graphs.push_back(executable);
    }
  }

  // --- which path ---

  bool possible(Path path, std::size_t size) const {
    switch (path) {
      case Path::persistent:
        return size <= largest_persistent_batch;
      case Path::graph:
        return point_of(size) < batches_[0].graphs.size();
      case Path::batched:
        return true;
      case Path::tiles:
        return tiles_.has_value();
    }
    return false;
  }

  void choose_paths() {
    PathQuestion question{network::content_hash(network_) + "-" + device_.model + "-" + nvrtc_version(),
                          {path_names.begin(), path_names.end()},
                          max_batch_};
    question.possible = [this](std::size_t path, std::size_t events) {
      return possible(static_cast<Path>(path), events);
    };
    choice_ = known_paths(question);
    if (!choice_.of_point.empty()) return;
    choice_ = measured_paths(question, choice_, [&](std::size_t path, std::size_t events) {
      return least_time([&] { return time(static_cast<Path>(path), events); });
    });
  }

  std::chrono::nanoseconds time(Path path, std::size_t events) {
    check(start(0, events, path), where() + "a batch of " + std::to_string(events) + " zeros");
    Status status = Status::pending;
    while ((status = poll(0)) == Status::pending) {
    }
    if (status != Status::ok)
      throw Error(where() + "a batch of zeros failed: " + sentence(status), Fault::failure);
    return Clock::now() - batches_[0].started;
  }

  // --- the end ---

  /// Stops the persistent kernels first: freeing memory waits for all kernels. What a kernel that hangs still
  /// uses is not freed.
  void tear_down() noexcept {
    if (api_.context_set(context_) != success) return;
    for (Batch& batch : batches_) {
      if (batch.mail != nullptr) batch.mail->stop = 1;
    }
    if (!all_streams_end()) return;
    for (Batch& batch : batches_) {
      for (GraphExecHandle* graph : batch.graphs) api_.graph_exec_destroy(graph);
      for (auto* arrays : {&batch.inputs, &batch.outputs}) {
        for (Array& array : *arrays) {
          api_.memory_free(array.device);
          api_.host_free(array.host);
        }
      }
      if (batch.scratch != 0) api_.memory_free(batch.scratch);
      if (batch.mail != nullptr) api_.host_free(batch.mail);
      if (batch.done != nullptr) api_.event_destroy(batch.done);
      if (batch.stream != nullptr) api_.stream_destroy(batch.stream);
      if (batch.persistent_stream != nullptr) api_.stream_destroy(batch.persistent_stream);
    }
    for (ModuleHandle* module : modules_) api_.module_unload(module);
    api_.context_release(device_.id);
  }

  bool all_streams_end() noexcept {
    const Clock::time_point give_up = Clock::now() + std::chrono::seconds(2);
    for (const Batch& batch : batches_) {
      for (StreamHandle* stream : {batch.stream, batch.persistent_stream}) {
        while (stream != nullptr && api_.stream_query(stream) == not_ready) {
          if (Clock::now() > give_up) return false;
          std::this_thread::yield();
        }
      }
    }
    return true;
  }

  const Driver& api_ = driver();
  network::Network network_;
  DeviceInfo device_;
  std::size_t max_batch_;
  std::chrono::nanoseconds hang_;
  ContextHandle* context_ = nullptr;
  std::optional<Code> item_;
  std::optional<Code> group_;
  std::optional<Code> tiles_;
  std::vector<ModuleHandle*> modules_;
  std::vector<Batch> batches_;
  std::vector<Slot> slots_;
  PathChoice choice_;
};

}  // namespace

std::unique_ptr<Program> make_program(const network::Network& network, const DeviceInfo& device,
                                      const CompileOptions& options) {
  if (options.max_batch == 0 || options.slots == 0) {
    throw Error("A program needs a batch of at least one event and at least one slot.");
  }
  constexpr std::size_t most_ports = 500;
  const std::size_t ports = inputs_of(network).size() + outputs_of(network).size();
  if (ports > most_ports) {
    throw Error("network " + network.name + " on " + device.name + ": it has " + std::to_string(ports) +
                " inputs and outputs and a kernel takes " + std::to_string(most_ports) +
                "; run it on the cpu backend");
  }
  return std::make_unique<CudaProgram>(network, device, options);
}

}  // namespace crible::backends::cuda
