#include "graph/executor.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "graph/assignment.h"
#include "graph/test_nodes.h"

namespace obscura::graph {
namespace {

using testing::CallLog;

// Writes every event down as one line.
class Recorder : public Observer {
 public:
  bool wants_previews() const override { return true; }
  void started() override { lines.push_back("started"); }
  void cached(const std::vector<std::string>& nodes) override {
    std::string line = "cached";
    for (const std::string& node : nodes) line += " " + node;
    lines.push_back(line);
  }
  void executing(const NodeRef& node) override { lines.push_back("executing " + node.id); }
  void progress(const NodeRef& node, std::int64_t value, std::int64_t max) override {
    lines.push_back("progress " + node.id + " " + std::to_string(value) + "/" +
                    std::to_string(max));
  }
  void preview(const NodeRef& node, std::span<const std::byte> bytes,
               std::string_view mime) override {
    lines.push_back("preview " + node.id + " " + std::to_string(bytes.size()) + " " +
                    std::string(mime));
  }
  void warned(const NodeRef& node, const std::string& text) override {
    lines.push_back("warned " + node.id + " " + text);
  }
  void executed(const NodeRef& node, const nlohmann::json& ui, double) override {
    lines.push_back("executed " + node.id +
                    (ui.is_null() ? "" : " " + ui["images"][0]["filename"].dump()));
  }
  void failed(const RunFailure& failure) override {
    lines.push_back("failed " + failure.node.id);
    last_failure = failure.inputs;
  }
  void interrupted(const NodeRef& node, const std::vector<std::string>& executed) override {
    lines.push_back("interrupted " + node.id + " after " + std::to_string(executed.size()));
  }
  void succeeded() override { lines.push_back("succeeded"); }

  std::vector<std::string> lines;
  nlohmann::json last_failure;
};

class ExecutorTest : public ::testing::Test {
 protected:
  ExecutorTest() { environment_.provide(log_); }

  Workflow load(std::string_view text) {
    auto workflow = Workflow::parse(text);
    EXPECT_TRUE(workflow.ok()) << workflow.error().message();
    return std::move(workflow).value();
  }

  // Forgets the log first. The validation must be complete.
  Result<RunReport> run(const Workflow& workflow) {
    log_.calls.clear();
    log_.order.clear();
    log_.saved.clear();
    recorder_.lines.clear();
    const Validation validation = validate(workflow, registry_, environment_);
    EXPECT_TRUE(validation.complete()) << validation.to_error().message();
    options_.cancel = log_.cancel;
    return executor_.run(validation.resolved, options_, recorder_);
  }
  Result<RunReport> run(std::string_view text) { return run(load(text)); }

  // Runs a workflow that must succeed, and gives what was saved.
  std::vector<std::string> saved(std::string_view text) {
    auto report = run(text);
    EXPECT_TRUE(report.ok()) << report.error().message();
    return log_.saved;
  }

  std::vector<std::string> order_after(Workflow& workflow, std::string_view assignment) {
    EXPECT_TRUE(assign(workflow, registry_, assignment).ok());
    EXPECT_TRUE(run(workflow).ok());
    return log_.order;
  }

  using Ids = std::vector<std::string>;
  CallLog log_;
  Environment environment_;
  NodeRegistry registry_ = testing::make_test_registry();
  Executor executor_{environment_};
  RunOptions options_;
  Recorder recorder_;
};

// Two sources, a diamond, and a branch that nothing needs.
constexpr const char* kDiamond = R"({
  "save": {"class_type":"Save","inputs":{"box":["sum",0],"prefix":"x"}},
  "sum": {"class_type":"Add","inputs":{"a":["left",0],"b":["right",0]}},
  "left": {"class_type":"Add","inputs":{"a":["one",0],"scale":10}},
  "right": {"class_type":"Add","inputs":{"a":["one",0],"b":["two",0]}},
  "one": {"class_type":"Box","inputs":{"value":1}},
  "two": {"class_type":"Box","inputs":{"value":2}},
  "unused": {"class_type":"Box","inputs":{"value":3}}})";

