#include "io/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "io/byte_cursor.h"
#include "io/corrupt.h"

namespace obscura::io {
namespace {

enum class ValueType : std::uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

// Bytes of a value of fixed size; 0 for texts, lists and what the format does not have.
std::size_t size_of_value(ValueType type) {
  switch (type) {
    case ValueType::kU8:
    case ValueType::kI8:
    case ValueType::kBool:
      return 1;
    case ValueType::kU16:
    case ValueType::kI16:
      return 2;
    case ValueType::kU32:
    case ValueType::kI32:
    case ValueType::kF32:
      return 4;
    case ValueType::kU64:
    case ValueType::kI64:
    case ValueType::kF64:
      return 8;
    default:
      return 0;
  }
}

// GGML's numbers of types.
std::optional<DType> dtype_of(std::uint32_t type) {
  switch (type) {
    case 0:
      return DType::kF32;
    case 1:
      return DType::kF16;
    case 2:
      return DType::kQ4_0;
    case 3:
      return DType::kQ4_1;
    case 6:
      return DType::kQ5_0;
    case 7:
      return DType::kQ5_1;
    case 8:
      return DType::kQ8_0;
    case 10:
      return DType::kQ2K;
    case 11:
      return DType::kQ3K;
    case 12:
      return DType::kQ4K;
    case 13:
      return DType::kQ5K;
    case 14:
      return DType::kQ6K;
    case 24:
      return DType::kI8;
    case 25:
      return DType::kI16;
    case 26:
      return DType::kI32;
    case 27:
      return DType::kI64;
    case 28:
      return DType::kF64;
    case 30:
      return DType::kBF16;
    default:
      return std::nullopt;
  }
}

using Sizes = std::vector<std::int64_t>;

// The elements of a shape; nothing if it has more axes or elements than any tensor of ours.
std::optional<std::int64_t> elements_of(const Sizes& sizes) {
  constexpr std::int64_t kMost = std::int64_t{1} << 48;
  if (sizes.size() > Shape::kMaxRank) return std::nullopt;
  std::int64_t elements = 1;
  for (std::int64_t size : sizes) {
    if (size < 0 || (size > 0 && elements > kMost / size)) return std::nullopt;
    elements *= size;
  }
  return elements;
}

std::string text_of(const Sizes& sizes) {
  return fmt::format("{}", fmt::join(sizes, "x"));
}

constexpr std::string_view kShapeKey = "comfy.gguf.orig_shape.";
constexpr std::string_view kAlignmentKey = "general.alignment";

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes), cursor_(bytes) {}

  Result<TensorTable> read() {
    OBSCURA_TRY(read_counts());
    for (std::uint64_t i = 0; i < values_; ++i) OBSCURA_TRY(read_value());
    for (std::uint64_t i = 0; i < tensors_; ++i) OBSCURA_TRY(read_tensor());
    OBSCURA_TRY(place());
    return std::move(table_);
  }

 private:
  Status read_counts() {
    OBSCURA_TRY(cursor_.take(4));
    OBSCURA_ASSIGN(auto version, cursor_.number<std::uint32_t>());
    if (version != 2 && version != 3) {
      return Error(ErrorKind::kUnsupported,
                   fmt::format("a GGUF file of version 2 or 3 is wanted, found {}", version));
    }
    OBSCURA_ASSIGN(tensors_, cursor_.number<std::uint64_t>());
    OBSCURA_ASSIGN(values_, cursor_.number<std::uint64_t>());
    return {};
  }

  Status read_value() {
    OBSCURA_ASSIGN(std::string_view key, cursor_.text<std::uint64_t>());
    OBSCURA_ASSIGN(auto type, cursor_.number<ValueType>());
    if (type == ValueType::kString) {
      OBSCURA_ASSIGN(std::string_view text, cursor_.text<std::uint64_t>());
      table_.metadata.insert_or_assign(std::string(key), std::string(text));
      return {};
    }
    if (type == ValueType::kArray) return read_array(key);
    std::size_t size = size_of_value(type);
    if (size == 0)
      return corrupt(fmt::format("value {} has type {}, which the format does not have", key,
                                 static_cast<std::uint32_t>(type)));
    OBSCURA_ASSIGN(auto bytes, cursor_.take(size));
    if (key == kAlignmentKey && type == ValueType::kU32)
      std::memcpy(&alignment_, bytes.data(), sizeof(alignment_));
    return {};
  }

