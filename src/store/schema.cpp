#include "store/schema.h"

#include <fmt/format.h>

#include <iterator>

namespace obscura::store {
namespace {

// Step n turns version n into n + 1. A released step is never edited: a new one is added.
constexpr const char* kSteps[] = {
    R"sql(
CREATE TABLE jobs (
  sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  number      REAL NOT NULL,
  state       INTEGER NOT NULL,
  prompt      TEXT NOT NULL,
  extra_data  TEXT NOT NULL,
  targets     TEXT NOT NULL,
  client_id   TEXT NOT NULL,
  created_ms  INTEGER NOT NULL,
  started_ms  INTEGER NOT NULL DEFAULT 0,
  finished_ms INTEGER NOT NULL DEFAULT 0,
  attempts    INTEGER NOT NULL DEFAULT 0,
  outputs     TEXT NOT NULL DEFAULT '',
  messages    TEXT NOT NULL DEFAULT ''
);
CREATE INDEX jobs_waiting ON jobs (state, number, sequence) WHERE state <= 1;
CREATE INDEX jobs_finished ON jobs (finished_ms, sequence) WHERE state >= 2 AND started_ms > 0;
)sql",
    // Lists of jobs read no long text: those are in a table of their own.
    R"sql(
ALTER TABLE jobs RENAME TO old_jobs;
DROP INDEX jobs_waiting;
DROP INDEX jobs_finished;
CREATE TABLE jobs (
  sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
  id           TEXT NOT NULL UNIQUE,
  project      TEXT NOT NULL,
  user         TEXT NOT NULL,
  number       REAL NOT NULL,
  state        INTEGER NOT NULL,
  held         INTEGER NOT NULL DEFAULT 0,
  title        TEXT NOT NULL,
  source       TEXT NOT NULL,
  client_id    TEXT NOT NULL,
  node_count   INTEGER NOT NULL,
  result_count INTEGER NOT NULL DEFAULT 0,
  attempts     INTEGER NOT NULL DEFAULT 0,
  error        TEXT NOT NULL DEFAULT '',
  created_ms   INTEGER NOT NULL,
  started_ms   INTEGER NOT NULL DEFAULT 0,
  finished_ms  INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE job_texts (
  sequence   INTEGER PRIMARY KEY,
  prompt     TEXT NOT NULL,
  extra_data TEXT NOT NULL,
  targets    TEXT NOT NULL,
  models     TEXT NOT NULL,
  outputs    TEXT NOT NULL DEFAULT '',
  messages   TEXT NOT NULL DEFAULT ''
);
INSERT INTO jobs SELECT sequence, id, 'default', 'owner', number, state, 0, '', 'comfyui',
  client_id, 0, 0, attempts, '', created_ms, started_ms, finished_ms FROM old_jobs;
INSERT INTO job_texts SELECT sequence, prompt, extra_data, targets, '[]', outputs, messages
  FROM old_jobs;
DELETE FROM sqlite_sequence WHERE name = 'jobs';
UPDATE sqlite_sequence SET name = 'jobs' WHERE name = 'old_jobs';
DROP TABLE old_jobs;
CREATE INDEX jobs_waiting ON jobs (state, number, sequence) WHERE state <= 1;
CREATE INDEX jobs_waiting_of ON jobs (project, state, number, sequence) WHERE state <= 1;
CREATE INDEX jobs_finished_of ON jobs (project, finished_ms, sequence) WHERE state >= 2;
CREATE TABLE results (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  job        TEXT NOT NULL,
  project    TEXT NOT NULL,
  node       TEXT NOT NULL,
  digest     TEXT NOT NULL,
  subfolder  TEXT NOT NULL,
  filename   TEXT NOT NULL,
  media_type TEXT NOT NULL,
  bytes      INTEGER NOT NULL,
  width      INTEGER NOT NULL,
  height     INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
);
CREATE INDEX results_of ON results (project, id);
CREATE INDEX results_of_job ON results (job);
CREATE INDEX results_by_digest ON results (project, digest);
CREATE TABLE projects (
  name       TEXT PRIMARY KEY,
  title      TEXT NOT NULL,
  created_ms INTEGER NOT NULL
);
INSERT INTO projects VALUES ('default', '', 0);
CREATE TABLE users (
  name         TEXT PRIMARY KEY,
  role         TEXT NOT NULL,
  projects     TEXT NOT NULL,
  token_digest TEXT NOT NULL UNIQUE,
  created_ms   INTEGER NOT NULL
);
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ms INTEGER NOT NULL,
  user    TEXT NOT NULL,
  project TEXT NOT NULL,
  action  TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail  TEXT NOT NULL
);
CREATE INDEX audit_of ON audit (project, id);
)sql",
    // 0: not known yet; planned_bytes < 0: it cannot be planned.
    R"sql(
ALTER TABLE jobs ADD COLUMN planned_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN budget_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN peak_bytes INTEGER NOT NULL DEFAULT 0;
DROP INDEX jobs_waiting;
DROP INDEX jobs_waiting_of;
DROP INDEX jobs_finished_of;
CREATE INDEX jobs_queued ON jobs (number, sequence) WHERE state = 0;
CREATE INDEX jobs_queued_of ON jobs (project, number, sequence) WHERE state = 0;
CREATE INDEX jobs_running ON jobs (project) WHERE state = 1;
CREATE INDEX jobs_unfinished_of ON jobs (project, state DESC, number, sequence) WHERE state <= 1;
CREATE INDEX jobs_held_of ON jobs (project) WHERE state = 0 AND held = 1;
CREATE INDEX jobs_finished_of ON jobs (project, finished_ms, sequence, state) WHERE state >= 2;
)sql",
    // A job that an older program left running has a lease that is over.
    R"sql(
ALTER TABLE jobs ADD COLUMN worker TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN lease_ends_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN claims INTEGER NOT NULL DEFAULT 0;
)sql",
};

Result<std::int64_t> version_of(Database& database) {
  OBSCURA_ASSIGN(Statement statement, database.prepare("PRAGMA user_version"));
  OBSCURA_ASSIGN(bool row, statement.step());
  OBSCURA_CHECK(row, "PRAGMA user_version gave no row");
  return statement.integer(0);
}

}  // namespace

Status migrate(Database& database, const std::string& path) {
  OBSCURA_ASSIGN(std::int64_t version, version_of(database));
  const auto newest = static_cast<std::int64_t>(std::size(kSteps));
  if (version < 0 || version > newest) {
    return Error(ErrorKind::kUnsupported,
                 fmt::format("{} has schema version {}, and this program knows versions up to {}: "
                             "a newer Obscura wrote it",
                             path, version, newest));
  }
  for (; version < newest; ++version) {
    OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(database));
    OBSCURA_TRY(database.execute(kSteps[version]));
    OBSCURA_TRY(database.execute(fmt::format("PRAGMA user_version={}", version + 1).c_str()));
    OBSCURA_TRY(transaction.commit());
  }
  return {};
}

}  // namespace obscura::store
