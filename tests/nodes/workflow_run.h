// Runs whole workflow files with the pocket model and keeps what they save.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "checkpoint/pocket.h"
#include "graph/executor.h"
#include "graph/node_registry.h"
#include "graph/validate.h"
#include "graph/workflow_file.h"
#include "library/image_sink.h"
#include "library/input_folder.h"
#include "library/model_folders.h"
#include "nodes/image/recipe.h"
#include "runtime/session.h"
#include "test_paths.h"

namespace obscura::nodes {

class KeepingSink final : public library::ImageSink {
 public:
  Result<library::StoredFile> store(const library::FinishedImage& image) override {
    images.push_back(image);
    return library::StoredFile{"", "", "output"};
  }
  Result<library::StoredFile> store(const library::FinishedFile& file) override {
    files.push_back(file);
    return library::StoredFile{"", "", "output"};
  }
  std::vector<library::FinishedImage> images;
  std::vector<library::FinishedFile> files;
};

// One for all tests of a program: the networks stay loaded. Images are read from workflows/input.
class WorkflowRunner {
 public:
  WorkflowRunner()
      : session_(backend::create_device("cpu").value()),
        input_(source_path("workflows/input").string()) {
    models_.add_embedded(std::string(checkpoint::kPocketModelName), checkpoint::pocket_model(),
                         std::string(64, '0'));
    models_.add_root(source_path("workflows/models").string());
    environment_.provide(session_);
    environment_.provide(models_);
    environment_.provide(input_);
    environment_.provide(facts_);
  }

  // What the file's text saves; an error is the one that a user would see.
  Result<KeepingSink> run(const std::string& text) {
    KeepingSink sink;
    OBSCURA_TRY(run_into(text, sink));
    return sink;
  }
  // The same, saved by `sink`.
  Status run_into(const std::string& text, library::ImageSink& sink) {
    graph::Observer silent;
    return run_into(text, sink, silent);
  }
  Status run_into(const std::string& text, library::ImageSink& sink, graph::Observer& observer) {
    OBSCURA_ASSIGN(graph::WorkflowFile file,
                   graph::read_workflow(text, graph::NodeRegistry::builtin()));
    graph::Environment environment = environment_;
    environment.provide<library::ImageSink>(sink);
    graph::Validation validation = graph::validate(file.workflow, graph::NodeRegistry::builtin(),
                                                   environment, {.targets = file.targets});
    if (!validation.complete()) return validation.to_error();
    graph::RunOptions options;
    options.extra_pnginfo = file.extra_pnginfo;
    graph::Executor executor(environment);
    OBSCURA_TRY(executor.run(validation.resolved, options, observer));
    return {};
  }

  library::InputFolder& input() { return input_; }
  library::ModelFolders& models() { return models_; }

 private:
  runtime::Session session_;
  library::ModelFolders models_;
  library::InputFolder input_;
  RecipeFacts facts_{"1", "test", "fp32"};
  graph::Environment environment_;
};

}  // namespace obscura::nodes
