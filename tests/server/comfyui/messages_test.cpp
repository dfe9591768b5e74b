// ComfyUI's words for each kind of event, byte for byte.
#include "server/comfyui/messages.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "server/comfyui/history.h"
#include "server/jobs/job_events.h"

namespace obscura::server {
namespace {

using testing::event_with;
using testing::kNode;

TEST(ComfyUiMessages, SayWhatHasHappened) {
  const std::map<std::string, std::string> said = {
      {"started", R"({"data":{"prompt_id":"J","timestamp":1234},"type":"execution_start"})"},
      {"cached",
       R"({"data":{"nodes":["1","2"],"prompt_id":"J","timestamp":1234},"type":"execution_cached"})"},
      {"executing",
       R"({"data":{"display_node":"7","node":"7","prompt_id":"J"},"type":"executing"})"},
      {"progress", R"({"data":{"max":5,"node":"7","prompt_id":"J","value":2},"type":"progress"})"},
      {"executed",
       R"({"data":{"display_node":"7","node":"7","output":{"text":["a"]},"prompt_id":"J"},)"
       R"("type":"executed"})"},
      {"succeeded", R"({"data":{"prompt_id":"J","timestamp":1234},"type":"execution_success"})"},
      {"failed",
       R"({"data":{"current_inputs":{"a":["2"]},"current_outputs":["1"],)"
       R"("exception_message":"it is damaged","exception_type":"corrupt","executed":["1"],)"
       R"("node_id":"7","node_type":"Slow","prompt_id":"J","timestamp":1234,"traceback":[]},)"
       R"("type":"execution_error"})"},
      {"interrupted",
       R"({"data":{"executed":["1"],"node_id":"7","node_type":"Slow","prompt_id":"J",)"
       R"("timestamp":1234},"type":"execution_interrupted"})"},
      {"left", R"({"data":{"display_node":null,"node":null,"prompt_id":"J"},"type":"executing"})"}};
  std::size_t count = 0;
  for (const auto& [name, event] : testing::all_events()) {
    const auto message = message_of(event);
    const auto expected = said.find(name);
    EXPECT_EQ(message ? message->text() : "", expected == said.end() ? "" : expected->second)
        << name;
    count += message ? 1 : 0;
  }
  EXPECT_EQ(count, said.size());
}

TEST(ComfyUiMessages, GoToEverybodyWhereNoClientIsNamed) {
  std::string to_everybody;
  for (const auto& [name, event] : testing::all_events()) {
    const auto message = message_of(event);
    if (message && message->without_client == WithoutClient::kEverybody) to_everybody += name + " ";
  }
  EXPECT_EQ(to_everybody, "progress interrupted ");
}

TEST(ComfyUiMessages, RepeatTheStateOfEachNode) {
  NodeStates states;
  auto told = [&](const auto& what) {
    auto message = states.update(event_with(what));
    return message ? message->data["nodes"]["7"].dump() : "";
  };
  auto node = [](int value, int max, const std::string& state) {
    return R"({"display_node_id":"7","max":)" + std::to_string(max) +
           R"(,"node_id":"7","parent_node_id":null,"prompt_id":"J","real_node_id":"7","state":")" +
           state + R"(","value":)" + std::to_string(value) + "}";
  };
  EXPECT_EQ(told(NodeExecuted{kNode, nullptr, 0}), "") << "it was served from the cache";
  EXPECT_EQ(told(NodeExecuting{kNode}), node(0, 1, "running"));
  EXPECT_EQ(told(NodeProgress{kNode, 2, 5}), node(2, 5, "running"));
  EXPECT_EQ(told(JobFailed{kNode, "corrupt", "no", {}, {}}), node(2, 5, "error"));
  EXPECT_EQ(told(NodeExecuted{kNode, nullptr, 1}), node(5, 5, "finished"));
  EXPECT_EQ(told(JobStarted{}), "");
  const auto second = states.update(event_with(NodeExecuting{{"8", "Save", ""}}));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->type, "progress_state");
  EXPECT_EQ(second->data["nodes"].size(), 2U);
  EXPECT_EQ(second->data["prompt_id"], "J");
}

TEST(ComfyUiMessages, FramePreviews) {
  const NodePreview preview{kNode, testing::kImage, "image/png"};
  const JobEvent event = event_with(preview);
  const PreviewFrames frames(event, preview);
  EXPECT_EQ(frames.plain(), std::string("\0\0\0\1\0\0\0\2\xff\xd8\x07", 11));
  const std::string metadata =
      R"({"display_node_id":"7","image_type":"image/png","node_id":"7","parent_node_id":null,)"
      R"("prompt_id":"J","real_node_id":"7"})";
  EXPECT_EQ(frames.with_metadata(), std::string("\0\0\0\4\0\0\0", 7) +
                                        static_cast<char>(metadata.size()) + metadata +
                                        "\xff\xd8\x07");
}

TEST(ComfyUiHistory, KeepsTheCourseOfAJob) {
  const std::vector<JobEvent> course = {event_with(JobStarted{}), event_with(NodesCached{{"1"}}),
                                        event_with(JobSucceeded{})};
  EXPECT_EQ(ComfyUiHistory().history(course),
            R"([["execution_start",{"prompt_id":"J","timestamp":1234}],)"
            R"(["execution_cached",{"nodes":["1"],"prompt_id":"J","timestamp":1234}],)"
            R"(["execution_success",{"prompt_id":"J","timestamp":1234}]])");
}

}  // namespace
}  // namespace obscura::server
