// A studio whose nodes do arithmetic: the real executor over the graph layer's test nodes.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "graph/executor.h"
#include "graph/test_nodes.h"
#include "server/jobs/job_runner.h"
#include "server/studio/project_folders.h"

namespace obscura::server::testing {

// Counts to `steps` with a preview at each, until it is cancelled.
inline Result<graph::NodeResult> run_slow(graph::NodeCall& call) {
  const auto steps = call.get<std::int64_t>("steps");
  const std::byte image[] = {std::byte{0xff}, std::byte{0xd8}, std::byte{7}};
  for (std::int64_t i = 1; i <= steps; ++i) {
    OBSCURA_TRY(call.check_cancelled());
    std::this_thread::sleep_for(std::chrono::milliseconds(call.get<std::int64_t>("milliseconds")));
    call.progress(i, steps);
    if (call.wants_preview()) call.preview(image, "image/jpeg");
  }
  return graph::NodeResult{graph::Value::handle("BOX", graph::testing::Box{1})};
}

// Where images go.
struct OutputPlace {
  std::filesystem::path data, folder;
};

// Writes a file into the output folder, as a node that saves images does.
inline Result<graph::NodeResult> save_image(graph::NodeCall& call) {
  const auto& name = call.get<std::string>("name");
  OBSCURA_TRY(
      write_file_atomically(call.environment<OutputPlace>().folder / name, "bytes of " + name));
  return graph::NodeResult().ui(
      {{"images", {{{"filename", name}, {"subfolder", ""}, {"type", "output"}}}}});
}

// Who is handed what is made.
struct Hands {
  RunObserver* observer = nullptr;
};

// Hands over a text as if it were an image. How: "honest"; "lying", with another text's digest;
// "failing" afterwards; or "removed" from the output folder at once.
inline Result<graph::NodeResult> make_image(graph::NodeCall& call) {
  const auto& text = call.get<std::string>("text");
  const auto& how = call.get<std::string>("how");
  const std::string digest = sha256_hex(how == "lying" ? text + "!" : text);
  OBSCURA_ASSIGN(const PlacedFile placed, call.environment<Hands>().observer->made(
                                              {call.node().id, "made", "png", "image/png", digest,
                                               std::as_bytes(std::span(text))}));
  if (how == "failing") return Error(ErrorKind::kIo, "failed afterwards");
  if (how == "removed") {
    std::filesystem::remove(call.environment<OutputPlace>().folder / placed.subfolder /
                            placed.filename);
  }
  return graph::NodeResult().ui(
      {{"images",
        {{{"filename", placed.filename}, {"subfolder", placed.subfolder}, {"type", "output"}}}}});
}

// How often a "Slow" was validated.
struct Validations {
  std::atomic<int> count{0};
};

inline Status count_validation(const graph::NodeInputs&, const graph::Environment& environment) {
  ++environment.get<Validations>().count;
  return {};
}

class FakeStudio final : public Studio, public JobRunner {
 public:
  FakeStudio() : nodes_(graph::testing::make_test_registry()), executor_(environment_) {
    environment_.provide(log_);
    environment_.provide(place_);
    environment_.provide(validations_);
    environment_.provide(hands_);
    nodes_.add(graph::NodeType("SaveImage")
                   .input(graph::text("name", "a.png"))
                   .output_node()
                   .not_idempotent()
                   .run(save_image));
    nodes_.add(graph::NodeType("MakeImage")
                   .input(graph::text("text", "one"))
                   .input(graph::text("how", "honest"))
                   .output_node()
                   .run(make_image));
    nodes_.add(graph::NodeType("Slow")
                   .input(graph::integer("steps", 3).range(1, 10000))
                   .input(graph::integer("milliseconds", 1).range(0, 1000))
                   .output("BOX")
                   .not_idempotent()
                   .validate(count_validation)
                   .run(run_slow));
  }

  void set_data(const std::filesystem::path& data) { place_.data = data; }

