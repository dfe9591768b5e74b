#include "server/studio/model_sidecar.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>

#include "base/files.h"
#include "base/trim.h"
#include "graph/json_text.h"
#include "server/studio/file_area.h"

namespace obscura::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::string_view kImageEndings[] = {".png", ".jpg", ".jpeg", ".webp"};
constexpr std::size_t kMostNotesBytes = std::size_t{4} << 20;
constexpr int kPreviewSide = 512;

// The file beside the model whose name is the model's with another ending.
std::optional<fs::path> beside(const fs::path& model, std::string_view ending) {
  const std::string name = model.stem().string() + std::string(ending);
  struct stat facts {};
  // Nearly all are not there: that is found out cheaply.
  if (::stat((model.parent_path() / name).c_str(), &facts) != 0) return std::nullopt;
  auto file = FileArea(model.parent_path()).find(name);
  return file.ok() ? std::optional(std::move(file).value()) : std::nullopt;
}

ordered_json read_notes(const fs::path& model, std::string_view ending) {
  const auto file = beside(model, ending);
  if (!file) return nullptr;
  auto text = read_file(*file, kMostNotesBytes);
  if (!text.ok()) return nullptr;
  auto notes = graph::parse_json(*text);
  return notes.ok() ? std::move(notes).value() : ordered_json();
}

std::string text_of_key(const ordered_json& notes, const char* key) {
  if (!notes.is_object()) return "";
  const auto found = notes.find(key);
  return found != notes.end() && found->is_string() ? found->get<std::string>() : "";
}

// Each once, without the spaces around it.
void add_words(std::string_view text, std::vector<std::string>& words) {
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view word = trimmed(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (word.empty()) continue;
    if (std::find(words.begin(), words.end(), word) == words.end()) words.emplace_back(word);
  }
}

Response image_response(const Studio& studio, const fs::path& image, bool versioned) {
  auto file = read_file(image, kMostImageBytes);
  if (!file.ok()) return error_response(file.error());
  auto webp = studio.convert(*file, {.format = "webp", .quality = 85, .side = kPreviewSide});
  if (!webp.ok()) return error_response(422, webp.error().message());
  Response response;
  response.type = "image/webp";
  response.body = std::move(webp).value();
  if (versioned) {
    response.headers.emplace_back("Cache-Control", "private, max-age=31536000, immutable");
  }
  return response;
}

}  // namespace

std::optional<ModelPreview> preview_beside(const ModelEntry& model) {
  if (!model.path) return std::nullopt;
  for (std::string_view ending : kImageEndings) {
    for (const char* infix : {"", ".preview"}) {
      const auto image = beside(*model.path, infix + std::string(ending));
      struct stat facts {};
      if (!image || ::stat(image->c_str(), &facts) != 0) continue;
      return ModelPreview{*image, std::int64_t{facts.st_mtime} * 1000};
    }
  }
  return std::nullopt;
}

ModelNotes notes_beside(const ModelEntry& model) {
  ModelNotes notes;
  if (!model.path) return notes;
  const ordered_json own = read_notes(*model.path, ".json");
  add_words(text_of_key(own, "activation text"), notes.trigger_words);
  for (const char* key : {"description", "notes"}) {
    const std::string text = text_of_key(own, key);
    if (!text.empty()) notes.description += (notes.description.empty() ? "" : "\n") + text;
  }
  const ordered_json info = read_notes(*model.path, ".civitai.info");
  const auto words = info.is_object() ? info.find("trainedWords") : info.end();
  if (!info.is_object() || words == info.end() || !words->is_array()) return notes;
  for (const ordered_json& word : *words)
    if (word.is_string()) add_words(word.get_ref<const std::string&>(), notes.trigger_words);
  return notes;
}

Response respond_preview(const Studio& studio, Background& background, const Request& request,
                         const std::string& kind, const std::string& name) {
  const auto none = [&] {
    return error_response(404, fmt::format("there is no preview of '{}' among the {}", name, kind));
  };
  const std::vector<std::string> kinds = studio.model_kinds();
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) return none();
  const std::vector<ModelEntry> models = studio.models(request.caller.project, kind);
  const auto model = std::find_if(models.begin(), models.end(),
                                  [&](const ModelEntry& entry) { return entry.name == name; });
  if (model == models.end()) return none();
  const auto preview = preview_beside(*model);
  if (!preview) return none();
  const bool versioned = request.parameter("v") != nullptr;
  Response response;
  response.later = [&studio, &background, image = preview->image, versioned](Respond respond) {
    background.start([&studio, image, versioned, respond] {
      respond(image_response(studio, image, versioned));
    });
  };
  return response;
}

}  // namespace obscura::server
