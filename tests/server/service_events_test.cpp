// What a client with a WebSocket is told of jobs, and what the history keeps.
#include "server/service_fixture.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixture
using namespace std::chrono_literals;

TEST_F(ServiceTest, RunsAJob) {
  const Reply reply =
      post("/prompt", R"({"prompt":)" + std::string(kSum) + R"(,"client_id":"me","number":7})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json()["number"], 7);
  EXPECT_EQ(reply.json()["node_errors"], json::object());
  const std::string id = reply.json()["prompt_id"];
  const json entry = finished(id);
  EXPECT_EQ(entry["prompt"][0], 7);
  EXPECT_EQ(entry["prompt"][1], id);
  EXPECT_EQ(entry["prompt"][2], json::parse(kSum));
  EXPECT_EQ(entry["prompt"][3]["client_id"], "me");
  EXPECT_EQ(entry["prompt"][4], json({"3"}));
  EXPECT_EQ(entry["outputs"]["3"]["images"][0]["filename"], "sum6.000000");
  EXPECT_EQ(entry["meta"]["3"]["display_node"], "3");
  EXPECT_EQ(entry["status"]["status_str"], "success");
  EXPECT_EQ(entry["status"]["completed"], true);
  EXPECT_EQ(entry["status"]["messages"][0][0], "execution_start");
  EXPECT_EQ(entry["status"]["messages"].back()[0], "execution_success");
  EXPECT_EQ(get("/prompt").json()["exec_info"]["queue_remaining"], 0);
}

TEST_F(ServiceTest, TellsTheClientInTheOrderThatClientsNeed) {
  Listener listener(port(), "me");
  const json first = listener.until("status").back();
  EXPECT_EQ(first["data"]["sid"], "me");
  EXPECT_EQ(first["data"]["status"]["exec_info"]["queue_remaining"], 0);
  const std::string id = submit(slow(2, 1), R"(,"client_id":"me")");
  std::vector<std::string> order;
  bool in_history = false;
  for (const json& message : listener.until_over()) {
    if (message.contains("binary")) {
      order.push_back("binary");
      continue;
    }
    const std::string type = message["type"];
    if (type == "status" || type == "progress_state") continue;
    EXPECT_EQ(message["data"]["prompt_id"], id) << message;
    order.push_back(type);
    if (type == "executing") order.back() += " " + message["data"]["node"].dump();
    if (type == "execution_success") in_history = get("/history/" + id).json().contains(id);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"execution_start", "execution_cached",
                                             R"(executing "7")", "progress", "binary", "progress",
                                             "binary", R"(executing "8")", "executed",
                                             "execution_success", "executing null"}));
  EXPECT_TRUE(in_history);
  EXPECT_EQ(listener.until("status").back()["data"]["status"]["exec_info"]["queue_remaining"], 0);
  EXPECT_EQ(listener.last_binary(), std::string("\0\0\0\1\0\0\0\1\xff\xd8\x07", 11));
}

TEST_F(ServiceTest, ReportsTheStateOfEachNode) {
  Listener listener(port(), "me");
  submit(slow(2, 1), R"(,"client_id":"me")");
  json last;
  for (const json& message : listener.until_over())
    if (message.value("type", "") == "progress_state") last = message["data"]["nodes"];
  ASSERT_EQ(last.size(), 2U);
  EXPECT_EQ(last["7"]["state"], "finished");
  EXPECT_EQ(last["7"]["value"], 2);
  EXPECT_EQ(last["8"]["state"], "finished");
}

TEST_F(ServiceTest, SendsMetadataWithPreviewsToThoseWhoReadIt) {
  Listener listener(port(), "me");
  ASSERT_TRUE(listener.client().send_frame(
      1, R"({"type":"feature_flags","data":{"supports_preview_metadata":true}})"));
  EXPECT_EQ(listener.until("feature_flags").back()["data"]["supports_preview_metadata"], true);
  const std::string id = submit(slow(1, 1), R"(,"client_id":"me")");
  listener.until_over();
  const std::string& frame = listener.last_binary();
  ASSERT_GT(frame.size(), 8U);
  EXPECT_EQ(frame[3], 4);
  const std::size_t length =
      static_cast<unsigned char>(frame[6]) * 256U + static_cast<unsigned char>(frame[7]);
  const json metadata = json::parse(frame.substr(8, length));
  EXPECT_EQ(metadata["node_id"], "7");
  EXPECT_EQ(metadata["prompt_id"], id);
  EXPECT_EQ(metadata["image_type"], "image/jpeg");
  EXPECT_EQ(frame.substr(8 + length), "\xff\xd8\x07");
}

