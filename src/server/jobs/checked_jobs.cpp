#include "server/jobs/checked_jobs.h"

#include <utility>

#include "graph/json_text.h"
#include "graph/validate.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

Result<std::shared_ptr<const JobToRun>> check(const Studio& studio, const store::Job& job) {
  OBSCURA_ASSIGN(const graph::Workflow workflow, graph::Workflow::parse(job.prompt));
  OBSCURA_ASSIGN(const ordered_json targets, graph::parse_json(job.targets));
  OBSCURA_ASSIGN(const ordered_json extra_data, graph::parse_json(job.extra_data));
  std::vector<std::string> ids;
  for (const ordered_json& target : targets)
    if (target.is_string()) ids.push_back(target);
  auto checked = check_workflow(studio, job.project, workflow, ids, extra_data);
  if (!checked->workflow.runnable()) return checked->workflow.to_error();
  return checked;
}

}  // namespace

std::shared_ptr<const JobToRun> check_workflow(const Studio& studio, const std::string& project,
                                               const graph::Workflow& workflow,
                                               const std::vector<std::string>& targets,
                                               const ordered_json& extra_data) {
  auto job = std::make_shared<JobToRun>();
  job->project = project;
  job->workflow =
      graph::validate(workflow, studio.nodes(), studio.environment(project), {.targets = targets});
  if (auto info = extra_data.find("extra_pnginfo"); info != extra_data.end() && info->is_object()) {
    job->extra_pnginfo = *info;
  }
  if (auto method = extra_data.find("preview_method"); method != extra_data.end()) {
    job->previews = *method != "none";
  }
  return job;
}

bool CheckedJobs::keep(const std::string& id, std::shared_ptr<const JobToRun> job,
                       std::size_t bytes) {
  std::lock_guard lock(mutex_);
  if (jobs_.size() >= kMostJobs || bytes_ + bytes > kMostBytes) return false;
  const bool anew = jobs_.emplace(id, Kept{std::move(job), bytes}).second;
  if (anew) bytes_ += bytes;
  return anew;
}

Result<std::shared_ptr<const JobToRun>> CheckedJobs::of(const store::Job& job) {
  {
    std::lock_guard lock(mutex_);
    if (auto found = jobs_.find(job.id); found != jobs_.end()) return found->second.job;
  }
  OBSCURA_ASSIGN(auto checked, check(studio_, job));
  keep(job.id, checked, job.prompt.size());
  return checked;
}

void CheckedJobs::forget(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  bytes_ -= found->second.bytes;
  jobs_.erase(found);
}

}  // namespace obscura::server
