#include "server/comfyui/history.h"

#include "server/comfyui/messages.h"
#include "server/net/text.h"

namespace obscura::server {

std::string ComfyUiHistory::history(std::span<const JobEvent> course) const {
  nlohmann::json messages = nlohmann::json::array();
  for (const JobEvent& event : course)
    if (const auto message = message_of(event)) messages.push_back({message->type, message->data});
  return text_of(messages);
}

}  // namespace obscura::server
