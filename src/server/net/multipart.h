// Reads multipart/form-data (RFC 7578): what browsers and scripts upload files as.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obscura::server {

struct FormPart {
  std::string name;
  std::string filename;  // empty: a plain field
  std::string_view content;
};

// `content_type` is the request's header, with the boundary. The parts' contents point into `body`.
// kInvalidInput for another type, a missing boundary, more than 64 parts, or a form cut short.
Result<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body);

// Null if there is none.
const FormPart* find_part(const std::vector<FormPart>& parts, std::string_view name);

}  // namespace obscura::server
