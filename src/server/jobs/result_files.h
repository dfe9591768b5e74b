// What jobs have made, as files that are named by their content, each with a thumbnail:
// PROJECT/results/ab/abcd….png and .webp beside it.
//
// The image in the output folder is a hard link to the result where the file system allows it, so
// it costs no space, and the result stays when somebody tidies that folder.
//
// Thread safe.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/jobs/made_file.h"
#include "server/studio/studio.h"
#include "store/result_store.h"

namespace obscura::server {

class ResultFiles {
 public:
  // `studio` is borrowed.
  ResultFiles(std::filesystem::path data, const Studio& studio)
      : data_(std::move(data)), studio_(studio) {}

  // Takes in what a worker hands over, and gives it a name in the project's output folder. Errors
  // as RunObserver::made().
  Result<store::NewResult> keep(std::string_view project, const MadeFile& file) const;
  // Takes in an image that is in the project's output folder already: one that a job showed again
  // without making it anew.
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
  // Names the file `content` in the output folder.
  Result<std::filesystem::path> place(std::string_view project, const MadeFile& file,
                                      const std::filesystem::path& content) const;
  std::filesystem::path data_;
  const Studio& studio_;
};

// Deletes the files of those digests that no result of the project is any more.
void forget_files(const store::ResultStore& results, const ResultFiles& files,
                  std::string_view project, const std::vector<std::string>& digests);

}  // namespace obscura::server
