// What jobs have made: one row an image, pointing at a file that is named by its content.
//
// Rows come with the end of their job (JobStore::finish), in one transaction with it.
//
// Thread safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/connection.h"

namespace obscura::store {

struct NewResult {
  std::string node;
  std::string digest;               // SHA-256 of the file, in hex
  std::string subfolder, filename;  // in the project's output folder
  std::string media_type;
  std::int64_t bytes = 0, width = 0, height = 0;
};

struct StoredResult : NewResult {
  std::int64_t id = 0;
  std::string job, project;
  std::int64_t created_ms = 0;
};

// Within the caller's transaction and lock.
Status add_results(Database& database, std::string_view job, std::string_view project,
                   std::span<const NewResult> results, std::int64_t now_ms);

class ResultStore {
 public:
  explicit ResultStore(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  // Newest first; of one job if `job` is not empty, then in the order in which they were made.
  Result<std::vector<StoredResult>> list(std::string_view project, std::string_view job,
                                         std::int64_t most, std::int64_t offset) const;
  Result<std::int64_t> count(std::string_view project, std::string_view job) const;
  Result<std::optional<StoredResult>> find(std::string_view project, std::int64_t id) const;
  // Whether any result of the project is this file.
  Result<bool> uses(std::string_view project, std::string_view digest) const;
  // How many there were: 0 or 1.
  Result<std::int64_t> forget(std::string_view project, std::int64_t id);

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace obscura::store
