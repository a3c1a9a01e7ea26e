#include "sim/verify.hpp"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/importers/import.hpp"
#include "engine/network/text.hpp"
#include "tools/commands/commands.hpp"
#include "tools/evaluation.hpp"
#include "tools/json_file.hpp"

namespace crible::tools {

namespace {

namespace fs = std::filesystem;

constexpr const char* examples =
    "  crible verify tagger.crn                               firmware of it, simulated: 10,000 events\n"
    "  crible verify tagger_fw --prove --mutants 300          a project of `crible firmware`; a proof; "
    "faults put in\n"
    "  crible verify tagger.crn --events x.npy --vectors 100000\n"
    "  crible verify --rtl top.v adder.v --top top --bind ports.yaml tagger.crn --prove     firmware of "
    "others\n"
    "  crible verify tagger_fw --prove --write-certificate tagger.json\n"
    "  crible verify tagger_fw --certificate tagger.json      whether it still holds for these files";

struct Options {
  std::string target;
  std::vector<std::string> rtl;
  std::string top;
  std::string bind;
  std::string events;
  std::size_t vectors = 10'000;
  std::size_t mutants = 0;
  std::uint64_t seed = 1;
  int processes = 0;
  int timeout_s = 600;
  bool prove = false;
  bool no_simulation = false;
  std::string keep = ".";
  std::string json;
  std::string certificate;
  std::string write_certificate;
};

/// The network, its module and, for firmware made here, the folder that holds it.
struct Subject {
  network::Network network;
  sim::Binding binding;
  fs::path made;  // to be removed

  Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  ~Subject() {
    std::error_code ignored;
    if (!made.empty()) fs::remove_all(made, ignored);
  }
};

void load_subject(const Options& options, Subject& subject) {
  if (!options.rtl.empty()) {
    if (options.top.empty() || options.bind.empty()) {
      throw Error("--rtl needs --top NAME and --bind FILE as well.");
    }
    subject.network = importers::load_network(options.target);
    subject.binding = sim::read_binding(subject.network, options.bind, options.top,
                                        {options.rtl.begin(), options.rtl.end()});
    return;
  }
  if (fs::is_directory(options.target)) {
    const fs::path network = fs::path(options.target) / "network.crn";
    if (!fs::exists(network))
      throw Error(options.target +
                  " has no network.crn; give the folder of a project that `crible firmware` wrote.");
    subject.network = network::load(network.string());
    const hls::Firmware firmware = hls::read_project(options.target);
    if (firmware.network_hash != network::content_hash(subject.network)) {
      throw Error(options.target + ": network.crn is not the network that firmware.json was made of.");
    }
    subject.binding = sim::bind_firmware(subject.network, firmware, options.target);
    return;
  }
  subject.network = importers::load_network(options.target);
  const hls::Firmware firmware = hls::generate(subject.network);
  subject.made = fs::temp_directory_path() / ("crible_verify_" + std::to_string(getpid()));
  hls::write_project(firmware, subject.made.string());
  subject.binding = sim::bind_firmware(subject.network, firmware, subject.made);
}

std::vector<sim::Event> recorded_events(const network::Network& network, const std::string& file) {
  if (file.empty()) return {};
  const EventArrays arrays = read_inputs(network, file);
  std::vector<sim::Event> events(arrays.events);
  for (std::size_t e = 0; e < arrays.events; ++e) {
    for (const auto& values : arrays.values) {
      const std::size_t size = values.size() / arrays.events;
      const auto first = values.begin() + static_cast<std::ptrdiff_t>(e * size);
      events[e].emplace_back(first, first + static_cast<std::ptrdiff_t>(size));
    }
  }
  return events;
}

void print_simulation(const sim::Verified& verified) {
  const sim::Checked& checked = *verified.checked;
  std::printf("%-11s %zu events in %llu cycles, %llu mismatches (%.1f s; model %s)\n", "simulation",
              checked.vectors, static_cast<unsigned long long>(checked.cycles),
              static_cast<unsigned long long>(checked.mismatches), checked.seconds,
              verified.build_was_cached
                  ? "from the cache"
                  : ("built in " + std::to_string(static_cast<int>(verified.build_seconds)) + " s").c_str());
  if (!checked.first) return;
  std::printf("%-11s %s\n", "difference", checked.first->sentence.c_str());
  if (checked.first->first_node) {
    const sim::FirstNode& node = *checked.first->first_node;
    std::printf("%-11s node '%s' element %d (signal %s): %lld, the reference gives %lld\n", "first node",
                node.node.c_str(), node.element, node.signal.c_str(), node.got, node.expected);
  }
  if (!verified.waveform.empty()) {
    std::printf("%-11s %s; see it with: gtkwave %s\n", "waveform", verified.waveform.c_str(),
                verified.waveform.c_str());
  }
}

void print_proof(const network::Network& network, const sim::proof::Proof& proof) {
  std::printf("%-11s %lld of %lld output bits for every input (%lld words, %lld functions, %.1f s)\n",
              "proof", proof.bits_proven, proof.bits_total, proof.words, proof.functions_proven,
              proof.seconds);
  std::size_t shown = 0;
  for (const sim::proof::Unproven& open : proof.unproven) {
    if (++shown > 5) break;
    std::printf("%-11s %s, '%s' element %d, %zu bits: %s\n", "not proven", open.port.c_str(),
                open.node.c_str(), open.element, open.bits.size(), open.reason.c_str());
  }
  if (proof.unproven.size() > 5) std::printf("%-11s %zu more\n", "", proof.unproven.size() - 5);
  if (!proof.unproven.empty()) {
    std::printf("%-11s %lld events tried against what is not proven\n", "sampled", proof.sampled_events);
  }
  if (proof.refutation) {
    std::printf("%-11s '%s' element %d is %lld, must be %lld, for %s\n", "refuted",
                proof.refutation->node.c_str(), proof.refutation->element, proof.refutation->got,
                proof.refutation->expected, sim::event_text(network, proof.refutation->inputs).c_str());
  }
}

void print_mutants(const sim::MutantsReport& mutants) {
  std::printf("%-11s %zu of %zu kinds: %zu caught, %zu proven equivalent, %zu survivors\n", "mutants",
              mutants.made, mutants.kinds, mutants.caught, mutants.equivalent, mutants.survivors.size());
  for (const sim::Survivor& survivor : mutants.survivors) {
    std::printf("%-11s %s: %s\n", "survivor", survivor.mutant.what.c_str(), survivor.reason.c_str());
  }
}

nlohmann::ordered_json describe(const sim::Verified& verified) {
  nlohmann::ordered_json json = {{"holds", verified.holds()}};
  if (verified.checked) {
    json["vectors"] = verified.checked->vectors;
    json["mismatches"] = verified.checked->mismatches;
    json["cycles"] = verified.checked->cycles;
    json["simulation_seconds"] = verified.checked->seconds;
    json["build_seconds"] = verified.build_seconds;
    if (verified.checked->first) json["difference"] = verified.checked->first->sentence;
  }
  if (verified.four_state)
    json["four_state"] = {{"events", verified.four_state->events}, {"problem", verified.four_state->problem}};
  if (verified.mutants) {
    json["mutants"] = {{"made", verified.mutants->made},
                       {"caught", verified.mutants->caught},
                       {"equivalent", verified.mutants->equivalent},
                       {"kinds", verified.mutants->kinds}};
    nlohmann::ordered_json& list = json["mutants"]["survivors"] = nlohmann::ordered_json::array();
    for (const sim::Survivor& survivor : verified.mutants->survivors) list.push_back(survivor.mutant.what);
  }
  if (verified.proof) {
    json["proof"] = {{"bits_total", verified.proof->bits_total},
                     {"bits_proven", verified.proof->bits_proven},
                     {"seconds", verified.proof->seconds},
                     {"refuted", verified.proof->refutation.has_value()}};
  }
  return json;
}

int run_verify(const Options& options) {
  Subject subject;
  load_subject(options, subject);
  if (!options.certificate.empty()) {
    const auto [problem, rechecked] =
        sim::check_certificate(read_file(options.certificate), subject.network, subject.binding);
    std::printf("%-11s %s %s\n", "certificate", options.certificate.c_str(),
                problem.empty() ? "holds" : ("does not hold: " + problem).c_str());
    if (rechecked) {
      std::printf("%-11s %lld words and %lld functions (%lld values tried) show %lld output bits again\n",
                  "steps", rechecked->words, rechecked->functions, rechecked->values, rechecked->bits);
    }
    write_json_file(
        options.json,
        {{"holds", problem.empty()}, {"problem", problem}, {"bits_shown", rechecked ? rechecked->bits : 0}});
    return problem.empty() ? 0 : 1;
  }
  sim::VerifyOptions verify;
  verify.check.vectors = options.vectors;
  verify.check.seed = options.seed;
  verify.check.recorded = recorded_events(subject.network, options.events);
  verify.check.processes = options.processes;
  verify.check.timeout_s = options.timeout_s;
  verify.simulate = !options.no_simulation;
  verify.four_state = !options.no_simulation;
  verify.prove = options.prove;
  verify.steps = options.prove && !options.write_certificate.empty();
  verify.mutants = options.mutants;
  verify.waveform_folder = options.keep;
  std::printf("%-11s module %s, latency %d cycles, against network %s\n", "verify",
              subject.binding.top.c_str(), subject.binding.latency_cycles, subject.network.name.c_str());
  const sim::Verified verified = sim::verify(subject.network, subject.binding, verify);
  if (verified.checked) print_simulation(verified);
  if (verified.four_state) {
    std::printf("%-11s %zu events in Icarus Verilog: %s\n", "four states", verified.four_state->events,
                verified.four_state->problem.empty() ? "no x reaches an output"
                                                     : verified.four_state->problem.c_str());
  }
  if (verified.proof) print_proof(subject.network, *verified.proof);
  if (!verified.steps_missing.empty()) {
    std::printf("%-11s none in the certificate: %s\n", "steps", verified.steps_missing.c_str());
  }
  if (verified.mutants) print_mutants(*verified.mutants);
  write_json_file(options.json, describe(verified));
  if (!options.write_certificate.empty()) {
    write_file(options.write_certificate, sim::certificate(subject.network, subject.binding, verified));
  }
  return verified.holds() ? 0 : 1;
}

}  // namespace

void add_verify(CommandLine& line) {
  auto options = std::make_shared<Options>();
  Command command = line.add("verify", "Check firmware against its network: simulation, mutants, proof",
                             examples, [options] { return run_verify(*options); });
  command
      .option("network", options->target, "A network (.crn), a model, or a folder made by `crible firmware`")
      .required()
      .type_name("NET|DIR");
  command.option("--rtl", options->rtl, "Verilog files of a module that somebody else made")
      .type_name("FILE");
  command.option("--top", options->top, "Name of that module").type_name("NAME");
  command.option("--bind", options->bind, "How its ports carry the network (YAML)").type_name("FILE");
  command.option("--events", options->events, "Recorded events that come first: .npy or .npz")
      .type_name("FILE");
  command.option("--vectors", options->vectors, "Events to simulate").show_default().between(1, 100'000'000);
  command.option("--seed", options->seed, "Of the random events and mutants").show_default();
  command.option("--processes", options->processes, "Simulations side by side; 0: one for each core")
      .show_default()
      .between(0, 1024);
  command.option("--limit", options->timeout_s, "Seconds after which a simulation is stopped")
      .show_default()
      .between(1, 1'000'000);
  command.flag("--prove", options->prove, "Prove every output bit for every input");
  command.option("--mutants", options->mutants, "Put so many faults into the module and try to catch each")
      .between(0, 60'000);
  command.flag("--no-simulation", options->no_simulation, "Only what else is asked for");
  command.option("--keep", options->keep, "Folder for the waveform of a mismatch")
      .show_default()
      .type_name("DIR");
  command.option("--certificate", options->certificate, "Check a certificate instead").type_name("FILE");
  command.option("--write-certificate", options->write_certificate, "Write what was found").type_name("FILE");
  command.option("--json", options->json, "Write a machine-readable result to this file").type_name("FILE");
}

}  // namespace crible::tools
