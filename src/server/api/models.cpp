// /api/v1/models: what there is, what one of them is, and taking in a file.
//
// A file that is sent goes to the disk as it comes, under a temporary name beside its place, and
// gets its own name once the engine's reader has taken it for a model: what is cut short, damaged
// or no model is never seen, and leaves nothing.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/mapped_file.h"
#include "base/memory_text.h"
#include "graph/json_text.h"
#include "server/api/routes.h"
#include "server/net/text.h"
#include "server/studio/file_area.h"
#include "server/studio/model_sidecar.h"
#include "server/studio/project_folders.h"

namespace obscura::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

ordered_json model_json(std::string_view kind, const ModelEntry& model) {
  struct stat facts {};
  if (model.path) ::stat(model.path->c_str(), &facts);
  const auto preview = preview_beside(model);
  return {{"kind", kind},           {"name", model.name},
          {"bytes", facts.st_size}, {"modified_ms", std::int64_t{facts.st_mtime} * 1000},
          {"inside", !model.path},  {"preview_ms", preview ? preview->modified_ms : 0}};
}

Response no_kind(const std::string& kind) {
  return error_response(404, fmt::format("there is no kind of models called '{}'", kind));
}

bool is_kind(const ServiceParts& parts, const std::string& kind) {
  const std::vector<std::string> kinds = parts.studio.model_kinds();
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

Response list_models(ServiceParts& parts, const Request& request) {
  const std::string* wanted = request.parameter("kind");
  if (wanted != nullptr && !is_kind(parts, *wanted)) return no_kind(*wanted);
  const std::vector<std::string> kinds = parts.studio.model_kinds();
  ordered_json list = ordered_json::array();
  for (const std::string& kind : kinds) {
    if (wanted != nullptr && *wanted != kind) continue;
    for (const ModelEntry& model : parts.studio.models(request.caller.project, kind))
      list.push_back(model_json(kind, model));
  }
  return respond({{"models", std::move(list)}, {"kinds", kinds}});
}

// By the name that the caller knows the file by.
std::string called(const std::string& name, const fs::path& file, std::string message) {
  if (const std::size_t at = message.find(file.string()); at != std::string::npos)
    message.replace(at, file.string().size(), name);
  return message;
}

// Reads files, and so runs beside the thread that answers.
Response facts_of(const ServiceParts& parts, const std::string& project, const std::string& kind,
                  const ModelEntry& model) {
  const auto title = model.path ? parts.studio.inspect_model(kind, *model.path)
                                : Result<std::string>(std::string());
  const ModelNotes notes = notes_beside(model);
  return respond(
      {{"model", model_json(kind, model)},
       {"title", title.ok() ? *title : ""},
       {"error", title.ok() ? "" : called(model.name, *model.path, title.error().message())},
       {"digest", parts.studio.model_digest(project, model.name)},
       {"trigger_words", notes.trigger_words},
       {"description", notes.description}});
}

Response show_model(ServiceParts& parts, const Request& request, const Captures& captures) {
  const std::string &kind = captures[0], &name = captures[1], &project = request.caller.project;
  if (!is_kind(parts, kind)) return no_kind(kind);
  const std::vector<ModelEntry> models = parts.studio.models(project, kind);
  const auto model = std::find_if(models.begin(), models.end(),
                                  [&](const ModelEntry& entry) { return entry.name == name; });
  if (model == models.end()) {
    return error_response(404, fmt::format("there is no model '{}' among the {}", name, kind));
  }
  Response response;
  response.later = [&parts, project, kind, entry = *model](Respond respond) {
    parts.background.start([&parts, project, kind, entry, respond] {
      respond(facts_of(parts, project, kind, entry));
    });
  };
  return response;
}

Response release(ServiceParts& parts, const Request& request) {
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return error_response(body.error());
  auto flag = [&](const char* name) {
    auto found = body->is_object() ? body->find(name) : body->end();
    return body->is_object() && found != body->end() && found->is_boolean() && found->get<bool>();
  };
  parts.queue.release(flag("models"), flag("results"));
  return no_content();
}

// A model on its way in: the kind and the name that the address gives, and its place.
struct Import {
  std::string project, kind, name;
  fs::path path;
};

// Names as workflows write them: nothing hidden, nothing to be cleaned up before it is compared.
bool is_plain(const std::string& name) {
  const fs::path path(name);
  return path.lexically_normal().string() == name &&
         std::none_of(path.begin(), path.end(),
                      [](const fs::path& part) { return part.string().starts_with('.'); });
}

Result<Import> import_of(const ServiceParts& parts, const Request& request,
                         const Captures& captures) {
  Import import{request.caller.project, captures[0], captures[1], {}};
  OBSCURA_TRY(parts.studio.check_model_name(import.kind, import.name));
  if (!is_plain(import.name)) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("name: wanted that of a file below its folder, found '{}'",
                             import.name.substr(0, 200)));
  }
  const FileArea area(project_folder(parts.data, import.project) / "models" / import.kind);
  OBSCURA_ASSIGN(import.path, area.resolve(import.name));
  return import;
}

