#include <fmt/format.h>

#include <memory>

#include "bench/suites/device_subject.hpp"
#include "bench/suites/figures.hpp"
#include "bench/suites/networks.hpp"
#include "bench/suites/suite.hpp"
#include "engine/base/error.hpp"
#include "engine/importers/import.hpp"
#include "engine/network/build.hpp"
#include "engine/network/text.hpp"

// Time of a batch from submit to answer, for each network, device and batch size.
namespace crible::bench {

namespace {

constexpr std::size_t largest_batch = 1024;

/// One input element handed through: what a call costs before any work.
network::Network empty_network() {
  network::Builder builder("empty");
  const network::NodeId x = builder.input("x", {1}, {true, 8, 0});
  builder.output("y", builder.add("same", network::Requantize{}, {x}, network::Type{true, 8, 0}));
  return builder.finish();
}

std::vector<Named> networks_of(const SuiteOptions& options) {
  std::vector<Named> networks;
  for (Named& named : comparison_networks()) {
    const bool in_quick = named.name == "jet_mlp" || named.name == "calo_cnn" || named.name == "trees_8";
    if (!options.quick || in_quick) networks.push_back(std::move(named));
  }
  if (!options.networks.empty())
    networks.push_back({options.networks.filename(), importers::load_network(options.networks)});
  return networks;
}

class NetworkSuite {
 public:
  NetworkSuite(const SuiteOptions& options, Shared& shared) : options_(options), shared_(shared) {
    suite_.name = "network";
    suite_.notes.push_back(
        "Time of a batch from submit to answer, the inputs in place. Before anything is timed, 32 events of "
        "each network on each device are compared with the reference, as a batch.");
  }

  Suite run() {
    const std::vector<Named> networks = networks_of(options_);
    for (const Named& named : networks)
      shared_.machine.networks[named.name] = network::content_hash(named.network);
    for (const auto& backend : backends::registry()) {
      for (const backends::Device& device : backend->devices()) {
        if (!device.usable)
          suite_.notes.push_back(device.name + " was left out: " + device.reason);
        else
          measure(*backend, device.name, networks);
      }
    }
    return std::move(suite_);
  }

 private:
  void measure(const backends::Backend& backend, const std::string& device,
               const std::vector<Named>& networks) {
    std::vector<Candidate> candidates;
    std::vector<std::unique_ptr<DeviceSubject>> subjects;
    const auto add = [&](const std::string& name, const network::Network& network) {
      subjects.push_back(std::make_unique<DeviceSubject>(network, device, largest_batch));
      for (const std::size_t batch : batches()) {
        candidates.push_back({figure(name, device, batch), [this, subject = subjects.back().get(), batch] {
                                return time(*subject, batch);
                              }});
      }
    };
    add("empty network", empty_network());
    for (const Named& named : networks) {
      const std::string reason = backend.supports(named.network);
      if (reason.empty())
        add(named.name, named.network);
      else
        suite_.notes.push_back(fmt::format("{} does not run {}: {}", device, named.name, reason));
    }
    if (const std::int64_t kernel_ns = empty_kernel_ns(device); kernel_ns > 0) {
      suite_.figures.push_back(
          make_figure("empty kernel " + device, "ns", Better::lower, {static_cast<double>(kernel_ns)}));
    }
    std::vector<Figure> figures = interleaved(std::move(candidates), options_.repeats_or(3, 7));
    for (std::size_t i = 0; i < figures.size(); ++i) {
      const std::size_t empty = i % batches().size();
      if (i != empty) figures[i].floor = FigureFloor{"empty network, same batch", figures[empty].median};
    }
    for (Figure& one : figures) suite_.figures.push_back(std::move(one));
  }

  const std::vector<std::size_t>& batches() const {
    static const std::vector<std::size_t> quick = {1, 256, 1024}, full = {1, 16, 256, 1024};
    return options_.quick ? quick : full;
  }

  static Figure figure(const std::string& name, const std::string& device, std::size_t batch) {
    Figure figure;
    figure.name = fmt::format("{} {} batch {}", name, device, batch);
    figure.unit = "ns";
    figure.better = Better::lower;
    figure.checked = DeviceSubject::checked_events;
    return figure;
  }

  double time(DeviceSubject& subject, std::size_t batch) const {
    const std::int64_t budget_ns = options_.quick ? 8'000'000 : 60'000'000;
    return subject.mean_ns(batch, budget_ns);
  }

  const SuiteOptions& options_;
  Shared& shared_;
  Suite suite_;
};

}  // namespace

Suite network_suite(const SuiteOptions& options, Shared& shared) {
  return NetworkSuite(options, shared).run();
}

}  // namespace crible::bench
