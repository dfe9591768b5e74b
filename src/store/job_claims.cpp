// Who runs a job: claiming it, keeping the claim, and ending the job by it.
#include <fmt/format.h>

#include "store/audit_log.h"
#include "store/job_rows.h"

namespace obscura::store {
namespace {

const char* action_of(JobState state) {
  return state == JobState::kDone     ? "job.done"
         : state == JobState::kFailed ? "job.failed"
                                      : "job.cancelled";
}

Statement& bind_claim(Statement& statement, const Claim& claim, int first) {
  return statement.bind(first, claim.job)
      .bind(first + 1, claim.worker)
      .bind(first + 2, claim.number);
}

constexpr char kByClaim[] = "id = ? AND worker = ? AND claims = ? AND state = 1";

Error claim_over(Database& database, const Claim& claim) {
  std::string now = "it is gone";
  auto row = database.prepare("SELECT state, worker FROM jobs WHERE id = ?");
  if (row.ok()) {
    auto found = row->bind(1, claim.job).step();
    if (found.ok() && *found) {
      const auto state = static_cast<JobState>(row->integer(0));
      now = state == JobState::kRunning  ? fmt::format("worker '{}' has it", row->text(1))
            : state == JobState::kQueued ? "it waits again"
                                         : fmt::format("it ended with worker '{}'", row->text(1));
    }
  }
  return Error(ErrorKind::kNotFound, fmt::format("job {} is no longer that of worker '{}': {}",
                                                 claim.job, claim.worker, now));
}

}  // namespace

Status JobStore::Implementation::prepare_claims() {
  OBSCURA_ASSIGN(first,
                 database().prepare(fmt::format("SELECT {}, {} FROM {} WHERE state = 0 AND held = "
                                                "0 ORDER BY number, jobs.sequence LIMIT 1",
                                                kSummaryColumns, kTextColumns, kJoined)));
  OBSCURA_ASSIGN(start, database().prepare(
                            "UPDATE jobs SET state = 1, started_ms = ?, attempts = attempts + 1, "
                            "claims = claims + 1, worker = ?, lease_ends_ms = ? WHERE id = ?"));
  return {};
}

Status JobStore::Implementation::change(Statement& statement, const Claim& claim,
                                        int first_parameter) {
  OBSCURA_TRY(bind_claim(statement, claim, first_parameter).run());
  return database().changes() == 1 ? Status() : Status(claim_over(database(), claim));
}

Result<std::optional<Job>> JobStore::claim(std::string_view worker, std::int64_t now_ms,
                                           std::int64_t lease_ms) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(bool row, self.first.step());
  if (!row) return std::optional<Job>();
  Job job = job_of(self.first);
  self.first.reset();
  job.state = JobState::kRunning;
  job.started_ms = now_ms;
  ++job.attempts;
  ++job.claims;
  job.worker = worker;
  job.lease_ends_ms = now_ms + lease_ms;
  self.start.bind(1, now_ms).bind(2, worker).bind(3, job.lease_ends_ms).bind(4, job.id);
  OBSCURA_TRY(self.start.run());
  return std::optional<Job>(std::move(job));
}

Status JobStore::renew(const Claim& claim, std::int64_t now_ms, std::int64_t lease_ms) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(Statement statement, self.database().prepare(fmt::format(
                                          "UPDATE jobs SET lease_ends_ms = ? WHERE {}", kByClaim)));
  return self.change(statement.bind(1, now_ms + lease_ms), claim, 2);
}

Status JobStore::requeue(const Claim& claim) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(Statement statement,
                 self.database().prepare(fmt::format(
                     "UPDATE jobs SET state = 0, started_ms = 0, attempts = attempts - 1 WHERE {}",
                     kByClaim)));
  return self.change(statement, claim, 1);
}

Status JobStore::finish(const Claim& claim, const Outcome& outcome) {
  OBSCURA_CHECK(outcome.state >= JobState::kDone, "a job is finished as unfinished");
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(self.database()));
  OBSCURA_ASSIGN(Statement owner,
                 self.database().prepare(
                     fmt::format("SELECT project, user, started_ms FROM jobs WHERE {}", kByClaim)));
  OBSCURA_ASSIGN(bool running, bind_claim(owner, claim, 1).step());
  if (!running) return claim_over(self.database(), claim);
  const std::string project(owner.text(0)), user(owner.text(1));
  const std::int64_t started_ms = owner.integer(2);
  owner.reset();
  OBSCURA_ASSIGN(Statement job,
                 self.database().prepare("UPDATE jobs SET state = ?, finished_ms = ?, error = ?, "
                                         "result_count = ?, peak_bytes = ? WHERE id = ?"));
  job.bind(1, static_cast<std::int64_t>(outcome.state)).bind(2, outcome.finished_ms);
  job.bind(3, outcome.error).bind(4, static_cast<std::int64_t>(outcome.results.size()));
  OBSCURA_TRY(job.bind(5, outcome.peak_bytes).bind(6, claim.job).run());
  OBSCURA_ASSIGN(Statement texts,
                 self.database().prepare("UPDATE job_texts SET outputs = ?, messages = ? WHERE "
                                         "sequence = (SELECT sequence FROM jobs WHERE id = ?)"));
  OBSCURA_TRY(texts.bind(1, outcome.outputs).bind(2, outcome.messages).bind(3, claim.job).run());
  OBSCURA_TRY(
      add_results(self.database(), claim.job, project, outcome.results, outcome.finished_ms));
  OBSCURA_TRY(add_to_audit(self.database(), {0, outcome.finished_ms, user, project,
                                             action_of(outcome.state), claim.job, outcome.audit}));
  OBSCURA_TRY(transaction.commit());
  --self.connection->remaining[project];
  ++(outcome.state == JobState::kDone     ? self.counts.done
     : outcome.state == JobState::kFailed ? self.counts.failed
                                          : self.counts.cancelled);
  self.counts.seconds += static_cast<double>(outcome.finished_ms - started_ms) / 1000;
  return {};
}

Result<std::vector<Job>> JobStore::take_back(std::int64_t now_ms, std::string_view worker) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(Statement rows,
                 self.database().prepare(fmt::format("SELECT {}, {} FROM {} WHERE state = 1 AND "
                                                     "(lease_ends_ms <= ? OR worker = ?)",
                                                     kSummaryColumns, kTextColumns, kJoined)));
  OBSCURA_ASSIGN(std::vector<Job> jobs, jobs_of(rows.bind(1, now_ms).bind(2, worker)));
  if (jobs.empty()) return jobs;
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(self.database()));
  OBSCURA_ASSIGN(Statement wait,
                 self.database().prepare(
                     fmt::format("UPDATE jobs SET state = 0, started_ms = 0 WHERE {}", kByClaim)));
  for (Job& job : jobs) {
    if (job.attempts >= kMostAttempts) continue;
    OBSCURA_TRY(self.change(wait, job.claim(), 1));
    job.state = JobState::kQueued;
    job.started_ms = 0;
  }
  OBSCURA_TRY(transaction.commit());
  return jobs;
}

Result<std::optional<std::int64_t>> JobStore::first_lease_end() const {
  std::lock_guard lock(implementation_->connection->mutex);
  OBSCURA_ASSIGN(Statement row, implementation_->database().prepare(
                                    "SELECT lease_ends_ms FROM jobs WHERE state = 1 ORDER BY "
                                    "lease_ends_ms LIMIT 1"));
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? std::optional(row.integer(0)) : std::nullopt;
}

}  // namespace obscura::store
