// Value: what travels over a link between two nodes, and what an input holds.
//
// A value is one of
//   - a constant: integer, number, string, boolean or any JSON (lists included);
//   - a handle: a shared, immutable C++ object with a socket type name ("MODEL", "LATENT", ...).
//   The engine
//     never looks inside it: it knows the name, the C++ type and the number of bytes;
//   - a blocker: "do not run whoever would consume this" (ComfyUI's ExecutionBlocker).
//
// Integers keep the whole range of ComfyUI's seeds, 0 to 2^64 - 1, as well as negative ones.
//
// Thread safety: a plain value; the object behind a handle is const and shared.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"

namespace obscura::graph {

// True if a link may go from an output of type `output` to an input of type `input`. "*" fits
// everything, a comma separates the members of a union ("IMAGE,MASK") and one common member
// suffices. A COMBO is a string: STRING and COMBO fit each other, and the executor checks what
// arrives against the list.
bool socket_types_fit(std::string_view output, std::string_view input);

// The bytes an object keeps alive, for the cache's limit: its value_bytes(), if it has that, else
// its own size.
template <class T>
std::size_t bytes_of(const T& object) {
  if constexpr (requires {
                  { object.value_bytes() } -> std::convertible_to<std::size_t>;
                }) {
    return object.value_bytes();
  } else {
    return sizeof(T);
  }
}

class Value {
 public:
  // JSON null of type "*".
  Value() : Value("*", State(nlohmann::json())) {}

  template <std::integral T>
  static Value integer(T value) {
    if constexpr (std::is_signed_v<T>) return constant("INT", static_cast<std::int64_t>(value));
    return constant("INT", static_cast<std::uint64_t>(value));
  }
  static Value number(double value) { return constant("FLOAT", value); }
  static Value boolean(bool value) { return constant("BOOLEAN", value); }
  static Value string(std::string value) { return constant("STRING", std::move(value)); }
  // Any JSON under a socket type name of its own ("FLOATS", "LIST", ...).
  static Value constant(std::string type, nlohmann::json value) {
    return Value(std::move(type), State(std::move(value)));
  }

  // A shared object under a socket type name. REQUIRES: `object` is not null. The bytes are asked
  // for once, here.
  template <class T>
  static Value handle(std::string type, std::shared_ptr<const T> object) {
    OBSCURA_CHECK(object != nullptr, "a handle of type " + type + " without an object");
    const std::size_t bytes = bytes_of(*object);
    return Value(std::move(type), State(Handle{std::move(object), &typeid(T), bytes}));
  }
  // The same for an object that is still to be moved to the heap.
  template <class T>
  requires std::is_class_v<T>
  static Value handle(std::string type, T object) {
    return handle<T>(std::move(type), std::make_shared<const T>(std::move(object)));
  }

  // Skips every node that would consume it; with a message, the skip is reported as a warning.
  static Value blocker(std::optional<std::string> message = std::nullopt) {
    return Value("*", State(Blocker{std::move(message)}));
  }

  const std::string& type() const { return type_; }
  bool is_constant() const { return std::holds_alternative<nlohmann::json>(state_); }
  bool is_handle() const { return std::holds_alternative<Handle>(state_); }
  bool is_blocker() const { return std::holds_alternative<Blocker>(state_); }
  // The same value under another socket type name (what a wildcard node passes on).
  Value with_type(std::string type) const;

  // REQUIRES: is_blocker().
  const std::optional<std::string>& blocker_message() const;
  // REQUIRES: is_constant().
  const nlohmann::json& json() const;

  // True if get<T>() would succeed.
  template <class T>
  bool holds() const;
  // bool, any integer type, float, double, std::string, nlohmann::json, or the C++ type of a
  // handle. Scalars come by value, the rest by reference into this value. REQUIRES: holds<T>(). An
  // integer is also a number, not vice versa.
  template <class T>
  decltype(auto) get() const;
  // The shared object itself. REQUIRES: it is a handle to exactly T.
  template <class T>
  std::shared_ptr<const T> share() const;

  // Identity and size of a handle's object, for the cache's accounts; null and the text's size for
  // a constant.
  const void* identity() const;
  std::size_t bytes() const;

  // For messages and logs: the JSON text, cut at 60 characters, or "a MODEL".
  std::string describe() const;

 private:
  struct Handle {
    std::shared_ptr<const void> object;
    const std::type_info* type;
    std::size_t bytes;
  };
  struct Blocker {
    std::optional<std::string> message;
  };
  using State = std::variant<nlohmann::json, Handle, Blocker>;

  Value(std::string type, State state) : type_(std::move(type)), state_(std::move(state)) {}
  [[noreturn]] void fail_get(const char* wanted) const;

  std::string type_;
  State state_;
};

using ValueList = std::vector<Value>;

template <class T>
bool Value::holds() const {
  const auto* constant = std::get_if<nlohmann::json>(&state_);
  if constexpr (std::is_same_v<T, nlohmann::json>) {
    return constant != nullptr;
  } else if constexpr (std::is_same_v<T, bool>) {
    return constant && constant->is_boolean();
  } else if constexpr (std::is_integral_v<T>) {
    if (!constant || !constant->is_number_integer()) return false;
    return constant->is_number_unsigned() ? std::in_range<T>(constant->get<std::uint64_t>())
                                          : std::in_range<T>(constant->get<std::int64_t>());
  } else if constexpr (std::is_floating_point_v<T>) {
    return constant && constant->is_number();
  } else if constexpr (std::is_same_v<T, std::string>) {
    return constant && constant->is_string();
  } else {
    const auto* object = std::get_if<Handle>(&state_);
    return object && *object->type == typeid(T);
  }
}

template <class T>
decltype(auto) Value::get() const {
  if (!holds<T>()) fail_get(typeid(T).name());
  if constexpr (std::is_same_v<T, nlohmann::json>) {
    return static_cast<const nlohmann::json&>(std::get<nlohmann::json>(state_));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::get<nlohmann::json>(state_).template get<T>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    return std::get<nlohmann::json>(state_).template get_ref<const std::string&>();
  } else {
    return *static_cast<const T*>(std::get<Handle>(state_).object.get());
  }
}

template <class T>
std::shared_ptr<const T> Value::share() const {
  const auto* object = std::get_if<Handle>(&state_);
  if (!object || *object->type != typeid(T)) fail_get(typeid(T).name());
  return std::static_pointer_cast<const T>(object->object);
}

}  // namespace obscura::graph
