// Textual inversions.
#include <string>

#include "checkpoint/kinds/known_by_sight.h"

namespace obscura::checkpoint {
namespace {

extern const NetworkKind kEmbedding;

// SDXL's name a tensor for each of its encoders.
bool is_sdxl_embedding(const TensorNames& names) {
  return names.entries().size() <= 2 && (names.has("clip_l") || names.has("clip_g"));
}

bool is_embedding(const TensorNames& names) {
  return names.has("emb_params") || names.has_prefix("string_to_param") || is_sdxl_embedding(names);
}

const NetworkKind kEmbedding{
    .id = "embedding",
    .order = 120,
    .folder = {"embeddings"},
    .describe =
        [](const TensorNames& n) {
          return std::string("a textual inversion embedding") +
                 (is_sdxl_embedding(n) ? " for SDXL" : "");
        },
    .find = [](const TensorNames& n) { return whole_file(kEmbedding, n, is_embedding(n)); },
};
const RegisterKind kEmbeddingRegistered{kEmbedding};

}  // namespace
}  // namespace obscura::checkpoint
