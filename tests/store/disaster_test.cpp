// A full disk and a damaged file, for everything that the database keeps.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "store/account_store.h"
#include "store/audit_log.h"
#include "store/job_store.h"
#include "store/temporary_folder.h"

namespace obscura::store {
namespace {

constexpr std::size_t kLarge = 200 << 10;  // more than the pages at hand have room for

NewJob new_job(const std::string& id, const std::string& prompt) {
  NewJob job;
  job.id = id;
  job.prompt = prompt;
  job.extra_data = "{}";
  job.targets = "[]";
  return job;
}

// All stores over one file.
struct Stores {
  explicit Stores(std::shared_ptr<Connection> the_connection)
      : connection(std::move(the_connection)),
        results(connection),
        accounts(connection),
        audit(connection) {}

  std::shared_ptr<Connection> connection;
  std::unique_ptr<JobStore> jobs;
  ResultStore results;
  AccountStore accounts;
  AuditLog audit;

  void pages(const std::string& most) {
    ASSERT_TRUE(connection->database.execute(("PRAGMA max_page_count=" + most).c_str()).ok());
  }
};

Result<std::unique_ptr<Stores>> open_stores(const std::filesystem::path& path) {
  OBSCURA_ASSIGN(auto connection, Connection::open(path));
  auto stores = std::make_unique<Stores>(std::move(connection));
  OBSCURA_ASSIGN(stores->jobs, JobStore::open(stores->connection));
  return stores;
}

// Some of everything; "running" runs, "done" is done.
void fill(Stores& stores) {
  for (const char* id : {"done", "running", "waiting"})
    ASSERT_TRUE(stores.jobs->submit(new_job(id, "{}")).ok());
  ASSERT_TRUE(stores.jobs->claim("w", 1, 1000).ok());
  Outcome outcome{JobState::kDone, "{}", "[]", 2};
  outcome.results = {{"9", "abc", "", "a.png", "image/png", 1, 2, 3}};
  ASSERT_TRUE(stores.jobs->finish({"done", "w", 1}, outcome).ok());
  ASSERT_TRUE(stores.jobs->claim("w", 3, 1000).ok());
  ASSERT_TRUE(stores.accounts.add_project("acme", "ACME", 4).ok());
  ASSERT_TRUE(stores.accounts.put_user({"ann", "artist", {"acme"}, "digest", 5}).ok());
  ASSERT_TRUE(stores.accounts.set("queue.paused", "no").ok());
}

struct Write {
  const char* name;
  std::function<Status(Stores&, const std::string& large)> write;
};

Status status_of(const auto& result) {
  return result.ok() ? Status() : Status(result.error());
}

const std::vector<Write>& writes() {
  static const std::vector<Write> all = {
      {"jobs",
       [](Stores& stores, const std::string& large) {
         NewJob job = new_job("new", "{}");
         job.title = large;
         return status_of(stores.jobs->submit(job));
       }},
      {"job_texts",
       [](Stores& stores, const std::string& large) {
         return status_of(stores.jobs->submit(new_job("new", large)));
       }},
      {"job_outcome",
       [](Stores& stores, const std::string& large) {
         return stores.jobs->finish({"running", "w", 1}, {JobState::kDone, large, "[]", 9});
       }},
      {"results",
       [](Stores& stores, const std::string& large) {
         Outcome outcome{JobState::kDone, "{}", "[]", 9};
         outcome.results = {{"9", "def", "", large, "image/png", 1, 2, 3}};
         return stores.jobs->finish({"running", "w", 1}, outcome);
       }},
      {"projects",
       [](Stores& stores, const std::string& large) {
         return stores.accounts.add_project("globex", large, 9);
       }},
      {"users",
       [](Stores& stores, const std::string& large) {
         return stores.accounts.put_user({"bob", "viewer", {"acme"}, large, 9});
       }},
      {"settings", [](Stores& stores,
                      const std::string& large) { return stores.accounts.set("other", large); }},
      {"audit", [](Stores& stores, const std::string& large) {
         return stores.audit.add({0, 9, "owner", "default", "test", "x", large});
       }}};
  return all;
}

// What everybody sees, in one text.
std::string state_of(Stores& stores) {
  std::string text;
  for (const JobList list : {JobList::kUnfinished, JobList::kFinished}) {
    auto jobs = stores.jobs->list(kDefaultProject, list, -1, 0);
    EXPECT_TRUE(jobs.ok());
    for (const JobSummary& job : *jobs)
      text += job.id + std::to_string(static_cast<int>(job.state)) + " ";
  }
  text += std::to_string(*stores.results.count(kDefaultProject, "")) + " results, ";
  text += std::to_string(stores.accounts.projects()->size()) + " projects, ";
  text += std::to_string(stores.accounts.users()->size()) + " users, '";
  text += std::to_string(stores.accounts.setting("other")->size()) + "', ";
  text += std::to_string(*stores.audit.count("")) + " entries, ";
  return text + std::to_string(stores.jobs->remaining()) + " remain";
}

TEST(FullDisk, IsSaidAndChangesNothing) {
  for (const Write& write : writes()) {
    obscura::testing::TemporaryFolder folder;
    auto stores = open_stores(folder.path() / "obscura.db");
    ASSERT_TRUE(stores.ok()) << stores.error().message();
    fill(**stores);
    const std::string before = state_of(**stores);
    (*stores)->pages("1");  // SQLite makes it those that it has
    const std::string large(kLarge, 'x');
    const Status refused = write.write(**stores, large);
    ASSERT_FALSE(refused.ok()) << write.name;
    EXPECT_EQ(refused.error().kind(), ErrorKind::kDiskFull) << write.name;
    EXPECT_NE(refused.error().message().find("the disk is full"), std::string::npos)
        << write.name << ": " << refused.error().message();
    EXPECT_EQ(state_of(**stores), before) << write.name;
    (*stores)->pages("1000000");
    const Status written = write.write(**stores, large);
    EXPECT_TRUE(written.ok()) << write.name << ": " << written.error().message();
    EXPECT_NE(state_of(**stores), before) << write.name;
  }
}

// Everything that the service does with its database, one call each.
std::vector<Status> everything(Stores& stores) {
  std::vector<Status> said;
  auto note = [&](const auto& result) { said.push_back(status_of(result)); };
  for (int list = 0; list <= static_cast<int>(JobList::kCancelled); ++list) {
    note(stores.jobs->list(kDefaultProject, static_cast<JobList>(list), -1, 0));
    note(stores.jobs->count(kDefaultProject, static_cast<JobList>(list)));
  }
  note(stores.jobs->unfinished(kDefaultProject));
  note(stores.jobs->history(kDefaultProject, std::nullopt, -1));
  note(stores.jobs->find(kDefaultProject, "done"));
  note(stores.jobs->count_held(kDefaultProject));
  note(stores.jobs->next_without_plan(16));
  said.push_back(stores.jobs->set_plan("waiting", 1, 2));
  note(stores.jobs->hold(kDefaultProject, "waiting", true));
  said.push_back(stores.jobs->move_to_end(kDefaultProject, "waiting", true));
  note(stores.jobs->submit(new_job("more", "{}")));
  said.push_back(stores.jobs->move_before(kDefaultProject, "more", "waiting"));
  note(stores.jobs->claim("w", 7, 1000));
  said.push_back(stores.jobs->renew({"more", "w", 1}, 7, 1000));
  note(stores.jobs->first_lease_end());
  said.push_back(stores.jobs->finish({"more", "w", 1}, {JobState::kDone, "{}", "[]", 8}));
  note(stores.jobs->take_back(9, "w"));
  note(stores.jobs->cancel(kDefaultProject, std::vector<std::string>{"waiting"}, 9));
  note(stores.results.list(kDefaultProject, "", -1, 0));
  note(stores.results.uses(kDefaultProject, "abc"));
  note(stores.accounts.projects());
  note(stores.accounts.users());
  note(stores.accounts.find_user_by_token_digest("digest"));
  said.push_back(stores.accounts.set("queue.paused", "yes"));
  note(stores.audit.list("", -1, 0));
  note(stores.audit.list("acme", -1, 0));
  note(stores.jobs->forget_all(kDefaultProject));
  said.push_back(stores.accounts.delete_project("acme"));
  return said;
}

std::vector<std::pair<std::string, std::int64_t>> root_pages(const std::filesystem::path& path) {
  std::vector<std::pair<std::string, std::int64_t>> pages;
  auto database = Database::open(path);
  EXPECT_TRUE(database.ok());
  auto rows = database->prepare(
      "SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0 AND name NOT LIKE "
      "'sqlite_autoindex_projects%'");
  EXPECT_TRUE(rows.ok());
  for (auto row = rows->step(); row.ok() && *row; row = rows->step())
    pages.emplace_back(rows->text(0), rows->integer(1));
  return pages;
}

TEST(DamagedFile, IsSaidWhereverTheDamageIs) {
  obscura::testing::TemporaryFolder folder;
  const auto sound = folder.path() / "sound.db";
  {
    auto stores = open_stores(sound);
    ASSERT_TRUE(stores.ok());
    fill(**stores);
  }
  const auto pages = root_pages(sound);
  ASSERT_GE(pages.size(), 20U) << "7 tables and their indexes";
  for (const auto& [name, page] : pages) {
    const auto path = folder.path() / (name + ".db");
    std::filesystem::copy_file(sound, path);
    {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp((page - 1) * 4096 + (page == 1 ? 100 : 0));
      file << std::string(2048, '\x5a');
    }
    auto stores = open_stores(path);
    bool told = !stores.ok();
    if (told) {
      EXPECT_EQ(stores.error().kind(), ErrorKind::kCorrupt) << name;
    } else {
      for (const Status& status : everything(**stores)) {
        if (status.ok()) continue;
        told |= status.error().kind() == ErrorKind::kCorrupt;
        if (status.error().kind() == ErrorKind::kCorrupt) {
          EXPECT_NE(status.error().message().find(path.string()), std::string::npos);
        }
      }
    }
    EXPECT_TRUE(told) << "nobody was told that " << name << " is damaged";
  }
}

}  // namespace
}  // namespace obscura::store
