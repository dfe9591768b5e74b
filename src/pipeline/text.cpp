#include "pipeline/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/clip/prompt.h"
#include "models/clip/text_encoder.h"
#include "pipeline/network.h"

namespace obscura::pipeline {
namespace {

using models::clip::kContextLength;
using models::clip::kEndToken;
using models::clip::PromptChunk;
using models::clip::PromptTokens;

// One of the two encoders, and what it needs to know about tokens.
struct Encoder {
  std::string name;
  const std::shared_ptr<runtime::WeightStore>& weights;
  const models::TextEncoderConfig& config;
  std::int32_t pad_token;
  bool pooled;
};

struct States {
  Tensor hidden;  // (1, tokens, width)
  Tensor pooled;  // (1, projection), of the first chunk; empty if the encoder has none
};

class ChunkEncoder {
 public:
  ChunkEncoder(runtime::Session& session, const Encoder& encoder, int stop_at_layer,
               const CancelToken& cancel)
      : session_(session), encoder_(encoder), stop_at_layer_(stop_at_layer), cancel_(cancel) {}

  Result<States> encode(const std::vector<std::int32_t>& ids) {
    std::string key = fmt::format("{} layer {}", encoder_.name, stop_at_layer_);
    OBSCURA_ASSIGN(runtime::Program * program, session_.program(key, encoder_.weights, [&] {
      models::TextEncoderCall call{
          .batch = 1, .stop_at_layer = stop_at_layer_, .pooled = encoder_.pooled};
      return models::build_text_encoder(*encoder_.weights, encoder_.config, call);
    }));
    std::vector<NamedInput> inputs = {{"ids", ids}};
    if (!encoder_.pooled) {
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
    if (tokens.is_weighted()) {
      std::vector<std::int32_t> ids(kContextLength, encoder_.pad_token);
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
      for (const auto& token : chunk) ids.push_back(token.id);
      OBSCURA_ASSIGN(States states, encode(ids));
      width = states.hidden.shape()[2];
      if (!empty.empty()) apply_weights(chunk, empty, states.hidden);
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

  runtime::Session& session_;
  const Encoder& encoder_;
  int stop_at_layer_;
  const CancelToken& cancel_;
};

Result<PromptTokens> tokenize(const Encoder& encoder, std::string_view text) {
  models::clip::PromptOptions options{.pad_token = encoder.pad_token};
  return models::clip::tokenize_prompt(models::clip::Tokenizer::embedded(), text, options);
}

Status fill_up(const Encoder& encoder, PromptTokens& tokens, std::size_t chunks) {
  OBSCURA_ASSIGN(PromptTokens empty, tokenize(encoder, ""));
  while (tokens.chunks.size() < chunks) tokens.chunks.push_back(empty.chunks[0]);
  return {};
}

Tensor side_by_side(const Tensor& a, const Tensor& b) {
  std::int64_t tokens = a.shape()[1], width_a = a.shape()[2], width_b = b.shape()[2];
  Tensor joined(Shape{1, tokens, width_a + width_b});
  for (std::int64_t t = 0; t < tokens; ++t) {
    float* target = joined.data() + t * (width_a + width_b);
    std::copy_n(a.data() + t * width_a, width_a, target);
    std::copy_n(b.data() + t * width_b, width_b, target + width_a);
  }
  return joined;
}

// The encoders that the family has, in the order in which their states stand.
std::vector<Encoder> encoders_of(const TextEncoders& encoders) {
  std::vector<Encoder> present;
  if (encoders.clip_l)
    present.push_back({"clip-l", encoders.clip_l, encoders.clip_l_config, kEndToken, false});
  if (encoders.clip_g)
    present.push_back({"clip-g", encoders.clip_g, encoders.clip_g_config, 0, true});
  if (encoders.clip_h)
    present.push_back({"clip-h", encoders.clip_h, encoders.clip_h_config, 0, false});
  return present;
}

}  // namespace

Result<EncodedText> encode_text(runtime::Session& session, const TextEncoders& encoders,
                                std::string_view text_l, std::string_view text_g,
                                const CancelToken& cancel) {
  const std::vector<Encoder> present = encoders_of(encoders);
  EncodedText result;
  std::vector<PromptTokens> tokens;
  std::size_t chunks = 0;
  for (const Encoder& encoder : present) {
    OBSCURA_ASSIGN(PromptTokens found,
                   tokenize(encoder, encoder.name == "clip-l" ? text_l : text_g));
    chunks = std::max(chunks, found.chunks.size());
    result.warnings = found.warnings;
    tokens.push_back(std::move(found));
  }
  for (std::size_t i = 0; i < present.size(); ++i) {
    OBSCURA_TRY(fill_up(present[i], tokens[i], chunks));
    OBSCURA_ASSIGN(
        States states,
        ChunkEncoder(session, present[i], encoders.stop_at_layer, cancel).encode(tokens[i]));
    Tensor& all = result.condition.states;
    all = i == 0 ? states.hidden : side_by_side(all, states.hidden);
    if (present[i].pooled) result.condition.pooled = states.pooled;
  }
  return result;
}

}  // namespace obscura::pipeline
