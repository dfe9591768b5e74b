// Writes safetensors files as a stream, so that a checkpoint larger than memory can be written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "io/safetensors.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace obscura::io {

struct TensorDeclaration {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;

  std::uint64_t bytes() const {
    return size_of(dtype) * static_cast<std::uint64_t>(shape.elements());
  }
};

// The first bytes of a file with these tensors in this order: length and JSON, padded with spaces
// to a multiple of 8. REQUIRES: all texts are UTF-8.
std::string safetensors_header(std::span<const TensorDeclaration> tensors,
                               const SafetensorsMetadata& metadata);

// A file under construction: every tensor is declared first, then their bytes follow in the order
// of declaration. The file appears under its name only when commit() succeeds; before, or without
// it, nothing is left behind. The data starts at a multiple of 8 bytes. Each tensor is aligned to
// its own dtype if wider dtypes are declared first. Not thread safe.
class SafetensorsWriter {
 public:
  // kInvalidInput for two tensors of one name, a name or text that is not UTF-8, or the name
  // "__metadata__"; kIo if the folder cannot be written or its disk has less room than the file
  // needs.
  static Result<SafetensorsWriter> create(const std::filesystem::path& path,
                                          std::vector<TensorDeclaration> tensors,
                                          const SafetensorsMetadata& metadata = {});

  // The bytes of the next tensor, whole. REQUIRES: `name` is the next one declared, and `bytes` is
  // as long as declared.
  Status write(std::string_view name, std::span<const std::byte> bytes);
  // The next bytes of the data, cut anywhere: for a tensor that is not in memory as a whole.
  // REQUIRES: no more bytes in all than declared.
  Status append(std::span<const std::byte> bytes);
  // REQUIRES: all declared bytes were written. Replaces what was at the path.
  Status commit();

  std::span<const TensorDeclaration> tensors() const { return tensors_; }
  // Of all tensors.
  std::uint64_t data_bytes() const { return data_bytes_; }

 private:
  SafetensorsWriter(AtomicFile file, std::vector<TensorDeclaration> tensors,
                    std::uint64_t data_bytes);

  AtomicFile file_;
  std::vector<TensorDeclaration> tensors_;
  std::uint64_t data_bytes_ = 0;
  std::uint64_t written_ = 0;
  std::size_t next_ = 0;  // the tensor that write() expects
};

}  // namespace obscura::io