  Status read_array(std::string_view key) {
    OBSCURA_ASSIGN(auto type, cursor_.number<ValueType>());
    OBSCURA_ASSIGN(auto count, cursor_.number<std::uint64_t>());
    if (type == ValueType::kString) {
      for (std::uint64_t i = 0; i < count; ++i) OBSCURA_TRY(cursor_.text<std::uint64_t>());
      return {};
    }
    std::size_t size = size_of_value(type);
    if (size == 0 || count > cursor_.left() / size)
      return corrupt(fmt::format("list {} of {} values of type {} does not fit the file", key,
                                 count, static_cast<std::uint32_t>(type)));
    OBSCURA_ASSIGN(auto bytes, cursor_.take(count * size));
    if (!key.starts_with(kShapeKey) || type != ValueType::kI32) return {};
    Sizes sizes;
    for (std::size_t i = 0; i < std::min<std::size_t>(count, Shape::kMaxRank + 1); ++i) {
      std::int32_t value = 0;
      std::memcpy(&value, bytes.data() + 4 * i, 4);
      sizes.push_back(value);
    }
    shapes_.insert_or_assign(std::string(key.substr(kShapeKey.size())), std::move(sizes));
    return {};
  }

  Status read_tensor() {
    Tensor tensor;
    OBSCURA_ASSIGN(std::string_view name, cursor_.text<std::uint64_t>());
    tensor.entry.name = name;
    OBSCURA_ASSIGN(auto rank, cursor_.number<std::uint32_t>());
    if (rank > Shape::kMaxRank) {
      return Error(ErrorKind::kUnsupported,
                   fmt::format("tensor {}: at most {} axes are supported, found {}", name,
                               Shape::kMaxRank, rank));
    }
    Sizes sizes(rank);  // GGML's innermost axis is the first
    for (std::size_t i = 0; i < rank; ++i) {
      OBSCURA_ASSIGN(auto size, cursor_.number<std::uint64_t>());
      if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return corrupt(fmt::format("tensor {}: an axis of {} elements", name, size));
      sizes[rank - 1 - i] = static_cast<std::int64_t>(size);
    }
    OBSCURA_ASSIGN(auto type, cursor_.number<std::uint32_t>());
    OBSCURA_ASSIGN(tensor.offset, cursor_.number<std::uint64_t>());
    auto dtype = dtype_of(type);
    if (!dtype) {
      return Error(ErrorKind::kUnsupported,
                   fmt::format("tensor {}: GGML's type {} is not supported", name, type));
    }
    tensor.entry.dtype = *dtype;
    OBSCURA_TRY(set_shape(tensor.entry, sizes));
    found_.push_back(std::move(tensor));
    return {};
  }

  Status set_shape(TensorEntry& entry, const Sizes& stored) const {
    auto elements = elements_of(stored);
    if (!elements || *elements % block_of(entry.dtype) != 0) {
      return corrupt(
          fmt::format("tensor {}: a shape of whole blocks of {} elements is wanted, "
                      "found {}",
                      entry.name, block_of(entry.dtype), text_of(stored)));
    }
    auto original = shapes_.find(entry.name);
    const Sizes& sizes = original == shapes_.end() ? stored : original->second;
    if (elements_of(sizes) != elements) {
      return corrupt(
          fmt::format("tensor {}: its original shape {} and its stored shape {} differ "
                      "in size",
                      entry.name, text_of(sizes), text_of(stored)));
    }
    entry.shape = Shape(sizes);
    return {};
  }

  Status place() {
    if (alignment_ == 0 || (alignment_ & (alignment_ - 1)) != 0)
      return corrupt(fmt::format("an alignment of a power of two is wanted, found {}", alignment_));
    std::size_t begin = (cursor_.position() + alignment_ - 1) / alignment_ * alignment_;
    std::unordered_set<std::string_view> names;
    for (Tensor& tensor : found_) {
      std::size_t size = bytes_of(tensor.entry.dtype, tensor.entry.shape.elements());
      std::size_t room = bytes_.size() < begin ? 0 : bytes_.size() - begin;
      if (tensor.offset > room || size > room - tensor.offset) {
        return corrupt(
            fmt::format("the file is truncated: tensor {} wants {} bytes at {}, {} "
                        "follow the header",
                        tensor.entry.name, size, tensor.offset, room));
      }
      if (!names.insert(tensor.entry.name).second)
        return corrupt(fmt::format("there are two tensors named {}", tensor.entry.name));
      tensor.entry.bytes = bytes_.subspan(begin + tensor.offset, size);
    }
    names.clear();
    for (Tensor& tensor : found_) table_.entries.push_back(std::move(tensor.entry));
    return {};
  }

  struct Tensor {
    TensorEntry entry;
    std::uint64_t offset = 0;
  };

  std::span<const std::byte> bytes_;
  ByteCursor cursor_;
  std::uint64_t tensors_ = 0, values_ = 0;
  std::uint32_t alignment_ = 32;
  std::map<std::string, Sizes, std::less<>> shapes_;  // by tensor
  std::vector<Tensor> found_;
  TensorTable table_;
};

}  // namespace

Result<TensorTable> read_gguf(std::span<const std::byte> bytes) {
  return Reader(bytes).read();
}

}  // namespace obscura::io
