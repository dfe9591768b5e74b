#include "server/jobs/job_queue.h"

#include <algorithm>

#include "base/log.h"
#include "graph/job_boundary.h"

namespace obscura::server {
namespace {

constexpr char kPaused[] = "queue.paused";
// A job that nobody runs and that cannot be ended, since the disk is full, is looked at so often.
constexpr std::chrono::milliseconds kSoonestLook{1000};

}  // namespace

JobQueue::JobQueue(const Parts& parts)
    : parts_(parts),
      checked_(parts.studio),
      planner_(parts.store, parts.studio, checked_, parts.listeners),
      teller_(parts.listeners) {}

void JobQueue::start() {
  auto paused = parts_.accounts.setting(kPaused);
  if (paused.ok()) paused_ = *paused == "yes";
  thread_ = std::thread([this] { work(); });
  planner_.start();
  teller_.start();
}

void JobQueue::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (running_) running_->abandon();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  planner_.stop();
  teller_.stop();
  std::map<std::string, std::function<void()>> dropped;
  std::lock_guard lock(mutex_);
  dropped.swap(finished_);
}

void JobQueue::wake() {
  {
    std::lock_guard lock(mutex_);
    awake_ = true;
    changed_.notify_all();
  }
  planner_.wake();
}

Result<double> JobQueue::submit(const store::NewJob& job, std::shared_ptr<const JobToRun> checked,
                                std::function<void()> finished) {
  const bool kept = checked && checked_.keep(job.id, std::move(checked), job.prompt.size());
  if (finished) {
    // Known before the job is: it may be over at once.
    std::lock_guard lock(mutex_);
    finished_.emplace(job.id, std::move(finished));
  }
  auto number = parts_.store.submit(job);
  if (!number.ok()) {
    if (kept) checked_.forget(job.id);
    std::lock_guard lock(mutex_);
    finished_.erase(job.id);
    return number;
  }
  // Before a worker is woken for it: it is to be heard of first.
  parts_.listeners.tell({job.project, job.id, job.client_id, job.created_ms, JobQueued{}});
  wake();
  teller_.changed(job.project);
  return number;
}

Result<std::size_t> JobQueue::cancel(const std::string& project,
                                     const std::vector<std::string>& ids) {
  auto count = parts_.store.cancel(project, ids, now_ms());
  if (!count.ok() || *count == 0) return count;
  teller_.changed(project);
  for (const std::string& id : ids) {
    auto job = parts_.store.summary(project, id);
    // It may be one that was not cancelled, but ran.
    if (!job.ok() || !*job || (*job)->state != store::JobState::kCancelled) continue;
    parts_.listeners.tell(event_of(**job, JobCancelled{}));
    tell_finished(id);
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
  held ? tell(project, id, JobHeld{}) : tell(project, id, JobResumed{});
  teller_.changed(project);
  return true;
}

Status JobQueue::move_before(const std::string& project, const std::string& id,
                             const std::string& before) {
  OBSCURA_TRY(parts_.store.move_before(project, id, before));
  tell(project, id, JobMoved{});
  return {};
}

Status JobQueue::move_to_end(const std::string& project, const std::string& id, bool front) {
  OBSCURA_TRY(parts_.store.move_to_end(project, id, front));
  tell(project, id, JobMoved{});
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
  for (const store::Project& project : *projects) teller_.changed(project.name);
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

Result<QueueState> JobQueue::state(const std::string& project) const {
  QueueState state;
  state.paused = paused();
  OBSCURA_ASSIGN(auto running, parts_.store.list(project, store::JobList::kRunning, 1, 0));
  OBSCURA_ASSIGN(state.held, parts_.store.count_held(project));
  state.queued = static_cast<std::int64_t>(parts_.store.remaining(project) - running.size());
  if (!running.empty()) state.running = std::move(running.front());
  return state;
}

template <class What>
void JobQueue::tell(const std::string& project, const std::string& id, What what) const {
  auto job = parts_.store.summary(project, id);
  if (job.ok() && *job) parts_.listeners.tell(event_of(**job, std::move(what)));
}

void JobQueue::tell_removed(const store::JobSummary& job) {
  parts_.listeners.tell(event_of(job, JobRemoved{}));
}

void JobQueue::tell_finished(const std::string& id) {
  checked_.forget(id);
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

Status JobQueue::take_back() {
  OBSCURA_ASSIGN(const auto jobs, parts_.store.take_back(now_ms(), kWorker));
  for (const store::Job& job : jobs) {
    log::warn("job {} was left by worker '{}'", job.id, job.worker);
    if (job.state == store::JobState::kRunning) {
      const auto report = report_of(job);
      report->give_up();
      if (report->ended()) left(job);
    } else {
      teller_.changed(job.project);
      parts_.listeners.tell(event_of(job, JobTakenBack{}));
    }
  }
  return {};
}

std::shared_ptr<JobReport> JobQueue::report_of(store::Job job) const {
  return std::make_shared<JobReport>(
      std::move(job),
      JobReport::Surroundings{parts_.store, parts_.listeners, parts_.history, parts_.results,
                              parts_.files, parts_.studio, parts_.runner});
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
  planner_.wake();
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

void JobQueue::run(JobReport& report) {
  const store::Job& job = report.job();
  parts_.listeners.tell(event_of(job, JobClaimed{}));
  report.keep_lease(parts_.lease);
  report.end(graph::guarded([&]() -> Status {
    OBSCURA_ASSIGN(const auto checked, checked_.of(job));
    if (!checked->previews) report.leave_previews_out();
    if (report.abandoned()) return {};
    return parts_.runner.run(*checked, report, report.cancel_token());
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
  left(job);
}

void JobQueue::left(const store::Job& job) {
  parts_.listeners.tell(event_of(job, JobLeft{}));
  teller_.changed(job.project);
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
