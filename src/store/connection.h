// The studio's one database file, open: what JobStore, ResultStore, AccountStore and AuditLog
// share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "store/database.h"

namespace obscura::store {

// A project is named by its texts; this one is always there.
inline constexpr char kDefaultProject[] = "default";

struct Connection {
  // Creates the file if there is none, and brings an older one up to date. kIo if another process
  // has it open or the disk refuses; kCorrupt if it is damaged; kUnsupported if a newer version of
  // the program wrote it.
  static Result<std::shared_ptr<Connection>> open(const std::filesystem::path& path);

  std::mutex mutex;  // guards what follows
  Database database;
  // Jobs ever, deleted ones included; JobStore counts these and the following when it is opened.
  std::int64_t submitted = 0;
  // Queued and running jobs by project.
  std::map<std::string, std::int64_t, std::less<>> remaining;
};

}  // namespace obscura::store
