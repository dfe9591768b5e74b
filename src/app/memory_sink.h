// Keeps finished pictures in memory instead of writing them.
#pragma once

#include <vector>

#include "nodes/picture_sink.h"

namespace obscura::app {

class MemorySink final : public nodes::PictureSink {
 public:
  Result<nodes::StoredPicture> store(const nodes::FinishedPicture& picture) override {
    pictures_.push_back(picture);
    return nodes::StoredPicture{"", "", picture.temporary ? "temp" : "output"};
  }
  // Only pictures are compared: other files are not even made.
  Result<nodes::StoredPicture> store(const nodes::FinishedFile& file) override {
    return nodes::StoredPicture{"", "", file.temporary ? "temp" : "output"};
  }
  const std::vector<nodes::FinishedPicture>& pictures() const { return pictures_; }

 private:
  std::vector<nodes::FinishedPicture> pictures_;
};

}  // namespace obscura::app
