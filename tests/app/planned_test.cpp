// What a job is planned to hold of a device's memory beside what it holds when it runs: the
// workflows of the repository that the pocket model can run, at small sizes, in every precision
// that the CPU has, without a budget, with room for all networks and with room for one.
//
// The rule: no job holds more than was planned, whatever ran before it, and no more than the
// budget. The first job after a start holds what was planned to the byte. Later ones may hold less:
// the arena that they find is of others, and images that nobody watches need no previews.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/engine.h"
#include "app/memory_planner.h"
#include "app/memory_sink.h"
#include "app/model_defaults.h"
#include "base/files.h"
#include "graph/workflow.h"
#include "test_paths.h"

namespace obscura::app {
namespace {

using nlohmann::ordered_json;

// Sizes a quarter of what they are, and one step.
void make_small(ordered_json& prompt) {
  for (auto& [id, node] : prompt.items()) {
    for (auto& [name, value] : node["inputs"].items()) {
      if (!value.is_number_integer()) continue;
      const bool is_size = name == "width" || name == "height" || name == "x" || name == "y";
      if (is_size) value = value.get<int>() / 4;
      if (name == "steps") value = 1;
    }
  }
}

struct Job {
  std::string name;
  graph::Workflow workflow;

  // Between them they have every network, two sizes and a LoRA.
  bool is_chosen() const {
    return name == "lora" || name == "hires_fix" || name == "image_to_image";
  }
};

// That with a LoRA first: all others come after it.
std::vector<Job> jobs() {
  std::vector<Job> all;
  for (const auto& entry : std::filesystem::directory_iterator(source_path("workflows"))) {
    // Two models that are not carried.
    if (entry.path().extension() != ".json" || entry.path().stem() == "two_stage_refiner") continue;
    ordered_json prompt = ordered_json::parse(read_file(entry.path().string()).value());
    make_small(prompt);
    all.push_back({entry.path().stem().string(), graph::Workflow::from_json(prompt).value()});
  }
  std::sort(all.begin(), all.end(), [](const Job& a, const Job& b) {
    return std::pair(a.name != "lora", a.name) < std::pair(b.name != "lora", b.name);
  });
  return all;
}

// Looks at what the device holds whenever a network may have been loaded.
class Watcher final : public graph::Observer {
 public:
  Watcher(runtime::Session& session, bool previews) : session_(session), previews_(previews) {}
  bool wants_previews() const override { return previews_; }
  void progress(const graph::NodeRef&, std::int64_t, std::int64_t) override { look(); }
  void executed(const graph::NodeRef&, const nlohmann::json&, double) override { look(); }
  std::size_t most() const { return most_; }

 private:
  void look() { most_ = std::max(most_, session_.device().held_bytes()); }

  runtime::Session& session_;
  bool previews_;
  std::size_t most_ = 0;
};

struct Held {
  std::size_t by_the_job = 0, on_the_device = 0;
};

class Studio {
 public:
  Studio(const std::string& precision, std::optional<std::size_t> budget) {
    EngineOptions options;
    options.device = "cpu";
    options.precision = precision;
    options.budget = budget;
    options.models = {source_path("workflows/models")};
    options.input = source_path("workflows/input");
    open_model_folders(models_, options.models);
    engine_ = Engine::open(options, sink_).value();
    planner_.emplace(options, engine_->session().budget());
    engine_->move_to(place_);
  }

  runtime::Session& session() { return engine_->session(); }
  std::size_t planned(const Job& job) {
    auto plan = planner_->plan(place_, {.workflow = checked(job)}, CancelToken());
    EXPECT_TRUE(plan.ok()) << plan.error().message();
    return plan.ok() ? static_cast<std::size_t>(plan->peak) : 0;
  }
  // With all networks left loaded by earlier jobs, and none of their results.
  Held run(const Job& job, bool previews) {
    engine_->forget_results();
    session().restart_peak();
    Watcher watcher(session(), previews);
    auto report = engine_->run(checked(job), {}, watcher, CancelToken());
    EXPECT_TRUE(report.ok()) << report.error().message();
    return {session().peak_held_bytes(), watcher.most()};
  }

 private:
  graph::Validation checked(const Job& job) { return engine_->validate(job.workflow, {}).value(); }

  MemorySink sink_;
  library::ModelFolders models_;
  library::InputFolder input_{source_path("workflows/input")};
  Place place_{"", models_, input_, sink_};
  std::unique_ptr<Engine> engine_;
  std::optional<MemoryPlanner> planner_;
};

void compare(Studio& studio, const Job& job) {
  SCOPED_TRACE(job.name);
  const std::size_t planned = studio.planned(job), budget = studio.session().budget();
  EXPECT_LE(planned, budget);
  const Held after_others = studio.run(job, false);
  EXPECT_LE(after_others.by_the_job, planned);
  EXPECT_LE(after_others.on_the_device, budget);
  if (!job.is_chosen()) return;
  Held fresh;
  for (bool watched : {false, true}) {
    studio.session().free_memory();
    const Held held = studio.run(job, watched);
    fresh.by_the_job = std::max(fresh.by_the_job, held.by_the_job);
    fresh.on_the_device = std::max(fresh.on_the_device, held.on_the_device);
  }
  EXPECT_EQ(fresh.by_the_job, planned);
  // Images on both sides of a VAE count, and lie elsewhere.
  EXPECT_LE(fresh.on_the_device, planned);
  EXPECT_GE(fresh.on_the_device, planned / 10 * 9);
}

class Planned : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto known = backend::create_device("cpu").value()->describe().precisions;
    if (std::find(known.begin(), known.end(), GetParam()) == known.end())
      GTEST_SKIP() << "this processor has no " << GetParam();
  }
};

TEST_P(Planned, IsWhatAJobHoldsWithinABudget) {
  for (std::size_t budget : {std::size_t{200} << 20, std::size_t{60} << 20}) {
    SCOPED_TRACE(budget);
    Studio studio(GetParam(), budget);
    for (const Job& job : jobs())
      if (job.is_chosen()) compare(studio, job);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryPrecision, Planned, testing::Values("fp32", "bf16", "int8"),
                         [](const auto& test) { return test.param; });

TEST(PlannedJobs, HoldWhatWasPlannedWithoutABudget) {
  Studio studio("fp32", std::nullopt);
  const std::vector<Job> all = jobs();
  EXPECT_GE(all.size(), 11U);
  for (const Job& job : all) compare(studio, job);
}

// The service plans for somebody who watches.
TEST(PlannedJobs, HaveTheNetworkThatMakesPreviews) {
  Studio studio("fp32", std::nullopt);
  const Job lora = jobs().at(0);
  const std::size_t planned = studio.planned(lora);
  EXPECT_LT(studio.run(lora, false).by_the_job, planned);
  studio.session().free_memory();
  EXPECT_EQ(studio.run(lora, true).by_the_job, planned);
}

}  // namespace
}  // namespace obscura::app
