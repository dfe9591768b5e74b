// Reads safetensors files: https://github.com/huggingface/safetensors, "Format".
//
// A file is an 8-byte little-endian header length, a JSON header, and the tensors' bytes end to
// end. Everything the header says is checked when the file is opened, so that an entry of an open
// file can be used without a further look: a file is damaged or hostile until proven otherwise,
// because checkpoints come from strangers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace obscura::io {

// The dtype with this name in safetensors ("F16"), if Obscura has it.
std::optional<DType> dtype_from_name(std::string_view name);

// Key and text of `__metadata__`.
using SafetensorsMetadata = std::map<std::string, std::string, std::less<>>;

// A tensor as stored. `bytes` belongs to the file, holds exactly shape.elements() elements,
// row-major and little-endian, and may start at any address: old writers do not align the data.
struct TensorEntry {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const std::byte> bytes;
};

// An open file. Moving keeps entries, names and bytes where they are. Thread safe once open.
class SafetensorsFile {
 public:
  // Headers larger than this are refused, as by the reference implementation.
  static constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

  // Maps the file; reads only its header, so a checkpoint of many gigabytes opens in milliseconds.
  // kNotFound or kIo if it cannot be opened, else as parse().
  static Result<SafetensorsFile> open(const std::filesystem::path& path);

  // Over bytes that the caller keeps alive for as long as the file and what it handed out are in
  // use (a model inside the program's own executable). `name` is what messages call it. kCorrupt if
  // the bytes break the format; kUnsupported for a dtype or a rank that Obscura does not have.
  static Result<SafetensorsFile> parse(std::span<const std::byte> bytes, std::string name);

  SafetensorsFile(SafetensorsFile&&) noexcept = default;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept = default;

  // Null if there is no such tensor.
  const TensorEntry* find(std::string_view name) const;
  // In the order of their bytes in the file.
  std::span<const TensorEntry> entries() const { return entries_; }
  const SafetensorsMetadata& metadata() const { return metadata_; }
  // The path, or the name given to parse().
  const std::string& name() const { return name_; }
  // The whole file: header and data.
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  SafetensorsFile() = default;
  Status index_names();

  std::optional<MappedFile> mapping_;
  std::span<const std::byte> bytes_;
  std::string name_;
  std::vector<TensorEntry> entries_;
  std::vector<std::uint32_t> by_name_;  // indices into entries_, sorted by name
  SafetensorsMetadata metadata_;
};

}  // namespace obscura::io
