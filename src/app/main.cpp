// Obscura's entry point: chooses a subcommand and turns its result into a message and an exit
// status.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <functional>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/version.h"
#include "base/result.h"

int main(int argc, char** argv) {
  using namespace obscura;
  CLI::App program{"Obscura: a private image studio."};
  program.name("obscura");
  program.require_subcommand(1);
  program.set_version_flag(
      "--version", [] { return fmt::format("obscura {} ({})", app::version(), app::revision()); });
  program.footer("`obscura COMMAND --help` shows a command's options and examples.");
  std::function<Status()> action;
  for (app::DeclareCommand declare : app::commands()) declare(program, action);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int status = program.exit(error);
    return status == 0 ? app::kDone : app::kBadCall;
  }
  try {
    Status status = action();
    if (status.ok()) return app::kDone;
    std::fprintf(stderr, "obscura: %s\n", status.error().message().c_str());
    return app::exit_status(status.error());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "obscura: %s\n", error.what());
    return app::kJobFailed;
  }
}
