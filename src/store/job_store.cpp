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
  return prepare_claims();
}

Status JobStore::Implementation::count() {
  OBSCURA_ASSIGN(connection->submitted,
                 integer_of(database(), "SELECT seq FROM sqlite_sequence WHERE name = 'jobs'"));
  OBSCURA_ASSIGN(
      Statement rows,
      database().prepare("SELECT project, count(*) FROM jobs WHERE state <= 1 GROUP BY project"));
  for (;;) {
    OBSCURA_ASSIGN(bool row, rows.step());
    if (!row) return {};
    connection->remaining[std::string(rows.text(0))] = rows.integer(1);
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
  OBSCURA_TRY(implementation->count());
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
  const auto count = static_cast<double>(self.connection->submitted);
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
  ++self.connection->submitted;
  ++self.counts.submitted;
  ++self.connection->remaining[job.project];
  return number;
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
