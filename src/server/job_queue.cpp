#include "server/job_queue.h"

#include <chrono>

#include "base/log.h"
#include "graph/job_boundary.h"
#include "graph/json_text.h"

namespace obscura::server {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct ParsedJob {
  JobToRun job;
  bool previews = true;
};

// What submit() was given passed the same checks then; a file may have been changed since.
Result<ParsedJob> parse(const store::Job& job) {
  ParsedJob parsed;
  OBSCURA_ASSIGN(parsed.job.prompt, graph::parse_json(job.prompt));
  OBSCURA_ASSIGN(ordered_json targets, graph::parse_json(job.targets));
  for (const ordered_json& target : targets)
    if (target.is_string()) parsed.job.targets.push_back(target);
  OBSCURA_ASSIGN(ordered_json extra, graph::parse_json(job.extra_data));
  if (auto info = extra.find("extra_pnginfo"); info != extra.end() && info->is_object()) {
    parsed.job.extra_pnginfo = *info;
  }
  if (auto method = extra.find("preview_method"); method != extra.end()) {
    parsed.previews = *method != "none";
  }
  return parsed;
}

}  // namespace

void JobQueue::start() {
  thread_ = std::thread([this] { work(); });
}

void JobQueue::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (running_) {
      running_->abandon();
      running_->cancel_token().cancel();
    }
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<double> JobQueue::submit(const store::NewJob& job) {
  auto number = store_.submit(job);
  if (!number.ok()) return number;
  {
    std::lock_guard lock(mutex_);
    awake_ = true;
    changed_.notify_all();
  }
  tell_status();
  return number;
}

Result<std::size_t> JobQueue::cancel(const std::vector<std::string>& ids) {
  auto count = store_.cancel(ids, now_ms());
  if (count.ok()) tell_status();
  return count;
}

Result<std::size_t> JobQueue::cancel_all() {
  auto count = store_.cancel_all(now_ms());
  if (count.ok()) tell_status();
  return count;
}

void JobQueue::interrupt(const std::optional<std::string>& id) {
  std::lock_guard lock(mutex_);
  if (running_ && (!id || *id == running_->id())) running_->cancel_token().cancel();
}

void JobQueue::release(bool models, bool results) {
  std::lock_guard lock(mutex_);
  release_models_ |= models;
  release_results_ |= results;
  awake_ = true;
  changed_.notify_all();
}

std::string JobQueue::running_node(const std::string& client) const {
  std::lock_guard lock(mutex_);
  return running_ && running_->client() == client ? running_->running_node() : "";
}

json JobQueue::status() const {
  return {{"status", {{"exec_info", {{"queue_remaining", store_.remaining()}}}}}};
}

void JobQueue::work() {
  while (wait()) {
    release_if_asked();
    if (!run_next()) continue;
    std::lock_guard lock(mutex_);
    awake_ = true;
  }
}

bool JobQueue::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return awake_ || stopping_; });
  awake_ = false;
  return !stopping_;
}

void JobQueue::release_if_asked() {
  bool models = false, results = false;
  {
    std::lock_guard lock(mutex_);
    std::swap(models, release_models_);
    std::swap(results, release_results_);
  }
  if (models || results) runner_.release(models, results);
}

bool JobQueue::run_next() {
  auto next = store_.start_next(now_ms());
  if (!next.ok()) {
    log::error("the queue cannot be read: {}", next.error().message());
    // A full disk may be emptied.
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(5), [this] { return stopping_; });
    return true;
  }
  if (!*next) return false;
  run(**next);
  return true;
}

void JobQueue::run(const store::Job& job) {
  Result<ParsedJob> parsed = parse(job);
  auto report = std::make_shared<JobReport>(job, parsed.ok() && parsed->previews, store_, hub_);
  {
    std::lock_guard lock(mutex_);
    if (stopping_) report->abandon();
    running_ = report;
  }
  Status status = parsed.ok() ? Status() : Status(parsed.error());
  if (status.ok() && !report->abandoned()) {
    status = graph::guarded(
        [&]() -> Status { return runner_.run(parsed->job, *report, report->cancel_token()); });
  }
  report->end(status);
  {
    std::lock_guard lock(mutex_);
    running_.reset();
  }
  if (report->abandoned()) {
    // Without effect if it came to its end all the same.
    Status back = store_.requeue(job.id);
    if (!back.ok()) log::error("{}", back.error().message());
    return;
  }
  report->say_over();
  tell_status();
}

}  // namespace obscura::server
