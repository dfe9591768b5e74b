#include "server/comfyui/messages.h"

#include <cstdint>

#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::json;

json of_job(const JobEvent& event) {
  return {{"prompt_id", event.job}};
}

json stamped(const JobEvent& event) {
  return {{"prompt_id", event.job}, {"timestamp", event.time_ms}};
}

json of_node(const JobEvent& event, const json& node) {
  return {{"prompt_id", event.job}, {"node", node}, {"display_node", node}};
}

ClientMessage cached(const JobEvent& event, const NodesCached& what) {
  json data = stamped(event);
  data["nodes"] = what.nodes;
  return {"execution_cached", std::move(data)};
}

ClientMessage progress(const JobEvent& event, const NodeProgress& what) {
  json data = of_job(event);
  data["node"] = what.node.id;
  data["value"] = what.value;
  data["max"] = what.max;
  return {"progress", std::move(data), WithoutClient::kEverybody};
}

std::optional<ClientMessage> executed(const JobEvent& event, const NodeExecuted& what) {
  if (what.ui.is_null()) return std::nullopt;
  json data = of_node(event, what.node.id);
  data["output"] = what.ui;
  return ClientMessage{"executed", std::move(data)};
}

ClientMessage failed(const JobEvent& event, const JobFailed& what) {
  json data = stamped(event);
  data["node_id"] = what.node.id;
  data["node_type"] = what.node.type;
  data["executed"] = what.executed;
  data["exception_message"] = what.message;
  data["exception_type"] = what.kind;
  data["traceback"] = json::array();
  data["current_inputs"] = what.inputs;
  data["current_outputs"] = what.executed;
  return {"execution_error", std::move(data)};
}

ClientMessage interrupted(const JobEvent& event, const JobInterrupted& what) {
  json data = stamped(event);
  data["node_id"] = what.node.id;
  data["node_type"] = what.node.type;
  data["executed"] = what.executed;
  return {"execution_interrupted", std::move(data), WithoutClient::kEverybody};
}

using Message = std::optional<ClientMessage>;

constexpr std::uint32_t kPreview = 1, kPreviewWithMetadata = 4;
constexpr std::uint32_t kJpeg = 1, kPng = 2;

void append_u32(std::string& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
}

std::string frame(std::uint32_t kind, std::string_view head, std::span<const std::byte> image) {
  std::string bytes;
  bytes.reserve(8 + head.size() + image.size());
  append_u32(bytes, kind);
  bytes += head;
  bytes.append(reinterpret_cast<const char*>(image.data()), image.size());
  return bytes;
}

}  // namespace

std::string ClientMessage::text() const {
  return text_of(json{{"type", type}, {"data", data}});
}

std::optional<ClientMessage> message_of(const JobEvent& event) {
  return std::visit(
      Overloaded{[&](const JobStarted&) -> Message {
                   return ClientMessage{"execution_start", stamped(event)};
                 },
                 [&](const NodesCached& what) -> Message { return cached(event, what); },
                 [&](const NodeExecuting& what) -> Message {
                   return ClientMessage{"executing", of_node(event, what.node.id)};
                 },
                 [&](const NodeProgress& what) -> Message { return progress(event, what); },
                 [&](const NodeExecuted& what) -> Message { return executed(event, what); },
                 [&](const JobFailed& what) -> Message { return failed(event, what); },
                 [&](const JobInterrupted& what) -> Message { return interrupted(event, what); },
                 [&](const JobSucceeded&) -> Message {
                   return ClientMessage{"execution_success", stamped(event)};
                 },
                 [&](const JobLeft&) -> Message {
                   return ClientMessage{"executing", of_node(event, nullptr)};
                 },
                 [](const auto&) -> Message { return std::nullopt; }},
      event.what);
}

json queue_status(std::size_t remaining) {
  return {{"status", {{"exec_info", {{"queue_remaining", remaining}}}}}};
}

ClientMessage NodeStates::set(const JobEvent& event, const std::string& node, std::int64_t value,
                              std::int64_t max, const char* state) {
  nodes_[node] = {{"value", value},
                  {"max", max},
                  {"state", state},
                  {"node_id", node},
                  {"prompt_id", event.job},
                  {"display_node_id", node},
                  {"parent_node_id", nullptr},
                  {"real_node_id", node}};
  json data = of_job(event);
  data["nodes"] = nodes_;
  return {"progress_state", std::move(data), WithoutClient::kEverybody};
}

std::optional<ClientMessage> NodeStates::update(const JobEvent& event) {
  const auto known = [&](const std::string& node, const char* what, std::int64_t otherwise) {
    auto found = nodes_.find(node);
    return found == nodes_.end() ? otherwise : (*found)[what].get<std::int64_t>();
  };
  return std::visit(Overloaded{[&](const NodeExecuting& what) -> Message {
                                 return set(event, what.node.id, 0, 1, "running");
                               },
                               [&](const NodeProgress& what) -> Message {
                                 return set(event, what.node.id, what.value, what.max, "running");
                               },
                               [&](const NodeExecuted& what) -> Message {
                                 // One that was served from the cache was never shown as running.
                                 if (!nodes_.contains(what.node.id)) return std::nullopt;
                                 const std::int64_t max = known(what.node.id, "max", 1);
                                 return set(event, what.node.id, max, max, "finished");
                               },
                               [&](const JobFailed& what) -> Message {
                                 if (what.node.id.empty()) return std::nullopt;
                                 return set(event, what.node.id, known(what.node.id, "value", 0),
                                            known(what.node.id, "max", 1), "error");
                               },
                               [](const auto&) -> Message { return std::nullopt; }},
                    event.what);
}

std::string PreviewFrames::plain() const {
  std::string head;
  append_u32(head, preview_.media_type == "image/png" ? kPng : kJpeg);
  return frame(kPreview, head, preview_.image);
}

std::string PreviewFrames::with_metadata() const {
  json metadata = of_job(event_);
  const std::string& node = preview_.node.id;
  metadata["node_id"] = metadata["display_node_id"] = metadata["real_node_id"] = node;
  metadata["parent_node_id"] = nullptr;
  metadata["image_type"] = preview_.media_type;
  const std::string text = text_of(metadata);
  std::string head;
  append_u32(head, static_cast<std::uint32_t>(text.size()));
  return frame(kPreviewWithMetadata, head + text, preview_.image);
}

}  // namespace obscura::server
