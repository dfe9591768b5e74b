#include "library/embeddings.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "checkpoint/family.h"
#include "checkpoint/network_kind.h"
#include "io/tensor_file.h"
#include "tensor/tensor.h"

namespace obscura::library {
namespace {

using pipeline::Embedding;

// "style" for "style.safetensors".
std::string without_extension(const std::string& name) {
  return name.substr(0, name.rfind('.'));
}

std::string embedding_file(const ModelFolders& folders, std::string_view name) {
  for (std::string& file : folders.list("embeddings"))
    if (file == name || without_extension(file) == name) return file;
  return "";
}

// A stored tensor as rows of one width; empty if it is none.
Tensor rows_of(const io::TensorEntry* entry) {
  if (entry == nullptr || !is_floating(entry->dtype)) return {};
  const Shape& s = entry->shape;
  if (s.rank() < 1 || s.rank() > 2 || s.elements() == 0) return {};
  Tensor rows(s.rank() == 2 ? s : Shape{1, s[0]});
  widen_to_f32(entry->dtype, entry->bytes.data(), rows.data(),
               static_cast<std::size_t>(rows.elements()));
  return rows;
}

// SDXL's files name a tensor for each encoder. Others hold one, whose width says for which it is:
// the prompt leaves out what is too wide or too narrow.
Embedding read_embedding(const io::TensorFile& file) {
  Embedding embedding;
  for (const checkpoint::NetworkKind* kind : checkpoint::network_kinds()) {
    if (!is_text_encoder(*kind)) continue;
    Tensor rows = rows_of(file.find(kind->id));
    if (!rows.empty()) embedding.by_encoder.emplace(kind->id, std::move(rows));
  }
  for (const io::TensorEntry& entry : file.entries())
    if (embedding.any.empty()) embedding.any = rows_of(&entry);
  return embedding;
}

}  // namespace

Result<std::shared_ptr<const Embedding>> EmbeddingFolders::find(std::string_view name) const {
  auto& known = known_[std::string(name)];
  if (known != nullptr) return known;
  const std::string file_name = embedding_file(folders_, name);
  if (file_name.empty()) return std::shared_ptr<const Embedding>();
  OBSCURA_ASSIGN(auto path, folders_.find("embeddings", file_name));
  OBSCURA_ASSIGN(auto file, io::TensorFile::open(path));
  known = std::make_shared<const Embedding>(read_embedding(file));
  return known;
}

Result<std::string> embedding_identities(const ModelFolders& folders, std::string_view text) {
  constexpr std::string_view kMark = "embedding:";
  std::string identities;
  for (std::size_t at = 0; (at = text.find(kMark, at)) != std::string_view::npos;) {
    at += kMark.size();
    const std::size_t end = std::min(text.find_first_of(" ,\n\t()[]:", at), text.size());
    const std::string file = embedding_file(folders, text.substr(at, end - at));
    if (file.empty()) continue;
    OBSCURA_ASSIGN(std::string identity, folders.identity("embeddings", file));
    identities += identity + "\n";
  }
  return identities;
}

}  // namespace obscura::library
