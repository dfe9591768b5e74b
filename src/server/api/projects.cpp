// /api/v1/projects.
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "graph/json_text.h"
#include "server/api/archive.h"
#include "server/api/job_json.h"
#include "server/api/routes.h"
#include "server/jobs/job_id.h"
#include "server/net/text.h"
#include "server/studio/project_folders.h"

namespace obscura::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

ordered_json project_json(const store::Project& project) {
  return {{"name", project.name},
          {"title", project.title},
          {"created_ms", project.created_ms},
          {"jobs", project.jobs},
          {"results", project.results}};
}

bool may_see(const Caller& caller, const std::string& project) {
  return caller.role == Role::kOwner || std::find(caller.projects.begin(), caller.projects.end(),
                                                  project) != caller.projects.end();
}

Response no_project(const std::string& name) {
  return error_response(404, fmt::format("there is no project '{}'", name));
}

Response list_projects(ServiceParts& parts, const Request& request) {
  auto projects = parts.accounts.projects();
  if (!projects.ok()) return error_response(projects.error());
  ordered_json list = ordered_json::array();
  for (const store::Project& project : *projects)
    if (may_see(request.caller, project.name)) list.push_back(project_json(project));
  return respond({{"projects", std::move(list)}});
}

Response get_project(ServiceParts& parts, const Request& request, const std::string& name,
                     int status = 200) {
  if (!may_see(request.caller, name)) return no_project(name);
  auto project = parts.accounts.find_project(name);
  if (!project.ok()) return error_response(project.error());
  return *project ? respond(project_json(**project), status) : no_project(name);
}

Response post_project(ServiceParts& parts, const Request& request) {
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return error_response(body.error());
  auto text = [&](const char* key) -> std::string {
    auto found = body->is_object() ? body->find(key) : body->end();
    return body->is_object() && found != body->end() && found->is_string() ? *found : "";
  };
  const std::string name = text("name");
  if (!store::is_account_name(name)) {
    return error_response(400, "name: wanted up to 64 of a-z, 0-9, - and _");
  }
  auto before = parts.accounts.find_project(name);
  if (!before.ok()) return error_response(before.error());
  if (*before) return error_response(409, fmt::format("there is a project '{}' already", name));
  Status made = prepare_project_folder(parts.data, name);
  if (made.ok()) made = parts.accounts.add_project(name, text("title"), now_ms());
  if (!made.ok()) return error_response(made.error());
  note(parts, request, "project.create", name, name);
  return get_project(parts, request, name, 201);
}

Response delete_project(ServiceParts& parts, const Request& request, const std::string& name) {
  auto project = parts.accounts.find_project(name);
  if (!project.ok()) return error_response(project.error());
  if (!*project) return no_project(name);
  Status deleted = parts.accounts.delete_project(name);
  if (!deleted.ok()) {
    return error_response(deleted.error().kind() == ErrorKind::kInvalidInput ? 409 : 500,
                          deleted.error().message());
  }
  note(parts, request, "project.delete", name, name, {{"jobs", (*project)->jobs}});
  std::error_code error;
  fs::remove_all(project_folder(parts.data, name), error);
  // What was made in it is not to be found in memory either.
  parts.queue.release(false, true);
  if (error) {
    return error_response(
        500, fmt::format("the project is gone, but not all of its files: {}", error.message()));
  }
  return no_content();
}

