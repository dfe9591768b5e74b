#include "server/net/multipart.h"

#include "base/lower_case.h"
#include "server/net/http.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

constexpr std::size_t kMostParts = 64;
constexpr std::size_t kMostHeaderBytes = 4096;

Error broken(std::string_view what) {
  return Error(ErrorKind::kInvalidInput, "the uploaded form is broken: " + std::string(what));
}

// Name and file name out of a part's header lines.
Status read_header(std::string_view header, FormPart& part) {
  while (!header.empty()) {
    const std::size_t end = header.find("\r\n");
    const std::string_view line = header.substr(0, end);
    header = end == std::string_view::npos ? "" : header.substr(end + 2);
    if (lower_case(line.substr(0, 20)) != "content-disposition:") continue;
    part.name = header_parameter(line, "name");
    part.filename = header_parameter(line, "filename");
    return {};
  }
  return broken("a part has no Content-Disposition");
}

}  // namespace

Result<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body) {
  if (lower_case(content_type.substr(0, 19)) != "multipart/form-data") {
    return Error(ErrorKind::kInvalidInput, "wanted multipart/form-data, found '" +
                                               std::string(content_type.substr(0, 100)) + "'");
  }
  const std::string boundary = header_parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > 70) return broken("it has no sound boundary");
  const std::string first = "--" + boundary, next = "\r\n--" + boundary;

  std::vector<FormPart> parts;
  std::size_t at = body.find(first);
  if (at == std::string_view::npos) return broken("the boundary does not occur in it");
  at += first.size();
  for (;;) {
    if (body.substr(at, 2) == "--") return parts;
    if (body.substr(at, 2) != "\r\n") return broken("a boundary does not end its line");
    at += 2;
    if (parts.size() == kMostParts) return broken("it has more than 64 parts");
    const std::size_t blank = body.find("\r\n\r\n", at);
    if (blank == std::string_view::npos || blank - at > kMostHeaderBytes) {
      return broken("a part's header does not end");
    }
    FormPart part;
    OBSCURA_TRY(read_header(body.substr(at, blank - at), part));
    const std::size_t content = blank + 4;
    const std::size_t end = body.find(next, content);
    if (end == std::string_view::npos) return broken("it is cut short");
    part.content = body.substr(content, end - content);
    parts.push_back(std::move(part));
    at = end + next.size();
  }
}

const FormPart* find_part(const std::vector<FormPart>& parts, std::string_view name) {
  for (const FormPart& part : parts)
    if (part.name == name) return &part;
  return nullptr;
}

}  // namespace obscura::server
