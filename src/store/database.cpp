#include "store/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace obscura::store {
namespace {

Error error_of(sqlite3* connection, int code, const std::string& path) {
  const char* text = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error(ErrorKind::kCorrupt,
                   fmt::format("{} is damaged ({}); move it away to start with an empty one, or "
                               "put back a copy of it",
                               path, text));
    case SQLITE_FULL:
      return Error(ErrorKind::kDiskFull,
                   fmt::format("{}: the disk is full; nothing was changed", path));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(ErrorKind::kIo, fmt::format("{} is in use by another program", path));
    case SQLITE_NOMEM:
      return Error(ErrorKind::kOutOfMemory, fmt::format("{}: {}", path, text));
    case SQLITE_ERROR:  // a table that is missing, text that is not SQL
      return Error(ErrorKind::kCorrupt,
                   fmt::format("{} does not hold the tables that it should: {}", path, text));
    default:
      return Error(ErrorKind::kIo, fmt::format("{}: {}", path, text));
  }
}

Status create_private(const std::filesystem::path& path) {
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return Error(ErrorKind::kIo,
                 fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
  }
  ::close(file);
  return {};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int parameter, std::string_view text) {
  // SQLite's own copy: the caller's text may be gone before the statement is stepped.
  int code = sqlite3_bind_text64(statement_.get(), parameter, text.data() ? text.data() : "",
                                 text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  OBSCURA_CHECK(code == SQLITE_OK || code == SQLITE_TOOBIG || code == SQLITE_NOMEM,
                "sqlite3_bind_text64: " + std::string(sqlite3_errstr(code)));
  return *this;
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  int code = sqlite3_bind_int64(statement_.get(), parameter, value);
  OBSCURA_CHECK(code == SQLITE_OK, "sqlite3_bind_int64: " + std::string(sqlite3_errstr(code)));
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  int code = sqlite3_bind_double(statement_.get(), parameter, value);
  OBSCURA_CHECK(code == SQLITE_OK, "sqlite3_bind_double: " + std::string(sqlite3_errstr(code)));
  return *this;
}

Result<bool> Statement::step() {
  int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = error_of(sqlite3_db_handle(statement_.get()), code, path_);
  reset();
  return error;
}

Status Statement::run() {
  for (;;) {
    OBSCURA_ASSIGN(bool row, step());
    if (!row) return {};
  }
}

void Statement::reset() {
  // It repeats the error of the last step, which was reported then.
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::number(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

void Database::Close::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Result<Database> Database::open(const std::filesystem::path& path) {
  OBSCURA_TRY(create_private(path));
  Database database;
  database.path_ = path.string();
  sqlite3* connection = nullptr;
  int code =
      sqlite3_open_v2(path.c_str(), &connection,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  database.connection_.reset(connection);
  if (code != SQLITE_OK) return error_of(connection, code, database.path_);
  sqlite3_extended_result_codes(connection, 1);
  // A file from a stranger must not make this program run what its schema says.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // Exclusive before the log: then SQLite keeps the log's index in its own memory, and the lock
  // until the process ends, however it ends.
  OBSCURA_TRY(database.execute(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
      "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-65536; BEGIN EXCLUSIVE; COMMIT;"));
  return database;
}

Status Database::execute(const char* sql) {
  int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(connection_.get(), code, path_);
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return error_of(connection_.get(), code, path_);
  Statement statement;
  statement.statement_.reset(raw);
  statement.path_ = path_;
  return statement;
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(connection_.get());
}

Result<Transaction> Transaction::begin(Database& database) {
  OBSCURA_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // SQLite has rolled back by itself after some errors; then this one is refused, and need not be.
  if (database_ != nullptr) static_cast<void>(database_->execute("ROLLBACK").ok());
}

Status Transaction::commit() {
  OBSCURA_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace obscura::store
