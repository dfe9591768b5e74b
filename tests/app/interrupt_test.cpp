#include "app/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace obscura::app {
namespace {

// Each in a process of its own, which ends with what the test is about.
void expect_cancelled_by(int signal) {
  EXPECT_EXIT(
      {
        const CancelToken token = cancel_on_signals();
        const bool before = token.cancelled();
        std::raise(signal);
        std::fputs(!before && token.cancelled() ? "cancelled" : "not cancelled", stderr);
        std::_Exit(7);
      },
      testing::ExitedWithCode(7), "^cancelled$");
}

TEST(InterruptDeathTest, TheFirstSignalCancels) {
  expect_cancelled_by(SIGINT);
  expect_cancelled_by(SIGTERM);
}

TEST(InterruptDeathTest, TheSecondEndsTheProgram) {
  EXPECT_EXIT(
      {
        const CancelToken token = cancel_on_signals();
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::_Exit(7);
      },
      testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace obscura::app
