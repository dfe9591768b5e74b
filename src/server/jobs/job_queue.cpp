#include "server/jobs/job_queue.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "graph/job_boundary.h"
#include "graph/json_text.h"

namespace obscura::server {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr char kPaused[] = "queue.paused";
// So many of the jobs that wait have a plan: what a person looks at, and few enough not to take
// time from the one that runs.
constexpr std::int64_t kPlannedAhead = 16;
// How often clients are told how long the queue is, and how often it is looked through for plans: a
// thousand submits a second are not a thousand messages to everybody.
constexpr std::chrono::milliseconds kBreath{20};
// A job that nobody runs and that cannot be ended, since the disk is full, is looked at so often.
constexpr std::chrono::milliseconds kSoonestLook{1000};

struct ParsedJob {
  JobToRun job;
  bool previews = true;
};

// What submit() was given passed the same checks then; a file may have been changed since.
Result<ParsedJob> parse(const store::Job& job) {
  ParsedJob parsed;
  parsed.job.project = job.project;
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
  auto paused = parts_.accounts.setting(kPaused);
  if (paused.ok()) paused_ = *paused == "yes";
  if (Status back = take_back(kWorker); !back.ok()) log::error("{}", back.error().message());
  thread_ = std::thread([this] { work(); });
  planner_ = std::thread([this] { plan(); });
  teller_ = std::thread([this] { tell(); });
}

void JobQueue::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (running_) running_->abandon();
    planning_.cancel();
    changed_.notify_all();
    untold_changed_.notify_all();
    stopped_.notify_all();
  }
  for (std::thread* thread : {&thread_, &planner_, &teller_})
    if (thread->joinable()) thread->join();
  std::map<std::string, std::function<void()>> dropped;
  std::lock_guard lock(mutex_);
  dropped.swap(finished_);
}

void JobQueue::wake() {
  std::lock_guard lock(mutex_);
  awake_ = unplanned_ = true;
  changed_.notify_all();
}

Result<double> JobQueue::submit(const store::NewJob& job, std::function<void()> finished) {
  if (finished) {
    // Known before the job is: it may be over at once.
    std::lock_guard lock(mutex_);
    finished_.emplace(job.id, std::move(finished));
  }
  auto number = parts_.store.submit(job);
  {
    std::lock_guard lock(mutex_);
    if (number.ok()) {
      awake_ = unplanned_ = true;
      changed_.notify_all();
    } else {
      finished_.erase(job.id);
    }
  }
  if (!number.ok()) return number;
  tell_status(job.project);
  tell_job(job.project, job.id);
  return number;
}

Result<std::size_t> JobQueue::cancel(const std::string& project,
                                     const std::vector<std::string>& ids) {
  auto count = parts_.store.cancel(project, ids, now_ms());
  if (!count.ok() || *count == 0) return count;
  tell_status(project);
  for (const std::string& id : ids) {
    tell_job(project, id);
    // It may be one that was not cancelled, but ran.
    auto job = parts_.store.summary(project, id);
    if (job.ok() && *job && (*job)->state == store::JobState::kCancelled) tell_finished(id);
  }
  return count;
}

Result<std::size_t> JobQueue::cancel_all(const std::string& project) {
  auto waiting = parts_.store.list(project, store::JobList::kQueued, -1, 0);
  if (!waiting.ok()) return waiting.error();
  std::vector<std::string> ids;
  for (const store::JobSummary& job : *waiting) ids.push_back(job.id);
  return cancel(project, ids);
}

void JobQueue::interrupt(const std::string& project, const std::optional<std::string>& id) {
  std::lock_guard lock(mutex_);
  if (running_ && running_->project() == project && (!id || *id == running_->id())) {
    running_->cancel_token().cancel();
  }
}

Result<bool> JobQueue::hold(const std::string& project, const std::string& id, bool held) {
  OBSCURA_ASSIGN(bool known, parts_.store.hold(project, id, held));
  if (!known) return false;
  {
    std::lock_guard lock(mutex_);
    if (held && running_ && running_->id() == id) running_->hold();
    awake_ = true;
    changed_.notify_all();
  }
  tell_job(project, id);
  tell_status(project);
  return true;
}

