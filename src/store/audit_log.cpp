#include "store/audit_log.h"

namespace obscura::store {

Status add_to_audit(Database& database, const AuditEntry& entry) {
  OBSCURA_ASSIGN(Statement statement,
                 database.prepare("INSERT INTO audit (time_ms, user, project, action, subject, "
                                  "detail) VALUES (?,?,?,?,?,?)"));
  statement.bind(1, entry.time_ms).bind(2, entry.user).bind(3, entry.project);
  statement.bind(4, entry.action).bind(5, entry.subject);
  statement.bind(6, entry.detail.empty() ? std::string_view("{}") : entry.detail);
  return statement.run();
}

Status AuditLog::add(const AuditEntry& entry) {
  std::lock_guard lock(connection_->mutex);
  return add_to_audit(connection_->database, entry);
}

Result<std::vector<AuditEntry>> AuditLog::list(std::string_view project, std::int64_t most,
                                               std::int64_t offset) const {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement row, connection_->database.prepare(
                                    "SELECT id, time_ms, user, project, action, subject, detail "
                                    "FROM audit WHERE ?1 = '' OR project = ?1 ORDER BY id DESC "
                                    "LIMIT ?2 OFFSET ?3"));
  row.bind(1, project).bind(2, most).bind(3, offset);
  std::vector<AuditEntry> entries;
  for (;;) {
    OBSCURA_ASSIGN(bool found, row.step());
    if (!found) return entries;
    entries.push_back({row.integer(0), row.integer(1), std::string(row.text(2)),
                       std::string(row.text(3)), std::string(row.text(4)), std::string(row.text(5)),
                       std::string(row.text(6))});
  }
}

Result<std::int64_t> AuditLog::count(std::string_view project) const {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement row, connection_->database.prepare(
                                    "SELECT count(*) FROM audit WHERE ?1 = '' OR project = ?1"));
  row.bind(1, project);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? row.integer(0) : 0;
}

}  // namespace obscura::store
