// Reading jobs: lists, pages and single ones.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "store/job_rows.h"

namespace obscura::store {
namespace {

const char* condition_of(JobList which) {
  switch (which) {
    case JobList::kUnfinished:
      return "state <= 1";
    case JobList::kQueued:
      return "state = 0";
    case JobList::kRunning:
      return "state = 1";
    case JobList::kFinished:
      return "state >= 2";
    case JobList::kDone:
      return "state >= 2 AND state = 2";
    case JobList::kFailed:
      return "state >= 2 AND state = 3";
    case JobList::kCancelled:
      return "state >= 2 AND state = 4";
  }
  return "";
}

const char* order_of(JobList which) {
  if (which == JobList::kUnfinished) return "state DESC, number, sequence";
  return which <= JobList::kRunning ? "number, sequence" : "finished_ms DESC, sequence DESC";
}

}  // namespace

JobSummary summary_of(const Statement& row) {
  JobSummary job;
  job.sequence = row.integer(0);
  job.id = row.text(1);
  job.project = row.text(2);
  job.user = row.text(3);
  job.number = row.number(4);
  job.state = static_cast<JobState>(row.integer(5));
  job.held = row.integer(6) != 0;
  job.title = row.text(7);
  job.source = row.text(8);
  job.client_id = row.text(9);
  job.node_count = row.integer(10);
  job.result_count = row.integer(11);
  job.attempts = row.integer(12);
  job.error = row.text(13);
  job.created_ms = row.integer(14);
  job.started_ms = row.integer(15);
  job.finished_ms = row.integer(16);
  job.planned_bytes = std::max<std::int64_t>(row.integer(17), 0);
  job.budget_bytes = row.integer(18);
  job.peak_bytes = row.integer(19);
  job.worker = row.text(20);
  job.lease_ends_ms = row.integer(21);
  job.claims = row.integer(22);
  return job;
}

Job job_of(const Statement& row) {
  Job job;
  static_cast<JobSummary&>(job) = summary_of(row);
  job.prompt = row.text(kSummaryCount);
  job.extra_data = row.text(kSummaryCount + 1);
  job.targets = row.text(kSummaryCount + 2);
  job.models = row.text(kSummaryCount + 3);
  job.outputs = row.text(kSummaryCount + 4);
  job.messages = row.text(kSummaryCount + 5);
  return job;
}

Result<std::vector<Job>> jobs_of(Statement& statement) {
  std::vector<Job> jobs;
  for (;;) {
    OBSCURA_ASSIGN(bool row, statement.step());
    if (!row) return jobs;
    jobs.push_back(job_of(statement));
  }
}

Result<std::vector<Job>> JobStore::unfinished(std::string_view project) const {
  std::lock_guard lock(implementation_->connection->mutex);
  OBSCURA_ASSIGN(Statement row, implementation_->database().prepare(fmt::format(
                                    "SELECT {}, {} FROM {} WHERE project = ? AND state <= 1 ORDER "
                                    "BY state DESC, number, jobs.sequence",
                                    kSummaryColumns, kTextColumns, kJoined)));
  row.bind(1, project);
  return jobs_of(row);
}

Status JobStore::visit_unfinished(std::string_view project,
                                  const std::function<void(const JobView&)>& visit) const {
  std::lock_guard lock(implementation_->connection->mutex);
  OBSCURA_ASSIGN(Statement row,
                 implementation_->database().prepare(fmt::format(
                     "SELECT id, prompt, extra_data, targets, number, state FROM {} WHERE project "
                     "= ? AND state <= 1 ORDER BY state DESC, number, jobs.sequence",
                     kJoined)));
  row.bind(1, project);
  for (;;) {
    OBSCURA_ASSIGN(bool found, row.step());
    if (!found) return {};
    visit({row.text(0), row.text(1), row.text(2), row.text(3), row.number(4), row.integer(5) == 1});
  }
}

Result<std::vector<Job>> JobStore::history(std::string_view project,
                                           std::optional<std::int64_t> most,
                                           std::int64_t offset) const {
  const bool newest = offset < 0;
  const std::string sql = fmt::format(
      "SELECT {0}, {1} FROM {2} WHERE jobs.sequence IN (SELECT sequence FROM jobs WHERE project = "
      "?1 AND state >= 2 AND started_ms > 0 ORDER BY finished_ms {3}, sequence {3} LIMIT ?2 OFFSET "
      "?3) ORDER BY finished_ms, jobs.sequence",
      kSummaryColumns, kTextColumns, kJoined, newest ? "DESC" : "ASC");
  std::lock_guard lock(implementation_->connection->mutex);
  OBSCURA_ASSIGN(Statement statement, implementation_->database().prepare(sql));
  // SQLite takes a negative limit for none.
  statement.bind(1, project).bind(2, most.value_or(-1));
  statement.bind(3, newest ? std::int64_t{0} : offset);
  return jobs_of(statement);
}

Result<std::optional<Job>> JobStore::find(std::string_view project, std::string_view id) const {
  std::lock_guard lock(implementation_->connection->mutex);
  OBSCURA_ASSIGN(Statement row, implementation_->database().prepare(fmt::format(
                                    "SELECT {}, {} FROM {} WHERE id = ? AND project = ?",
                                    kSummaryColumns, kTextColumns, kJoined)));
  row.bind(1, id).bind(2, project);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? std::optional<Job>(job_of(row)) : std::nullopt;
}

Result<std::optional<Job>> JobStore::next_without_plan(std::int64_t ahead) const {
  std::lock_guard lock(implementation_->connection->mutex);
  OBSCURA_ASSIGN(Statement row,
                 implementation_->database().prepare(fmt::format(
                     "SELECT {}, {} FROM {} WHERE jobs.sequence = (SELECT sequence FROM (SELECT "
                     "sequence, number, state, planned_bytes FROM jobs WHERE state = 1 UNION ALL "
                     "SELECT * FROM (SELECT sequence, number, state, planned_bytes FROM jobs WHERE "
                     "state = 0 ORDER BY number, sequence LIMIT ?)) WHERE planned_bytes = 0 ORDER "
                     "BY state DESC, number, sequence LIMIT 1)",
                     kSummaryColumns, kTextColumns, kJoined)));
  row.bind(1, ahead);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? std::optional<Job>(job_of(row)) : std::nullopt;
}

Result<std::vector<JobSummary>> JobStore::list(std::string_view project, JobList which,
                                               std::int64_t most, std::int64_t offset) const {
  std::lock_guard lock(implementation_->connection->mutex);
  OBSCURA_ASSIGN(Statement row,
                 implementation_->database().prepare(fmt::format(
                     "SELECT {} FROM jobs WHERE project = ? AND {} ORDER BY {} LIMIT ? OFFSET ?",
                     kSummaryColumns, condition_of(which), order_of(which))));
  row.bind(1, project).bind(2, most).bind(3, offset);
  std::vector<JobSummary> jobs;
  for (;;) {
    OBSCURA_ASSIGN(bool found, row.step());
    if (!found) return jobs;
    jobs.push_back(summary_of(row));
  }
}

Result<std::int64_t> JobStore::count(std::string_view project, JobList which) const {
  if (which == JobList::kUnfinished) return static_cast<std::int64_t>(remaining(project));
  std::lock_guard lock(implementation_->connection->mutex);
  OBSCURA_ASSIGN(Statement row,
                 implementation_->database().prepare(fmt::format(
                     "SELECT count(*) FROM jobs WHERE project = ? AND {}", condition_of(which))));
  row.bind(1, project);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? row.integer(0) : 0;
}

Result<std::int64_t> JobStore::count_held(std::string_view project) const {
  std::lock_guard lock(implementation_->connection->mutex);
  OBSCURA_ASSIGN(Statement row, implementation_->database().prepare(
                                    "SELECT count(*) FROM jobs WHERE project = ? AND state = 0 "
                                    "AND held = 1"));
  row.bind(1, project);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? row.integer(0) : 0;
}

Result<std::optional<JobSummary>> JobStore::summary(std::string_view project,
                                                    std::string_view id) const {
  std::lock_guard lock(implementation_->connection->mutex);
  OBSCURA_ASSIGN(Statement row,
                 implementation_->database().prepare(fmt::format(
                     "SELECT {} FROM jobs WHERE id = ? AND project = ?", kSummaryColumns)));
  row.bind(1, id).bind(2, project);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? std::optional<JobSummary>(summary_of(row)) : std::nullopt;
}

std::size_t JobStore::remaining(std::string_view project) const {
  std::lock_guard lock(implementation_->connection->mutex);
  const auto& counts = implementation_->connection->remaining;
  auto found = counts.find(project);
  return found == counts.end() ? 0 : static_cast<std::size_t>(found->second);
}

std::size_t JobStore::remaining() const {
  std::lock_guard lock(implementation_->connection->mutex);
  const auto& counts = implementation_->connection->remaining;
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0},
                         [](std::size_t sum, const auto& entry) {
                           return sum + static_cast<std::size_t>(entry.second);
                         });
}

}  // namespace obscura::store
