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
    "budget_bytes, peak_bytes";
inline constexpr int kSummaryCount = 20;
// Follow them in rows of both tables.
inline constexpr char kTextColumns[] = "prompt, extra_data, targets, models, outputs, messages";
inline constexpr char kJoined[] = "jobs JOIN job_texts ON job_texts.sequence = jobs.sequence";

JobSummary summary_of(const Statement& row);
Job job_of(const Statement& row);

struct JobStore::Implementation {
  std::shared_ptr<Connection> connection;
  Statement insert, insert_texts, first, start;
  std::int64_t submitted = 0;  // jobs ever, deleted ones included
  JobCounts counts;

  Database& database() const { return connection->database; }
  Status prepare();
  Status recover();
  // Runs a statement of a project and an id for each of `ids`, all or none; rows changed.
  Result<std::int64_t> change(std::string_view sql, std::string_view project,
                              std::span<const std::string> ids, std::optional<std::int64_t> now_ms);
  Status renumber();
  Status set_number(std::string_view id, double number);
};

}  // namespace obscura::store
