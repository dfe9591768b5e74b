#include "server/page.h"

#include <fmt/format.h>

#include <utility>

namespace obscura::server {
namespace {

// Nothing from elsewhere, nothing inline, and no other page around it. "blob:" and "data:" are
// images that the page itself has made.
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

constexpr std::string_view kPacked = ".gz";

std::string_view name_of(const PageFile& file) {
  return file.path.ends_with(kPacked) ? file.path.substr(0, file.path.size() - kPacked.size())
                                      : file.path;
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
  if (file.path.ends_with(kPacked)) {
    // Every browser takes it; so the program carries no second copy.
    if (request.header("accept-encoding").find("gzip") == std::string::npos) {
      return error_response(406, "wanted a client that accepts gzip");
    }
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.headers.emplace_back("Vary", "Accept-Encoding");
  }
  response.type = type_of(name_of(file));
  response.body = file.content;
  return response;
}

}  // namespace

void add_page_routes(Router& router, const std::vector<PageFile>& files, std::string_view version) {
  const PageFile* index = nullptr;
  for (const PageFile& file : files) {
    router.add(
        "GET", name_of(file),
        [file](const Request& request, const Captures&) { return answer(file, request); },
        Role::kNobody);
    if (name_of(file) == "/index.html") index = &file;
  }
  if (index != nullptr) {
    router.add(
        "GET", "/",
        [file = *index](const Request& request, const Captures&) { return answer(file, request); },
        Role::kNobody);
    return;
  }
  const std::string text = fmt::format(
      "Obscura {} was built without its page. It answers its own API below /api/v1 (described by "
      "/api/v1/openapi.json), ComfyUI's and AUTOMATIC1111's.\n",
      version);
  router.add(
      "GET", "/",
      [text](const Request&, const Captures&) {
        Response response;
        response.type = "text/plain; charset=utf-8";
        response.body = text;
        return response;
      },
      Role::kNobody);
}

}  // namespace obscura::server
