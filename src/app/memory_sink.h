// Keeps finished images in memory instead of writing them.
#pragma once

#include <vector>

#include "library/image_sink.h"

namespace obscura::app {

class MemorySink final : public library::ImageSink {
 public:
  Result<library::StoredFile> store(const library::FinishedImage& image) override {
    images_.push_back(image);
    return library::StoredFile{"", "", image.temporary ? "temp" : "output"};
  }
  // Only images are compared: other files are not even made.
  Result<library::StoredFile> store(const library::FinishedFile& file) override {
    return library::StoredFile{"", "", file.temporary ? "temp" : "output"};
  }
  const std::vector<library::FinishedImage>& images() const { return images_; }

 private:
  std::vector<library::FinishedImage> images_;
};

}  // namespace obscura::app
