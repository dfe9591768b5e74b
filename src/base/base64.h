// Base64 (RFC 4648), by OpenSSL.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace obscura {

std::string encode_base64(std::string_view bytes);
// With or without padding; white space between is skipped. kInvalidInput for anything else.
Result<std::string> decode_base64(std::string_view text);

}  // namespace obscura
