// Where a job stands in the queue: moving it, and forgetting it once it is over.
#include <fmt/format.h>

#include "store/job_rows.h"

namespace obscura::store {
namespace {

Error not_queued(std::string_view id) {
  return Error(ErrorKind::kNotFound, fmt::format("there is no job '{}' that waits", id));
}

// Its number, if it waits; an empty project stands for all.
Result<std::optional<double>> number_of(Database& database, std::string_view project,
                                        std::string_view id) {
  OBSCURA_ASSIGN(Statement row,
                 database.prepare("SELECT number FROM jobs WHERE id = ?1 AND state = 0 AND (?2 = "
                                  "'' OR project = ?2)"));
  row.bind(1, id).bind(2, project);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? std::optional(row.number(0)) : std::nullopt;
}

// The highest number before `id` in the queue, leaving out `moved`; none if it is the first.
Result<std::optional<double>> number_before(Database& database, std::string_view id,
                                            std::string_view moved) {
  OBSCURA_ASSIGN(Statement row,
                 database.prepare(
                     "SELECT jobs.number FROM jobs, (SELECT number, sequence FROM jobs WHERE id = "
                     "?1) AS other WHERE state = 0 AND id <> ?2 AND (jobs.number, jobs.sequence) < "
                     "(other.number, other.sequence) ORDER BY jobs.number DESC LIMIT 1"));
  row.bind(1, id).bind(2, moved);
  OBSCURA_ASSIGN(bool found, row.step());
  return found ? std::optional(row.number(0)) : std::nullopt;
}

}  // namespace

Status JobStore::Implementation::set_number(std::string_view id, double number) {
  OBSCURA_ASSIGN(Statement statement,
                 database().prepare("UPDATE jobs SET number = ? WHERE id = ?"));
  return statement.bind(1, number).bind(2, id).run();
}

// Gives the jobs that wait whole numbers apart, in the order which they have.
Status JobStore::Implementation::renumber() {
  return database().execute(
      "UPDATE jobs SET number = place FROM (SELECT sequence AS s, row_number() OVER (ORDER BY "
      "number, sequence) AS place FROM jobs WHERE state = 0) WHERE sequence = s");
}

Status JobStore::move_before(std::string_view project, std::string_view id,
                             std::string_view other) {
  if (id == other) return {};
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(self.database()));
  OBSCURA_ASSIGN(auto own, number_of(self.database(), project, id));
  if (!own) return not_queued(id);
  for (int attempt = 0;; ++attempt) {
    OBSCURA_ASSIGN(auto after, number_of(self.database(), "", other));
    if (!after) return not_queued(other);
    OBSCURA_ASSIGN(auto before, number_before(self.database(), other, id));
    const double number = before ? *before + (*after - *before) / 2 : *after - 1;
    if ((!before || *before < number) && number < *after) {
      OBSCURA_TRY(self.set_number(id, number));
      return transaction.commit();
    }
    OBSCURA_CHECK(attempt == 0, "numbers a whole apart have no room between them");
    OBSCURA_TRY(self.renumber());
  }
}

Status JobStore::move_to_end(std::string_view project, std::string_view id, bool front) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(auto own, number_of(self.database(), project, id));
  if (!own) return not_queued(id);
  OBSCURA_ASSIGN(Statement row, self.database().prepare(
                                    front ? "SELECT min(number) - 1 FROM jobs WHERE state = 0"
                                          : "SELECT max(number) + 1 FROM jobs WHERE state = 0"));
  OBSCURA_ASSIGN(bool found, row.step());
  OBSCURA_CHECK(found, "an aggregate gave no row");
  const double number = row.number(0);
  row.reset();
  return self.set_number(id, number);
}

namespace {

Result<std::vector<std::string>> texts_of(Statement& row) {
  std::vector<std::string> texts;
  for (;;) {
    OBSCURA_ASSIGN(bool found, row.step());
    if (!found) return texts;
    texts.emplace_back(row.text(0));
  }
}

// Deletes a project's finished jobs, or the one called `id`.
Result<std::vector<std::string>> forget_in(Database& database, std::string_view project,
                                           std::string_view id) {
  const std::string which =
      "project = ?1 AND state >= 2" + std::string(id.empty() ? "" : " AND id = ?2");
  std::vector<std::string> digests;
  for (const std::string& sql :
       {"SELECT digest FROM results WHERE job IN (SELECT id FROM jobs WHERE " + which + ")",
        "DELETE FROM results WHERE job IN (SELECT id FROM jobs WHERE " + which + ")",
        "DELETE FROM job_texts WHERE sequence IN (SELECT sequence FROM jobs WHERE " + which + ")",
        "DELETE FROM jobs WHERE " + which}) {
    OBSCURA_ASSIGN(Statement statement, database.prepare(sql));
    statement.bind(1, project);
    if (!id.empty()) statement.bind(2, id);
    if (sql.starts_with("SELECT")) {
      OBSCURA_ASSIGN(digests, texts_of(statement));
    } else {
      OBSCURA_TRY(statement.run());
    }
  }
  return digests;
}

}  // namespace

Result<std::vector<std::string>> JobStore::forget(std::string_view project,
                                                  std::span<const std::string> ids) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(self.database()));
  std::vector<std::string> digests;
  for (const std::string& id : ids) {
    if (id.empty()) continue;
    OBSCURA_ASSIGN(std::vector<std::string> more, forget_in(self.database(), project, id));
    digests.insert(digests.end(), more.begin(), more.end());
  }
  OBSCURA_TRY(transaction.commit());
  return digests;
}

Result<std::vector<std::string>> JobStore::forget_all(std::string_view project) {
  Implementation& self = *implementation_;
  std::lock_guard lock(self.connection->mutex);
  OBSCURA_ASSIGN(Transaction transaction, Transaction::begin(self.database()));
  OBSCURA_ASSIGN(std::vector<std::string> digests, forget_in(self.database(), project, ""));
  OBSCURA_TRY(transaction.commit());
  return digests;
}

}  // namespace obscura::store
