// The engine as the service sees it: runs jobs of projects, and answers questions about them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "app/engine.h"
#include "app/memory_planner.h"
#include "server/jobs/job_runner.h"
#include "server/studio/studio.h"

namespace obscura::app {

class EngineStudio final : public server::Studio, public server::JobRunner {
 public:
  // `engine` is borrowed; `options` are those it was opened with. `data` is the service's folder.
  EngineStudio(Engine& engine, EngineOptions options, std::filesystem::path data);
  ~EngineStudio() override;

  Status run(const server::JobToRun& job, server::RunObserver& observer,
             const CancelToken& cancel) override;
  void release(bool models, bool results) override;
  std::int64_t peak_bytes() const override;

  const graph::NodeRegistry& nodes() const override;
  const graph::Environment& environment(const std::string& project) const override;
  std::string version() const override;
  std::vector<std::string> model_kinds() const override;
  std::vector<server::ModelEntry> models(const std::string& project,
                                         std::string_view kind) const override;
  Status check_model_name(std::string_view kind, std::string_view name) const override;
  Result<std::string> inspect_model(std::string_view kind,
                                    const std::filesystem::path& file) const override;
  Result<nlohmann::json> model_metadata(const std::string& project, std::string_view kind,
                                        std::string_view name) const override;
  std::string model_digest(const std::string& project, const std::string& name) const override;
  Result<server::MemoryPlan> plan_memory(const server::JobToRun& job,
                                         const CancelToken& cancel) const override;
  nlohmann::ordered_json devices() const override;
  Result<std::string> with_alpha(std::string_view image, std::string_view mask) const override;
  Result<std::string> convert(std::string_view image,
                              const server::ImageRequest& request) const override;
  Result<std::string> fill_masked(std::string_view image, std::string_view mask,
                                  bool invert) const override;
  std::vector<server::PromptStyle> prompt_styles(const std::string& project) const override;
  Result<nlohmann::ordered_json> image_texts(std::string_view image) const override;
  Result<server::ImageBox> mask_box(std::string_view mask,
                                    const server::MaskBoxRequest& request) const override;

 private:
  struct Project;
  // Made when it is first asked for, and kept: what it lends may be in use.
  Project& project_named(const std::string& name) const;

  Engine& engine_;
  EngineOptions options_;
  std::filesystem::path data_;
  // As it was at the start: a Device is the running job's alone.
  backend::DeviceDescription device_;
  mutable std::mutex planner_mutex_;
  mutable MemoryPlanner planner_;  // guarded by planner_mutex_
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::unique_ptr<Project>> projects_;  // guarded by mutex_
};

}  // namespace obscura::app
