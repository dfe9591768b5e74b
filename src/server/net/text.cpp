#include "server/net/text.h"

#include <nlohmann/json.hpp>

namespace obscura::server {

using nlohmann::json;
using nlohmann::ordered_json;

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string text_of(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Response respond(const ordered_json& value, int status) {
  return json_response(text_of(value), status);
}

}  // namespace obscura::server
