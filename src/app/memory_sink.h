// Keeps finished pictures in memory instead of writing them.
#pragma once

#include <vector>

#include "library/image_sink.h"

namespace obscura::app {

class MemorySink final : public library::ImageSink {
 public:
  Result<library::StoredFile> store(const library::FinishedImage& picture) override {
    pictures_.push_back(picture);
    return library::StoredFile{"", "", picture.temporary ? "temp" : "output"};
  }
  // Only pictures are compared: other files are not even made.
  Result<library::StoredFile> store(const library::FinishedFile& file) override {
    return library::StoredFile{"", "", file.temporary ? "temp" : "output"};
  }
  const std::vector<library::FinishedImage>& pictures() const { return pictures_; }

 private:
  std::vector<library::FinishedImage> pictures_;
};

}  // namespace obscura::app
