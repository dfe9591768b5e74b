#include "store/job_store.h"

#include <fmt/format.h>

#include <mutex>
#include <system_error>

#include "store/database.h"
#include "store/schema.h"

namespace obscura::store {
namespace {

namespace fs = std::filesystem;

constexpr char kColumns[] =
    "id, number, state, prompt, extra_data, targets, client_id, outputs, messages, created_ms, "
    "started_ms, finished_ms, attempts";

Job job_of(const Statement& row) {
  Job job;
  job.id = row.text(0);
  job.number = row.number(1);
  job.state = static_cast<JobState>(row.integer(2));
  job.prompt = row.text(3);
  job.extra_data = row.text(4);
  job.targets = row.text(5);
  job.client_id = row.text(6);
  job.outputs = row.text(7);
  job.messages = row.text(8);
  job.created_ms = row.integer(9);
  job.started_ms = row.integer(10);
  job.finished_ms = row.integer(11);
  job.attempts = row.integer(12);
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

Result<std::int64_t> integer_of(Database& database, const char* sql) {
  OBSCURA_ASSIGN(Statement statement, database.prepare(sql));
  OBSCURA_ASSIGN(bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

}  // namespace

struct JobStore::Implementation {
  mutable std::mutex mutex;  // guards what follows
  Database database;
  Statement insert, first, start;
  std::int64_t submitted = 0;  // jobs ever, deleted ones included
  std::int64_t remaining = 0;

  Status prepare();
  Status recover();
  // Runs a statement of one text parameter for each of `ids`, all or none; rows changed.
  Result<std::int64_t> change(std::string_view sql, std::span<const std::string> ids,
                              std::optional<std::int64_t> now_ms);
};

Status JobStore::Implementation::prepare() {
  OBSCURA_ASSIGN(insert,
                 database.prepare("INSERT INTO jobs (id, number, state, prompt, extra_data, "
                                  "targets, client_id, created_ms) VALUES (?,?,0,?,?,?,?,?) "
                                  "ON CONFLICT (id) DO NOTHING"));
  OBSCURA_ASSIGN(first, database.prepare(fmt::format(
                            "SELECT {} FROM jobs WHERE state = 0 ORDER BY number, sequence LIMIT 1",
                            kColumns)));
  OBSCURA_ASSIGN(start, database.prepare("UPDATE jobs SET state = 1, started_ms = ?, attempts = "
                                         "attempts + 1 WHERE id = ? AND state = 0"));
  return {};
}

Status JobStore::Implementation::recover() {
  const std::string message =
      R"([["execution_error",{"exception_type":"crash","exception_message":"the program ended )"
      R"(each time it ran this job"}]])";
  OBSCURA_ASSIGN(Statement fail,
                 database.prepare("UPDATE jobs SET state = 3, outputs = '{}', messages = ?, "
                                  "finished_ms = started_ms WHERE state = 1 AND attempts >= ?"));
  OBSCURA_TRY(fail.bind(1, message).bind(2, kMostAttempts).run());
  OBSCURA_TRY(database.execute("UPDATE jobs SET state = 0, started_ms = 0 WHERE state = 1"));
  OBSCURA_ASSIGN(remaining, integer_of(database, "SELECT count(*) FROM jobs WHERE state <= 1"));
  OBSCURA_ASSIGN(submitted,
                 integer_of(database, "SELECT seq FROM sqlite_sequence WHERE name = 'jobs'"));
  return {};
}

Result<std::int64_t> JobStore::Implementation::change(std::string_view sql,
                                                      std::span<const std::string> ids,
                                                      std::optional<std::int64_t> now_ms) {
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(database));
  OBSCURA_ASSIGN(Statement statement, database.prepare(sql));
  std::int64_t changed = 0;
  for (const std::string& id : ids) {
    statement.bind(1, id);
    if (now_ms) statement.bind(2, *now_ms);
    OBSCURA_TRY(statement.run());
    changed += database.changes();
  }
  OBSCURA_TRY(transaction.commit());
  return changed;
}

Result<std::unique_ptr<JobStore>> JobStore::open(const fs::path& path) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) {
    return Error(ErrorKind::kIo, fmt::format("cannot create the folder {}: {}",
                                             path.parent_path().string(), error.message()));
  }
  auto implementation = std::make_unique<Implementation>();
  OBSCURA_ASSIGN(implementation->database, Database::open(path));
  OBSCURA_TRY(migrate(implementation->database, path.string()));
  OBSCURA_TRY(implementation->prepare());
  OBSCURA_TRY(implementation->recover());
  return std::unique_ptr<JobStore>(new JobStore(std::move(implementation)));
}

