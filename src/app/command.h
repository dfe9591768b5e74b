// A subcommand of `obscura`: one file each, registered by a static object, so that adding one
// touches nothing else.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
}

namespace obscura::app {

// Exit statuses of the program.
inline constexpr int kDone = 0;
inline constexpr int kJobFailed = 1;
inline constexpr int kBadCall = 2;

// The status that an error ends the program with: 2 where the call or its input is wrong, else 1.
int exit_status(const Error& error);

// Declares the subcommand on `app`; sets `action` to what it does when CLI11 has chosen it.
using DeclareCommand = void (*)(CLI::App& app, std::function<Status()>& action);

struct RegisterCommand {
  // Commands are listed by `order` in the program's help.
  RegisterCommand(int order, DeclareCommand declare);
};

// In the order of the help.
std::vector<DeclareCommand> commands();

}  // namespace obscura::app
