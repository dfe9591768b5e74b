#include "io/key_list.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <string>

namespace obscura::io {
namespace {

// Cuts the part up to the next `separator` off `rest`; all of it if there is none.
std::string_view take_until(std::string_view& rest, char separator) {
  auto end = rest.find(separator);
  auto part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

Error invalid(std::string message) {
  return Error(ErrorKind::kInvalidInput, std::move(message));
}

Result<Shape> parse_shape(std::string_view text) {
  constexpr std::int64_t kMostElements = std::int64_t{1} << 48;
  std::vector<std::int64_t> sizes;
  std::int64_t elements = 1;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view part = take_until(rest, ',');
    std::int64_t size = 0;
    auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), size);
    if (error != std::errc() || end != part.data() + part.size() || size < 1) {
      return invalid(fmt::format("wants sizes from 1, found \"{}\"", text));
    }
    if (size > kMostElements / elements)
      return invalid(fmt::format("the sizes \"{}\" are too large", text));
    elements *= size;
    sizes.push_back(size);
  }
  if (sizes.size() > Shape::kMaxRank) {
    return invalid(fmt::format("wants at most {} sizes, found {}", Shape::kMaxRank, sizes.size()));
  }
  return Shape(sizes);
}

Result<TensorDeclaration> parse_line(std::string_view line) {
  std::string_view rest = line;
  std::string_view name = take_until(rest, '\t');
  std::string_view dtype_name = take_until(rest, '\t');
  auto dtype = dtype_from_name(dtype_name);
  if (name.empty() || !dtype) {
    return invalid(
        fmt::format("wants a name, a dtype and sizes with tabs between, found \"{}\"", line));
  }
  OBSCURA_ASSIGN(Shape shape, parse_shape(rest));
  return TensorDeclaration{std::string(name), *dtype, shape};
}

}  // namespace

Result<std::vector<TensorDeclaration>> parse_key_list(std::string_view text,
                                                      const std::string& name) {
  std::vector<TensorDeclaration> tensors;
  for (int line = 1; !text.empty(); ++line) {
    auto tensor = parse_line(take_until(text, '\n'));
    if (!tensor.ok()) return tensor.error().in(fmt::format("{}:{}", name, line));
    tensors.push_back(*std::move(tensor));
  }
  if (tensors.empty()) return invalid(name + ": the list has no tensors");
  return tensors;
}

Result<std::vector<TensorDeclaration>> read_key_list(const std::filesystem::path& path) {
  OBSCURA_ASSIGN(std::string text, read_file(path, std::size_t{64} << 20));
  return parse_key_list(text, path.string());
}

}  // namespace obscura::io