JobStore::JobStore(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
JobStore::~JobStore() = default;

Result<double> JobStore::submit(const NewJob& job) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.mutex);
  const auto count = static_cast<double>(self.submitted);
  const double number = job.number.value_or(job.front ? -count : count);
  self.insert.bind(1, job.id).bind(2, number).bind(3, job.prompt).bind(4, job.extra_data);
  self.insert.bind(5, job.targets).bind(6, job.client_id).bind(7, job.created_ms);
  OBSCURA_TRY(self.insert.run());
  if (self.database.changes() == 0) {
    return Error(ErrorKind::kInvalidInput, fmt::format("there is a job {} already", job.id));
  }
  ++self.submitted;
  ++self.remaining;
  return number;
}

Result<std::optional<Job>> JobStore::start_next(std::int64_t now_ms) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.mutex);
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
  std::lock_guard lock(self.mutex);
  OBSCURA_ASSIGN(Statement statement,
                 self.database.prepare("UPDATE jobs SET state = ?, outputs = ?, messages = ?, "
                                       "finished_ms = ? WHERE id = ? AND state = 1"));
  statement.bind(1, static_cast<std::int64_t>(outcome.state)).bind(2, outcome.outputs);
  statement.bind(3, outcome.messages).bind(4, outcome.finished_ms).bind(5, id);
  OBSCURA_TRY(statement.run());
  self.remaining -= self.database.changes();
  return {};
}

Status JobStore::requeue(std::string_view id) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.mutex);
  OBSCURA_ASSIGN(Statement statement,
                 self.database.prepare("UPDATE jobs SET state = 0, started_ms = 0, attempts = "
                                       "attempts - 1 WHERE id = ? AND state = 1"));
  return statement.bind(1, id).run();
}

Result<std::size_t> JobStore::cancel(std::span<const std::string> ids, std::int64_t now_ms) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.mutex);
  OBSCURA_ASSIGN(
      std::int64_t count,
      self.change("UPDATE jobs SET state = 4, finished_ms = ?2 WHERE id = ?1 AND state = 0", ids,
                  now_ms));
  self.remaining -= count;
  return static_cast<std::size_t>(count);
}

Result<std::size_t> JobStore::cancel_all(std::int64_t now_ms) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.mutex);
  OBSCURA_ASSIGN(
      Statement statement,
      self.database.prepare("UPDATE jobs SET state = 4, finished_ms = ? WHERE state = 0"));
  OBSCURA_TRY(statement.bind(1, now_ms).run());
  const std::int64_t count = self.database.changes();
  self.remaining -= count;
  return static_cast<std::size_t>(count);
}

Status JobStore::forget(std::span<const std::string> ids) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.mutex);
  auto deleted = self.change("DELETE FROM jobs WHERE id = ? AND state >= 2", ids, std::nullopt);
  return deleted.ok() ? Status() : Status(deleted.error());
}

Status JobStore::forget_all() {
  std::lock_guard lock(implementation_->mutex);
  return implementation_->database.execute("DELETE FROM jobs WHERE state >= 2");
}

Result<std::vector<Job>> JobStore::unfinished() const {
  std::lock_guard lock(implementation_->mutex);
  OBSCURA_ASSIGN(
      Statement statement,
      implementation_->database.prepare(fmt::format(
          "SELECT {} FROM jobs WHERE state <= 1 ORDER BY state DESC, number, sequence", kColumns)));
  return jobs_of(statement);
}

Result<std::vector<Job>> JobStore::history(std::optional<std::int64_t> most,
                                           std::int64_t offset) const {
  const bool newest = offset < 0;
  std::string sql = fmt::format(
      "SELECT {0} FROM (SELECT * FROM jobs WHERE state >= 2 AND started_ms > 0 ORDER BY "
      "finished_ms {1}, sequence {1} LIMIT ? OFFSET ?) ORDER BY finished_ms, sequence",
      kColumns, newest ? "DESC" : "ASC");
  std::lock_guard lock(implementation_->mutex);
  OBSCURA_ASSIGN(Statement statement, implementation_->database.prepare(sql));
  // SQLite takes a negative limit for none.
  statement.bind(1, most.value_or(-1)).bind(2, newest ? std::int64_t{0} : offset);
  return jobs_of(statement);
}

Result<std::optional<Job>> JobStore::find(std::string_view id) const {
  std::lock_guard lock(implementation_->mutex);
  OBSCURA_ASSIGN(Statement statement, implementation_->database.prepare(fmt::format(
                                          "SELECT {} FROM jobs WHERE id = ?", kColumns)));
  statement.bind(1, id);
  OBSCURA_ASSIGN(bool row, statement.step());
  return row ? std::optional<Job>(job_of(statement)) : std::nullopt;
}

std::size_t JobStore::remaining() const {
  std::lock_guard lock(implementation_->mutex);
  return static_cast<std::size_t>(implementation_->remaining);
}

}  // namespace obscura::store
