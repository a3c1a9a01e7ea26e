#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/network/network.hpp"

/// The interface a device implements. Set-up calls throw crible::Error (with the build log where there is
/// one); per-batch calls are noexcept and return a Status.
namespace crible::backends {

enum class Status {
  ok,
  pending,          // submitted, not finished
  bad_batch,        // zero events, or more than the program's capacity
  busy,             // the slot is in flight
  device_failed,    // the device reported an error; the program is unusable
  deadline_passed,  // the device did not answer in time; the program is unusable
};

/// One sentence for each status.
const char* sentence(Status status);

struct Device {
  std::string name;         // as the user names it: "cpu:avx2", "opencl:0"
  std::string description;  // model and properties for people
  bool usable = true;
  std::string reason;       // why not, and what to do, when it is not usable
  bool shares_cpu = false;  // computes on the processor's own cores: never chosen unless it is asked for
};

struct CompileOptions {
  std::string device{};                  // a Device::name of this backend; empty: the best usable one
  std::size_t max_batch = 1024;          // events per slot
  std::size_t slots = 3;                 // batches in flight
  std::int64_t hang_ns = 2'000'000'000;  // a batch without an answer for so long: the device hangs
};

/// Bytes of a batch. inputs[i] holds `max_batch` rows of input i, row after row without padding;
/// a row is element_count(shape) elements of storage_bytes(type) bytes, little-endian, C order.
/// outputs likewise. Owned by the Program and valid as long as it lives.
struct Slot {
  std::vector<std::span<std::byte>> inputs;
  std::vector<std::span<std::byte>> outputs;
};

/// A network compiled for one device. Used by one thread at a time; different programs are independent.
/// Nothing is allocated after construction.
class Program {
 public:
  virtual ~Program() = default;

  virtual const network::Network& network() const = 0;
  virtual const std::string& device() const = 0;  // Device::name that really runs: proof for forced choices
  virtual std::size_t max_batch() const = 0;
  virtual std::span<Slot> slots() = 0;

  /// Starts a batch of `events` rows that the caller has written into slots()[slot].inputs.
  [[nodiscard]] virtual Status submit(std::size_t slot, std::size_t events) noexcept = 0;

  /// pending, or ok once slots()[slot].outputs hold the results, or the failure. Never blocks.
  [[nodiscard]] virtual Status poll(std::size_t slot) noexcept = 0;

  /// submit and wait.
  [[nodiscard]] virtual Status run(std::size_t slot, std::size_t events) noexcept = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string name() const = 0;  // "cpu", "opencl", "cuda"
  virtual std::vector<Device> devices() const = 0;

  /// Empty when the network can run here; otherwise one sentence that names the node and the reason.
  virtual std::string supports(const network::Network& network) const = 0;

  virtual std::unique_ptr<Program> compile(const network::Network& network,
                                           const CompileOptions& options) const = 0;
};

/// All backends of this build, in order of preference; the CPU is always among them.
const std::vector<std::unique_ptr<Backend>>& registry();

/// Names of the usable devices that have processors of their own.
std::vector<std::string> accelerators();

/// Throws Error that lists the known names.
const Backend& find(const std::string& name);

}  // namespace crible::backends
