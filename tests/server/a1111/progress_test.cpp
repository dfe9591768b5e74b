// How AUTOMATIC1111's clients are told how far a job is, byte for byte.
#include "server/a1111/progress.h"

#include <gtest/gtest.h>

#include "server/net/text.h"

namespace obscura::server {
namespace {

std::string state_text(const char* job, int count, int step, int steps) {
  return R"("state":{"skipped":false,"interrupted":false,"stopping_generation":false,"job":")" +
         std::string(job) + R"(","job_count":)" + std::to_string(count) +
         R"(,"job_timestamp":"0","job_no":0,"sampling_step":)" + std::to_string(step) +
         R"(,"sampling_steps":)" + std::to_string(steps) + "}";
}

TEST(A1111ProgressOf, NoJob) {
  EXPECT_EQ(text_of(a1111_progress({})), R"({"progress":0.0,"eta_relative":0.0,)" +
                                             state_text("", 0, 0, 0) +
                                             R"(,"current_image":null,"textinfo":null})");
}

TEST(A1111ProgressOf, AJobThatRuns) {
  A1111Progress state{"J", 3000, {"7", 1, 4, "image"}, 2};
  EXPECT_EQ(text_of(a1111_progress(state)), R"({"progress":0.25,"eta_relative":9.0,)" +
                                                state_text("J", 2, 1, 4) +
                                                R"(,"current_image":"aW1hZ2U=","textinfo":null})");
  state.with_image = false;
  EXPECT_EQ(a1111_progress(state)["current_image"], nullptr);
}

}  // namespace
}  // namespace obscura::server
