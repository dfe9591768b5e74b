// /users, /settings and /userdata: what ComfyUI's editor keeps for the one user there is.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/files.h"
#include "graph/json_text.h"
#include "server/comfyui/routes.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr char kSettings[] = "comfy.settings.json";

bool is_set(const Request& request, const char* name, bool otherwise) {
  const std::string* given = request.parameter(name);
  return given == nullptr ? otherwise : *given == "true" || *given == "1";
}

Result<ordered_json> read_settings(const FileArea& user) {
  auto path = user.find(kSettings);
  if (!path.ok()) return ordered_json::object();
  OBSCURA_ASSIGN(std::string text, read_file(*path, std::size_t{16} << 20));
  OBSCURA_ASSIGN(ordered_json settings, graph::parse_json(text));
  return settings.is_object() ? settings : ordered_json::object();
}

Status write_settings(const FileArea& user, const ordered_json& settings) {
  OBSCURA_ASSIGN(fs::path path, user.resolve(kSettings));
  return write_file_atomically(
      path, settings.dump(4, ' ', false, ordered_json::error_handler_t::replace));
}

Response get_settings(const FileArea& user, const std::string* id) {
  auto settings = read_settings(user);
  if (!settings.ok()) return error_response(settings.error());
  if (id == nullptr) return respond(*settings);
  auto found = settings->find(*id);
  return respond(found == settings->end() ? ordered_json() : *found);
}

Response post_settings(const FileArea& user, const Request& request, const std::string* id) {
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return error_response(body.error());
  auto settings = read_settings(user);
  if (!settings.ok()) return error_response(settings.error());
  if (id != nullptr) {
    (*settings)[*id] = *body;
  } else if (body->is_object()) {
    settings->update(*body);
  } else {
    return error_response(400, "wanted a JSON object of settings");
  }
  Status written = write_settings(user, *settings);
  return written.ok() ? json_response("{}") : error_response(written.error());
}

ordered_json file_facts(const fs::path& path, const std::string& name) {
  struct stat facts {};
  ::stat(path.c_str(), &facts);
  return {{"path", name},
          {"size", facts.st_size},
          {"modified", facts.st_mtime * 1000},
          {"created", facts.st_ctime * 1000}};
}

