#include "server/jobs/job_planner.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>

#include "graph/job_boundary.h"

namespace obscura::server {
namespace {

// So many of the jobs that wait have a plan: what a person looks at, and few enough not to take
// time from the one that runs.
constexpr std::int64_t kPlannedAhead = 16;
// A job that is over by then needs no plan.
constexpr std::chrono::milliseconds kPatience{20};

}  // namespace

void JobPlanner::start() {
  thread_ = std::thread([this] { work(); });
}

void JobPlanner::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    planning_.cancel();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void JobPlanner::wake() {
  std::lock_guard lock(mutex_);
  awake_ = true;
  changed_.notify_all();
}

void JobPlanner::work() {
  // The job that runs goes first; Linux keeps a nice value for each thread.
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10));
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return awake_ || stopping_; });
    if (changed_.wait_for(lock, kPatience, [this] { return stopping_; })) return;
    awake_ = false;
    lock.unlock();
    while (plan_next()) {
    }
    lock.lock();
  }
}

bool JobPlanner::plan_next() {
  auto job = store_.next_without_plan(kPlannedAhead);
  if (!job.ok() || !*job) return false;
  const auto plan = graph::guarded([&]() -> Result<MemoryPlan> {
    OBSCURA_ASSIGN(const auto checked, checked_.of(**job));
    return studio_.plan_memory(*checked, planning_);
  });
  if (planning_.cancelled()) return false;
  const Status stored = plan.ok() ? store_.set_plan((*job)->id, plan->peak, plan->budget)
                                  : store_.set_plan((*job)->id, std::nullopt, 0);
  if (!stored.ok()) return false;
  // A job that ended meanwhile was forgotten before its form was kept here.
  const auto now = store_.summary((*job)->project, (*job)->id);
  if (now.ok() && *now && (*now)->state >= store::JobState::kDone) checked_.forget((*job)->id);
  listeners_.tell(event_of(**job, JobPlanned{}));
  return true;
}

}  // namespace obscura::server
