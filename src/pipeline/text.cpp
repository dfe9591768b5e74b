#include "pipeline/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "models/clip/prompt.h"
#include "models/clip/text_encoder.h"
#include "pipeline/network.h"

namespace obscura::pipeline {
namespace {

using models::clip::kContextLength;
using models::clip::kEndToken;
using models::clip::PromptChunk;
using models::clip::PromptTokens;

struct States {
  Tensor hidden;  // (1, tokens, width)
  Tensor pooled;  // (1, projection), of the first chunk; empty if the encoder has none
};

class ChunkEncoder {
 public:
  ChunkEncoder(runtime::Session& session, const TextEncoder& encoder, int stop_at_layer,
               const CancelToken& cancel, const TextOptions& options)
      : session_(session),
        encoder_(encoder),
        stop_at_layer_(stop_at_layer),
        cancel_(cancel),
        options_(options) {}

  // `offset` (1, tokens, width) is added to the tokens' embeddings; it may be empty.
  Result<States> encode(const std::vector<std::int32_t>& ids, const Tensor& offset = {}) {
    std::string key = fmt::format("{} layer {}{}", encoder_.use->kind->id, stop_at_layer_,
                                  offset.empty() ? "" : " with embeddings");
    OBSCURA_ASSIGN(runtime::Program * program, session_.program(key, encoder_.weights, [&] {
      models::TextEncoderCall call{.batch = 1,
                                   .stop_at_layer = stop_at_layer_,
                                   .pooled = encoder_.use->pooled,
                                   .offset = !offset.empty()};
      return models::build_text_encoder(*encoder_.weights, encoder_.config, call);
    }));
    std::vector<NamedInput> inputs = {{"ids", ids}};
    if (!offset.empty()) inputs.push_back({"offset", offset});
    if (!encoder_.use->pooled) {
      OBSCURA_ASSIGN(auto hidden, run_network(session_, *program, inputs, {"hidden"}, cancel_));
      return States{hidden[0], Tensor()};
    }
    auto end = std::find(ids.begin(), ids.end(), kEndToken);
    inputs.push_back(
        {"eos", std::vector<std::int32_t>{static_cast<std::int32_t>(end - ids.begin())}});
    OBSCURA_ASSIGN(auto both,
                   run_network(session_, *program, inputs, {"hidden", "pooled"}, cancel_));
    return States{both[0], both[1]};
  }

  // All chunks one after another, with weights applied.
  Result<States> encode(const PromptTokens& tokens) {
    Tensor empty;
    if (tokens.is_weighted() && options_.emphasis == Emphasis::kFromEmpty) {
      std::vector<std::int32_t> ids(kContextLength, encoder_.use->pad_token);
      ids[0] = models::clip::kStartToken;
      ids[1] = kEndToken;
      OBSCURA_ASSIGN(States states, encode(ids));
      empty = states.hidden;
    }
    States all;
    std::vector<float> hidden;
    std::int64_t width = 0;
    for (const PromptChunk& chunk : tokens.chunks) {
      std::vector<std::int32_t> ids;
      for (const auto& token : chunk) ids.push_back(token.is_embedding_row() ? 0 : token.id);
      OBSCURA_ASSIGN(Tensor offset, offset_of(chunk, tokens.embeddings));
      OBSCURA_ASSIGN(States states, encode(ids, offset));
      width = states.hidden.shape()[2];
      if (!empty.empty()) apply_weights(chunk, empty, states.hidden);
      if (tokens.is_weighted() && options_.emphasis != Emphasis::kFromEmpty)
        scale_by_weights(chunk, states.hidden);
      hidden.insert(hidden.end(), states.hidden.values().begin(), states.hidden.values().end());
      if (all.pooled.empty()) all.pooled = states.pooled;
    }
    auto length = static_cast<std::int64_t>(tokens.chunks.size()) * kContextLength;
    all.hidden = Tensor(Shape{1, length, width}, std::move(hidden));
    return all;
  }

 private:
  // ComfyUI's rule: the state moves away from that of an empty prompt, position by position.
  static void apply_weights(const PromptChunk& chunk, const Tensor& empty, Tensor& hidden) {
    std::int64_t width = hidden.shape()[2];
    for (std::size_t token = 0; token < chunk.size(); ++token) {
      auto weight = static_cast<float>(chunk[token].weight);
      if (weight == 1.0f) continue;
      float* state = hidden.data() + static_cast<std::int64_t>(token) * width;
      const float* origin = empty.data() + static_cast<std::int64_t>(token) * width;
      for (std::int64_t i = 0; i < width; ++i)
        state[i] = (state[i] - origin[i]) * weight + origin[i];
    }
  }

  void scale_by_weights(const PromptChunk& chunk, Tensor& hidden) const {
    auto mean = [&] {
      double sum = 0;
      for (float value : hidden.values()) sum += value;
      return sum / static_cast<double>(hidden.elements());
    };
    const double before = mean();
    const std::int64_t width = hidden.shape()[2];
    for (std::int64_t i = 0; i < hidden.elements(); ++i)
      hidden.data()[i] *= static_cast<float>(chunk[static_cast<std::size_t>(i / width)].weight);
    const double after = mean();
    if (options_.emphasis != Emphasis::kOriginal || after == 0) return;
    for (float& value : hidden.values()) value *= static_cast<float>(before / after);
  }

