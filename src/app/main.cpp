// Obscura's entry point: chooses a subcommand and turns its result into a message and an exit
// status.
#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/version.h"
#include "base/result.h"

namespace {

// libgomp's threads spin for milliseconds before they sleep. Where another program wants the same
// cores, each end of a parallel loop then waits for a time slice: a render of one second took
// eighteen. A short spin costs nothing on an idle machine. libgomp reads its settings before
// main(), so the program starts itself once more; a user's setting stays.
void spin_briefly(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  ::setenv("GOMP_SPINCOUNT", "1000", 1);
  ::execv("/proc/self/exe", argv);  // returns only if it could not: then as it was
}

// Standard output is for what a command makes.
void log_to_standard_error() {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace obscura;
  spin_briefly(argv);
  log_to_standard_error();
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
