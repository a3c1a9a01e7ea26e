#include "backends/backend.hpp"
#include "backends/cpu/cpu_backend.hpp"
#include "engine/base/error.hpp"

namespace crible::backends {
namespace {

std::vector<std::unique_ptr<Backend>> make_registry() {
  std::vector<std::unique_ptr<Backend>> backends;
  backends.push_back(cpu::make_backend());
  return backends;
}

}  // namespace

const std::vector<std::unique_ptr<Backend>>& registry() {
  static const std::vector<std::unique_ptr<Backend>> backends = make_registry();
  return backends;
}

const Backend& find(const std::string& name) {
  std::string known;
  for (const auto& backend : registry()) {
    if (backend->name() == name) return *backend;
    known += known.empty() ? backend->name() : ", " + backend->name();
  }
  throw Error("There is no backend \"" + name + "\"; this build has: " + known + ".");
}

}  // namespace crible::backends
