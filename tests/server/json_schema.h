// The part of OpenAPI's schemas that docs/openapi.json uses, checked against real answers.
#pragma once

#include <nlohmann/json.hpp>
#include <regex>
#include <string>

namespace obscura::server::testing {

class SchemaChecker {
 public:
  explicit SchemaChecker(const nlohmann::json& document) : document_(document) {}

  // Empty if `value` is as `schema` says; else where it is not.
  std::string check(const nlohmann::json& value, const nlohmann::json& schema,
                    const std::string& at = "") const {
    if (schema.contains("$ref")) {
      const std::string path = schema["$ref"];
      return check(value, document_[nlohmann::json::json_pointer(path.substr(1))], at);
    }
    if (value.is_null() && schema.value("nullable", false)) return "";
    const std::string type = schema.value("type", "");
    if (!type.empty() && !is_of(value, type)) return at + " is no " + type + ": " + value.dump();
    if (schema.contains("enum")) {
      bool listed = false;
      for (const auto& choice : schema["enum"]) listed |= choice == value;
      if (!listed) return at + " is none of the choices: " + value.dump();
    }
    if (type == "array") return check_items(value, schema, at);
    return type == "object" ? check_members(value, schema, at) : "";
  }

 private:
  static bool is_of(const nlohmann::json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    return type == "integer" ? value.is_number_integer() : value.is_number();
  }
  std::string check_items(const nlohmann::json& value, const nlohmann::json& schema,
                          const std::string& at) const {
    for (const auto& item : value) {
      std::string wrong = check(item, schema["items"], at + "[]");
      if (!wrong.empty()) return wrong;
    }
    return "";
  }
  std::string check_members(const nlohmann::json& value, const nlohmann::json& schema,
                            const std::string& at) const {
    for (const auto& name : schema.value("required", nlohmann::json::array()))
      if (!value.contains(name.get<std::string>())) return at + " lacks " + name.dump();
    if (!schema.contains("properties")) return "";
    for (const auto& [name, member] : value.items()) {
      if (!schema["properties"].contains(name)) {
        if (schema.value("additionalProperties", true)) continue;
        return at + " has a surplus " + name;
      }
      std::string wrong = check(member, schema["properties"][name], at + "." + name);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

  const nlohmann::json& document_;
};

}  // namespace obscura::server::testing
