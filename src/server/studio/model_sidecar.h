// What people keep beside a model file under its name: an image of what it makes, and what is said
// of it. AUTOMATIC1111 writes name.png and name.json, its helpers name.preview.png and
// name.civitai.info, and users of ComfyUI keep the same images.
//
// Only files of the model's own folder count: links that lead out of it are not followed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/net/background.h"
#include "server/net/http.h"
#include "server/studio/studio.h"

namespace obscura::server {

struct ModelPreview {
  std::filesystem::path image;
  std::int64_t modified_ms = 0;
};
// The first there is of name.png, name.preview.png, and the same with .jpg, .jpeg and .webp.
std::optional<ModelPreview> preview_beside(const ModelEntry& model);

struct ModelNotes {
  std::vector<std::string> trigger_words;
  std::string description;  // plain text
};
// Of name.json and name.civitai.info; what cannot be read says nothing.
ModelNotes notes_beside(const ModelEntry& model);

// The preview as WebP of at most 512 pixels a side, once it has been made; 404 if there is none,
// 422 if it is no image. Browsers may keep it where the request says by `v` which one it means.
// The studio and the background are borrowed.
Response respond_preview(const Studio& studio, Background& background, const Request& request,
                         const std::string& kind, const std::string& name);

}  // namespace obscura::server
