// Who one is, users, the audit log, and the file that describes all this.
#include <fmt/format.h>

#include "base/hash.h"
#include "base/log.h"
#include "graph/json_text.h"
#include "server/api/routes.h"
#include "server/jobs/job_id.h"
#include "server/net/limits.h"
#include "server/net/text.h"

extern "C" {
extern const char obscura_openapi_begin[], obscura_openapi_end[];
}

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

ordered_json user_json(const store::User& user) {
  return {{"name", user.name},
          {"role", user.role},
          {"projects", user.projects},
          {"created_ms", user.created_ms}};
}

Response get_info(ServiceParts& parts, const Request& request) {
  return respond({{"name", "Obscura"},
                  {"version", parts.studio.version()},
                  {"session", session_json(request.caller)},
                  {"limits", {{"body_bytes", kMaxBodyBytes}, {"upload_bytes", kMaxUploadBytes}}}});
}

Response log_in(ServiceParts& parts, const Request& request) {
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return error_response(body.error());
  auto token = body->is_object() ? body->find("token") : body->end();
  if (!body->is_object() || token == body->end() || !token->is_string()) {
    return error_response(400, R"(wanted {"token": "…"})");
  }
  auto done = parts.access.log_in(request, *token);
  if (auto* refusal = std::get_if<Response>(&done)) return std::move(*refusal);
  const auto& login = std::get<Access::Login>(done);
  note(parts, request, "session.begin", login.caller.user, "");
  Response response = respond(session_json(login.caller));
  response.headers.emplace_back("Set-Cookie", login.cookie);
  return response;
}

Response log_out(ServiceParts& parts, const Request& request) {
  Response response = no_content();
  response.headers.emplace_back("Set-Cookie", parts.access.log_out(request));
  return response;
}

Response list_users(ServiceParts& parts) {
  auto users = parts.accounts.users();
  if (!users.ok()) return error_response(users.error());
  ordered_json list = ordered_json::array();
  for (const store::User& user : *users) list.push_back(user_json(user));
  return respond({{"users", std::move(list)}});
}

Result<store::User> user_of(const ordered_json& body) {
  const Error wanted(ErrorKind::kInvalidInput,
                     R"(wanted {"name": …, "role": owner, artist or viewer, "projects": […]})");
  if (!body.is_object()) return wanted;
  auto name = body.find("name"), role = body.find("role"), projects = body.find("projects");
  if (name == body.end() || !name->is_string() || role == body.end() || !role->is_string() ||
      !role_of(role->get<std::string>())) {
    return wanted;
  }
  store::User user{*name, *role, {}, "", now_ms()};
  if (user.name == "owner") {
    return Error(ErrorKind::kInvalidInput, "'owner' is who has the service's own token");
  }
  if (projects == body.end()) return user;
  if (!projects->is_array()) return wanted;
  for (const ordered_json& project : *projects) {
    if (!project.is_string()) return wanted;
    user.projects.push_back(project);
  }
  return user;
}

Response post_user(ServiceParts& parts, const Request& request) {
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return error_response(body.error());
  auto user = user_of(*body);
  if (!user.ok()) return error_response(user.error());
  const std::string token = new_token();
  user->token_digest = sha256_hex(token);
  Status put = parts.accounts.put_user(*user);
  if (!put.ok()) return error_response(put.error());
  note(parts, request, "user.put", user->name, "",
       {{"role", user->role}, {"projects", user->projects}});
  return respond({{"user", user_json(*user)}, {"token", token}}, 201);
}

Response delete_user(ServiceParts& parts, const Request& request, const std::string& name) {
  auto deleted = parts.accounts.delete_user(name);
  if (!deleted.ok()) return error_response(deleted.error());
  if (!*deleted) return error_response(404, fmt::format("there is no user '{}'", name));
  note(parts, request, "user.delete", name, "");
  return no_content();
}

Response list_audit(ServiceParts& parts, const Request& request) {
  auto page = page_of(request);
  if (!page.ok()) return error_response(page.error());
  const std::string* given = request.parameter("project");
  const std::string project = given == nullptr ? "" : *given;
  auto entries = parts.audit.list(project, page->limit, page->offset);
  if (!entries.ok()) return error_response(entries.error());
  auto total = parts.audit.count(project);
  if (!total.ok()) return error_response(total.error());
  ordered_json list = ordered_json::array();
  for (const store::AuditEntry& entry : *entries) {
    auto detail = graph::parse_json(entry.detail);
    list.push_back({{"id", entry.id},
                    {"time_ms", entry.time_ms},
                    {"user", entry.user},
                    {"project", entry.project},
                    {"action", entry.action},
                    {"subject", entry.subject},
                    {"detail", detail.ok() ? *detail : ordered_json::object()}});
  }
  return respond({{"entries", std::move(list)}, {"total", *total}, {"offset", page->offset}});
}

}  // namespace

std::string_view openapi() {
  return {obscura_openapi_begin,
          static_cast<std::size_t>(obscura_openapi_end - obscura_openapi_begin)};
}

ordered_json session_json(const Caller& caller) {
  return {{"user", caller.user},
          {"role", name_of(caller.role)},
          {"project", caller.project},
          {"projects", caller.projects}};
}

Response no_content() {
  Response response;
  response.status = 204;
  return response;
}

void note(ServiceParts& parts, const Request& request, const std::string& action,
          const std::string& subject, const std::string& project, const ordered_json& detail) {
  const std::string user = request.caller.user.empty() ? subject : request.caller.user;
  Status noted = parts.audit.add(
      {0, now_ms(), user, project, action, subject, detail.is_object() ? detail.dump() : "{}"});
  if (!noted.ok()) log::error("the audit log: {}", noted.error().message());
}

void add_api_account_routes(Router& router, ServiceParts& parts) {
  router.add("GET", "/v1", [&parts](const Request& request, const Captures&) {
    return get_info(parts, request);
  });
  router.add("GET", "/v1/openapi.json",
             [](const Request&, const Captures&) { return json_response(std::string(openapi())); });
  router.add("GET", "/v1/session", [](const Request& request, const Captures&) {
    return respond(session_json(request.caller));
  });
  router.add(
      "POST", "/v1/session",
      [&parts](const Request& request, const Captures&) { return log_in(parts, request); },
      Role::kNobody);
  router.add(
      "DELETE", "/v1/session",
      [&parts](const Request& request, const Captures&) { return log_out(parts, request); },
      Role::kViewer);
  router.add(
      "GET", "/v1/users", [&parts](const Request&, const Captures&) { return list_users(parts); },
      Role::kOwner);
  router.add(
      "POST", "/v1/users",
      [&parts](const Request& request, const Captures&) { return post_user(parts, request); },
      Role::kOwner);
  router.add(
      "DELETE", "/v1/users/{}",
      [&parts](const Request& request, const Captures& captures) {
        return delete_user(parts, request, captures[0]);
      },
      Role::kOwner);
  router.add(
      "GET", "/v1/audit",
      [&parts](const Request& request, const Captures&) { return list_audit(parts, request); },
      Role::kOwner);
}

}  // namespace obscura::server
