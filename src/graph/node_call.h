// What a node's body and hooks see: their inputs, the application, and the way back (progress,
// previews, results).
//
// A node that does not declare inputs_as_lists() is called once for every element of its longest
// input list and sees one value an input. One that does is called once and sees whole lists through
// values().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "graph/environment.h"
#include "graph/value.h"

namespace obscura::graph {

// A node of a running workflow, as events and messages name it.
struct NodeRef {
  std::string id;     // "4", or "12:5" for a member of a subgraph
  std::string type;   // class name
  std::string title;  // what its author called it, or the class's label

  // `node 4 "Refine" (KSampler)`; the title is left out where it only repeats the class.
  std::string describe() const;
};

// Typed reading of a node's inputs by name. Every name must be declared by the node: asking for
// another is a bug of the node. Optional inputs that the workflow leaves out hold their declared
// default, or nothing.
class NodeInputs {
 public:
  struct Entry {
    std::string name;
    ValueList values;  // empty: nothing was given
  };
  explicit NodeInputs(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  bool has(std::string_view name) const { return !entry(name).values.empty(); }
  // The whole list; empty if nothing was given.
  const ValueList& values(std::string_view name) const { return entry(name).values; }
  // REQUIRES: has(name).
  const Value& value(std::string_view name) const;

  // As Value::get: `get<std::int64_t>("steps")`, `get<std::string>("text")`,
  // `get<Latent>("latent_image")`. REQUIRES: has(name), and the value is a T. For inputs of a
  // declared type the engine has made sure of that.
  template <class T>
  decltype(auto) get(std::string_view name) const {
    return value(name).template get<T>();
  }
  template <class T>
  std::shared_ptr<const T> share(std::string_view name) const {
    return value(name).template share<T>();
  }
  // For optional inputs: null, or `fallback`, if nothing was given.
  template <class T>
  const T* find(std::string_view name) const {
    return has(name) ? &value(name).template get<T>() : nullptr;
  }
  template <class T>
  T get_or(std::string_view name, T fallback) const {
    return has(name) ? T(value(name).template get<T>()) : std::move(fallback);
  }

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  const Entry& entry(std::string_view name) const;
  std::vector<Entry> entries_;
};

// What the executor lends to a running body. One for each node, not for each element of a list.
struct CallContext {
  NodeRef node;
  const Environment* environment = nullptr;
  CancelToken cancel;
  // Null where the node did not declare the hidden input.
  const nlohmann::ordered_json* prompt = nullptr;
  const nlohmann::ordered_json* extra_pnginfo = nullptr;
  bool knows_unique_id = false;
  // Empty functions are not called.
  std::function<void(std::int64_t value, std::int64_t max)> progress;
  std::function<void(std::span<const std::byte> bytes, std::string_view mime)> preview;
  std::function<void(std::string text)> warn;
};

// One call of a body. Its reporting methods may be used from the thread that runs the body only.
class NodeCall : public NodeInputs {
 public:
  NodeCall(NodeInputs inputs, const CallContext& context)
      : NodeInputs(std::move(inputs)), context_(context) {}

  template <class T>
  T& environment() const {
    return context_.environment->get<T>();
  }
  template <class T>
  T* find_environment() const {
    return context_.environment->find<T>();
  }

  // All that the application provides, as hooks see it.
  const Environment& all_environment() const { return *context_.environment; }

  // Hidden inputs. REQUIRES: the node declares them (Hidden::kPrompt, ...).
  const nlohmann::ordered_json& prompt() const;
  const nlohmann::ordered_json& extra_pnginfo() const;
  const std::string& unique_id() const;

  const NodeRef& node() const { return context_.node; }

  void progress(std::int64_t value, std::int64_t max) const {
    if (context_.progress) context_.progress(value, max);
  }
  // An image of work in progress, encoded by the node. Ask wants_preview() before computing one.
  bool wants_preview() const { return static_cast<bool>(context_.preview); }
  void preview(std::span<const std::byte> bytes, std::string_view mime) const {
    if (context_.preview) context_.preview(bytes, mime);
  }
  // Something the user should know that does not stop the job ("12 keys of the LoRA fit nothing").
  void warn(std::string text) const {
    if (context_.warn) context_.warn(std::move(text));
  }

  const CancelToken& cancel_token() const { return context_.cancel; }
  // kCancelled once the user stopped the job: OBSCURA_TRY(call.check_cancelled()) in every long
  // loop.
  Status check_cancelled() const { return context_.cancel.check(); }

  // An error that names the input it is about: `return call.input_error("mask",
  // ErrorKind::kInvalidInput, "...")`.
  Error input_error(std::string_view input, ErrorKind kind, const std::string& message) const;

 private:
  const CallContext& context_;
};

// What one call of a body gives back: one entry for each declared output, in order, and what the
// page should show.
class NodeResult {
 public:
  NodeResult() = default;
  NodeResult(std::initializer_list<Value> outputs) {  // NOLINT: `return NodeResult{latent}`
    for (const Value& value : outputs) add(value);
  }

  // The next output.
  NodeResult& add(Value value) {
    outputs_.push_back(ValueList{std::move(value)});
    return *this;
  }
  // The next output, declared as a list.
  NodeResult& add_list(ValueList values) {
    outputs_.push_back(std::move(values));
    return *this;
  }
  // ComfyUI's `ui`: an object of lists, `{"images": [{"filename":…, "subfolder":…,
  // "type":"output"}]}`.
  NodeResult& ui(nlohmann::json ui) {
    ui_ = std::move(ui);
    return *this;
  }

  const std::vector<ValueList>& outputs() const { return outputs_; }
  const nlohmann::json& ui() const { return ui_; }

 private:
  std::vector<ValueList> outputs_;
  nlohmann::json ui_;  // null: nothing to show
};

}  // namespace obscura::graph
