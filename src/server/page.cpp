#include "server/page.h"

#include <fmt/format.h>

#include <algorithm>

namespace obscura::server {
namespace {

// Nothing from elsewhere, nothing inline, and no other page around it. "blob:" and "data:" are
// pictures that the page itself has made.
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view type_of(std::string_view path) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"}};
  for (const auto& [ending, type] : kTypes)
    if (path.ends_with(ending)) return type;
  return "application/octet-stream";
}

Response answer(const PageFile& file, const Request& request) {
  Response response;
  const std::string tag = fmt::format("\"{}\"", file.digest);
  response.headers = {{"ETag", tag},
                      {"Content-Security-Policy", kPolicy},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      // Kept, and asked about each time: a new program is seen at once.
                      {"Cache-Control", "no-cache"}};
  if (request.header("if-none-match") == tag) {
    response.status = 304;
    response.type.clear();
    return response;
  }
  response.type = type_of(file.path);
  response.body = file.content;
  return response;
}

}  // namespace

void add_page_routes(Router& router, const std::vector<PageFile>& files, std::string_view version) {
  const PageFile* index = nullptr;
  for (const PageFile& file : files) {
    router.add("GET", file.path,
               [file](const Request& request, const Captures&) { return answer(file, request); });
    if (file.path == "/index.html") index = &file;
  }
  if (index != nullptr) {
    router.add("GET", "/", [file = *index](const Request& request, const Captures&) {
      return answer(file, request);
    });
    return;
  }
  const std::string text = fmt::format(
      "Obscura {} was built without its page. It answers its own API below /api/v1 (described by "
      "/api/v1/openapi.json), ComfyUI's and AUTOMATIC1111's.\n",
      version);
  router.add("GET", "/", [text](const Request&, const Captures&) {
    Response response;
    response.type = "text/plain; charset=utf-8";
    response.body = text;
    return response;
  });
}

bool is_page(const std::vector<PageFile>& files, std::string_view path) {
  return path == "/" || std::any_of(files.begin(), files.end(), [&](const PageFile& file) {
           return file.path == path;
         });
}

}  // namespace obscura::server