// Everything that the database holds of a project, as the answers of the API show it.
Result<std::vector<std::pair<std::string, std::string>>> texts_of(ServiceParts& parts,
                                                                  const std::string& name) {
  std::string jobs, results, audit;
  auto append = [](std::string& list, const std::string& item) {
    list += (list.empty() ? "[\n" : ",\n") + item;
  };
  for (const store::JobList which : {store::JobList::kFinished, store::JobList::kUnfinished}) {
    OBSCURA_ASSIGN(auto summaries, parts.jobs.list(name, which, -1, 0));
    for (const store::JobSummary& summary : summaries) {
      OBSCURA_ASSIGN(auto job, parts.jobs.find(name, summary.id));
      if (!job) continue;
      const ordered_json head = job_json(*job);
      std::string line = head.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
      line.pop_back();
      append(jobs,
             fmt::format(R"({},"workflow":{},"extra_data":{},"outputs":{},"messages":{}}})", line,
                         job->prompt, job->extra_data, job->outputs.empty() ? "{}" : job->outputs,
                         job->messages.empty() ? "[]" : job->messages));
    }
  }
  OBSCURA_ASSIGN(auto stored, parts.results.list(name, "", -1, 0));
  for (const store::StoredResult& result : stored) append(results, result_json(result).dump());
  OBSCURA_ASSIGN(auto entries, parts.audit.list(name, -1, 0));
  for (const store::AuditEntry& entry : entries) {
    const ordered_json head = {{"id", entry.id},
                               {"time_ms", entry.time_ms},
                               {"user", entry.user},
                               {"action", entry.action},
                               {"subject", entry.subject}};
    std::string line = head.dump();
    line.pop_back();
    append(audit, line + ",\"detail\":" + entry.detail + "}");
  }
  auto closed = [](const std::string& list) { return list.empty() ? "[]\n" : list + "\n]\n"; };
  return std::vector<std::pair<std::string, std::string>>{{"jobs.json", closed(jobs)},
                                                          {"results.json", closed(results)},
                                                          {"audit.json", closed(audit)}};
}

Response write_export(ServiceParts& parts, const std::string& name) {
  auto texts = texts_of(parts, name);
  if (!texts.ok()) return error_response(texts.error());
  const fs::path folder = parts.data / "exports";
  std::error_code error;
  fs::create_directories(folder, error);
  const fs::path target = folder / (new_uuid() + ".tar");
  // The default project shares its folder with what is the service's, and perhaps with ComfyUI.
  const std::vector<std::string> skipped = {"temp",           "projects",      "exports",
                                            "models",         "tls",           "obscura.db",
                                            "obscura.db-wal", "obscura.db-shm"};
  const bool own = name != store::kDefaultProject;
  Status written = write_tar(target, project_folder(parts.data, name), name,
                             own ? std::vector<std::string>{"temp"} : skipped, *texts);
  if (!written.ok()) return error_response(written.error());
  Response response;
  response.type = "application/x-tar";
  response.file = target;
  response.delete_file = true;
  response.headers.emplace_back("Content-Disposition",
                                fmt::format("attachment; filename=\"{}.tar\"", name));
  return response;
}

Response export_project(ServiceParts& parts, const Request& request, const std::string& name) {
  auto project = parts.accounts.find_project(name);
  if (!project.ok()) return error_response(project.error());
  if (!*project) return no_project(name);
  note(parts, request, "project.export", name, name);
  Response response;
  response.later = [&parts, name](Respond respond) {
    // It may be gigabytes: others are answered meanwhile.
    parts.background.start([&parts, name, respond] { respond(write_export(parts, name)); });
  };
  return response;
}

}  // namespace

void add_api_project_routes(Router& router, ServiceParts& parts) {
  router.add("GET", "/v1/projects", [&parts](const Request& request, const Captures&) {
    return list_projects(parts, request);
  });
  router.add(
      "POST", "/v1/projects",
      [&parts](const Request& request, const Captures&) { return post_project(parts, request); },
      Role::kOwner);
  router.add("GET", "/v1/projects/{}", [&parts](const Request& request, const Captures& captures) {
    return get_project(parts, request, captures[0]);
  });
  router.add(
      "DELETE", "/v1/projects/{}",
      [&parts](const Request& request, const Captures& captures) {
        return delete_project(parts, request, captures[0]);
      },
      Role::kOwner);
  router.add(
      "GET", "/v1/projects/{}/export",
      [&parts](const Request& request, const Captures& captures) {
        return export_project(parts, request, captures[0]);
      },
      Role::kOwner);
}

}  // namespace obscura::server
