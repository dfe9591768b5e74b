// SQLite behind Results: a connection and its prepared statements.
//
// Not thread safe: one thread at a time uses a Database and its Statements.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace obscura::store {

// A prepared statement. Parameters count from 1, columns from 0, as in SQLite.
class Statement {
 public:
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);

  // True while there is a row to read. After false or an error the statement is ready to be bound
  // and stepped anew.
  Result<bool> step();
  // step() to the end, for what returns no rows.
  Status run();
  // Ends an iteration early.
  void reset();

  // Of the row that step() found. Text is valid until the next step() or reset().
  std::string_view text(int column) const;
  std::int64_t integer(int column) const;
  double number(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::string path_;
};

class Database {
 public:
  // Creates the file, readable by its owner alone, if there is none. This process is its only user
  // from here on: kIo if another one has it open. kCorrupt if it is not a database.
  // A write-ahead log with synchronous=NORMAL: what a commit wrote outlives this process however it
  // ends. A power cut may cost the commits of the last moments, and never damages the file.
  static Result<Database> open(const std::filesystem::path& path);

  Status execute(const char* sql);
  // REQUIRES: sound SQL over the current schema, unless the file is damaged.
  Result<Statement> prepare(std::string_view sql);
  // Rows that the last statement changed.
  std::int64_t changes() const;

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  std::unique_ptr<sqlite3, Close> connection_;
  std::string path_;
};

// BEGIN to COMMIT; rolled back when it is destroyed without commit().
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;  // null: over
};

}  // namespace obscura::store
