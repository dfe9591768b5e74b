#include "io/torch_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "base/count_text.h"
#include "io/corrupt.h"
#include "io/torch_pickle.h"
#include "io/zip_archive.h"

namespace obscura::io {
namespace {

using Members = std::map<std::string, const ZipMember*, std::less<>>;

// The place of a tensor in its storage: the first element, and how many follow up to the last.
struct Extent {
  std::int64_t elements = 0;  // of the tensor
  std::int64_t reach = 0;     // elements of the storage from the first to behind the last
};

// Nothing if a number overflows.
std::optional<Extent> extent_of(const PickledTensor& tensor) {
  constexpr std::int64_t kMost = std::int64_t{1} << 48;
  Extent extent{1, 1};
  for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
    std::int64_t size = tensor.sizes[i], stride = tensor.strides[i];
    if (size == 0) return Extent{0, 0};
    if (extent.elements > kMost / size || stride > kMost / size) return std::nullopt;
    extent.elements *= size;
    extent.reach += (size - 1) * stride;
    if (extent.reach > kMost) return std::nullopt;
  }
  return extent;
}

bool is_contiguous(const PickledTensor& tensor) {
  std::int64_t wanted = 1;
  for (std::size_t i = tensor.sizes.size(); i-- > 0;) {
    if (tensor.sizes[i] > 1 && tensor.strides[i] != wanted) return false;
    wanted *= tensor.sizes[i];
  }
  return true;
}

class TorchFile {
 public:
  explicit TorchFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Result<TensorTable> read() {
    OBSCURA_ASSIGN(archive_, read_zip(bytes_));
    for (const ZipMember& member : archive_) members_.emplace(member.name, &member);
    OBSCURA_TRY(find_root());
    OBSCURA_ASSIGN(auto pickle, stored(root_ + "data.pkl"));
    OBSCURA_TRY(check_byte_order());
    OBSCURA_ASSIGN(std::vector<PickledTensor> tensors, read_torch_pickle(pickle));
    keep_state_dict(tensors);
    for (const PickledTensor& tensor : tensors) {
      Status added = add(tensor);
      if (!added.ok()) return added.error().in("tensor " + tensor.name);
    }
    return std::move(table_);
  }

 private:
  // The folder in the archive: "archive/", or the name the file was saved under.
  Status find_root() {
    for (const ZipMember& member : archive_) {
      constexpr std::string_view kPickle = "data.pkl";
      std::size_t slash = member.name.find('/');
      if (slash == std::string::npos || member.name.substr(slash + 1) != kPickle) continue;
      root_ = member.name.substr(0, slash + 1);
      return {};
    }
    return Error(
        ErrorKind::kUnsupported,
        fmt::format("a zip file of PyTorch is wanted, with a member data.pkl, found one of "
                    "{}",
                    count_text(archive_.size(), "member")));
  }

  Result<std::span<const std::byte>> stored(const std::string& name) const {
    auto found = members_.find(name);
    if (found == members_.end()) return corrupt("the zip file has no member " + name);
    if (found->second->stored) return found->second->bytes;
    return Error(ErrorKind::kUnsupported, "zip member " + name + " is compressed or encrypted");
  }

  Status check_byte_order() const {
    auto order = members_.find(root_ + "byteorder");
    if (order == members_.end() || !order->second->stored) return {};
    std::span<const std::byte> text = order->second->bytes;
    constexpr std::string_view kLittle = "little";
    if (text.size() == kLittle.size() && std::memcmp(text.data(), kLittle.data(), text.size()) == 0)
      return {};
    return Error(ErrorKind::kUnsupported, "its numbers are big-endian");
  }

  static void keep_state_dict(std::vector<PickledTensor>& tensors) {
    constexpr std::string_view kPrefix = "state_dict.";
    auto inside = [&](const PickledTensor& t) { return t.name.starts_with(kPrefix); };
    if (std::none_of(tensors.begin(), tensors.end(), inside)) return;
    std::erase_if(tensors, [&](const PickledTensor& t) { return !inside(t); });
    for (PickledTensor& tensor : tensors) tensor.name.erase(0, kPrefix.size());
  }

  Status add(const PickledTensor& tensor) {
    if (tensor.sizes.size() > Shape::kMaxRank) {
      return Error(ErrorKind::kUnsupported, fmt::format("at most {} axes are supported, found {}",
                                                        Shape::kMaxRank, tensor.sizes.size()));
    }
    auto extent = extent_of(tensor);
    if (!extent) return corrupt("is larger than any memory");
    OBSCURA_ASSIGN(auto storage, stored(root_ + "data/" + tensor.storage));
    auto element = static_cast<std::int64_t>(size_of(tensor.dtype));
    auto available = static_cast<std::int64_t>(storage.size()) / element;
    if (tensor.offset > available || extent->reach > available - tensor.offset) {
      return corrupt(fmt::format("wants {} elements from {}, its storage has {}", extent->reach,
                                 tensor.offset, available));
    }
    TensorEntry entry{tensor.name, tensor.dtype, Shape(tensor.sizes), {}};
    auto begin = storage.subspan(static_cast<std::size_t>(tensor.offset * element));
    if (is_contiguous(tensor)) {
      entry.bytes = begin.first(static_cast<std::size_t>(extent->elements * element));
    } else {
      OBSCURA_ASSIGN(entry.bytes, laid_out(tensor, *extent, begin));
    }
    table_.entries.push_back(std::move(entry));
    return {};
  }

  // A transposed tensor is copied into rows. More bytes than the file has cannot come of that.
  Result<std::span<const std::byte>> laid_out(const PickledTensor& tensor, const Extent& extent,
                                              std::span<const std::byte> storage) {
    const std::size_t element = size_of(tensor.dtype);
    const std::size_t size = static_cast<std::size_t>(extent.elements) * element;
    if (extent.elements > extent.reach || size > bytes_.size() - copied_) {
      return Error(ErrorKind::kUnsupported, "repeats elements of its storage");
    }
    copied_ += size;
    auto rows = std::make_shared<std::vector<std::byte>>(size);
    std::vector<std::int64_t> index(tensor.sizes.size());
    for (std::size_t target = 0; target < size; target += element) {
      std::int64_t source =
          std::inner_product(index.begin(), index.end(), tensor.strides.begin(), std::int64_t{0});
      std::memcpy(rows->data() + target,
                  storage.data() + static_cast<std::size_t>(source) * element, element);
      for (std::size_t axis = index.size(); axis-- > 0;) {
        if (++index[axis] < tensor.sizes[axis]) break;
        index[axis] = 0;
      }
    }
    std::span<const std::byte> bytes = *rows;
    table_.owners.push_back(std::move(rows));
    return bytes;
  }

  std::span<const std::byte> bytes_;
  std::vector<ZipMember> archive_;
  Members members_;
  std::string root_;
  std::size_t copied_ = 0;
  TensorTable table_;
};

}  // namespace

Result<TensorTable> read_torch_file(std::span<const std::byte> bytes) {
  return TorchFile(bytes).read();
}

}  // namespace obscura::io
