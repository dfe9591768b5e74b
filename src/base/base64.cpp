#include "base/base64.h"

#include <openssl/evp.h>

namespace obscura {

std::string encode_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Result<std::string> decode_base64(std::string_view text) {
  const Error error(ErrorKind::kInvalidInput, "this is not base64");
  std::string packed;
  packed.reserve(text.size() + 3);
  for (char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    packed += c;
  }
  while (!packed.empty() && packed.back() == '=') packed.pop_back();
  const std::size_t padding = (4 - packed.size() % 4) % 4;
  if (padding == 3 || packed.find('=') != std::string::npos) return error;
  packed.append(padding, '=');
  std::string bytes(packed.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(packed.data()),
                                     static_cast<int>(packed.size()));
  if (length < 0) return error;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

}  // namespace obscura
