#include "server/jobs/job_report.h"

#include <algorithm>
#include <thread>

#include "base/error_name.h"
#include "base/log.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kBetweenRecords{200};

}  // namespace

JobReport::JobReport(store::Job job, const Surroundings& around)
    : job_(std::move(job)), around_(around) {}

JobReport::Progress JobReport::progress_so_far() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

void JobReport::keep_lease(std::chrono::milliseconds lease) {
  lease_.emplace(around_.store, job_.claim(), lease, [this] { abandon(); });
}

void JobReport::tell_and_keep(JobEvent event) {
  around_.listeners.tell(event);
  course_.push_back(std::move(event));
}

bool JobReport::wants_previews() const {
  return previews_ && around_.listeners.want_previews(job_.project, job_.client_id);
}

void JobReport::started() {
  tell_and_keep(event(JobStarted{}));
}

void JobReport::cached(const std::vector<std::string>& nodes) {
  tell_and_keep(event(NodesCached{nodes}));
}

void JobReport::executing(const graph::NodeRef& node) {
  {
    std::lock_guard lock(mutex_);
    progress_.node = node.id;
    progress_.value = progress_.max = 0;
  }
  tell(NodeExecuting{node});
}

void JobReport::progress(const graph::NodeRef& node, std::int64_t value, std::int64_t max) {
  {
    std::lock_guard lock(mutex_);
    progress_.value = value;
    progress_.max = max;
  }
  tell(NodeProgress{node, value, max});
}

void JobReport::preview(const graph::NodeRef& node, std::span<const std::byte> image,
                        std::string_view mime) {
  tell(NodePreview{node, image, mime});
  std::lock_guard lock(mutex_);
  progress_.preview.assign(reinterpret_cast<const char*>(image.data()), image.size());
}

void JobReport::warned(const graph::NodeRef& node, const std::string& text) {
  log::warn("job {}: {}: {}", job_.id, node.describe(), text);
  tell(NodeWarned{node, text});
}

void JobReport::executed(const graph::NodeRef& node, const json& ui, double seconds) {
  if (!ui.is_null()) outputs_[node.id] = ui;
  tell(NodeExecuted{node, ui, seconds});
}

Result<PlacedFile> JobReport::made(const MadeFile& file) {
  OBSCURA_ASSIGN(store::NewResult result, around_.files.keep(job_.project, file));
  made_.push_back(std::move(result));
  return PlacedFile{made_.back().subfolder, made_.back().filename};
}

Result<store::NewResult> JobReport::result_of(const std::string& node,
                                              const PlacedFile& image) const {
  const auto made = std::find_if(made_.begin(), made_.end(), [&](const auto& result) {
    return result.subfolder == image.subfolder && result.filename == image.filename;
  });
  if (made != made_.end()) return *made;
  return around_.files.adopt(job_.project, node, image.subfolder, image.filename);
}

std::vector<store::NewResult> JobReport::results_shown() const {
  std::vector<store::NewResult> results;
  auto text = [](const json& image, const char* key) {
    auto found = image.find(key);
    return found != image.end() && found->is_string() ? found->get<std::string>() : "";
  };
  for (const auto& [node, ui] : outputs_.items()) {
    auto images = ui.find("images");
    if (images == ui.end() || !images->is_array()) continue;
    for (const json& image : *images) {
      if (!image.is_object() || text(image, "type") != "output") continue;
      auto result = result_of(node, {text(image, "subfolder"), text(image, "filename")});
      if (result.ok()) {
        results.push_back(std::move(result).value());
      } else {
        log::warn("a result of job {} is not kept: {}", job_.id, result.error().message());
      }
    }
  }
  return results;
}

// A node that failed half way has shown none of its images.
void JobReport::forget_what_was_not_shown(const std::vector<store::NewResult>& shown) const {
  std::vector<std::string> digests;
  for (const store::NewResult& result : made_) {
    const bool seen = std::any_of(shown.begin(), shown.end(),
                                  [&](const auto& other) { return other.digest == result.digest; });
    if (!seen) digests.push_back(result.digest);
  }
  forget_files(around_.results, around_.files, job_.project, digests);
}

std::string JobReport::audit_detail(const std::vector<store::NewResult>& results) const {
  json models = json::object(), digests = json::array();
  for (const json& name : json::parse(job_.models, nullptr, false))
    if (name.is_string()) models[name] = around_.studio.model_digest(job_.project, name);
  for (const store::NewResult& result : results) digests.push_back(result.digest);
  return text_of(json{{"models", models}, {"results", digests}});
}

store::Outcome JobReport::outcome_of(store::JobState state) const {
  store::Outcome outcome;
  outcome.state = state;
  outcome.finished_ms = now_ms();
  outcome.peak_bytes = around_.runner.peak_bytes();
  return outcome;
}

Status JobReport::store_end(const store::Outcome& outcome) const {
  auto may_pass = [](const Status& status) {
    return !status.ok() && (status.error().kind() == ErrorKind::kDiskFull ||
                            status.error().kind() == ErrorKind::kIo);
  };
  Status stored = around_.store.finish(job_.claim(), outcome);
  if (!stored.ok()) {
    log::error("the end of job {} is not recorded: {}", job_.id, stored.error().message());
  }
  // A full disk may be emptied, and until then no other job could be recorded either. If the
  // program ends first, the job runs again at the next start.
  while (may_pass(stored) && !abandoned()) {
    std::this_thread::sleep_for(kBetweenRecords);
    stored = around_.store.finish(job_.claim(), outcome);
  }
  return stored;
}

void JobReport::record(JobEvent end, store::Outcome outcome) {
  let_lease_go();
  course_.push_back(std::move(end));
  outcome.outputs = text_of(outputs_);
  outcome.messages = around_.history.history(course_);
  outcome.results = results_shown();
  outcome.audit = audit_detail(outcome.results);
  const Status stored = store_end(outcome);
  if (!stored.ok() && (stored.error().kind() == ErrorKind::kNotFound || abandoned())) {
    return abandon();
  }
  ended_ = true;
  forget_what_was_not_shown(outcome.results);
  around_.listeners.tell(course_.back());
}

void JobReport::give_up() {
  abandon();  // tried once: whoever takes back looks again
  JobFailed crash;
  crash.kind = "crash";
  crash.message = "the program ended each time it ran this job";
  store::Outcome outcome;
  outcome.state = store::JobState::kFailed;
  outcome.finished_ms = job_.started_ms;  // how long it ran is not known
  outcome.error = crash.message;
  record(event(std::move(crash)), std::move(outcome));
}

void JobReport::failed(const graph::RunFailure& failure) {
  if (abandoned()) return;
  store::Outcome outcome = outcome_of(store::JobState::kFailed);
  outcome.error = failure.error.message();
  record(event(JobFailed{failure.node, std::string(name_of(failure.error.kind())),
                         failure.error.message(), failure.executed,
                         failure.inputs.is_null() ? json::object() : failure.inputs}),
         std::move(outcome));
}

void JobReport::interrupted(const graph::NodeRef& node, const std::vector<std::string>& executed) {
  if (abandoned()) return;
  record(event(JobInterrupted{node, executed}), outcome_of(store::JobState::kCancelled));
}

void JobReport::succeeded() {
  record(event(JobSucceeded{}), outcome_of(store::JobState::kDone));
}

void JobReport::end(const Status& status) {
  if (ended_ || abandoned()) return;
  if (status.ok()) return succeeded();
  if (status.error().kind() == ErrorKind::kCancelled) return interrupted({}, {});
  failed({.node = {}, .error = status.error(), .executed = {}, .inputs = {}});
}

}  // namespace obscura::server