Status JobQueue::move_before(const std::string& project, const std::string& id,
                             const std::string& before) {
  OBSCURA_TRY(parts_.store.move_before(project, id, before));
  tell_job(project, id);
  return {};
}

Status JobQueue::move_to_end(const std::string& project, const std::string& id, bool front) {
  OBSCURA_TRY(parts_.store.move_to_end(project, id, front));
  tell_job(project, id);
  return {};
}

Status JobQueue::pause(bool paused) {
  OBSCURA_TRY(parts_.accounts.set(kPaused, paused ? "yes" : "no"));
  {
    std::lock_guard lock(mutex_);
    paused_ = paused;
  }
  wake();
  auto projects = parts_.accounts.projects();
  if (!projects.ok()) return projects.error();
  for (const store::Project& project : *projects) tell_status(project.name);
  return {};
}

bool JobQueue::paused() const {
  std::lock_guard lock(mutex_);
  return paused_;
}

void JobQueue::release(bool models, bool results) {
  {
    std::lock_guard lock(mutex_);
    release_models_ |= models;
    release_results_ |= results;
  }
  wake();
}

std::shared_ptr<const JobReport> JobQueue::running() const {
  std::lock_guard lock(mutex_);
  return running_;
}

std::string JobQueue::running_node(const std::string& project, const std::string& client) const {
  const auto report = running();
  return report && report->project() == project && report->client() == client
             ? report->progress_so_far().node
             : "";
}

json JobQueue::status(const std::string& project) const {
  return {{"status", {{"exec_info", {{"queue_remaining", parts_.store.remaining(project)}}}}}};
}

Result<ordered_json> JobQueue::summary(const std::string& project) const {
  OBSCURA_ASSIGN(auto running, parts_.store.list(project, store::JobList::kRunning, 1, 0));
  OBSCURA_ASSIGN(std::int64_t held, parts_.store.count_held(project));
  const auto remaining = static_cast<std::int64_t>(parts_.store.remaining(project));
  ordered_json queue = {{"paused", paused()},
                        {"queued", remaining - static_cast<std::int64_t>(running.size())},
                        {"held", held}};
  if (!running.empty()) queue["running"] = job_json(running.front());
  return queue;
}

void JobQueue::tell_status(const std::string& project) {
  std::lock_guard lock(mutex_);
  untold_.insert(project);
  untold_changed_.notify_one();
}

void JobQueue::tell() {
  for (;;) {
    std::set<std::string> projects;
    {
      std::unique_lock lock(mutex_);
      untold_changed_.wait(lock, [this] { return !untold_.empty() || stopping_; });
      if (stopping_) return;
      projects.swap(untold_);
    }
    for (const std::string& project : projects) {
      parts_.hub.broadcast(project, "status", status(project));
      if (!parts_.hub.watched_own(project)) continue;
      auto queue = summary(project);
      if (queue.ok()) parts_.hub.tell(project, {{"type", "queue"}, {"queue", *queue}});
    }
    breathe();
  }
}

void JobQueue::breathe() {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, kBreath, [this] { return stopping_; });
}

void JobQueue::tell_job(const std::string& project, const std::string& id) {
  if (!parts_.hub.watched_own(project)) return;
  auto job = parts_.store.summary(project, id);
  if (job.ok() && *job) {
    parts_.hub.tell(project, {{"type", "job"}, {"job", job_json(**job)}});
  }
}

void JobQueue::tell_removed(const std::string& project, const std::string& id) {
  parts_.hub.tell(project, {{"type", "removed"}, {"id", id}});
}

void JobQueue::tell_finished(const std::string& id) {
  std::function<void()> finished;
  {
    std::lock_guard lock(mutex_);
    auto found = finished_.find(id);
    if (found == finished_.end()) return;
    finished = std::move(found->second);
    finished_.erase(found);
  }
  finished();
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
  const auto lease_end = parts_.store.first_lease_end();
  const auto ready = [this] { return awake_ || stopping_; };
  std::unique_lock lock(mutex_);
  if (lease_end.ok() && *lease_end) {
    const std::chrono::milliseconds time(std::max(**lease_end - now_ms(), kSoonestLook.count()));
    changed_.wait_for(lock, time, ready);
  } else {
    changed_.wait(lock, ready);
  }
  awake_ = false;
  return !stopping_;
}

