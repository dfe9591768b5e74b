#include "app/command.h"

#include <map>

namespace obscura::app {
namespace {

std::multimap<int, DeclareCommand>& registry() {
  static std::multimap<int, DeclareCommand> map;
  return map;
}

}  // namespace

int exit_status(const Error& error) {
  return error.kind() == ErrorKind::kInvalidInput || error.kind() == ErrorKind::kNotFound
             ? kBadCall
             : kJobFailed;
}

RegisterCommand::RegisterCommand(int order, DeclareCommand declare) {
  registry().emplace(order, declare);
}

std::vector<DeclareCommand> commands() {
  std::vector<DeclareCommand> all;
  for (const auto& [order, declare] : registry()) all.push_back(declare);
  return all;
}

}  // namespace obscura::app
