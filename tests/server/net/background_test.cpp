#include "server/net/background.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace obscura::server {
namespace {

TEST(Background, RunsOneTaskAfterAnotherOnAThreadOfItsOwn) {
  Background background;
  std::vector<int> order;
  std::promise<std::thread::id> ran_on;
  for (int i = 0; i < 5; ++i) background.start([&order, i] { order.push_back(i); });
  background.start([&] { ran_on.set_value(std::this_thread::get_id()); });
  EXPECT_NE(ran_on.get_future().get(), std::this_thread::get_id());
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(Background, StopWaitsForTheTaskThatRunsAndDropsTheOthers) {
  Background background;
  std::promise<void> running, go_on;
  bool finished = false, second = false;
  background.start([&] {
    running.set_value();
    go_on.get_future().wait();
    finished = true;
  });
  background.start([&second] { second = true; });
  running.get_future().wait();
  std::thread other([&] { background.stop(); });
  // Once it stops, it holds no task that comes.
  std::shared_ptr<int> held;
  do {
    held = std::make_shared<int>();
    background.start([held] {});
  } while (held.use_count() > 1);
  go_on.set_value();
  other.join();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(second);
  background.start([&second] { second = true; });
  background.stop();
  EXPECT_FALSE(second) << "nothing starts after stop()";
}

}  // namespace
}  // namespace obscura::server
