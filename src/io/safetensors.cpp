#include "io/safetensors.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "io/corrupt.h"

namespace obscura::io {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kLengthBytes = 8;

// A tensor as the header declares it; offsets count from the end of the header.
struct Declared {
  TensorEntry entry;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// A name from the file for a message: it may be long or hold control characters, which have no
// place on a terminal.
std::string in_quotes(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  std::size_t size = std::min(name.size(), kLongest);
  while (size < name.size() && (name[size] & 0xc0) == 0x80) --size;  // not inside a UTF-8 sequence
  std::string text = "\"";
  for (char c : name.substr(0, size))
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return text + (size < name.size() ? "…\"" : "\"");
}

Result<std::uint64_t> unsigned_number(const dom::element& value, std::string_view what) {
  std::uint64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS) {
    return corrupt(fmt::format("{} wants whole numbers from 0, found {}", what,
                               in_quotes(simdjson::minify(value))));
  }
  return number;
}

Result<Shape> read_shape(const dom::element& value) {
  dom::array sizes;
  if (value.get(sizes) != simdjson::SUCCESS) {
    return corrupt("shape wants a list, found " + in_quotes(simdjson::minify(value)));
  }
  std::array<std::int64_t, Shape::kMaxRank> axes{};
  std::size_t rank = 0;
  for (dom::element size : sizes) {
    OBSCURA_ASSIGN(std::uint64_t axis, unsigned_number(size, "shape"));
    if (axis > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return corrupt(fmt::format("an axis of size {} is larger than any memory", axis));
    }
    if (rank == axes.size()) {
      return Error(ErrorKind::kUnsupported,
                   fmt::format("at most {} axes are supported, found {}", axes.size(),
                               in_quotes(simdjson::minify(value))));
    }
    axes[rank++] = static_cast<std::int64_t>(axis);
  }
  return Shape(std::span<const std::int64_t>(axes.data(), rank));
}

// Axes of size 0 are left out of the overflow check's product, not allowed to hide it:
// Shape::elements() multiplies in order and would overflow before it meets the zero.
Result<std::uint64_t> byte_size(DType dtype, const Shape& shape) {
  std::uint64_t size = size_of(dtype);
  bool empty = false;
  for (std::int64_t axis : shape.sizes()) {
    if (axis == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(size, static_cast<std::uint64_t>(axis), &size) ||
               size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return corrupt(fmt::format("shape {} is larger than any memory", shape.text()));
    }
  }
  return empty ? 0 : size;
}

Result<DType> read_dtype(const dom::element& value) {
  std::string_view name;
  if (value.get(name) != simdjson::SUCCESS) {
    return corrupt("dtype wants a name, found " + in_quotes(simdjson::minify(value)));
  }
  if (auto dtype = dtype_from_name(name)) return *dtype;
  return Error(ErrorKind::kUnsupported, "dtype " + in_quotes(name) + " is not supported");
}

Status read_offsets(const dom::element& value, Declared& declared) {
  dom::array offsets;
  if (value.get(offsets) != simdjson::SUCCESS || offsets.size() != 2) {
    return corrupt("data_offsets wants [begin, end], found " + in_quotes(simdjson::minify(value)));
  }
  OBSCURA_ASSIGN(declared.begin, unsigned_number(offsets.at(0).value_unsafe(), "data_offsets"));
  OBSCURA_ASSIGN(declared.end, unsigned_number(offsets.at(1).value_unsafe(), "data_offsets"));
  return {};
}

// Fields that the format does not know are passed over, as the reference implementation does.
Result<Declared> read_declaration(const dom::element& value) {
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) {
    return corrupt("wants an object, found " + in_quotes(simdjson::minify(value)));
  }
  Declared declared;
  int dtypes = 0, shapes = 0, extents = 0;
  for (dom::key_value_pair field : fields) {
    if (field.key == "dtype") {
      ++dtypes;
      OBSCURA_ASSIGN(declared.entry.dtype, read_dtype(field.value));
    } else if (field.key == "shape") {
      ++shapes;
      OBSCURA_ASSIGN(declared.entry.shape, read_shape(field.value));
    } else if (field.key == "data_offsets") {
      ++extents;
      OBSCURA_TRY(read_offsets(field.value, declared));
    }
  }
  if (dtypes != 1 || shapes != 1 || extents != 1) {
    return corrupt(fmt::format("wants one dtype, shape and data_offsets, found {}, {} and {}",
                               dtypes, shapes, extents));
  }
  OBSCURA_ASSIGN(std::uint64_t wanted, byte_size(declared.entry.dtype, declared.entry.shape));
  if (declared.begin > declared.end || declared.end - declared.begin != wanted) {
    return corrupt(fmt::format("{} of shape {} wants {} bytes, found data_offsets [{}, {}]",
                               name_of(declared.entry.dtype), declared.entry.shape.text(), wanted,
                               declared.begin, declared.end));
  }
  return declared;
}

Result<SafetensorsMetadata> read_metadata(const dom::element& value) {
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) {
    return corrupt("__metadata__ wants an object, found " + in_quotes(simdjson::minify(value)));
  }
  SafetensorsMetadata metadata;
  for (dom::key_value_pair field : fields) {
    std::string_view text;
    if (field.value.get(text) != simdjson::SUCCESS) {
      return corrupt("__metadata__ wants texts, but " + in_quotes(field.key) + " is " +
                     in_quotes(simdjson::minify(field.value)));
    }
    if (!metadata.emplace(field.key, text).second) {
      return corrupt("__metadata__ has two entries named " + in_quotes(field.key));
    }
  }
  return metadata;
}

