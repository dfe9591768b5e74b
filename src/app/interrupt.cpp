#include "app/interrupt.h"

#include <csignal>

namespace obscura::app {
namespace {

// What a signal handler may touch: it lives as long as the program.
CancelToken& signalled() {
  static CancelToken token;
  return token;
}

void on_signal(int signal) {
  signalled().cancel();
  std::signal(signal, SIG_DFL);
}

}  // namespace

CancelToken cancel_on_signals() {
  CancelToken token = signalled();
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  return token;
}

}  // namespace obscura::app
