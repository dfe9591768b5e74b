// Textual inversions of the embeddings folders.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "library/model_folders.h"
#include "pipeline/text.h"

namespace obscura::library {

// Lives as long as one encoding; not thread safe.
class EmbeddingFolders final : public pipeline::EmbeddingSource {
 public:
  explicit EmbeddingFolders(const ModelFolders& folders) : folders_(folders) {}

  Result<std::shared_ptr<const pipeline::Embedding>> find(std::string_view name) const override;

 private:
  const ModelFolders& folders_;
  mutable std::map<std::string, std::shared_ptr<const pipeline::Embedding>> known_;
};

// What tells the files apart that a prompt names ("embedding:name"), as ModelFolders::identity, a
// line each. Names without a file are passed over.
Result<std::string> embedding_identities(const ModelFolders& folders, std::string_view text);

}  // namespace obscura::library