// Sorts by place and sees to it that the tensors fill `data` end to end.
Status place(std::vector<Declared>& tensors, std::span<const std::byte> data) {
  std::sort(tensors.begin(), tensors.end(), [](const Declared& a, const Declared& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t wanted = 0;
  for (const Declared& tensor : tensors) wanted = std::max(wanted, tensor.end);
  if (wanted > data.size()) {
    return corrupt(
        fmt::format("the file is truncated: its tensors want {} bytes after the header, found {}",
                    wanted, data.size()));
  }
  std::uint64_t filled = 0;
  for (Declared& tensor : tensors) {
    if (tensor.begin != filled) {
      return corrupt(fmt::format(
          "tensor {} should start at byte {} of the data, where the one before it ends, "
          "but starts at {}",
          in_quotes(tensor.entry.name), filled, tensor.begin));
    }
    filled = tensor.end;
    tensor.entry.bytes = data.subspan(tensor.begin, tensor.end - tensor.begin);
  }
  if (filled != data.size()) {
    return corrupt(
        fmt::format("its tensors fill {} bytes after the header, found {}", filled, data.size()));
  }
  return {};
}

// The header's text and the data behind it.
Result<std::pair<std::string_view, std::span<const std::byte>>> split(
    std::span<const std::byte> bytes) {
  if (bytes.size() < kLengthBytes) {
    return corrupt(fmt::format("a safetensors file wants at least {} bytes, found {}", kLengthBytes,
                               bytes.size()));
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  if (length > SafetensorsFile::kMaxHeaderBytes) {
    return corrupt(fmt::format(
        "not a safetensors file: its first 8 bytes announce a header of {} bytes, at most {} "
        "are allowed",
        length, SafetensorsFile::kMaxHeaderBytes));
  }
  if (length > bytes.size() - kLengthBytes) {
    return corrupt(fmt::format("the file is truncated: its header wants {} bytes, found {}", length,
                               bytes.size() - kLengthBytes));
  }
  auto size = static_cast<std::size_t>(length);
  return std::pair(
      std::string_view(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, size),
      bytes.subspan(kLengthBytes + size));
}

struct Header {
  std::vector<Declared> tensors;
  SafetensorsMetadata metadata;
};

Result<Header> read_header(std::string_view text) {
  simdjson::padded_string padded(
      text);  // the parser reads past the end, which a mapping may not have
  dom::parser parser;
  dom::element root;
  if (auto error = parser.parse(padded).get(root)) {
    return corrupt(fmt::format("its header is not valid JSON: {}", simdjson::error_message(error)));
  }
  dom::object fields;
  if (root.get(fields) != simdjson::SUCCESS) return corrupt("its header wants a JSON object");
  Header header;
  bool has_metadata = false;
  for (dom::key_value_pair field : fields) {
    if (field.key == "__metadata__") {
      if (std::exchange(has_metadata, true)) return corrupt("its header has __metadata__ twice");
      OBSCURA_ASSIGN(header.metadata, read_metadata(field.value));
      continue;
    }
    auto declared = read_declaration(field.value);
    if (!declared.ok()) return declared.error().in("tensor " + in_quotes(field.key));
    declared->entry.name = field.key;
    header.tensors.push_back(*std::move(declared));
  }
  return header;
}

}  // namespace

std::optional<DType> dtype_from_name(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(DType::kBool); ++i) {
    if (name_of(static_cast<DType>(i)) == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  OBSCURA_ASSIGN(MappedFile mapping, MappedFile::open(path));
  OBSCURA_ASSIGN(SafetensorsFile file, parse(mapping.bytes(), path.string()));
  file.mapping_ = std::move(mapping);
  return file;
}

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> bytes, std::string name) {
  SafetensorsFile file;
  file.bytes_ = bytes;
  file.name_ = std::move(name);
  auto parts = split(bytes);
  if (!parts.ok()) return parts.error().in(file.name_);
  auto header = read_header(parts->first);
  if (!header.ok()) return header.error().in(file.name_);
  if (Status placed = place(header->tensors, parts->second); !placed.ok())
    return placed.error().in(file.name_);

  file.metadata_ = std::move(header->metadata);
  file.entries_.reserve(header->tensors.size());
  for (Declared& tensor : header->tensors) file.entries_.push_back(std::move(tensor.entry));
  if (Status indexed = file.index_names(); !indexed.ok()) return indexed.error().in(file.name_);
  return file;
}

Status SafetensorsFile::index_names() {
  by_name_.resize(entries_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  auto name_at = [this](std::uint32_t index) -> std::string_view { return entries_[index].name; };
  std::sort(by_name_.begin(), by_name_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return name_at(a) < name_at(b); });
  auto twin = std::adjacent_find(
      by_name_.begin(), by_name_.end(),
      [&](std::uint32_t a, std::uint32_t b) { return name_at(a) == name_at(b); });
  if (twin != by_name_.end())
    return corrupt("its header has two tensors named " + in_quotes(name_at(*twin)));
  return {};
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const {
  auto found = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                [this](std::uint32_t index, std::string_view wanted) {
                                  return std::string_view(entries_[index].name) < wanted;
                                });
  if (found == by_name_.end() || entries_[*found].name != name) return nullptr;
  return &entries_[*found];
}

}  // namespace obscura::io
