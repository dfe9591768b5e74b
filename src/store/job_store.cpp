#include "store/job_store.h"

#include <fmt/format.h>

#include <mutex>

#include "store/audit_log.h"
#include "store/job_rows.h"

namespace obscura::store {
namespace {

Result<std::int64_t> integer_of(Database& database, const char* sql) {
  OBSCURA_ASSIGN(Statement statement, database.prepare(sql));
  OBSCURA_ASSIGN(bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

const char* action_of(JobState state) {
  return state == JobState::kDone     ? "job.done"
         : state == JobState::kFailed ? "job.failed"
                                      : "job.cancelled";
}

}  // namespace

Status JobStore::Implementation::prepare() {
  OBSCURA_ASSIGN(
      insert,
      database().prepare("INSERT INTO jobs (id, project, user, number, state, held, title, source, "
                         "client_id, node_count, created_ms) VALUES (?,?,?,?,0,?,?,?,?,?,?) "
                         "ON CONFLICT (id) DO NOTHING"));
  OBSCURA_ASSIGN(insert_texts,
                 database().prepare("INSERT INTO job_texts (sequence, prompt, extra_data, targets, "
                                    "models) VALUES (last_insert_rowid(),?,?,?,?)"));
  OBSCURA_ASSIGN(first,
                 database().prepare(fmt::format("SELECT {}, {} FROM {} WHERE state = 0 AND held = "
                                                "0 ORDER BY number, jobs.sequence LIMIT 1",
                                                kSummaryColumns, kTextColumns, kJoined)));
  OBSCURA_ASSIGN(start, database().prepare("UPDATE jobs SET state = 1, started_ms = ?, attempts = "
                                           "attempts + 1 WHERE id = ? AND state = 0"));
  return {};
}

Status JobStore::Implementation::recover() {
  const std::string error = "the program ended each time it ran this job";
  const std::string message =
      R"([["execution_error",{"exception_type":"crash","exception_message":")" + error + R"("}]])";
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(database()));
  OBSCURA_ASSIGN(
      Statement texts,
      database().prepare("UPDATE job_texts SET outputs = '{}', messages = ? WHERE sequence IN "
                         "(SELECT sequence FROM jobs WHERE state = 1 AND attempts >= ?)"));
  OBSCURA_TRY(texts.bind(1, message).bind(2, kMostAttempts).run());
  OBSCURA_ASSIGN(Statement fail,
                 database().prepare("UPDATE jobs SET state = 3, error = ?, finished_ms = "
                                    "started_ms WHERE state = 1 AND attempts >= ?"));
  OBSCURA_TRY(fail.bind(1, error).bind(2, kMostAttempts).run());
  OBSCURA_TRY(database().execute("UPDATE jobs SET state = 0, started_ms = 0 WHERE state = 1"));
  OBSCURA_TRY(transaction.commit());
  OBSCURA_ASSIGN(submitted,
                 integer_of(database(), "SELECT seq FROM sqlite_sequence WHERE name = 'jobs'"));
  OBSCURA_ASSIGN(
      Statement count,
      database().prepare("SELECT project, count(*) FROM jobs WHERE state <= 1 GROUP BY project"));
  for (;;) {
    OBSCURA_ASSIGN(bool row, count.step());
    if (!row) return {};
    connection->remaining[std::string(count.text(0))] = count.integer(1);
  }
}

Result<std::int64_t> JobStore::Implementation::change(std::string_view sql,
                                                      std::string_view project,
                                                      std::span<const std::string> ids,
                                                      std::optional<std::int64_t> now_ms) {
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(database()));
  OBSCURA_ASSIGN(Statement statement, database().prepare(sql));
  std::int64_t changed = 0;
  for (const std::string& id : ids) {
    statement.bind(1, project).bind(2, id);
    if (now_ms) statement.bind(3, *now_ms);
    OBSCURA_TRY(statement.run());
    changed += database().changes();
  }
  OBSCURA_TRY(transaction.commit());
  return changed;
}

Result<std::unique_ptr<JobStore>> JobStore::open(std::shared_ptr<Connection> connection) {
  auto implementation = std::make_unique<Implementation>();
  implementation->connection = std::move(connection);
  std::lock_guard lock(implementation->connection->mutex);
  OBSCURA_TRY(implementation->prepare());
  OBSCURA_TRY(implementation->recover());
  return std::unique_ptr<JobStore>(new JobStore(std::move(implementation)));
}

Result<std::unique_ptr<JobStore>> JobStore::open(const std::filesystem::path& path) {
  OBSCURA_ASSIGN(auto connection, Connection::open(path));
  return open(std::move(connection));
}

JobStore::JobStore(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
JobStore::~JobStore() = default;

Result<double> JobStore::submit(const NewJob& job) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  const auto count = static_cast<double>(self.submitted);
  const double number = job.number.value_or(job.front ? -count : count);
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(self.database()));
  self.insert.bind(1, job.id).bind(2, job.project).bind(3, job.user).bind(4, number);
  self.insert.bind(5, std::int64_t{job.held}).bind(6, job.title).bind(7, job.source);
  self.insert.bind(8, job.client_id).bind(9, job.node_count).bind(10, job.created_ms);
  OBSCURA_TRY(self.insert.run());
  if (self.database().changes() == 0) {
    return Error(ErrorKind::kInvalidInput, fmt::format("there is a job {} already", job.id));
  }
  self.insert_texts.bind(1, job.prompt).bind(2, job.extra_data).bind(3, job.targets);
  OBSCURA_TRY(self.insert_texts.bind(4, job.models).run());
  OBSCURA_TRY(
      add_to_audit(self.database(), {0, job.created_ms, job.user, job.project, "job.submit", job.id,
                                     fmt::format(R"({{"models":{}}})", job.models)}));
  OBSCURA_TRY(transaction.commit());
  ++self.submitted;
  ++self.counts.submitted;
  ++self.connection->remaining[job.project];
  return number;
}

