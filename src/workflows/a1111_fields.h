// The fields of AUTOMATIC1111's requests, read one by one with what stands for a missing one.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obscura::workflows {

// kInvalidInput: "FIELD: WHY".
Error invalid_field(std::string_view field, const std::string& why);

// The first field that is not of its type is remembered. `body` is borrowed.
class A1111Fields {
 public:
  explicit A1111Fields(const nlohmann::ordered_json& body) : body_(body) {}

  std::string text(const char* name, const char* otherwise = "");
  double number(const char* name, double otherwise, double least, double most);
  int whole(const char* name, int otherwise, int least, int most);
  bool flag(const char* name, bool otherwise = false);
  // Null if it is missing or null.
  const nlohmann::ordered_json* find(const char* name) const;
  Status status() const { return error_ ? Status(*error_) : Status(); }

 private:
  void fail(const char* name, const std::string& wanted);
  const nlohmann::ordered_json& body_;
  std::optional<Error> error_;
};

// kInvalidInput for a field that asks for what this program does not have: nothing that would
// change the image is left out in silence.
Status refuse_what_is_missing(const A1111Fields& fields);

// The request with what its always-on scripts say in the fields that they stand for.
Result<nlohmann::ordered_json> with_scripts(const nlohmann::ordered_json& body);

// The bytes of an image in base64, with or without "data:image/png;base64," before it.
// kInvalidInput for anything else, an address included: nothing is ever fetched.
Result<std::string> a1111_image(const std::string& text);

}  // namespace obscura::workflows
