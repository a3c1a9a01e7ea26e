#pragma once

#include <functional>

#include "sim/check.hpp"
#include "sim/icarus.hpp"
#include "sim/mutants.hpp"
#include "sim/proof/prove.hpp"
#include "sim/recheck/steps.hpp"

/// All checks of a firmware against its network.
namespace crible::sim {

struct VerifyOptions {
  CheckOptions check;
  bool simulate = true;
  bool four_state = true;  // a run in Icarus Verilog
  bool prove = false;
  bool steps = false;  // with a complete proof: as a list of steps that a second checker follows
  std::size_t mutants = 0;
  std::size_t mutant_vectors = 2000;
  std::filesystem::path waveform_folder;  // where a mismatch's waveform goes; empty: none is made
};

/// A mutant that no simulated event caught.
struct Survivor {
  Mutant mutant;
  bool equivalent = false;  // proven to compute the network all the same
  bool refuted = false;     // shown by a directed event of the proof
  std::string reason;       // when it is neither
};

struct MutantsReport {
  std::size_t made = 0;
  std::size_t caught = 0;      // by simulation, or by an event that the proof found
  std::size_t equivalent = 0;  // proven
  std::size_t kinds = 0;
  std::vector<Survivor> survivors;  // neither caught nor equivalent
  std::vector<Survivor> settled_by_proof;
};

struct Verified {
  std::optional<Checked> checked;
  std::optional<FourState> four_state;
  std::optional<proof::Proof> proof;
  std::string steps;          // JSON text; empty when there are none
  std::string steps_missing;  // why, where they were asked for
  std::optional<MutantsReport> mutants;
  std::filesystem::path waveform;  // of the first mismatch
  double build_seconds = 0;
  bool build_was_cached = false;

  bool holds() const;
};

Verified verify(const network::Network& network, const Binding& binding, const VerifyOptions& options);

/// Puts faults into the module and tries to catch each.
MutantsReport try_mutants(const network::Network& network, const Binding& binding,
                          const proof::Netlist& netlist, const VerifyOptions& options);

/// The certificate of a verification: hashes of the network, the Verilog and the tools, proven ranges and
/// widths, and what each check found.
std::string certificate(const network::Network& network, const Binding& binding, const Verified& verified);

struct CheckedCertificate {
  std::string problem;                          // empty: it holds
  std::optional<recheck::Rechecked> rechecked;  // what its steps show, where it has steps
};

/// Compares a certificate with the files as they are now, and follows its steps (which needs Yosys).
CheckedCertificate check_certificate(const std::string& text, const network::Network& network,
                                     const Binding& binding);

}  // namespace crible::sim