Status JobQueue::take_back(std::string_view worker) {
  OBSCURA_ASSIGN(const auto jobs, parts_.store.take_back(now_ms(), worker));
  for (const store::Job& job : jobs) {
    log::warn("job {} was left by worker '{}'", job.id, job.worker);
    if (job.state == store::JobState::kRunning) {
      report_of(job)->give_up();
      tell_finished(job.id);
    }
    tell_status(job.project);
    tell_job(job.project, job.id);
  }
  return {};
}

std::shared_ptr<JobReport> JobQueue::report_of(store::Job job) const {
  return std::make_shared<JobReport>(
      std::move(job), JobReport::Surroundings{parts_.store, parts_.hub, parts_.files, parts_.studio,
                                              parts_.runner});
}

void JobQueue::release_if_asked() {
  bool models = false, results = false;
  {
    std::lock_guard lock(mutex_);
    std::swap(models, release_models_);
    std::swap(results, release_results_);
  }
  if (models || results) parts_.runner.release(models, results);
}

Result<std::shared_ptr<JobReport>> JobQueue::take_next() {
  OBSCURA_TRY(take_back());
  // Under the lock: who sees it running can stop it.
  std::lock_guard lock(mutex_);
  if (paused_ || stopping_) return std::shared_ptr<JobReport>();
  OBSCURA_ASSIGN(std::optional<store::Job> job,
                 parts_.store.claim(kWorker, now_ms(), parts_.lease.count()));
  if (!job) return std::shared_ptr<JobReport>();
  running_ = report_of(std::move(*job));
  unplanned_ = true;
  changed_.notify_all();
  return running_;
}

bool JobQueue::run_next() {
  auto next = take_next();
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

void JobQueue::plan() {
  // The job that runs goes first; Linux keeps a nice value for each thread.
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10));
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return unplanned_ || stopping_; });
      if (stopping_) return;
      unplanned_ = false;
    }
    // A job that is over by then needs none.
    breathe();
    while (plan_next()) {
    }
  }
}

bool JobQueue::plan_next() {
  auto job = parts_.store.next_without_plan(kPlannedAhead);
  if (!job.ok() || !*job) return false;
  const auto plan = graph::guarded([&]() -> Result<MemoryPlan> {
    OBSCURA_ASSIGN(const ParsedJob parsed, parse(**job));
    return parts_.studio.plan_memory(parsed.job, planning_);
  });
  if (planning_.cancelled()) return false;
  const Status stored = plan.ok() ? parts_.store.set_plan((*job)->id, plan->peak, plan->budget)
                                  : parts_.store.set_plan((*job)->id, std::nullopt, 0);
  if (!stored.ok()) return false;
  tell_job((*job)->project, (*job)->id);
  return true;
}

void JobQueue::run(JobReport& report) {
  const store::Job& job = report.job();
  tell_job(job.project, job.id);
  report.keep_lease(parts_.lease);
  report.end(graph::guarded([&]() -> Status {
    OBSCURA_ASSIGN(const ParsedJob parsed, parse(job));
    if (!parsed.previews) report.leave_previews_out();
    if (report.abandoned()) return {};
    return parts_.runner.run(parsed.job, report, report.cancel_token());
  }));
  report.let_lease_go();
  {
    std::lock_guard lock(mutex_);
    running_.reset();
  }
  if (report.abandoned()) {
    if (!report.ended()) {
      Status back = parts_.store.requeue(job.claim());
      if (!back.ok()) log::error("{}", back.error().message());
    }
    if (!report.held()) return;
  }
  report.say_over();
  tell_status(job.project);
  tell_job(job.project, job.id);
  after_the_end(job);
}

void JobQueue::after_the_end(const store::Job& job) {
  // A job that was to be abandoned may have come to its end.
  auto now = parts_.store.summary(job.project, job.id);
  if (!now.ok() || !*now || (*now)->state <= store::JobState::kRunning) return;
  tell_finished(job.id);
  auto results = parts_.results.list(job.project, job.id, -1, 0);
  if (!results.ok()) return;
  for (const store::StoredResult& result : *results) {
    auto small = parts_.files.thumbnail(job.project, result);
    if (!small.ok()) log::warn("no thumbnail of {}: {}", result.filename, small.error().message());
  }
}

}  // namespace obscura::server
