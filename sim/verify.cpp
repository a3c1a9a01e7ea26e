#include "sim/verify.hpp"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/reference/reference.hpp"
#include "sim/process.hpp"
#include "sim/synthesis.hpp"

namespace crible::sim {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t mutant_chunk = 400;  // in one model

/// Which of the mutants first ... are caught by the events.
std::vector<bool> simulate_mutants(const network::Network& network, const Binding& binding,
                                   const proof::Netlist& netlist, const std::vector<Mutant>& mutants,
                                   const VerifyOptions& options) {
  const fs::path source = fs::temp_directory_path() / ("crible_mutants_" + std::to_string(getpid()) + ".v");
  write_file(source, mutant_module(netlist, mutants));
  Binding bound = binding;
  bound.sources = {source};
  ModelOptions model_options;
  model_options.mutant_port = mutant_port;
  model_options.timeout_s = options.check.timeout_s;
  std::vector<bool> caught(mutants.size(), false);
  try {
    const Model model(bound, model_options);
    CheckOptions check = options.check;
    check.vectors = options.mutant_vectors;
    const Schedule schedule = make_schedule(network, bound, make_events(network, check), check.seed);
    // The module without a fault first: what it does not pass says nothing about mutants.
    if (model.run(schedule.events, false, 0, 0).findings > 0) {
      throw Error("The module without mutants differs from the network: run verify without --mutants first.",
                  Fault::failure);
    }
    const Simulated result = model.run(schedule.events, false, 1, static_cast<std::uint32_t>(mutants.size()));
    for (const Found& found : result.first) caught[found.mutant - 1] = true;
  } catch (...) {
    fs::remove(source);
    throw;
  }
  fs::remove(source);
  return caught;
}

}  // namespace

MutantsReport try_mutants(const network::Network& network, const Binding& binding,
                          const proof::Netlist& netlist, const VerifyOptions& options) {
  const std::vector<Mutant> mutants = choose_mutants(netlist, options.mutants, options.check.seed);
  MutantsReport report;
  report.made = mutants.size();
  std::set<MutantKind> kinds;
  for (const Mutant& mutant : mutants) kinds.insert(mutant.kind);
  report.kinds = kinds.size();
  for (std::size_t first = 0; first < mutants.size(); first += mutant_chunk) {
    const std::vector<Mutant> chunk(
        mutants.begin() + static_cast<std::ptrdiff_t>(first),
        mutants.begin() + static_cast<std::ptrdiff_t>(std::min(mutants.size(), first + mutant_chunk)));
    const std::vector<bool> caught = simulate_mutants(network, binding, netlist, chunk, options);
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      if (caught[i]) {
        ++report.caught;
        continue;
      }
      const proof::Proof proof = proof::prove(network, binding, mutated(netlist, chunk[i]));
      Survivor survivor{chunk[i], proof.complete(), proof.refutation.has_value(), {}};
      report.equivalent += survivor.equivalent ? 1 : 0;
      report.caught += survivor.refuted ? 1 : 0;
      if (survivor.equivalent || survivor.refuted) {
        report.settled_by_proof.push_back(std::move(survivor));
        continue;
      }
      survivor.reason = proof.unproven.empty() ? "" : proof.unproven[0].reason;
      report.survivors.push_back(std::move(survivor));
    }
  }
  return report;
}

bool Verified::holds() const {
  return (!checked || checked->mismatches == 0) && (!four_state || four_state->problem.empty()) &&
         (!proof || !proof->refutation) && (!mutants || mutants->survivors.empty());
}

namespace {

void find_steps(const network::Network& network, const Binding& binding, const std::string& json,
                Verified& verified) {
  if (!verified.proof->complete()) {
    verified.steps_missing = "not all output bits are proven";
    return;
  }
  std::vector<recheck::Carrier> carriers;
  for (const proof::Carried& each : verified.proof->carried)
    carriers.push_back({each.node, each.element, each.nets});
  try {
    verified.steps = recheck::make_steps(network, binding, json, carriers);
  } catch (const recheck::NotShown& reason) {
    verified.steps_missing = reason.what();
  }
}

}  // namespace

Verified verify(const network::Network& network, const Binding& binding, const VerifyOptions& options) {
  Verified verified;
  std::string json;
  std::optional<proof::Netlist> netlist;
  const auto read_netlist = [&]() -> const proof::Netlist& {
    if (!netlist) {
      json = netlist_json(binding);
      netlist = proof::parse_netlist(json, binding.top);
    }
    return *netlist;
  };
  if (options.simulate) {
    ModelOptions model_options;
    model_options.timeout_s = options.check.timeout_s;
    const Model model(binding, model_options);
    verified.build_seconds = model.build_seconds();
    verified.build_was_cached = model.was_cached();
    verified.checked = check(network, binding, model, options.check);
    std::optional<Mismatch>& first = verified.checked->first;
    if (first && first->kind == Finding::value && !find_program("yosys").empty()) {
      try {
        first->first_node = bisect(network, binding, read_netlist(), first->event);
      } catch (const Error&) {  // what Yosys cannot read is reported without it
      }
    }
    if (first && !options.waveform_folder.empty()) {
      verified.waveform = options.waveform_folder / (binding.top + "_mismatch.fst");
      write_waveform(network, binding, first->event, verified.waveform);
    }
  }
  if (options.four_state && !find_program("iverilog").empty()) {
    verified.four_state = check_four_state(network, binding, 20, options.check.seed);
  }
  if (options.prove) verified.proof = proof::prove(network, binding, read_netlist());
  if (options.steps && verified.proof) find_steps(network, binding, json, verified);
  if (options.mutants > 0) verified.mutants = try_mutants(network, binding, read_netlist(), options);
  return verified;
}

}  // namespace crible::sim
