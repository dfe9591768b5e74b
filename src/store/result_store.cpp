#include "store/result_store.h"

#include <fmt/format.h>

namespace obscura::store {
namespace {

constexpr char kColumns[] =
    "id, job, project, node, digest, subfolder, filename, media_type, bytes, width, height, "
    "created_ms";

StoredResult result_of(const Statement& row) {
  StoredResult result;
  result.id = row.integer(0);
  result.job = row.text(1);
  result.project = row.text(2);
  result.node = row.text(3);
  result.digest = row.text(4);
  result.subfolder = row.text(5);
  result.filename = row.text(6);
  result.media_type = row.text(7);
  result.bytes = row.integer(8);
  result.width = row.integer(9);
  result.height = row.integer(10);
  result.created_ms = row.integer(11);
  return result;
}

}  // namespace

Status add_results(Database& database, std::string_view job, std::string_view project,
                   std::span<const NewResult> results, std::int64_t now_ms) {
  if (results.empty()) return {};
  OBSCURA_ASSIGN(Statement insert,
                 database.prepare("INSERT INTO results (job, project, node, digest, subfolder, "
                                  "filename, media_type, bytes, width, height, created_ms) "
                                  "VALUES (?,?,?,?,?,?,?,?,?,?,?)"));
  for (const NewResult& result : results) {
    insert.bind(1, job).bind(2, project).bind(3, result.node).bind(4, result.digest);
    insert.bind(5, result.subfolder).bind(6, result.filename).bind(7, result.media_type);
    insert.bind(8, result.bytes).bind(9, result.width).bind(10, result.height).bind(11, now_ms);
    OBSCURA_TRY(insert.run());
  }
  return {};
}

Result<std::vector<StoredResult>> ResultStore::list(std::string_view project, std::string_view job,
                                                    std::int64_t most, std::int64_t offset) const {
  std::lock_guard lock(connection_->mutex);
  const bool of_job = !job.empty();
  OBSCURA_ASSIGN(Statement row, connection_->database.prepare(fmt::format(
                                    "SELECT {} FROM results WHERE project = ?1 {} ORDER BY id {} "
                                    "LIMIT ?2 OFFSET ?3",
                                    kColumns, of_job ? "AND job = ?4" : "", of_job ? "" : "DESC")));
  row.bind(1, project).bind(2, most).bind(3, offset);
  if (of_job) row.bind(4, job);
  std::vector<StoredResult> results;
  for (;;) {
    OBSCURA_ASSIGN(bool found, row.step());
    if (!found) return results;
    results.push_back(result_of(row));
  }
}

Result<std::int64_t> ResultStore::count(std::string_view project, std::string_view job) const {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement row, connection_->database.prepare(
                                    "SELECT count(*) FROM results WHERE project = ?1 AND (?2 = '' "
                                    "OR job = ?2)"));
  row.bind(1, project).bind(2, job);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? row.integer(0) : 0;
}

Result<std::optional<StoredResult>> ResultStore::find(std::string_view project,
                                                      std::int64_t id) const {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement row,
                 connection_->database.prepare(
                     fmt::format("SELECT {} FROM results WHERE id = ? AND project = ?", kColumns)));
  row.bind(1, id).bind(2, project);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? std::optional<StoredResult>(result_of(row)) : std::nullopt;
}

Result<bool> ResultStore::uses(std::string_view project, std::string_view digest) const {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement row,
                 connection_->database.prepare(
                     "SELECT 1 FROM results WHERE project = ? AND digest = ? LIMIT 1"));
  row.bind(1, project).bind(2, digest);
  return row.step();
}

Result<std::int64_t> ResultStore::forget(std::string_view project, std::int64_t id) {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement statement,
                 connection_->database.prepare("DELETE FROM results WHERE id = ? AND project = ?"));
  statement.bind(1, id).bind(2, project);
  OBSCURA_TRY(statement.run());
  return connection_->database.changes();
}

}  // namespace obscura::store
