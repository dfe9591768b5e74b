#include "nodes/conditioning/text_encoding.h"

#include <string>
#include <utility>
#include <vector>

#include "library/embeddings.h"
#include "library/model_folders.h"
#include "pipeline/hooks.h"
#include "runtime/session.h"

namespace obscura::nodes {
namespace {

// With the hooks as they are at this part of the sampling; none: at full strength.
Result<pipeline::Condition> encode(const graph::NodeCall& call,
                                   std::shared_ptr<const pipeline::TextEncoders> encoders,
                                   std::string_view text_l, std::string_view text_g,
                                   pipeline::Emphasis emphasis, std::optional<double> percent) {
  const std::shared_ptr<const pipeline::Hooks> hooks = encoders->hooks;
  const bool taken_along = encoders->conditions_have_hooks;
  if (hooks != nullptr) {
    OBSCURA_ASSIGN(encoders, pipeline::hooked(std::move(encoders), *hooks, percent));
  }
  std::optional<library::EmbeddingFolders> embeddings;
  if (const auto* folders = call.find_environment<library::ModelFolders>())
    embeddings.emplace(*folders);
  const pipeline::TextOptions options{embeddings ? &*embeddings : nullptr, emphasis};
  OBSCURA_ASSIGN(pipeline::EncodedText encoded,
                 pipeline::encode_text(call.environment<runtime::Session>(), *encoders, text_l,
                                       text_g, call.cancel_token(), options));
  for (std::string& warning : encoded.warnings) call.warn(std::move(warning));
  if (taken_along) encoded.condition.hooks = hooks;
  return std::move(encoded.condition);
}

}  // namespace

Result<pipeline::Conditioning> encode(const graph::NodeCall& call, std::string_view text_l,
                                      std::string_view text_g) {
  const auto encoders = call.share<pipeline::TextEncoders>("clip");
  const bool scheduled = encoders->hooks != nullptr && encoders->hooks_are_scheduled;
  std::vector<double> parts = {0};
  if (scheduled) parts = pipeline::keyframe_percents(*encoders->hooks);
  pipeline::Conditioning result;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::optional<double> percent = scheduled ? std::optional(parts[i]) : std::nullopt;
    OBSCURA_ASSIGN(pipeline::Condition condition,
                   encode(call, encoders, text_l, text_g, pipeline::Emphasis::kFromEmpty, percent));
    condition.text_start_percent = parts[i];
    condition.text_end_percent = i + 1 < parts.size() ? parts[i + 1] : 1;
    result.entries.push_back(std::move(condition));
  }
  return result;
}

Result<pipeline::Condition> encode(const graph::NodeCall& call,
                                   std::shared_ptr<const pipeline::TextEncoders> encoders,
                                   std::string_view text, pipeline::Emphasis emphasis) {
  return encode(call, std::move(encoders), text, text, emphasis, std::nullopt);
}

Result<std::optional<std::string>> embeddings_fingerprint(
    const graph::NodeInputs& inputs, const graph::Environment& environment,
    std::initializer_list<const char*> names) {
  const auto* folders = environment.find<library::ModelFolders>();
  std::string all;
  for (const char* input : names) {
    if (folders == nullptr || !inputs.has(input)) continue;
    OBSCURA_ASSIGN(std::string identities,
                   library::embedding_identities(*folders, inputs.get<std::string>(input)));
    all += identities;
  }
  return std::optional<std::string>(std::move(all));
}

}  // namespace obscura::nodes
