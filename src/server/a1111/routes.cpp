// /sdapi/v1: the settings, the machine, and what only has to be answered.
#include "server/a1111/routes.h"

#include <sys/sysinfo.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "server/a1111/options.h"
#include "server/a1111/run.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

Response get_options(ServiceParts& parts, const Request& request) {
  auto options = a1111_options(parts, request.caller.project);
  return options.ok() ? respond(*options) : a1111_error(options.error());
}

Response post_options(ServiceParts& parts, const Request& request) {
  auto body = a1111_body(request);
  if (!body.ok()) return a1111_error(body.error());
  auto options = a1111_options(parts, request.caller.project);
  if (!options.ok()) return a1111_error(options.error());
  options->update(*body);
  Status set = set_a1111_options(parts, request.caller.project, *options);
  return set.ok() ? respond(nullptr) : a1111_error(set.error());
}

Response get_memory() {
  struct sysinfo memory {};
  ::sysinfo(&memory);
  const std::uint64_t total = std::uint64_t{memory.totalram} * memory.mem_unit;
  const std::uint64_t free = std::uint64_t{memory.freeram} * memory.mem_unit;
  return respond({{"ram", {{"free", free}, {"used", total - free}, {"total", total}}},
                  {"cuda", ordered_json::object()}});
}

}  // namespace

void add_a1111_routes(Router& router, ServiceParts& parts) {
  add_a1111_image_routes(router, parts);
  add_a1111_extras_routes(router, parts);
  add_a1111_list_routes(router, parts);
  router.add("GET", "/sdapi/v1/options", [&parts](const Request& request, const Captures&) {
    return get_options(parts, request);
  });
  router.add("POST", "/sdapi/v1/options", [&parts](const Request& request, const Captures&) {
    return post_options(parts, request);
  });
  router.add("GET", "/sdapi/v1/memory",
             [](const Request&, const Captures&) { return get_memory(); });
  router.add("GET", "/sdapi/v1/cmd-flags", [](const Request&, const Captures&) {
    return respond({{"api", true}, {"nowebui", false}});
  });
  // Folders are looked through each time anyhow.
  for (const char* path : {"/sdapi/v1/refresh-checkpoints", "/sdapi/v1/refresh-loras",
                           "/sdapi/v1/refresh-vae", "/sdapi/v1/refresh-embeddings"}) {
    router.add("POST", path, [](const Request&, const Captures&) { return respond(nullptr); });
  }
  router.add("POST", "/sdapi/v1/unload-checkpoint", [&parts](const Request&, const Captures&) {
    parts.queue.release(true, false);
    return respond(ordered_json::object());
  });
  router.add("POST", "/sdapi/v1/reload-checkpoint",
             [](const Request&, const Captures&) { return respond(ordered_json::object()); });
}

}  // namespace obscura::server