TEST_F(ServiceTest, LeavesPreviewsOutWhenAskedTo) {
  Listener listener(port(), "me");
  submit(slow(2, 1), R"(,"client_id":"me","extra_data":{"preview_method":"none"})");
  for (const json& message : listener.until_over()) EXPECT_FALSE(message.contains("binary"));
}

TEST_F(ServiceTest, KeepsAJobsMessagesFromOthers) {
  Listener other(port(), "other"), mine(port(), "me");
  submit(kSum, R"(,"client_id":"me")");
  mine.until_over();
  // Of somebody else's job they learn nothing but how long the queue is.
  other.until("status");
  for (int remaining = 1; remaining > 0;) {
    const auto messages = other.until("status");
    EXPECT_EQ(messages.size(), 1U);
    remaining = messages.back()["data"]["status"]["exec_info"]["queue_remaining"];
  }
}

TEST_F(ServiceTest, TellsTheLengthOfTheQueueAtMostSoOften) {
  post("/api/v1/queue/pause", "");
  Listener listener(port(), "me");
  listener.until("status");
  for (int i = 0; i < 200; ++i) submit(kSum);
  int told = 0;
  for (int remaining = 0; remaining < 200; ++told)
    remaining = listener.until("status").back()["data"]["status"]["exec_info"]["queue_remaining"];
  EXPECT_LT(told, 200) << "a message for each";
}

TEST_F(ServiceTest, ServesResultsFromTheCacheAgain) {
  Listener listener(port(), "me");
  submit(kSum, R"(,"client_id":"me")");
  listener.until_over();
  submit(kSum, R"(,"client_id":"me")");
  json cached, executed;
  for (const json& message : listener.until_over()) {
    if (message["type"] == "execution_cached") cached = message["data"]["nodes"];
    if (message["type"] == "executed") executed = message["data"]["output"];
  }
  EXPECT_TRUE(std::find(cached.begin(), cached.end(), "2") != cached.end()) << cached;
  EXPECT_EQ(executed["images"][0]["filename"], "sum6.000000");
}

TEST_F(ServiceTest, RecordsAFailure) {
  Listener listener(port(), "me");
  const std::string id =
      submit(R"({"4":{"class_type":"Fails","inputs":{"how":"error"}},)"
             R"("5":{"class_type":"Save","inputs":{"box":["4",0],"prefix":"x"}}})",
             R"(,"client_id":"me")");
  const json error = listener.until("execution_error").back()["data"];
  EXPECT_EQ(error["node_id"], "4");
  EXPECT_EQ(error["node_type"], "Fails");
  EXPECT_EQ(error["exception_type"], "corrupt");
  EXPECT_NE(error["exception_message"].get<std::string>().find("the file is damaged"),
            std::string::npos);
  const json entry = finished(id);
  EXPECT_EQ(entry["status"]["status_str"], "error");
  EXPECT_EQ(entry["status"]["completed"], false);
  // The next one runs.
  EXPECT_EQ(finished(submit(kSum))["status"]["status_str"], "success");
}

TEST_F(ServiceTest, InterruptsTheRunningJobOnly) {
  Listener listener(port(), "me");
  const std::string id = submit(slow(10000, 1), R"(,"client_id":"me")");
  const std::string next = submit(kSum);
  listener.until("progress");
  EXPECT_EQ(post("/interrupt", R"({"prompt_id":"another"})").status, 200);
  EXPECT_EQ(get("/queue").json()["queue_running"][0][1], id);
  const Reply reply = post("/interrupt", "");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.json(), json::object());
  EXPECT_EQ(listener.until("execution_interrupted").back()["data"]["node_id"], "7");
  EXPECT_EQ(finished(id)["status"]["messages"].back()[0], "execution_interrupted");
  EXPECT_EQ(finished(next)["status"]["status_str"], "success");
}

TEST_F(ServiceTest, LetsANewSocketOfAClientTakeOver) {
  Listener first(port(), "me"), second(port(), "me");
  second.until("status");
  constexpr int kClose = 8;
  for (auto frame = first.client().frame(); frame && frame->opcode != kClose;)
    frame = first.client().frame();
  const std::string id = submit(kSum, R"(,"client_id":"me")");
  EXPECT_EQ(second.until_over().back()["data"]["prompt_id"], id);
}

}  // namespace
}  // namespace obscura::server
