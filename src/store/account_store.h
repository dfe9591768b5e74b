// Projects, the users who may see them, and the service's few settings.
//
// A user's token is kept as its SHA-256 alone: a token is random and long, so a slow password hash
// would protect nothing.
//
// Thread safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/connection.h"

namespace obscura::store {

struct Project {
  std::string name, title;
  std::int64_t created_ms = 0;
  std::int64_t jobs = 0, results = 0;  // how many it has
};

struct User {
  std::string name;
  std::string role;                   // "owner", "artist", "viewer"
  std::vector<std::string> projects;  // that it may see; an owner sees all
  std::string token_digest;           // SHA-256 in hex
  std::int64_t created_ms = 0;
};

// What projects and users may be called: [a-z0-9][a-z0-9_-]{0,63}.
bool is_account_name(std::string_view name);

class AccountStore {
 public:
  explicit AccountStore(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  Result<std::vector<Project>> projects() const;
  Result<std::optional<Project>> find_project(std::string_view name) const;
  // kInvalidInput if the name is none, or taken.
  Status add_project(std::string_view name, std::string_view title, std::int64_t now_ms);
  // Its jobs, results and membership go with it; its entries in the audit log stay.
  // kInvalidInput for the default project, or if a job of it is running.
  Status delete_project(std::string_view name);

  Result<std::vector<User>> users() const;
  Result<std::optional<User>> find_user_by_token_digest(std::string_view digest) const;
  // Replaces one of the same name. kNotFound for a project that is not there.
  Status put_user(const User& user);
  // False if there was none.
  Result<bool> delete_user(std::string_view name);

  // Empty if it was never set.
  Result<std::string> setting(std::string_view name) const;
  Status set(std::string_view name, std::string_view value);

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace obscura::store
