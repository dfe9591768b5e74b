#include "store/account_store.h"

#include <fmt/format.h>

#include <algorithm>

namespace obscura::store {
namespace {

// Names hold no spaces, so they are kept as one text with spaces between.
std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    names.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return names;
}

constexpr char kProjects[] =
    "SELECT name, title, created_ms, (SELECT count(*) FROM jobs WHERE project = name), "
    "(SELECT count(*) FROM results WHERE project = name) FROM projects";

Project project_of(const Statement& row) {
  return {std::string(row.text(0)), std::string(row.text(1)), row.integer(2), row.integer(3),
          row.integer(4)};
}

User user_of(const Statement& row) {
  return {std::string(row.text(0)), std::string(row.text(1)), split(row.text(2)),
          std::string(row.text(3)), row.integer(4)};
}

Result<bool> exists(Database& database, const char* sql, std::string_view name) {
  OBSCURA_ASSIGN(Statement statement, database.prepare(sql));
  statement.bind(1, name);
  return statement.step();
}

Status run_for(Database& database, const char* sql, std::string_view name) {
  OBSCURA_ASSIGN(Statement statement, database.prepare(sql));
  return statement.bind(1, name).run();
}

}  // namespace

bool is_account_name(std::string_view name) {
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 64 && plain(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '-' || c == '_'; });
}

Result<std::vector<Project>> AccountStore::projects() const {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement row, connection_->database.prepare(std::string(kProjects) +
                                                              " ORDER BY created_ms, name"));
  std::vector<Project> projects;
  for (;;) {
    OBSCURA_ASSIGN(bool found, row.step());
    if (!found) return projects;
    projects.push_back(project_of(row));
  }
}

Result<std::optional<Project>> AccountStore::find_project(std::string_view name) const {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement row,
                 connection_->database.prepare(std::string(kProjects) + " WHERE name = ?"));
  row.bind(1, name);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? std::optional<Project>(project_of(row)) : std::nullopt;
}

Status AccountStore::add_project(std::string_view name, std::string_view title,
                                 std::int64_t now_ms) {
  if (!is_account_name(name)) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("a project is called by up to 64 of a-z, 0-9, - and _, found '{}'",
                             name.substr(0, 80)));
  }
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement insert,
                 connection_->database.prepare(
                     "INSERT INTO projects VALUES (?,?,?) ON CONFLICT (name) DO NOTHING"));
  insert.bind(1, name).bind(2, title).bind(3, now_ms);
  OBSCURA_TRY(insert.run());
  if (connection_->database.changes() == 1) return {};
  return Error(ErrorKind::kInvalidInput, fmt::format("there is a project '{}' already", name));
}

Status AccountStore::delete_project(std::string_view name) {
  if (name == kDefaultProject) {
    return Error(ErrorKind::kInvalidInput, "the project 'default' is always there");
  }
  std::lock_guard lock(connection_->mutex);
  Database& database = connection_->database;
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(database));
  OBSCURA_ASSIGN(bool running,
                 exists(database, "SELECT 1 FROM jobs WHERE project = ? AND state = 1", name));
  if (running) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("a job of the project '{}' is running: cancel it first", name));
  }
  for (const char* sql :
       {"DELETE FROM job_texts WHERE sequence IN (SELECT sequence FROM jobs WHERE project = ?)",
        "DELETE FROM jobs WHERE project = ?", "DELETE FROM results WHERE project = ?",
        "DELETE FROM projects WHERE name = ?",
        "UPDATE users SET projects = trim(replace(' ' || projects || ' ', ' ' || ?1 || ' ', ' '))"})
    OBSCURA_TRY(run_for(database, sql, name));
  OBSCURA_TRY(transaction.commit());
  connection_->remaining.erase(std::string(name));
  return {};
}

Result<std::vector<User>> AccountStore::users() const {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement row,
                 connection_->database.prepare("SELECT name, role, projects, token_digest, "
                                               "created_ms FROM users ORDER BY name"));
  std::vector<User> users;
  for (;;) {
    OBSCURA_ASSIGN(bool found, row.step());
    if (!found) return users;
    users.push_back(user_of(row));
  }
}

Result<std::optional<User>> AccountStore::find_user_by_token_digest(std::string_view digest) const {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement row,
                 connection_->database.prepare("SELECT name, role, projects, token_digest, "
                                               "created_ms FROM users WHERE token_digest = ?"));
  row.bind(1, digest);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? std::optional<User>(user_of(row)) : std::nullopt;
}

Status AccountStore::put_user(const User& user) {
  if (!is_account_name(user.name)) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("a user is called by up to 64 of a-z, 0-9, - and _, found '{}'",
                             user.name.substr(0, 80)));
  }
  std::lock_guard lock(connection_->mutex);
  Database& database = connection_->database;
  for (const std::string& project : user.projects) {
    OBSCURA_ASSIGN(bool there, exists(database, "SELECT 1 FROM projects WHERE name = ?", project));
    if (!there) {
      return Error(ErrorKind::kNotFound,
                   fmt::format("there is no project '{}'", project.substr(0, 80)));
    }
  }
  OBSCURA_ASSIGN(Statement insert,
                 database.prepare("INSERT OR REPLACE INTO users VALUES (?,?,?,?,?)"));
  insert.bind(1, user.name).bind(2, user.role).bind(3, joined(user.projects));
  return insert.bind(4, user.token_digest).bind(5, user.created_ms).run();
}

Result<bool> AccountStore::delete_user(std::string_view name) {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_TRY(run_for(connection_->database, "DELETE FROM users WHERE name = ?", name));
  return connection_->database.changes() == 1;
}

Result<std::string> AccountStore::setting(std::string_view name) const {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement row,
                 connection_->database.prepare("SELECT value FROM settings WHERE name = ?"));
  row.bind(1, name);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? std::string(row.text(0)) : std::string();
}

Status AccountStore::set(std::string_view name, std::string_view value) {
  std::lock_guard lock(connection_->mutex);
  OBSCURA_ASSIGN(Statement statement,
                 connection_->database.prepare("INSERT OR REPLACE INTO settings VALUES (?,?)"));
  return statement.bind(1, name).bind(2, value).run();
}

}  // namespace obscura::store
