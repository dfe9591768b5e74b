// Which of the algorithms that a library offers each piece of work takes, kept in a file: what
// fixes the bits of an image beside the kernels themselves.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obscura::backend::cuda {

// Numbers mean something only for the device and the library versions that offered them.
struct Choices {
  std::string device;     // "NVIDIA H100 80GB HBM3"
  std::string libraries;  // "cuBLASLt 13.1.0, cuDNN 9.19.0"
  std::map<std::string, std::size_t> by_work;

  // A JSON document with one line for each piece of work.
  std::string text() const;
  // kInvalidInput, saying what was wanted, if `text` is not such a document.
  static Result<Choices> parse(std::string_view text);
  // Of by_work: equal choices have equal digests. Empty where nothing is chosen.
  std::string digest() const;
};

// The file that OBSCURA_CUDA_CHOICES names; otherwise obscura/cuda-choices.json in XDG_CACHE_HOME,
// or in ~/.cache. Empty where neither is known.
std::filesystem::path choices_file();

// The choices of choices_file() if they were made on this device with these libraries, else none.
// An error only if OBSCURA_CUDA_CHOICES names a file that cannot be read: the user asked for it.
Result<std::map<std::string, std::size_t>> recorded_choices(const std::string& device,
                                                            const std::string& libraries);

}  // namespace obscura::backend::cuda
