#include "nodes/conditioning/text_encoding.h"

#include <map>

#include "io/tensor_file.h"
#include "library/model_folders.h"
#include "pipeline/hooks.h"
#include "runtime/session.h"

namespace obscura::nodes {
namespace {

using pipeline::Embedding;

// "style" for "style.safetensors".
std::string without_extension(const std::string& name) {
  return name.substr(0, name.rfind('.'));
}

std::string file_called(const library::ModelFolders& folders, std::string_view name) {
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
  Embedding embedding{rows_of(file.find("clip_l")), rows_of(file.find("clip_g")), {}};
  if (!embedding.clip_l.empty() || !embedding.clip_g.empty()) return embedding;
  for (const io::TensorEntry& entry : file.entries()) {
    Tensor rows = rows_of(&entry);
    if (rows.empty()) continue;
    return {rows, rows, rows};
  }
  return embedding;
}

// The embeddings folders. Lives as long as one call.
class EmbeddingFolders final : public pipeline::EmbeddingSource {
 public:
  explicit EmbeddingFolders(const library::ModelFolders& folders) : folders_(folders) {}

  Result<std::shared_ptr<const Embedding>> find(std::string_view name) const override {
    auto& known = known_[std::string(name)];
    if (known != nullptr) return known;
    const std::string file_name = file_called(folders_, name);
    if (file_name.empty()) return std::shared_ptr<const Embedding>();
    OBSCURA_ASSIGN(auto path, folders_.find("embeddings", file_name));
    OBSCURA_ASSIGN(auto file, io::TensorFile::open(path));
    known = std::make_shared<const Embedding>(read_embedding(file));
    return known;
  }

 private:
  const library::ModelFolders& folders_;
  mutable std::map<std::string, std::shared_ptr<const Embedding>> known_;
};

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
  std::optional<EmbeddingFolders> embeddings;
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
  constexpr std::string_view kMark = "embedding:";
  const auto* folders = environment.find<library::ModelFolders>();
  std::string all;
  for (const char* input : names) {
    if (folders == nullptr || !inputs.has(input)) continue;
    const auto& text = inputs.get<std::string>(input);
    for (std::size_t at = 0; (at = text.find(kMark, at)) != std::string::npos;) {
      at += kMark.size();
      const std::size_t end = std::min(text.find_first_of(" ,\n\t()[]:", at), text.size());
      const std::string file = file_called(*folders, text.substr(at, end - at));
      if (file.empty()) continue;
      OBSCURA_ASSIGN(std::string identity, folders->identity("embeddings", file));
      all += identity + "\n";
    }
  }
  return std::optional<std::string>(std::move(all));
}

}  // namespace obscura::nodes
