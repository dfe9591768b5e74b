#include "io/tensor_file.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <set>
#include <system_error>
#include <unordered_set>

#include "base/files.h"
#include "base/mapped_file.h"
#include "io/gguf.h"
#include "io/torch_file.h"

namespace obscura::io {
namespace {

namespace fs = std::filesystem;
namespace dom = simdjson::dom;

bool begins_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

Result<TensorTable> read_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  OBSCURA_ASSIGN(SafetensorsFile file, SafetensorsFile::parse(bytes, name));
  TensorTable table;
  table.entries.assign(file.entries().begin(), file.entries().end());
  table.metadata = file.metadata();
  return table;
}

Result<TensorTable> read_table(std::span<const std::byte> bytes, const std::string& name) {
  auto named = [&](Result<TensorTable> table) {
    return table.ok() ? std::move(table) : Result<TensorTable>(table.error().in(name));
  };
  if (begins_with(bytes, "GGUF")) return named(read_gguf(bytes));
  if (begins_with(bytes, "PK\x03\x04")) return named(read_torch_file(bytes));
  // Protocols 2 to 5. A safetensors header of this length would be one of 640 bytes or more, whose
  // third byte is 0.
  if (bytes.size() > 2 && bytes[0] == std::byte{0x80} && bytes[1] >= std::byte{2} &&
      bytes[1] <= std::byte{5} && bytes[2] != std::byte{0}) {
    return named(Error(ErrorKind::kUnsupported,
                       "a PyTorch file from before version 1.6, or a pickle of another program: "
                       "saving it anew with a later PyTorch makes it one that can be read"));
  }
  return read_safetensors(bytes, name);
}

// The path below `folder`. Shards lie beside their list; a name that leads elsewhere is hostile.
Result<fs::path> beside(const fs::path& folder, std::string_view name) {
  fs::path path(name);
  if (name.empty() || path.filename() != path || name == ".." || name == ".") {
    return Error(ErrorKind::kCorrupt,
                 fmt::format("a file name is wanted in weight_map, found \"{}\"", name));
  }
  return folder / path;
}

// The files that a list of shards names, each once, in the order of their names.
Result<std::set<std::string>> shard_names(const fs::path& index) {
  constexpr std::size_t kLimit = std::size_t{64} << 20;
  OBSCURA_ASSIGN(std::string text, read_file(index, kLimit));
  dom::parser parser;
  dom::element root;
  dom::object weights;
  if (parser.parse(simdjson::padded_string(text)).get(root) != simdjson::SUCCESS ||
      root["weight_map"].get(weights) != simdjson::SUCCESS) {
    return Error(ErrorKind::kCorrupt,
                 index.string() + ": a list of shards wants the object weight_map");
  }
  std::set<std::string> names;
  for (dom::key_value_pair field : weights) {
    std::string_view name;
    if (field.value.get(name) != simdjson::SUCCESS) {
      return Error(ErrorKind::kCorrupt, index.string() + ": weight_map wants file names");
    }
    names.emplace(name);
  }
  return names;
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// The file of a network in its folder: half precision and safetensors first.
std::optional<fs::path> network_file(const fs::path& folder) {
  for (const char* stem : {"diffusion_pytorch_model", "model", "pytorch_model"}) {
    for (const char* ending :
         {".fp16.safetensors", ".safetensors", ".safetensors.index.fp16.json",
          ".fp16.safetensors.index.json", ".safetensors.index.json", ".fp16.bin", ".bin"}) {
      fs::path path = folder / (std::string(stem) + ending);
      if (is_file(path)) return path;
    }
  }
  return std::nullopt;
}

// The scheduler's words on the prediction, as metadata. What cannot be read says nothing.
void read_scheduler(const fs::path& path, SafetensorsMetadata& metadata) {
  auto text = read_file(path, std::size_t{1} << 20);
  dom::parser parser;
  dom::element root;
  if (!text.ok() || parser.parse(simdjson::padded_string(*text)).get(root) != simdjson::SUCCESS)
    return;
  std::string_view prediction;
  bool rescaled = false;
  if (root["prediction_type"].get(prediction) == simdjson::SUCCESS)
    metadata.insert_or_assign("prediction_type", std::string(prediction));
  if (root["rescale_betas_zero_snr"].get(rescaled) == simdjson::SUCCESS)
    metadata.insert_or_assign("rescale_betas_zero_snr", rescaled ? "true" : "false");
}

constexpr const char* kNetworkFolders[] = {"unet", "text_encoder", "text_encoder_2", "vae"};

std::string identity_of_file(const fs::path& path) {
  std::error_code error;
  auto changed = fs::last_write_time(path, error).time_since_epoch();
  return fmt::format("{} {} {}", fs::absolute(path, error).string(), fs::file_size(path, error),
                     std::chrono::duration_cast<std::chrono::nanoseconds>(changed).count());
}

}  // namespace

Status TensorFile::add_table(TensorTable table, const std::string& prefix) {
  std::unordered_set<std::string_view> names;
  for (const TensorEntry& entry : table_.entries) names.insert(entry.name);
  for (const TensorEntry& entry : table.entries) {
    if (names.contains(prefix + entry.name)) {
      return Error(ErrorKind::kCorrupt, "two shards have a tensor " + prefix + entry.name);
    }
  }
  for (TensorEntry& entry : table.entries) {
    entry.name.insert(0, prefix);
    table_.entries.push_back(std::move(entry));
  }
  for (auto& [key, text] : table.metadata) table_.metadata.emplace(key, text);
  for (auto& owner : table.owners) table_.owners.push_back(std::move(owner));
  return {};
}

Status TensorFile::add(const fs::path& path, const std::string& prefix) {
  if (path.extension() == ".json") return add_shards(path, prefix);
  OBSCURA_ASSIGN(MappedFile opened, MappedFile::open(path));
  auto mapping = std::make_shared<const MappedFile>(std::move(opened));
  OBSCURA_ASSIGN(TensorTable table, read_table(mapping->bytes(), path.string()));
  parts_.push_back(mapping->bytes());
  table_.owners.push_back(std::move(mapping));
  return add_table(std::move(table), prefix);
}

Status TensorFile::add_shards(const fs::path& index, const std::string& prefix) {
  OBSCURA_ASSIGN(std::set<std::string> names, shard_names(index));
  for (const std::string& name : names) {
    OBSCURA_ASSIGN(fs::path path, beside(index.parent_path(), name));
    if (path.extension() == ".json")
      return Error(ErrorKind::kCorrupt, index.string() + ": names a list as a shard: " + name);
    OBSCURA_TRY(add(path, prefix));
  }
  return {};
}

Result<TensorFile> TensorFile::open(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return open_diffusers_folder(path);
  TensorFile file;
  file.name_ = path.string();
  OBSCURA_TRY(file.add(path, ""));
  return file;
}

Result<TensorFile> TensorFile::open_diffusers_folder(const fs::path& folder) {
  TensorFile file;
  file.name_ = folder.string();
  for (const char* network : kNetworkFolders) {
    if (auto path = network_file(folder / network))
      OBSCURA_TRY(file.add(*path, std::string(network) + "."));
  }
  if (file.parts_.empty()) {
    // The folder of one network.
    auto path = network_file(folder);
    if (!path) {
      return Error(ErrorKind::kNotFound,
                   folder.string() +
                       ": a folder in diffusers' layout is wanted, none of unet, vae and "
                       "text_encoder in it has a model file");
    }
    OBSCURA_TRY(file.add(*path, ""));
  }
  read_scheduler(folder / "scheduler" / "scheduler_config.json", file.table_.metadata);
  return file;
}

Result<TensorFile> TensorFile::parse(std::span<const std::byte> bytes, std::string name) {
  TensorFile file;
  file.name_ = std::move(name);
  OBSCURA_ASSIGN(file.table_, read_table(bytes, file.name_));
  file.parts_.push_back(bytes);
  return file;
}

const TensorEntry* TensorFile::find(std::string_view name) const {
  auto found = std::find_if(table_.entries.begin(), table_.entries.end(),
                            [&](const TensorEntry& entry) { return entry.name == name; });
  return found == table_.entries.end() ? nullptr : &*found;
}

std::size_t TensorFile::bytes() const {
  std::size_t total = 0;
  for (std::span<const std::byte> part : parts_) total += part.size();
  return total;
}

Result<std::string> content_identity(const fs::path& path) {
  std::error_code error;
  if (is_file(path)) return identity_of_file(path);
  if (!fs::is_directory(path, error))
    return Error(ErrorKind::kNotFound, "there is no file or folder " + path.string());
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path, error))
    if (entry.is_regular_file(error)) files.insert(identity_of_file(entry.path()));
  std::string identity = fs::absolute(path, error).string();
  for (const std::string& file : files) identity += "\n" + file;
  return identity;
}

}  // namespace obscura::io
