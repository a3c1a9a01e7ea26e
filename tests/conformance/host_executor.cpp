#include "tests/conformance/host_executor.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/sha256.hpp"
#include "tests/conformance/rows.hpp"

namespace crible::conformance {

namespace {

using network::Network;
using network::Node;
using Kernel = void (*)(void* const* ports, void* scratch, int events);

constexpr const char* compiler =
    "cc -std=gnu11 -O1 -w -fPIC -shared -fno-strict-aliasing "
    "-fsanitize=signed-integer-overflow,bounds -fsanitize-undefined-trap-on-error";

Kernel compile(const std::string& text) {
  static std::map<std::string, Kernel> loaded;
  const std::string hash = sha256_hex(compiler + text);
  const auto known = loaded.find(hash);
  if (known != loaded.end()) return known->second;
  const std::filesystem::path folder = CRIBLE_HOST_CACHE_DIR;
  std::filesystem::create_directories(folder);
  const std::string library = folder / (hash + ".so");
  if (!std::filesystem::exists(library)) {
    const std::string own = library + "." + std::to_string(getpid());
    write_file(own + ".c", text);
    const std::string command = std::string(compiler) + " -o " + own + " " + own + ".c 2>" + own + ".log";
    if (std::system(command.c_str()) != 0) {
      throw Error("the generated text does not compile: " + command + "\n" + read_file(own + ".log"),
                  Fault::failure);
    }
    std::filesystem::rename(own, library);
    std::filesystem::remove(own + ".c");
    std::filesystem::remove(own + ".log");
  }
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw Error(dlerror(), Fault::failure);
  const auto kernel =
      reinterpret_cast<Kernel>(dlsym(handle, (std::string(codegen::kernel_name) + "_ports").c_str()));
  return loaded.emplace(hash, kernel).first->second;
}

class OnHost : public Prepared {
 public:
  OnHost(std::string name, const Network& network, const codegen::Options& options, std::size_t max_batch)
      : name_(std::move(name)), network_(network), max_batch_(max_batch) {
    const codegen::Source source = codegen::render(network, codegen::host_c, options);
    kernel_ = compile(source.text);
    scratch_.resize(source.scratch ? source.tensor_bytes : 0);
  }

  Events run(std::span<const Event> events) override {
    Events results;
    for (std::size_t done = 0; done < events.size(); done += max_batch_) {
      run_batch(events.subspan(done, std::min(max_batch_, events.size() - done)), results);
    }
    return results;
  }
  std::string proof() const override { return name_; }

 private:
  void run_batch(std::span<const Event> events, Events& results) {
    std::vector<std::vector<std::byte>> memory;
    std::vector<network::NodeId> ids = inputs_of(network_);
    const std::size_t inputs = ids.size();
    for (const network::NodeId id : outputs_of(network_)) ids.push_back(id);
    std::vector<std::span<std::byte>> arrays;
    std::vector<void*> ports;
    for (const network::NodeId id : ids) {
      const Node& node = network_.nodes[static_cast<std::size_t>(id)];
      arrays.emplace_back(memory.emplace_back(events.size() * row_bytes(node)));
      ports.push_back(arrays.back().data());
    }
    const Arrays all(arrays);
    store_inputs(network_, events, all.first(inputs));
    kernel_(ports.data(), scratch_.data(), static_cast<int>(events.size()));
    fetch_outputs(network_, all.subspan(inputs), events.size(), results);
  }

  std::string name_;
  Network network_;
  std::size_t max_batch_;
  Kernel kernel_ = nullptr;
  std::vector<std::byte> scratch_;
};

}  // namespace

Executor host_executor(const std::string& name, const codegen::Options& options) {
  Executor executor;
  executor.name = name;
  executor.must_run = true;
  executor.slow_to_prepare = true;
  executor.refuses = [](const Network&) { return std::string(); };
  executor.prepare = [name, options](const Network& network, std::size_t max_batch) {
    return std::make_unique<OnHost>(name, network, options, max_batch);
  };
  return executor;
}

}  // namespace crible::conformance
