#include "app/engine.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "app/image_job.h"
#include "app/memory_sink.h"
#include "io/test_folder.h"

namespace obscura::app {
namespace {

using io::TestFolder;

// A variable of the environment, as it was when the test is over.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }

 private:
  void set(const char* value) {
    if (value == nullptr)
      ::unsetenv(name_);
    else
      ::setenv(name_, value, 1);
  }
  const char* name_;
  std::optional<std::string> before_;
};

EngineOptions on_the_cpu() {
  EngineOptions options;
  options.device = "cpu";
  options.models = {"/"};
  return options;
}

// The message of the error that opening gives.
Error refused(const EngineOptions& options) {
  MemorySink sink;
  auto engine = Engine::open(options, sink);
  return engine.ok() ? Error(ErrorKind::kInternal, "it opened") : engine.error();
}

TEST(ModelFolderDefaults, AreTheListedOnesElseTheUsersOwn) {
  using Paths = std::vector<std::filesystem::path>;
  const Variable data("XDG_DATA_HOME", "/data"), home("HOME", "/home/ada");
  {
    const Variable listed("OBSCURA_MODELS", "/a::/b c:");
    EXPECT_EQ(default_model_folders(), (Paths{"/a", "/b c"}));
  }
  const Variable listed("OBSCURA_MODELS", "");
  EXPECT_EQ(default_model_folders(), (Paths{"/data/obscura/models"}));
  const Variable no_data("XDG_DATA_HOME", nullptr);
  EXPECT_EQ(default_model_folders(), (Paths{"/home/ada/.local/share/obscura/models"}));
  const Variable no_home("HOME", nullptr);
  EXPECT_EQ(default_model_folders(), Paths{});
}

TEST(EngineOpen, SaysWhichFolderIsMissing) {
  EngineOptions options = on_the_cpu();
  options.models.emplace_back("/no/such/folder");
  const Error error = refused(options);
  EXPECT_EQ(error.kind(), ErrorKind::kNotFound);
  EXPECT_EQ(error.message(), "--models: there is no folder /no/such/folder");
}

TEST(EngineOpen, RefusesADeviceThatIsNotThere) {
  EngineOptions options = on_the_cpu();
  options.device = "abacus";
  EXPECT_NE(refused(options).message().find("abacus"), std::string::npos)
      << refused(options).message();
}

TEST(EngineOpen, RefusesAPrecisionThatTheDeviceHasNot) {
  EngineOptions options = on_the_cpu();
  options.precision = "fp3";
  const Error error = refused(options);
  EXPECT_EQ(error.kind(), ErrorKind::kInvalidInput);
  EXPECT_NE(error.message().find("fp3"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("fp32"), std::string::npos) << "it says what there is";
}

class OpenEngine : public testing::Test {
 protected:
  OpenEngine() : engine_(Engine::open(on_the_cpu(), sink_).value()) {}
  Status run(const graph::WorkflowFile& job) {
    auto validation = engine_->validate(job.workflow, job.targets);
    if (!validation.ok()) return validation.error();
    graph::Observer nobody;
    auto report = engine_->run(*validation, job.extra_pnginfo, nobody, CancelToken());
    return report.ok() ? Status() : Status(report.error());
  }

  MemorySink sink_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(OpenEngine, GivesTheSinkWhatAJobMakes) {
  ASSERT_TRUE(run(image_job()).ok());
  ASSERT_EQ(sink_.images().size(), 1U);
  const library::FinishedImage& image = sink_.images()[0];
  EXPECT_EQ(image.pixels.shape(), (Shape{4, 8, 3}));
  EXPECT_EQ(image.recipe["device"]["name"], engine_->session().device().describe().name);
}

TEST_F(OpenEngine, RefusesAWorkflowWithOneUnsoundOutput) {
  graph::WorkflowFile job = image_job();
  ASSERT_TRUE(
      job.workflow.add("3", "SaveImage", "", {{"images", {"9", 0}}, {"filename_prefix", "y"}})
          .ok());
  EXPECT_FALSE(run(job).ok());
  EXPECT_TRUE(sink_.images().empty());
}

TEST_F(OpenEngine, WritesWhereItMovedTo) {
  MemorySink elsewhere;
  library::ModelFolders models;
  library::InputFolder input("/");
  engine_->move_to({"other", models, input, elsewhere});
  ASSERT_TRUE(run(image_job()).ok());
  EXPECT_TRUE(sink_.images().empty());
  EXPECT_EQ(elsewhere.images().size(), 1U);
}

}  // namespace
}  // namespace obscura::app