TEST_F(ExecutorTest, RunsWhatAnOutputNeedsOnceAndInOrder) {
  auto report = run(kDiamond);
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(log_.order, (Ids{"one", "left", "two", "right", "sum", "save"}));
  EXPECT_EQ(log_.saved, Ids{"x13.000000"});
  EXPECT_EQ(report->executed, log_.order);
  ASSERT_EQ(report->ui.size(), 1u);
  EXPECT_EQ(report->ui[0].first.id, "save");
}

TEST_F(ExecutorTest, ReRunsOnlyWhatAChangeReaches) {
  Workflow workflow = load(kDiamond);
  ASSERT_TRUE(run(workflow).ok());
  ASSERT_TRUE(run(workflow).ok());
  EXPECT_EQ(log_.order, Ids{});
  EXPECT_EQ(order_after(workflow, "two.value=5"), (Ids{"two", "right", "sum", "save"}));
  EXPECT_EQ(order_after(workflow, "save.prefix=y"), Ids{"save"});
  EXPECT_EQ(order_after(workflow, "left.scale=2"), (Ids{"left", "sum", "save"}));
  EXPECT_EQ(order_after(workflow, "one.value=7"), (Ids{"one", "left", "right", "sum", "save"}));
  // Back to values seen before: everything is there still.
  EXPECT_TRUE(assign(workflow, registry_, "one.value=1").ok());
  EXPECT_TRUE(assign(workflow, registry_, "left.scale=10").ok());
  EXPECT_TRUE(assign(workflow, registry_, "two.value=2").ok());
  EXPECT_EQ(order_after(workflow, "save.prefix=x"), Ids{});
}

TEST_F(ExecutorTest, KeysDoNotDependOnIdsTitlesOrOrder) {
  ASSERT_TRUE(run(kDiamond).ok());
  ASSERT_TRUE(run(R"({
      "1": {"class_type":"Box","inputs":{"payload":0,"value":1.0},"_meta":{"title":"First"}},
      "2": {"class_type":"Box","inputs":{"value":"2"}},
      "3": {"class_type":"Add","inputs":{"scale":10,"a":["1",0]}},
      "4": {"class_type":"Add","inputs":{"b":["2",0],"a":["1",0],"nonsense":1}},
      "5": {"class_type":"Add","inputs":{"a":["3",0],"b":["4",0],"scale":1}},
      "6": {"class_type":"Save","inputs":{"box":["5",0],"prefix":"x"}}})")
                  .ok());
  EXPECT_EQ(log_.order, Ids{});
  EXPECT_EQ(recorder_.lines,
            (Ids{"started", "cached 1 3 2 4 5 6", "executed 6 \"x13.000000\"", "succeeded"}));
}

TEST_F(ExecutorTest, EqualNodesOfOneWorkflowRunOnce) {
  auto report = run(R"({
      "1": {"class_type":"Box","inputs":{"value":1}},
      "2": {"class_type":"Box","inputs":{"value":1}},
      "3": {"class_type":"Add","inputs":{"a":["1",0],"b":["2",0]}},
      "4": {"class_type":"Save","inputs":{"box":["3",0],"prefix":"x"}}})");
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(log_.order, (Ids{"1", "3", "4"}));
  EXPECT_EQ(report->cached, Ids{"2"});
  EXPECT_EQ(log_.saved, Ids{"x2.000000"});
}

TEST_F(ExecutorTest, TheSaltAndTheVersionArePartOfTheKey) {
  ASSERT_TRUE(run(kDiamond).ok());
  options_.salt = "precision=int8";
  ASSERT_TRUE(run(kDiamond).ok());
  EXPECT_EQ(log_.order.size(), 6u);

  NodeRegistry newer;
  newer.add(NodeType(*registry_.find("Box")).version(2));
  for (const char* same : {"Add", "Save"}) newer.add(*registry_.find(same));
  registry_ = newer;
  ASSERT_TRUE(run(kDiamond).ok());
  EXPECT_EQ(log_.order.size(), 6u);
}

TEST_F(ExecutorTest, ReportsEventsInOrder) {
  ASSERT_TRUE(run(R"({"1":{"class_type":"Box","inputs":{"value":1}},
                      "2":{"class_type":"Add","inputs":{"a":["1",0]}},
                      "3":{"class_type":"Save","inputs":{"box":["2",0],"prefix":"x"}}})")
                  .ok());
  EXPECT_EQ(recorder_.lines,
            (Ids{"started", "cached", "executing 1", "executed 1", "executing 2", "progress 2 1/1",
                 "executed 2", "executing 3", "executed 3 \"x1.000000\"", "succeeded"}));
}

