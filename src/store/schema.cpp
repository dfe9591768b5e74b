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
