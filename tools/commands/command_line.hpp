#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

// CLI11's header costs four seconds of compile time in each file that includes it. The commands see these
// few classes instead, and command_line.cpp alone includes it.

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace crible::tools {

/// An option or argument that a command has just declared. Each function returns it for the next one. What a
/// user gives against these rules is answered with a sentence and exit status 2.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  Option& required();
  /// May be given several times, each time with one value.
  Option& repeatable();
  /// What --help calls the value, instead of TEXT, INT, ...
  Option& type_name(const std::string& name);
  /// --help shows the value that the variable has now.
  Option& show_default();

  /// Only together with the other one.
  Option& needs(const Option& other);
  Option& between(int least, int most);
  Option& positive();
  Option& not_negative();
  Option& one_of(const std::vector<std::string>& words);
  Option& existing_file();
  /// A file or a folder.
  Option& existing_path();

 private:
  CLI::Option* option_;
};

/// A command, or a command of a command. A handle: copies are the same command.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  /// An option ("--rate", "-o,--out") or argument ("network") that is read into `value`, which must live
  /// until the command has run. For the types that command_line.cpp lists.
  template <typename T>
  Option option(const std::string& name, T& value, const std::string& what);

  /// An option without a value: sets `value`.
  void flag(const std::string& name, bool& value, const std::string& what);

  /// A word after the command's own name, with options of its own; the outer command's function runs.
  Command subcommand(const std::string& name, const std::string& what);

 private:
  CLI::App* app_;
};

/// The command line of a program that is a set of commands.
class CommandLine {
 public:
  /// The texts that --help and --version show.
  CommandLine(const std::string& name, const std::string& what, const std::string& footer,
              const std::string& version);
  ~CommandLine();

  /// Adds the command `name`. `run` is called when it was chosen and its arguments parsed, and returns the
  /// exit status: 0 done, 1 failure (or "differs", "does not hold"), 2 the user's mistake. Throwing
  /// crible::Error gives 2 or 1 and prints its sentence. `examples` closes the command's --help.
  Command add(const std::string& name, const std::string& what, const std::string& examples,
              std::function<int()> run);

  /// Runs the command that was chosen and returns its exit status. Prints --help, --version and what is wrong
  /// with the arguments.
  int run(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
  int exit_status_ = 0;
};

}  // namespace crible::tools
