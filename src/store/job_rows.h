// The columns of jobs, and how a row becomes a Job. Only for this layer's sources.
#pragma once

#include <memory>
#include <vector>

#include "store/database.h"
#include "store/job_store.h"

namespace obscura::store {

// Of `jobs`; kSummaryCount of them.
inline constexpr char kSummaryColumns[] =
    "jobs.sequence, id, project, user, number, state, held, title, source, client_id, node_count, "
    "result_count, attempts, error, created_ms, started_ms, finished_ms, planned_bytes, "
    "budget_bytes, peak_bytes, worker, lease_ends_ms, claims";
inline constexpr int kSummaryCount = 23;
// Follow them in rows of both tables.
inline constexpr char kTextColumns[] = "prompt, extra_data, targets, models, outputs, messages";
inline constexpr char kJoined[] = "jobs JOIN job_texts ON job_texts.sequence = jobs.sequence";

JobSummary summary_of(const Statement& row);
Job job_of(const Statement& row);
// All rows that are left.
Result<std::vector<Job>> jobs_of(Statement& statement);

struct JobStore::Implementation {
  std::shared_ptr<Connection> connection;
  Statement insert, insert_texts, first, start;
  JobCounts counts;

  Database& database() const { return connection->database; }
  Status prepare();
  Status prepare_claims();
  Status count();
  // Runs a statement of a project and an id for each of `ids`, all or none; rows changed.
  Result<std::int64_t> change(std::string_view sql, std::string_view project,
                              std::span<const std::string> ids, std::optional<std::int64_t> now_ms);
  // Runs a statement of which three parameters, from `first_parameter` on, are a claim; an error if
  // the job no longer runs by it.
  Status change(Statement& statement, const Claim& claim, int first_parameter);
  Status renumber();
  Status set_number(std::string_view id, double number);
};

}  // namespace obscura::store