  // What turns the embedding of token 0 into an embedding's row, where one stands; empty if none
  // does.
  Result<Tensor> offset_of(const PromptChunk& chunk, const std::vector<std::string>& names) const {
    Tensor offset;
    std::vector<float> origin;
    for (std::size_t place = 0; place < chunk.size(); ++place) {
      if (!chunk[place].is_embedding_row()) continue;
      OBSCURA_ASSIGN(auto embedding, options_.embeddings->find(
                                         names[static_cast<std::size_t>(chunk[place].embedding)]));
      const Tensor rows = embedding->rows(*encoder_.use->kind);
      const std::int64_t width = rows.shape()[1];
      if (offset.empty()) {
        offset = Tensor(Shape{1, static_cast<std::int64_t>(chunk.size()), width});
        OBSCURA_ASSIGN(origin, first_token_embedding(width));
      }
      for (std::int64_t i = 0; i < width; ++i) {
        offset.data()[static_cast<std::int64_t>(place) * width + i] =
            rows.data()[chunk[place].row * width + i] - origin[static_cast<std::size_t>(i)];
      }
    }
    return offset;
  }

  Result<std::vector<float>> first_token_embedding(std::int64_t width) const {
    for (const char* name :
         {"text_model.embeddings.token_embedding.weight", "token_embedding.weight"}) {
      const runtime::StoredTensor* table = encoder_.weights->find_tensor(name);
      if (table == nullptr) continue;
      std::vector<float> row(static_cast<std::size_t>(width));
      widen_to_f32(table->dtype, table->bytes.data(), row.data(), row.size());
      for (float& value : row) value *= table->scale;
      return row;
    }
    return Error(ErrorKind::kCorrupt,
                 std::string(encoder_.use->kind->id) + " has no token embeddings");
  }

  runtime::Session& session_;
  const TextEncoder& encoder_;
  int stop_at_layer_;
  const CancelToken& cancel_;
  const TextOptions& options_;
};

Result<PromptTokens> tokenize(const TextEncoder& encoder, std::string_view text,
                              const EmbeddingSource* embeddings = nullptr) {
  models::clip::PromptOptions options{.pad_token = encoder.use->pad_token};
  std::optional<Error> failed;
  if (embeddings != nullptr) {
    OBSCURA_ASSIGN(auto dimensions, models::text_encoder_dimensions(*encoder.weights));
    options.embedding_width = static_cast<std::int32_t>(dimensions.width);
    options.embeddings = [&](std::string_view name) -> std::optional<models::clip::EmbeddingShape> {
      auto found = embeddings->find(name);
      if (!found.ok()) failed = found.error();
      if (!found.ok() || *found == nullptr) return std::nullopt;
      const Tensor rows = (*found)->rows(*encoder.use->kind);
      if (rows.empty()) return models::clip::EmbeddingShape{};
      return models::clip::EmbeddingShape{static_cast<std::int32_t>(rows.shape()[0]),
                                          static_cast<std::int32_t>(rows.shape()[1])};
    };
  }
  auto tokens = models::clip::tokenize_prompt(models::clip::Tokenizer::embedded(), text, options);
  if (failed) return *failed;
  return tokens;
}

Status fill_up(const TextEncoder& encoder, PromptTokens& tokens, std::size_t chunks) {
  OBSCURA_ASSIGN(PromptTokens empty, tokenize(encoder, ""));
  while (tokens.chunks.size() < chunks) tokens.chunks.push_back(empty.chunks[0]);
  return {};
}

Tensor states_side_by_side(const Tensor& a, const Tensor& b) {
  std::int64_t tokens = a.shape()[1], width_a = a.shape()[2], width_b = b.shape()[2];
  Tensor joined(Shape{1, tokens, width_a + width_b});
  for (std::int64_t t = 0; t < tokens; ++t) {
    float* target = joined.data() + t * (width_a + width_b);
    std::copy_n(a.data() + t * width_a, width_a, target);
    std::copy_n(b.data() + t * width_b, width_b, target + width_a);
  }
  return joined;
}

}  // namespace

Result<EncodedText> encode_text(runtime::Session& session, const TextEncoders& encoders,
                                std::string_view text_l, std::string_view text_g,
                                const CancelToken& cancel, const TextOptions& options) {
  const std::vector<TextEncoder>& present = encoders.all;
  EncodedText result;
  std::vector<PromptTokens> tokens;
  std::size_t chunks = 0;
  for (const TextEncoder& encoder : present) {
    OBSCURA_ASSIGN(
        PromptTokens found,
        tokenize(encoder, encoder.use->reads_second_text ? text_g : text_l, options.embeddings));
    chunks = std::max(chunks, found.chunks.size());
    result.warnings = found.warnings;
    tokens.push_back(std::move(found));
  }
  for (std::size_t i = 0; i < present.size(); ++i) {
    OBSCURA_TRY(fill_up(present[i], tokens[i], chunks));
    OBSCURA_ASSIGN(States states,
                   ChunkEncoder(session, present[i], encoders.stop_at_layer, cancel, options)
                       .encode(tokens[i]));
    Tensor& all = result.condition.states;
    all = i == 0 ? states.hidden : states_side_by_side(all, states.hidden);
    if (present[i].use->pooled) result.condition.pooled = states.pooled;
  }
  return result;
}

Condition joined(Condition first, const Condition& second) {
  const Shape s = first.states.shape();
  std::vector<float> states(first.states.values().begin(), first.states.values().end());
  states.insert(states.end(), second.states.values().begin(), second.states.values().end());
  first.states = Tensor(Shape{1, s[1] + second.states.shape()[1], s[2]}, std::move(states));
  return first;
}

}  // namespace obscura::pipeline