// Names below `folder`, sorted, with forward slashes; nothing hidden, where editors keep what is
// none of the user's files.
std::vector<std::string> files_in(const fs::path& folder, bool recurse) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const bool hidden = at->path().filename().string().starts_with('.');
    if (!recurse || hidden) at.disable_recursion_pending();
    if (!hidden && at->is_regular_file(error)) {
      names.push_back(at->path().lexically_relative(folder).generic_string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Response list_userdata(const FileArea& user, const Request& request) {
  const std::string* folder = request.parameter("dir");
  if (folder == nullptr || folder->empty()) return error_response(400, "wanted the parameter dir");
  auto path = user.resolve(*folder);
  if (!path.ok()) return error_response(path.error());
  std::error_code error;
  if (!fs::is_directory(*path, error)) return error_response(404, "there is no such folder");
  ordered_json list = ordered_json::array();
  for (const std::string& name : files_in(*path, is_set(request, "recurse", false))) {
    if (is_set(request, "full_info", false)) {
      list.push_back(file_facts(*path / name, name));
    } else if (is_set(request, "split", false)) {
      ordered_json parts = {name};
      for (const fs::path& part : fs::path(name)) parts.push_back(part.string());
      list.push_back(std::move(parts));
    } else {
      list.push_back(name);
    }
  }
  return respond(list);
}

Response list_userdata_v2(const FileArea& user, const Request& request) {
  const std::string* given = request.parameter("path");
  const std::string base = given == nullptr ? "" : *given;
  auto path = base.empty() ? Result<fs::path>(user.root()) : user.resolve(base);
  if (!path.ok()) return error_response(path.error());
  std::error_code error;
  if (!fs::is_directory(*path, error)) {
    return base.empty() ? respond(ordered_json::array())
                        : error_response(404, "there is no such folder");
  }
  std::vector<fs::directory_entry> entries(fs::directory_iterator(*path, error), {});
  std::sort(entries.begin(), entries.end());
  ordered_json list = ordered_json::array();
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename().string();
    ordered_json item = {{"name", name},
                         {"path", base.empty() ? name : base + "/" + name},
                         {"type", entry.is_directory(error) ? "directory" : "file"}};
    if (entry.is_regular_file(error)) {
      const ordered_json facts = file_facts(entry.path(), name);
      item["size"] = facts["size"];
      item["modified"] = facts["modified"];
    }
    list.push_back(std::move(item));
  }
  return respond(list);
}

Response get_userdata(const FileArea& user, const std::string& name) {
  auto path = user.find(name);
  if (!path.ok()) return error_response(path.error());
  Response response;
  response.type = media_type(*path);
  response.file = std::move(path).value();
  return response;
}

Response taken(const std::string& name) {
  return error_response(409, "there is a file '" + name + "' already");
}

Response post_userdata(const FileArea& user, const Request& request, const std::string& name) {
  auto path = user.resolve_file(name);
  if (!path.ok()) return error_response(path.error());
  std::error_code error;
  if (!is_set(request, "overwrite", true) && fs::exists(*path, error)) return taken(name);
  Status written = write_file_atomically(*path, request.body);
  if (!written.ok()) return error_response(written.error());
  return respond(is_set(request, "full_info", false) ? file_facts(*path, name)
                                                     : ordered_json(name));
}

Response delete_userdata(const FileArea& user, const std::string& name) {
  auto path = user.find(name);
  if (!path.ok()) return error_response(path.error());
  std::error_code error;
  fs::remove(*path, error);
  if (error) return error_response(500, error.message());
  Response response;
  response.status = 204;
  return response;
}

Response move_userdata(const FileArea& user, const Request& request, const std::string& from,
                       const std::string& to) {
  auto source = user.find(from);
  if (!source.ok()) return error_response(source.error());
  auto target = user.resolve_file(to);
  if (!target.ok()) return error_response(target.error());
  std::error_code error;
  if (!is_set(request, "overwrite", true) && fs::exists(*target, error)) return taken(to);
  fs::create_directories(target->parent_path(), error);
  if (!error) fs::rename(*source, *target, error);
  if (error) return error_response(500, error.message());
  return respond(is_set(request, "full_info", false) ? file_facts(*target, to) : ordered_json(to));
}

}  // namespace

void add_user_routes(Router& router, ServiceParts& parts) {
  router.add("GET", "/users", [](const Request&, const Captures&) {
    return respond({{"storage", "server"}, {"migrated", true}});
  });
  router.add("GET", "/settings", [&parts](const Request& request, const Captures&) {
    return get_settings(parts.folders(request).user, nullptr);
  });
  router.add("GET", "/settings/{}", [&parts](const Request& request, const Captures& captures) {
    return get_settings(parts.folders(request).user, &captures[0]);
  });
  router.add("POST", "/settings", [&parts](const Request& request, const Captures&) {
    return post_settings(parts.folders(request).user, request, nullptr);
  });
  router.add("POST", "/settings/{}", [&parts](const Request& request, const Captures& captures) {
    return post_settings(parts.folders(request).user, request, &captures[0]);
  });
  router.add("GET", "/userdata", [&parts](const Request& request, const Captures&) {
    return list_userdata(parts.folders(request).user, request);
  });
  router.add("GET", "/v2/userdata", [&parts](const Request& request, const Captures&) {
    return list_userdata_v2(parts.folders(request).user, request);
  });
  router.add("GET", "/userdata/{}", [&parts](const Request& request, const Captures& captures) {
    return get_userdata(parts.folders(request).user, captures[0]);
  });
  router.add("POST", "/userdata/{}", [&parts](const Request& request, const Captures& captures) {
    return post_userdata(parts.folders(request).user, request, captures[0]);
  });
  router.add("DELETE", "/userdata/{}", [&parts](const Request& request, const Captures& captures) {
    return delete_userdata(parts.folders(request).user, captures[0]);
  });
  router.add("POST", "/userdata/{}/move/{}",
             [&parts](const Request& request, const Captures& captures) {
               return move_userdata(parts.folders(request).user, request, captures[0], captures[1]);
             });
}

}  // namespace obscura::server