TEST_F(ExecutorTest, PreviewsReachTheObserver) {
  registry_.add(NodeType("Preview").output_node().run([](NodeCall& call) -> Result<NodeResult> {
    const std::byte bytes[3] = {};
    if (call.wants_preview()) call.preview(bytes, "image/jpeg");
    return NodeResult();
  }));
  ASSERT_TRUE(run(R"({"1":{"class_type":"Preview","inputs":{}}})").ok());
  EXPECT_EQ(recorder_.lines[3], "preview 1 3 image/jpeg");
}

TEST_F(ExecutorTest, FingerprintsStandForWhatLiesOutside) {
  const char* text = R"({"1":{"class_type":"FromFile","inputs":{"always":false}},
                         "2":{"class_type":"Save","inputs":{"box":["1",0],"prefix":"x"}}})";
  ASSERT_TRUE(run(text).ok());
  ASSERT_TRUE(run(text).ok());
  EXPECT_EQ(log_.order, Ids{});
  log_.file_content = "overwritten";
  ASSERT_TRUE(run(text).ok());
  EXPECT_EQ(log_.order, (Ids{"1", "2"}));

  const char* always = R"({"1":{"class_type":"FromFile","inputs":{"always":true}},
                           "2":{"class_type":"Save","inputs":{"box":["1",0],"prefix":"x"}}})";
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(run(always).ok());
    EXPECT_EQ(log_.order, (Ids{"1", "2"}));
  }
}

TEST_F(ExecutorTest, HiddenInputsArriveAndTheIdSeparatesEqualNodes) {
  options_.extra_pnginfo = {{"workflow", 7}};
  const char* text =
      R"({"a":{"class_type":"Hidden","inputs":{}},"b":{"class_type":"Hidden","inputs":{}},
                         "c":{"class_type":"Add","inputs":{"a":["a",0],"b":["b",0]}},
                         "d":{"class_type":"Save","inputs":{"box":["c",0],"prefix":"x"}}})";
  ASSERT_TRUE(run(text).ok());
  EXPECT_EQ(log_.saved, (Ids{"a of 4 {\"workflow\":7}", "b of 4 {\"workflow\":7}", "x4.000000"}));
  EXPECT_EQ(recorder_.lines[3], "warned a nothing to see");
}

TEST_F(ExecutorTest, MapsOverTheLongestList) {
  EXPECT_EQ(saved(R"({"1":{"class_type":"Range","inputs":{"count":3}},
                      "2":{"class_type":"Range","inputs":{"count":2}},
                      "3":{"class_type":"Add","inputs":{"a":["1",0],"b":["2",0]}},
                      "4":{"class_type":"Save","inputs":{"box":["3",0],"prefix":""}}})"),
            (Ids{"0.000000", "2.000000", "3.000000"}));
  EXPECT_EQ(log_.calls["3"], 3);
  // The page gets the images of all calls.
  EXPECT_EQ(recorder_.lines.back(), "succeeded");
}

TEST_F(ExecutorTest, MergesTheImagesOfAllCalls) {
  auto report = run(R"({"1":{"class_type":"Range","inputs":{"count":3}},
                        "4":{"class_type":"Save","inputs":{"box":["1",0],"prefix":""}}})");
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->ui[0].second["images"].size(), 3u);
}

TEST_F(ExecutorTest, AnEmptyListMeansNoCall) {
  EXPECT_EQ(saved(R"({"1":{"class_type":"Range","inputs":{"count":0}},
                      "4":{"class_type":"Save","inputs":{"box":["1",0],"prefix":""}}})"),
            Ids{});
  EXPECT_EQ(log_.calls["4"], 0);
}

TEST_F(ExecutorTest, ListsOfAllCallsAreJoinedAndGivenWhole) {
  EXPECT_EQ(saved(R"({"1":{"class_type":"Range","inputs":{"count":5}},
                      "2":{"class_type":"Total","inputs":{"boxes":["1",0]}},
                      "3":{"class_type":"Save","inputs":{"box":["2",0],"prefix":""}}})"),
            Ids{"10.000000"});
  EXPECT_EQ(log_.calls["2"], 1);
}

