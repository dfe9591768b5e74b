// Files as torch.save writes them: a zip file with a pickle of names and shapes, and a member for
// each tensor's numbers.
#pragma once

#include <gtest/gtest.h>
#include <minizip/zip.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tensor/shape.h"

namespace obscura::io {

struct TorchTensor {
  std::string name;
  Shape shape;
  std::span<const float> values;
};

// The opcodes of protocol 2 that a dictionary of tensors needs.
class TorchPickle {
 public:
  explicit TorchPickle(std::span<const TorchTensor> tensors) {
    bytes_ = "\x80\x02}(";
    for (std::size_t i = 0; i < tensors.size(); ++i) add(tensors[i], std::to_string(i));
    bytes_ += "u.";
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void add(const TorchTensor& tensor, const std::string& storage) {
    text(tensor.name);
    bytes_ += "ctorch._utils\n_rebuild_tensor_v2\n((";
    text("storage");
    bytes_ += "ctorch\nFloatStorage\n";
    text(storage);
    text("cpu");
    number(tensor.shape.elements());
    bytes_ += "tQ";
    number(0);
    std::vector<std::int64_t> strides(static_cast<std::size_t>(tensor.shape.rank()), 1);
    for (int axis = tensor.shape.rank() - 2; axis >= 0; --axis)
      strides[static_cast<std::size_t>(axis)] =
          strides[static_cast<std::size_t>(axis) + 1] * tensor.shape[axis + 1];
    bytes_ += "(";
    for (int axis = 0; axis < tensor.shape.rank(); ++axis) number(tensor.shape[axis]);
    bytes_ += "t(";
    for (std::int64_t stride : strides) number(stride);
    bytes_ += "t\x89}tR";
  }
  void little_endian(std::uint64_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(value >> shift & 0xffu);
  }
  void text(const std::string& text) {
    bytes_ += 'X';
    little_endian(text.size());
    bytes_ += text;
  }
  void number(std::int64_t value) {
    bytes_ += 'J';
    little_endian(static_cast<std::uint64_t>(value));
  }

  std::string bytes_;
};

inline void write_torch_file(const std::filesystem::path& path,
                             std::span<const TorchTensor> tensors) {
  zipFile zip = zipOpen64(path.c_str(), APPEND_STATUS_CREATE);
  ASSERT_NE(zip, nullptr) << path;
  auto add = [&](const std::string& name, const void* bytes, std::size_t size) {
    constexpr int kStored = 0;
    EXPECT_EQ(zipOpenNewFileInZip64(zip, ("archive/" + name).c_str(), nullptr, nullptr, 0, nullptr,
                                    0, nullptr, kStored, 0, 0),
              ZIP_OK);
    EXPECT_EQ(zipWriteInFileInZip(zip, bytes, static_cast<unsigned>(size)), ZIP_OK);
    EXPECT_EQ(zipCloseFileInZip(zip), ZIP_OK);
  };
  const TorchPickle pickle(tensors);
  add("data.pkl", pickle.bytes().data(), pickle.bytes().size());
  for (std::size_t i = 0; i < tensors.size(); ++i)
    add("data/" + std::to_string(i), tensors[i].values.data(), tensors[i].values.size_bytes());
  EXPECT_EQ(zipClose(zip, nullptr), ZIP_OK);
}

}  // namespace obscura::io