Result<std::optional<Job>> JobStore::start_next(std::int64_t now_ms) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(bool row, self.first.step());
  if (!row) return std::optional<Job>();
  Job job = job_of(self.first);
  self.first.reset();
  OBSCURA_TRY(self.start.bind(1, now_ms).bind(2, job.id).run());
  job.state = JobState::kRunning;
  job.started_ms = now_ms;
  ++job.attempts;
  return std::optional<Job>(std::move(job));
}

Status JobStore::finish(std::string_view id, const Outcome& outcome) {
  OBSCURA_CHECK(outcome.state >= JobState::kDone, "a job is finished as unfinished");
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(self.database()));
  OBSCURA_ASSIGN(Statement owner, self.database().prepare("SELECT project, user, started_ms FROM "
                                                          "jobs WHERE id = ? AND state = 1"));
  OBSCURA_ASSIGN(bool running, owner.bind(1, id).step());
  if (!running) return {};
  const std::string project(owner.text(0)), user(owner.text(1));
  const std::int64_t started_ms = owner.integer(2);
  owner.reset();
  OBSCURA_ASSIGN(Statement job,
                 self.database().prepare("UPDATE jobs SET state = ?, finished_ms = ?, error = ?, "
                                         "result_count = ?, peak_bytes = ? WHERE id = ?"));
  job.bind(1, static_cast<std::int64_t>(outcome.state)).bind(2, outcome.finished_ms);
  job.bind(3, outcome.error).bind(4, static_cast<std::int64_t>(outcome.results.size()));
  OBSCURA_TRY(job.bind(5, outcome.peak_bytes).bind(6, id).run());
  OBSCURA_ASSIGN(Statement texts,
                 self.database().prepare("UPDATE job_texts SET outputs = ?, messages = ? WHERE "
                                         "sequence = (SELECT sequence FROM jobs WHERE id = ?)"));
  OBSCURA_TRY(texts.bind(1, outcome.outputs).bind(2, outcome.messages).bind(3, id).run());
  OBSCURA_TRY(add_results(self.database(), id, project, outcome.results, outcome.finished_ms));
  OBSCURA_TRY(
      add_to_audit(self.database(), {0, outcome.finished_ms, user, project,
                                     action_of(outcome.state), std::string(id), outcome.audit}));
  OBSCURA_TRY(transaction.commit());
  --self.connection->remaining[project];
  ++(outcome.state == JobState::kDone     ? self.counts.done
     : outcome.state == JobState::kFailed ? self.counts.failed
                                          : self.counts.cancelled);
  self.counts.seconds += static_cast<double>(outcome.finished_ms - started_ms) / 1000;
  return {};
}

Status JobStore::requeue(std::string_view id) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(Statement statement,
                 self.database().prepare("UPDATE jobs SET state = 0, started_ms = 0, attempts = "
                                         "attempts - 1 WHERE id = ? AND state = 1"));
  return statement.bind(1, id).run();
}

Status JobStore::set_plan(std::string_view id, std::optional<std::int64_t> planned_bytes,
                          std::int64_t budget_bytes) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(
      Statement statement,
      self.database().prepare("UPDATE jobs SET planned_bytes = ?, budget_bytes = ? WHERE id = ?"));
  return statement.bind(1, planned_bytes.value_or(-1)).bind(2, budget_bytes).bind(3, id).run();
}

Result<std::size_t> JobStore::cancel(std::string_view project, std::span<const std::string> ids,
                                     std::int64_t now_ms) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(std::int64_t count,
                 self.change("UPDATE jobs SET state = 4, finished_ms = ?3 WHERE project = ?1 AND "
                             "id = ?2 AND state = 0",
                             project, ids, now_ms));
  self.connection->remaining[std::string(project)] -= count;
  self.counts.cancelled += count;
  return static_cast<std::size_t>(count);
}

Result<bool> JobStore::hold(std::string_view project, std::string_view id, bool held) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(Statement statement,
                 self.database().prepare(
                     "UPDATE jobs SET held = ? WHERE project = ? AND id = ? AND state <= 1"));
  OBSCURA_TRY(statement.bind(1, std::int64_t{held}).bind(2, project).bind(3, id).run());
  return self.database().changes() == 1;
}

JobCounts JobStore::counts() const {
  std::lock_guard lock(implementation_->connection->mutex);
  return implementation_->counts;
}

}  // namespace obscura::store