TEST_F(ExecutorTest, LazyInputsThatAreNotNeededDoNotRun) {
  const char* text = R"({"t":{"class_type":"Box","inputs":{"value":1}},
                         "f":{"class_type":"Fails","inputs":{"how":"error"}},
                         "s":{"class_type":"Switch","inputs":{"condition":true,"on_true":["t",0],"on_false":["f",0]}},
                         "o":{"class_type":"Save","inputs":{"box":["s",0],"prefix":""}}})";
  EXPECT_EQ(saved(text), Ids{"1.000000"});
  EXPECT_EQ(log_.order, (Ids{"t", "s", "o"}));
  Workflow workflow = load(text);
  ASSERT_TRUE(assign(workflow, registry_, "s.condition=false").ok());
  EXPECT_FALSE(run(workflow).ok());
  EXPECT_EQ(log_.order, Ids{"f"});
}

TEST_F(ExecutorTest, ABlockerSkipsWhoeverNeedsIt) {
  const char* text = R"({"1":{"class_type":"Box","inputs":{"value":1}},
                         "g":{"class_type":"Gate","inputs":{"box":["1",0],"open":false,"message":"too dark"}},
                         "a":{"class_type":"Add","inputs":{"a":["g",0]}},
                         "o":{"class_type":"Save","inputs":{"box":["a",0],"prefix":""}},
                         "p":{"class_type":"Save","inputs":{"box":["1",0],"prefix":"kept"}}})";
  EXPECT_EQ(saved(text), Ids{"kept1.000000"});
  EXPECT_EQ(log_.calls["a"] + log_.calls["o"], 0);
  const auto told = [&] {
    return std::count(recorder_.lines.begin(), recorder_.lines.end(), "warned a skipped: too dark");
  };
  EXPECT_EQ(told(), 1);
  EXPECT_EQ(saved(text), Ids{});
  EXPECT_EQ(told(), 1) << "a skip is told in every run";
}

struct FailRow {
  const char* how;
  ErrorKind kind;
  const char* message;
};

TEST_F(ExecutorTest, ErrorsAndExceptionsNameTheNode) {
  const FailRow rows[] = {
      {"error", ErrorKind::kCorrupt, "node 1 \"Bad\" (Fails): input \"how\": the file is damaged"},
      {"check", ErrorKind::kInternal,
       "node 1 \"Bad\" (Fails): internal error: arithmetic is broken"},
      {"memory", ErrorKind::kOutOfMemory, "node 1 \"Bad\" (Fails): out of memory on the host"},
      {"throw", ErrorKind::kInternal, "node 1 \"Bad\" (Fails): internal error: a library threw"},
      {"undeclared", ErrorKind::kInternal,
       "node 1 \"Bad\" (Fails): internal error: the node reads an input that it does not declare: "
       "nothing"},
      {"outputs", ErrorKind::kInternal,
       "node 1 \"Bad\" (Fails): the node declares 1 outputs and returned 2"},
      {"type", ErrorKind::kInternal,
       "node 1 \"Bad\" (Fails): output 'BOX' is declared as BOX, but a STRING came"}};
  for (const FailRow& row : rows) {
    auto report = run(R"({"1":{"class_type":"Fails","inputs":{"how":")" + std::string(row.how) +
                      R"("},"_meta":{"title":"Bad"}},
                          "2":{"class_type":"Save","inputs":{"box":["1",0],"prefix":""}}})");
    ASSERT_FALSE(report.ok()) << row.how;
    EXPECT_EQ(report.error().kind(), row.kind) << row.how;
    EXPECT_TRUE(report.error().message().starts_with(row.message)) << report.error().message();
    EXPECT_EQ(recorder_.lines.back(), "failed 1");
    EXPECT_EQ(recorder_.last_failure["how"][0], "\"" + std::string(row.how) + "\"");
  }
}

