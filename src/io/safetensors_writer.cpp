#include "io/safetensors_writer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/memory_text.h"
#include "io/text_encoding.h"

namespace obscura::io {
namespace {

std::string json_text(const std::string& text) {
  return nlohmann::json(text).dump();
}

Status check_texts(std::span<const TensorDeclaration> tensors,
                   const SafetensorsMetadata& metadata) {
  std::set<std::string_view> names;
  for (const TensorDeclaration& tensor : tensors) {
    if (!is_utf8(tensor.name))
      return Error(ErrorKind::kInvalidInput, "a tensor's name is not UTF-8");
    if (tensor.name == "__metadata__") {
      return Error(ErrorKind::kInvalidInput, "no tensor may be named __metadata__");
    }
    if (!names.insert(tensor.name).second) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("two tensors are named \"{}\"", tensor.name));
    }
  }
  for (const auto& [key, text] : metadata) {
    if (!is_utf8(key) || !is_utf8(text)) {
      return Error(ErrorKind::kInvalidInput, "a text of the metadata is not UTF-8");
    }
  }
  return {};
}

// A full disk is better said now than after gigabytes. A folder that cannot be asked shows at the
// first write.
Status check_room(const std::filesystem::path& path, std::uint64_t wanted) {
  std::error_code error;
  auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  auto space = std::filesystem::space(folder, error);
  if (error || space.available >= wanted) return {};
  return Error(ErrorKind::kIo,
               fmt::format("cannot write {}: it wants {}, the disk has {} free", path.string(),
                           memory_text(wanted), memory_text(space.available)));
}

}  // namespace

std::string safetensors_header(std::span<const TensorDeclaration> tensors,
                               const SafetensorsMetadata& metadata) {
  std::string json = "{";
  if (!metadata.empty()) json += "\"__metadata__\":" + nlohmann::json(metadata).dump();
  std::uint64_t offset = 0;
  for (const TensorDeclaration& tensor : tensors) {
    if (json.size() > 1) json += ',';
    json += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                        json_text(tensor.name), name_of(tensor.dtype),
                        fmt::join(tensor.shape.sizes(), ","), offset, offset + tensor.bytes());
    offset += tensor.bytes();
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  std::string header;
  for (int i = 0; i < 8; ++i) header += static_cast<char>(json.size() >> (8 * i) & 0xff);
  return header + json;
}

Result<SafetensorsWriter> SafetensorsWriter::create(const std::filesystem::path& path,
                                                    std::vector<TensorDeclaration> tensors,
                                                    const SafetensorsMetadata& metadata) {
  if (Status checked = check_texts(tensors, metadata); !checked.ok())
    return checked.error().in(path.string());
  std::string header = safetensors_header(tensors, metadata);
  if (header.size() - 8 > SafetensorsFile::kMaxHeaderBytes) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("{}: a header may have {} bytes, this one has {}", path.string(),
                             SafetensorsFile::kMaxHeaderBytes, header.size() - 8));
  }
  std::uint64_t data_bytes = 0;
  for (const TensorDeclaration& tensor : tensors) data_bytes += tensor.bytes();
  OBSCURA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  OBSCURA_TRY(check_room(path, header.size() + data_bytes));
  OBSCURA_TRY(file.write(header));
  return SafetensorsWriter(std::move(file), std::move(tensors), data_bytes);
}

SafetensorsWriter::SafetensorsWriter(AtomicFile file, std::vector<TensorDeclaration> tensors,
                                     std::uint64_t data_bytes)
    : file_(std::move(file)), tensors_(std::move(tensors)), data_bytes_(data_bytes) {}

Status SafetensorsWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  OBSCURA_CHECK(next_ < tensors_.size(),
                "tensor " + std::string(name) + " comes after the last one declared");
  const TensorDeclaration& expected = tensors_[next_];
  OBSCURA_CHECK(expected.name == name,
                "tensor " + expected.name + " is next, got " + std::string(name));
  OBSCURA_CHECK(expected.bytes() == bytes.size(),
                fmt::format("tensor {} was declared with {} bytes, got {}", name, expected.bytes(),
                            bytes.size()));
  ++next_;
  return append(bytes);
}

Status SafetensorsWriter::append(std::span<const std::byte> bytes) {
  OBSCURA_CHECK(bytes.size() <= data_bytes_ - written_,
                "more bytes than the tensors were declared with");
  written_ += bytes.size();
  return file_.write(bytes);
}

Status SafetensorsWriter::commit() {
  OBSCURA_CHECK(written_ == data_bytes_,
                fmt::format("{} bytes were declared, {} were written", data_bytes_, written_));
  return file_.commit();
}

}  // namespace obscura::io
