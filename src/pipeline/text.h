// From a prompt to conditioning, by ComfyUI's rules: weights, chunks of 77 tokens, the states of
// all the family's encoders side by side.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/network_kind.h"
#include "pipeline/conditioning.h"
#include "pipeline/model.h"
#include "runtime/session.h"

namespace obscura::pipeline {

// A textual inversion (arXiv:2208.01618): rows to put in place of tokens' embeddings, (rows,
// width).
struct Embedding {
  std::map<std::string, Tensor, std::less<>> by_encoder;  // by the id of the encoder's kind
  Tensor any;  // of a file that does not say for which encoder; may be empty

  // Empty if it was not trained for this encoder.
  Tensor rows(const checkpoint::NetworkKind& encoder) const {
    auto own = by_encoder.find(encoder.id);
    return own != by_encoder.end() ? own->second : by_encoder.empty() ? any : Tensor();
  }
};

// Where "embedding:name" in a prompt leads.
class EmbeddingSource {
 public:
  virtual ~EmbeddingSource() = default;
  // Null if nothing is called so. `name` is as written: without extension.
  virtual Result<std::shared_ptr<const Embedding>> find(std::string_view name) const = 0;
};

// How weights change the states.
enum class Emphasis {
  kFromEmpty,  // ComfyUI's: away from the state of an empty prompt, position by position
  kScaled,     // states times their weights ("No norm")
  kOriginal,   // the same, then brought back to the mean that they had: AUTOMATIC1111's own
};

struct TextOptions {
  const EmbeddingSource* embeddings = nullptr;  // null: "embedding:name" is text
  Emphasis emphasis = Emphasis::kFromEmpty;
};

struct EncodedText {
  Condition condition;
  std::vector<std::string> warnings;  // embeddings that were not found
};

// Which of the two texts an encoder reads, its family says: CLIP-L reads `text_l`, OpenCLIP's bigG
// and ViT-H `text_g`. The shorter of two is filled up with empty chunks.
Result<EncodedText> encode_text(runtime::Session& session, const TextEncoders& encoders,
                                std::string_view text_l, std::string_view text_g,
                                const CancelToken& cancel, const TextOptions& options = {});
// Prompts one behind the other, each beginning a chunk of its own.
Condition joined(Condition first, const Condition& second);

}  // namespace obscura::pipeline
