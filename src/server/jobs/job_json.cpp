#include "server/jobs/job_json.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <chrono>

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

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !digit) return false;
  }
  return true;
}

std::string new_uuid() {
  std::array<unsigned char, 16> bytes{};
  OBSCURA_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
                "getrandom gave too few bytes");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

}  // namespace obscura::server
