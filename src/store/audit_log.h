// Who did what, in the database: entries are added and read, and never changed or deleted.
//
// Thread safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/connection.h"

namespace obscura::store {

struct AuditEntry {
  std::int64_t id = 0;  // given by the log
  std::int64_t time_ms = 0;
  std::string user, project;
  std::string action;   // "job.submit", "project.delete", …
  std::string subject;  // a job's id, a project's or a user's name
  std::string detail;   // a JSON object
};

// Within the caller's transaction and lock.
Status add_to_audit(Database& database, const AuditEntry& entry);

class AuditLog {
 public:
  explicit AuditLog(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  Status add(const AuditEntry& entry);
  // Newest first. An empty project: all of them.
  Result<std::vector<AuditEntry>> list(std::string_view project, std::int64_t most,
                                       std::int64_t offset) const;
  Result<std::int64_t> count(std::string_view project) const;

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace obscura::store
