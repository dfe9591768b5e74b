#include "app/pace.h"

#include <gtest/gtest.h>

namespace obscura::app {
namespace {

using std::chrono::milliseconds;

TEST(ClockText, CountsSecondsMinutesAndHours) {
  EXPECT_EQ(clock_text(0), "0:00");
  EXPECT_EQ(clock_text(7.4), "0:07");
  EXPECT_EQ(clock_text(59.6), "1:00");
  EXPECT_EQ(clock_text(750), "12:30");
  EXPECT_EQ(clock_text(3599.6), "1:00:00");
  EXPECT_EQ(clock_text(3723), "1:02:03");
}

class PaceTest : public testing::Test {
 protected:
  PaceTest() { pace_.restart(begin_); }
  Pace::Time after(int ms) const { return begin_ + milliseconds(ms); }

  Pace::Time begin_ = Pace::Time() + std::chrono::hours(1);
  Pace pace_;
};

TEST_F(PaceTest, SaysNothingBeforeAStepWasTimed) {
  EXPECT_EQ(pace_.rate(after(500)), "");
  pace_.set(0, 20, after(1000));
  EXPECT_EQ(pace_.rate(after(2000)), "");
  EXPECT_EQ(pace_.left(after(2000)), "");
}

TEST_F(PaceTest, IsTheMeanOfTheStepsSinceTheFirst) {
  pace_.set(0, 20, after(1000));
  pace_.set(4, 20, after(2000));
  EXPECT_EQ(pace_.rate(after(2000)), "4.0 it/s");
  EXPECT_EQ(pace_.left(after(2000)), "0:04");
}

TEST_F(PaceTest, OfSlowStepsIsInSeconds) {
  pace_.set(0, 20, after(0));
  pace_.set(2, 20, after(9000));
  EXPECT_EQ(pace_.rate(after(9000)), "4.50 s/it");
  EXPECT_EQ(pace_.left(after(9000)), "1:21");
}

// A node with two samplers counts twice: the second is not timed by what the first took.
TEST_F(PaceTest, BeginsAnewWhereTheCountDoes) {
  pace_.set(0, 20, after(0));
  pace_.set(20, 20, after(40000));
  pace_.set(0, 10, after(50000));
  EXPECT_EQ(pace_.rate(after(50000)), "");
  pace_.set(5, 10, after(51000));
  EXPECT_EQ(pace_.rate(after(51000)), "5.0 it/s");
  EXPECT_EQ(pace_.left(after(51000)), "0:01");
}

TEST_F(PaceTest, ForgetsAtTheNextNode) {
  pace_.set(0, 20, after(0));
  pace_.set(20, 20, after(40000));
  pace_.restart(after(41000));
  EXPECT_EQ(pace_.max(), 0);
  EXPECT_EQ(pace_.rate(after(42000)), "");
}

}  // namespace
}  // namespace obscura::app