  Status run(const JobToRun& job, RunObserver& observer, const CancelToken& cancel) override {
    hands_.observer = &observer;
    place_.folder = project_folder(place_.data, job.project) / "output";
    graph::RunOptions options;
    options.cancel = cancel;
    options.extra_pnginfo = job.extra_pnginfo;
    options.salt = job.project;
    auto report = executor_.run(job.workflow.resolved, options, observer);
    return report.ok() ? Status() : Status(report.error());
  }
  void release(bool models, bool results) override {
    std::lock_guard lock(mutex_);
    if (results) executor_.cache().clear();
    released_ += std::string(models ? "models " : "") + (results ? "results " : "");
  }
  std::int64_t peak_bytes() const override { return 7; }
  // So many bytes a node.
  Result<MemoryPlan> plan_memory(const JobToRun& job, const CancelToken&) const override {
    return MemoryPlan{static_cast<std::int64_t>(job.workflow.resolved.prompt.size()) * 1000,
                      1'000'000};
  }
  std::string released() const {
    std::lock_guard lock(mutex_);
    return released_;
  }

  int validations() const { return validations_.count; }

  const graph::NodeRegistry& nodes() const override { return nodes_; }
  const graph::Environment& environment(const std::string&) const override { return environment_; }
  std::string version() const override { return "1.2.3"; }
  std::vector<std::string> model_kinds() const override { return {"checkpoints", "embeddings"}; }
  std::vector<ModelEntry> models(const std::string& project, std::string_view kind) const override {
    std::vector<ModelEntry> entries = {
        {kind == "embeddings" ? "a/bad.safetensors" : "base.safetensors", std::nullopt}};
    const auto folder = project_folder(place_.data, project) / "models" / kind;
    std::error_code error;
    for (std::filesystem::recursive_directory_iterator at(folder, error), end; at != end; ++at) {
      if (at->path().extension() == ".safetensors")
        entries.push_back({at->path().lexically_relative(folder).string(), at->path()});
    }
    return entries;
  }
  Status check_model_name(std::string_view, std::string_view name) const override {
    if (name.ends_with(".safetensors")) return {};
    return Error(ErrorKind::kInvalidInput, "wanted .safetensors");
  }
  // A model begins with "model".
  Result<std::string> inspect_model(std::string_view kind,
                                    const std::filesystem::path& file) const override {
    OBSCURA_ASSIGN(const std::string bytes, read_file(file));
    if (bytes.starts_with("model")) {
      return "one of " + std::string(kind);
    }
    return Error(ErrorKind::kCorrupt, file.string() + " is no model");
  }
  Result<nlohmann::json> model_metadata(const std::string&, std::string_view,
                                        std::string_view name) const override {
    if (name != "base.safetensors") return Error(ErrorKind::kNotFound, "no such model");
    return nlohmann::json{{"format", "pt"}};
  }
  std::string model_digest(const std::string&, const std::string& name) const override {
    return "digest of " + name;
  }
  Result<std::string> convert(std::string_view image, const ImageRequest& request) const override {
    return std::string(request.format) + " of " + std::string(image);
  }
  Result<std::string> fill_masked(std::string_view image, std::string_view, bool) const override {
    return "filled " + std::string(image);
  }
  std::vector<PromptStyle> prompt_styles(const std::string&) const override {
    return {{"Night", "{prompt}, night", "day"}};
  }
  Result<nlohmann::ordered_json> image_texts(std::string_view image) const override {
    return nlohmann::ordered_json{{"parameters", image}};
  }
  Result<ImageBox> mask_box(std::string_view, const MaskBoxRequest& request) const override {
    return ImageBox{8, 16, 32, 24 + request.padding};
  }
  nlohmann::ordered_json devices() const override { return {{{"name", "cpu"}, {"type", "cpu"}}}; }
  Result<std::string> with_alpha(std::string_view image, std::string_view mask) const override {
    return std::string(image) + "+" + std::string(mask);
  }

 private:
  graph::testing::CallLog log_;
  OutputPlace place_;
  Validations validations_;
  Hands hands_;
  graph::NodeRegistry nodes_;
  graph::Environment environment_;
  graph::Executor executor_;
  mutable std::mutex mutex_;
  std::string released_;  // guarded by mutex_
};

}  // namespace obscura::server::testing