TEST_F(ExecutorTest, AFailedRunKeepsWhatWasDone) {
  Workflow workflow = load(R"({"1":{"class_type":"Box","inputs":{"value":1}},
                               "2":{"class_type":"Fails","inputs":{"how":"error"}},
                               "3":{"class_type":"Add","inputs":{"a":["1",0],"b":["2",0]}},
                               "4":{"class_type":"Save","inputs":{"box":["3",0],"prefix":""}}})");
  EXPECT_FALSE(run(workflow).ok());
  EXPECT_EQ(log_.order, (Ids{"1", "2"}));
  EXPECT_FALSE(run(workflow).ok());
  EXPECT_EQ(log_.order, Ids{"2"});
}

TEST_F(ExecutorTest, CancelStopsBeforeTheNextNodeAndWithinOne) {
  for (const char* within : {"false", "true"}) {
    log_.cancel = CancelToken();
    auto report = run(R"({"1":{"class_type":"Box","inputs":{"value":1}},
                          "2":{"class_type":"Cancels","inputs":{"box":["1",0],"stop_within":)" +
                      std::string(within) + R"(}},
                          "3":{"class_type":"Save","inputs":{"box":["2",0],"prefix":""}}})");
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.error().kind(), ErrorKind::kCancelled);
    EXPECT_EQ(log_.saved, Ids{});
    const bool inside = std::string(within) == "true";
    // The first run executes node 1; the second has it cached.
    EXPECT_EQ(recorder_.lines.back(), inside ? "interrupted 2 after 0" : "interrupted 3 after 2");
  }
}

TEST_F(ExecutorTest, ATokenThatIsSetAlreadyRunsNothing) {
  log_.cancel.cancel();
  EXPECT_FALSE(run(kDiamond).ok());
  EXPECT_EQ(log_.order, Ids{});
}

TEST_F(ExecutorTest, ChecksWhatArrivesThroughWildcards) {
  auto report = run(R"({"1":{"class_type":"Number","inputs":{"value":5}},
                        "2":{"class_type":"Pass","inputs":{"any":["1",0]}},
                        "3":{"class_type":"Save","inputs":{"box":["2",0],"prefix":""},"_meta":{"title":"S"}}})");
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().message(),
            "node 3 \"S\" (Save): input \"box\": wanted a BOX, but an INT arrived: 5");
}

TEST_F(ExecutorTest, ChecksBoundsAndTypesOfLinkedConstants) {
  auto report = run(R"({"1":{"class_type":"Number","inputs":{"value":5000}},
                        "2":{"class_type":"Range","inputs":{"count":["1",0]}},
                        "3":{"class_type":"Save","inputs":{"box":["2",0],"prefix":""}}})");
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().message(),
            "node 2 (Range): input \"count\": wanted at most 1000, found 5000");
}

TEST_F(ExecutorTest, LetsIntermediateResultsGo) {
  // Without a cache, a chain of boxes must not be held until the end.
  executor_.cache().set_limit(0);
  auto alive = std::make_shared<int>(0);
  int most = 0;
  struct Tracked {
    std::shared_ptr<int> counter;
    explicit Tracked(std::shared_ptr<int> c) : counter(std::move(c)) { ++*counter; }
    Tracked(const Tracked&) = delete;
    ~Tracked() { --*counter; }
  };
  registry_.add(NodeType("Step")
                    .optional(socket("before", "T"))
                    .output("T")
                    .run([&](NodeCall&) -> Result<NodeResult> {
                      std::shared_ptr<const Tracked> tracked = std::make_shared<Tracked>(alive);
                      most = std::max(most, *alive);
                      return NodeResult{Value::handle("T", tracked)};
                    }));
  registry_.add(NodeType("End")
                    .output_node()
                    .input(socket("t", "T"))
                    .run([](NodeCall&) -> Result<NodeResult> { return NodeResult(); }));
  std::string text = R"({"0":{"class_type":"Step","inputs":{}})";
  for (int i = 1; i < 20; ++i) {
    text += ",\"" + std::to_string(i) + R"(":{"class_type":"Step","inputs":{"before":[")" +
            std::to_string(i - 1) + "\",0]}}";
  }
  ASSERT_TRUE(run(text + R"(,"e":{"class_type":"End","inputs":{"t":["19",0]}}})").ok());
  EXPECT_EQ(most, 2);
  EXPECT_EQ(*alive, 0);
}

}  // namespace
}  // namespace obscura::graph