std::uintmax_t free_bytes(const fs::path& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  return error ? 0 : space.available;
}

// Refuses what can be refused before a byte has come, and opens the file.
std::optional<Response> prepare_import(ServiceParts& parts, Request& header,
                                       const Captures& captures) {
  if (!is_kind(parts, captures[0])) return no_kind(captures[0]);
  auto import = import_of(parts, header, captures);
  if (!import.ok()) return error_response(import.error());
  const std::string length = header.header("content-length");
  std::uintmax_t bytes = 0;
  if (std::from_chars(length.data(), length.data() + length.size(), bytes).ec != std::errc() ||
      bytes == 0) {
    return error_response(411, "wanted the model's bytes as the body, and their Content-Length");
  }
  auto file = AtomicFile::create(import->path);
  if (!file.ok()) return error_response(file.error());
  if (const std::uintmax_t room = free_bytes(import->path.parent_path()); bytes > room) {
    return error_response(507, fmt::format("the model has {}, and the disk has room for {}",
                                           memory_text(bytes), memory_text(room)));
  }
  header.body_file = std::make_shared<AtomicFile>(std::move(file).value());
  return std::nullopt;
}

bool same_content(const fs::path& a, const fs::path& b) {
  auto one = MappedFile::open(a), other = MappedFile::open(b);
  return one.ok() && other.ok() && std::ranges::equal(one->bytes(), other->bytes()) &&
         check_unchanged(one->bytes()).ok() && check_unchanged(other->bytes()).ok();
}

std::optional<ModelEntry> entry_of(const ServiceParts& parts, const Import& import) {
  for (ModelEntry& entry : parts.studio.models(import.project, import.kind))
    if (entry.name == import.name) return std::move(entry);
  return std::nullopt;
}

// Runs beside the thread that answers: it reads files of gigabytes. Nothing temporary is left once
// it returns.
Response finish_import(ServiceParts& parts, EventSockets& sockets, const Request& request,
                       const Import& import) {
  AtomicFile file = std::move(*request.body_file);
  auto title = parts.studio.inspect_model(import.kind, file.temporary());
  if (!title.ok()) {
    return error_response(422, called(import.name, file.temporary(), title.error().message()));
  }
  auto imported = [&](const ModelEntry& entry, int status) {
    return respond({{"model", model_json(import.kind, entry)}, {"title", *title}}, status);
  };
  if (const auto there = entry_of(parts, import)) {
    if (there->path && same_content(*there->path, file.temporary())) return imported(*there, 200);
    return error_response(
        409, fmt::format("there is another model called '{}' among the {} already", import.name,
                         import.kind));
  }
  if (Status stored = file.commit_new(); !stored.ok()) {
    if (stored.error().kind() != ErrorKind::kInvalidInput) return error_response(stored.error());
    return error_response(409, stored.error().message());
  }
  const ModelEntry entry{import.name, import.path};
  note(parts, request, "model.import", import.name, import.project,
       {{"kind", import.kind}, {"title", *title}});
  sockets.send(import.project, {{"type", "model"}, {"model", model_json(import.kind, entry)}});
  return imported(entry, 201);
}

Response import_model(ServiceParts& parts, EventSockets& sockets, const Request& request,
                      const Captures& captures) {
  auto import = import_of(parts, request, captures);
  if (!import.ok()) return error_response(import.error());
  Response response;
  response.later = [&parts, &sockets, request, import = *import](Respond respond) {
    parts.background.start([&parts, &sockets, request, import, respond] {
      respond(finish_import(parts, sockets, request, import));
    });
  };
  return response;
}

}  // namespace

void add_api_model_routes(Router& router, ServiceParts& parts, EventSockets& sockets) {
  router.add("GET", "/v1/models", [&parts](const Request& request, const Captures&) {
    return list_models(parts, request);
  });
  router.add("GET", "/v1/models/{}/{}", [&parts](const Request& request, const Captures& captures) {
    return show_model(parts, request, captures);
  });
  router.add("GET", "/v1/models/{}/{}/preview",
             [&parts](const Request& request, const Captures& captures) {
               return respond_preview(parts.studio, parts.background, request, captures[0],
                                      captures[1]);
             });
  router.add_upload(
      "PUT", "/v1/models/{}/{}",
      [&parts](Request& header, const Captures& captures) {
        return prepare_import(parts, header, captures);
      },
      [&parts, &sockets](const Request& request, const Captures& captures) {
        return import_model(parts, sockets, request, captures);
      });
  router.add("POST", "/v1/models/release",
             [&parts](const Request& request, const Captures&) { return release(parts, request); });
}

}  // namespace obscura::server
