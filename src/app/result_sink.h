// Where what the service's jobs make goes: images as bytes to whoever watches the run, and the rest
// (what is only to be looked at, latents, models) into the project's folders.
//
// Not thread safe.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "library/image_sink.h"
#include "library/output_folder.h"
#include "server/jobs/made_file.h"

namespace obscura::app {

class ResultSink final : public library::ImageSink {
 public:
  ResultSink(const std::filesystem::path& output, std::filesystem::path temporary)
      : temporary_(std::move(temporary)), folders_({.root = output, .temporary = temporary_}) {}

  // For the run that begins; borrowed. Null: it is over.
  void hand_to(server::RunObserver* observer) { observer_ = observer; }

  // REQUIRES: a run, for an image that is to be kept.
  Result<library::StoredFile> store(const library::FinishedImage& image) override;
  Result<library::StoredFile> store(const library::FinishedFile& file) override;

 private:
  Result<library::StoredFile> hand_over(const graph::NodeRef& node, std::string prefix,
                                        const std::string& extension,
                                        std::span<const std::byte> bytes);

  std::filesystem::path temporary_;
  library::OutputFolder folders_;
  server::RunObserver* observer_ = nullptr;
};

}  // namespace obscura::app
