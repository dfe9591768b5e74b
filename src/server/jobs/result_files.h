// What jobs have made, as files that are named by their content, each with a thumbnail:
// PROJECT/results/ab/abcd….png and .webp beside it.
//
// A result is a hard link to the image in the output folder where the file system allows it, so
// it costs no space, and stays when somebody tidies that folder.
//
// Thread safe.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/studio/studio.h"
#include "store/result_store.h"

namespace obscura::server {

class ResultFiles {
 public:
  // `studio` is borrowed.
  ResultFiles(std::filesystem::path data, const Studio& studio)
      : data_(std::move(data)), studio_(studio) {}

  // Takes in an image of the project's output folder.
  Result<store::NewResult> adopt(std::string_view project, const std::string& node,
                                 const std::string& subfolder, const std::string& filename) const;
  std::filesystem::path path(std::string_view project, const store::NewResult& result) const;
  // The thumbnail's file, made if it is not there yet.
  Result<std::filesystem::path> thumbnail(std::string_view project,
                                          const store::NewResult& result) const;
  // Deletes both files of a digest.
  void remove(std::string_view project, std::string_view digest) const;

 private:
  std::filesystem::path folder(std::string_view project, std::string_view digest) const;
  std::filesystem::path data_;
  const Studio& studio_;
};

// Deletes the files of those digests that no result of the project is any more.
void forget_files(const store::ResultStore& results, const ResultFiles& files,
                  std::string_view project, const std::vector<std::string>& digests);

}  // namespace obscura::server
