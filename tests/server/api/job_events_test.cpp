// Our own API's words for each kind of event, byte for byte.
#include "server/api/job_events.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "server/api/job_json.h"
#include "server/jobs/job_events.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

store::JobSummary running_job() {
  store::JobSummary job;
  job.id = "J";
  job.state = store::JobState::kRunning;
  return job;
}

TEST(ApiEvents, SayWhatHasHappened) {
  const std::string job =
      text_of(nlohmann::json{{"type", "job"}, {"job", job_json(running_job())}});
  std::map<std::string, std::string> said = {
      {"executing", R"({"id":"J","max":0,"node":"7","type":"progress","value":0})"},
      {"progress", R"({"id":"J","max":5,"node":"7","type":"progress","value":2})"},
      {"removed", R"({"id":"J","type":"removed"})"}};
  for (const char* name : {"queued", "planned", "moved", "held", "resumed", "cancelled", "claimed",
                           "taken back", "left"})
    said[name] = job;
  std::size_t count = 0;
  for (const auto& [name, event] : testing::all_events()) {
    const auto message = event_message(event, [] { return std::optional(running_job()); });
    const auto expected = said.find(name);
    EXPECT_EQ(message ? text_of(*message) : "", expected == said.end() ? "" : expected->second)
        << name;
    count += message ? 1 : 0;
  }
  EXPECT_EQ(count, said.size());
}

TEST(ApiEvents, SayNothingOfAJobThatIsGone) {
  EXPECT_FALSE(event_message(testing::event_with(JobQueued{}), [] { return std::nullopt; }));
}

TEST(ApiEvents, DescribeTheQueue) {
  QueueState state{true, 3, 1, std::nullopt};
  EXPECT_EQ(text_of(queue_json(state)), R"({"paused":true,"queued":3,"held":1})");
  state.running = running_job();
  EXPECT_EQ(queue_json(state)["running"]["state"], "running");
}

}  // namespace
}  // namespace obscura::server
