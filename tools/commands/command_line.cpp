#include "tools/commands/command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>

namespace crible::tools {

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::repeatable() {
  option_->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return *this;
}

Option& Option::type_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::needs(const Option& other) {
  option_->needs(other.option_);
  return *this;
}

Option& Option::between(int least, int most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::positive() {
  option_->check(CLI::PositiveNumber);
  return *this;
}

Option& Option::not_negative() {
  option_->check(CLI::NonNegativeNumber);
  return *this;
}

Option& Option::one_of(const std::vector<std::string>& words) {
  option_->check(CLI::IsMember(words));
  return *this;
}

Option& Option::existing_file() {
  option_->check(CLI::ExistingFile);
  return *this;
}

Option& Option::existing_path() {
  option_->check(CLI::ExistingPath);
  return *this;
}

template <typename T>
Option Command::option(const std::string& name, T& value, const std::string& what) {
  return Option(*app_->add_option(name, value, what));
}

template Option Command::option(const std::string&, std::string&, const std::string&);
template Option Command::option(const std::string&, std::filesystem::path&, const std::string&);
template Option Command::option(const std::string&, double&, const std::string&);
template Option Command::option(const std::string&, int&, const std::string&);
template Option Command::option(const std::string&, std::uint32_t&, const std::string&);
template Option Command::option(const std::string&, std::uint64_t&, const std::string&);
template Option Command::option(const std::string&, std::optional<double>&, const std::string&);
template Option Command::option(const std::string&, std::optional<int>&, const std::string&);
template Option Command::option(const std::string&, std::vector<std::string>&, const std::string&);
template Option Command::option(const std::string&, std::vector<std::uint64_t>&, const std::string&);

void Command::flag(const std::string& name, bool& value, const std::string& what) {
  app_->add_flag(name, value, what);
}

Command Command::subcommand(const std::string& name, const std::string& what) {
  return Command(*app_->add_subcommand(name, what));
}

CommandLine::CommandLine(const std::string& name, const std::string& what, const std::string& footer,
                         const std::string& version)
    : app_(std::make_unique<CLI::App>(what, name)) {
  app_->footer(footer);
  app_->set_version_flag("--version", version);
  app_->require_subcommand(1);
  app_->get_formatter()->column_width(36);
}

CommandLine::~CommandLine() = default;

Command CommandLine::add(const std::string& name, const std::string& what, const std::string& examples,
                         std::function<int()> run) {
  CLI::App* command = app_->add_subcommand(name, what);
  command->footer("Examples:\n" + examples);
  command->callback([this, run = std::move(run)] { exit_status_ = run(); });
  return Command(*command);
}

int CommandLine::run(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app_->exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "%s: %s\nTry `%s --help` or `%s COMMAND --help`.\n", app_->get_name().c_str(),
                 error.what(), app_->get_name().c_str(), app_->get_name().c_str());
    return 2;
  }
  return exit_status_;
}

}  // namespace crible::tools
