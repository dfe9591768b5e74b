#include "server/api/job_json.h"

#include <fmt/format.h>

namespace obscura::server {

using nlohmann::ordered_json;

std::string_view name_of(store::JobState state) {
  switch (state) {
    case store::JobState::kQueued:
      return "queued";
    case store::JobState::kRunning:
      return "running";
    case store::JobState::kDone:
      return "done";
    case store::JobState::kFailed:
      return "failed";
    case store::JobState::kCancelled:
      return "cancelled";
  }
  return "queued";
}

ordered_json job_json(const store::JobSummary& job) {
  return {{"id", job.id},
          {"project", job.project},
          {"user", job.user},
          {"state", name_of(job.state)},
          {"held", job.held},
          {"number", job.number},
          {"title", job.title},
          {"source", job.source},
          {"client_id", job.client_id},
          {"node_count", job.node_count},
          {"result_count", job.result_count},
          {"attempts", job.attempts},
          {"error", job.error},
          {"created_ms", job.created_ms},
          {"started_ms", job.started_ms},
          {"finished_ms", job.finished_ms},
          {"planned_bytes", job.planned_bytes},
          {"budget_bytes", job.budget_bytes},
          {"peak_bytes", job.peak_bytes}};
}

ordered_json result_json(const store::StoredResult& result) {
  const std::string url = fmt::format("/api/v1/results/{}", result.id);
  const std::string project =
      result.project == store::kDefaultProject ? "" : "?project=" + result.project;
  return {{"id", result.id},
          {"job", result.job},
          {"node", result.node},
          {"project", result.project},
          {"digest", result.digest},
          {"filename", result.filename},
          {"subfolder", result.subfolder},
          {"media_type", result.media_type},
          {"bytes", result.bytes},
          {"width", result.width},
          {"height", result.height},
          {"created_ms", result.created_ms},
          {"url", url + "/file" + project},
          {"thumbnail_url", url + "/thumbnail" + project}};
}

ordered_json queue_json(const QueueState& queue) {
  ordered_json json = {{"paused", queue.paused}, {"queued", queue.queued}, {"held", queue.held}};
  if (queue.running) json["running"] = job_json(*queue.running);
  return json;
}

}  // namespace obscura::server
