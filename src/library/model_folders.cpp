#include "library/model_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>

#include "base/hash.h"
#include "checkpoint/network_kind.h"
#include "graph/suggest.h"
#include "library/folder_paths.h"

namespace obscura::library {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kModelFoldersDiffusers = "diffusers";

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// The folders that hold a kind of model: those of whole models, and those that the kinds of network
// name, each once.
std::vector<checkpoint::ModelFolder> make_model_folders() {
  std::vector<checkpoint::ModelFolder> folders = {{"checkpoints", {"Stable-diffusion"}}};
  for (const checkpoint::NetworkKind* kind : checkpoint::network_kinds()) {
    auto named = [&](const checkpoint::ModelFolder& f) { return f.name == kind->folder.name; };
    if (!kind->folder.name.empty() && std::none_of(folders.begin(), folders.end(), named))
      folders.push_back(kind->folder);
  }
  folders.push_back({kModelFoldersDiffusers});
  return folders;
}

const std::vector<checkpoint::ModelFolder>& model_folders() {
  static const std::vector<checkpoint::ModelFolder> kFolders = make_model_folders();
  return kFolders;
}

// Those of these names that are there.
std::vector<fs::path> existing(const fs::path& root, const checkpoint::ModelFolder& folder) {
  std::vector<std::string_view> names = {folder.name};
  names.insert(names.end(), folder.also.begin(), folder.also.end());
  std::vector<fs::path> paths;
  for (std::string_view name : names)
    if (is_folder(root / name)) paths.push_back(root / name);
  return paths;
}

constexpr std::array<std::string_view, 7> kModelFoldersExtensions = {
    ".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf"};

// A folder is a model of diffusers' if this file lies in it.
constexpr const char* kModelIndex = "model_index.json";

bool is_model(std::string_view kind, const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(kind == kModelFoldersDiffusers ? path / kModelIndex : path, error);
}

// Folders of diffusers' layout below `root`, by their paths from there.
std::vector<std::string> diffusers_below(const fs::path& root) {
  constexpr std::array<std::string_view, 1> kJson = {".json"};
  std::vector<std::string> names;
  for (const std::string& name : files_below(root, kJson)) {
    fs::path path(name);
    if (path.filename() == kModelIndex && path.has_parent_path())
      names.push_back(path.parent_path().generic_string());
  }
  return names;
}

bool holds_kinds(const fs::path& root) {
  return std::any_of(model_folders().begin(), model_folders().end(),
                     [&](const auto& folder) { return !existing(root, folder).empty(); });
}

}  // namespace

ModelFolders::~ModelFolders() {
  stop_.cancel();
  for (std::thread& thread : digests_) thread.join();
}

void ModelFolders::add_root(const fs::path& root) {
  bool comfyui = !holds_kinds(root) && holds_kinds(root / "models");
  roots_.push_back(comfyui ? root / "models" : root);
}

void ModelFolders::add_embedded(std::string name, std::span<const std::byte> bytes,
                                std::string sha256) {
  embedded_.push_back({std::move(name), bytes, std::move(sha256)});
}

const ModelFolders::Embedded* ModelFolders::embedded(std::string_view name) const {
  for (const Embedded& model : embedded_)
    if (model.name == name) return &model;
  return nullptr;
}

std::vector<std::string> ModelFolders::kinds() {
  std::vector<std::string> names;
  for (const checkpoint::ModelFolder& folder : model_folders()) names.emplace_back(folder.name);
  return names;
}

std::span<const std::string_view> ModelFolders::extensions() {
  return kModelFoldersExtensions;
}

std::vector<fs::path> ModelFolders::folders_of(std::string_view kind) const {
  auto found = std::find_if(model_folders().begin(), model_folders().end(),
                            [&](const auto& folder) { return folder.name == kind; });
  OBSCURA_CHECK(found != model_folders().end(), "no kind of model is called " + std::string(kind));
  std::vector<fs::path> folders;
  for (const fs::path& root : roots_) {
    for (fs::path& folder : existing(root, *found)) folders.push_back(std::move(folder));
    if (kind == "checkpoints" && !holds_kinds(root)) folders.push_back(root);
  }
  return folders;
}

std::vector<std::string> ModelFolders::list(std::string_view kind) const {
  std::vector<std::string> names;
  for (const fs::path& folder : folders_of(kind)) {
    for (std::string& name : kind == kModelFoldersDiffusers
                                 ? diffusers_below(folder)
                                 : files_below(folder, kModelFoldersExtensions))
      names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (kind != "checkpoints") return names;
  for (const Embedded& model : embedded_) {
    std::erase(names, model.name);
    names.insert(names.begin(), model.name);
  }
  return names;
}

Result<fs::path> ModelFolders::find(std::string_view kind, std::string_view name) const {
  std::string looked;
  for (const fs::path& folder : folders_of(kind)) {
    OBSCURA_ASSIGN(fs::path path, path_below(folder, name));
    if (is_model(kind, path)) return path;
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  return Error(ErrorKind::kNotFound,
               fmt::format("no model {} in {}{}", graph::in_quotes(name),
                           looked.empty() ? "any folder: --models names one" : looked,
                           graph::suggestion(name, list(kind))));
}

Result<io::TensorFile> ModelFolders::read(std::string_view kind, std::string_view name) const {
  if (const Embedded* model = embedded(name); model != nullptr && kind == "checkpoints")
    return io::TensorFile::parse(model->bytes, model->name);
  OBSCURA_ASSIGN(fs::path path, find(kind, name));
  return io::TensorFile::open(path);
}

Result<std::string> ModelFolders::identity(std::string_view kind, std::string_view name) const {
  if (const Embedded* model = embedded(name); model != nullptr && kind == "checkpoints") {
    return "embedded " + model->sha256;
  }
  OBSCURA_ASSIGN(fs::path path, find(kind, name));
  return io::content_identity(path);
}

Result<std::shared_ptr<const pipeline::ModelFile>> ModelFolders::open(std::string_view kind,
                                                                      std::string_view name) {
  OBSCURA_ASSIGN(std::string wanted, identity(kind, name));
  std::lock_guard lock(mutex_);
  std::erase_if(opened_, [](const Opened& entry) { return entry.file.expired(); });
  for (const Opened& entry : opened_) {
    if (entry.name != name || entry.identity != wanted) continue;
    if (auto file = entry.file.lock()) return file;
  }
  std::shared_ptr<const pipeline::ModelFile> file;
  if (const Embedded* model = embedded(name); model != nullptr && kind == "checkpoints") {
    OBSCURA_ASSIGN(file,
                   pipeline::ModelFile::embedded(model->bytes, std::string(name), model->sha256));
  } else {
    OBSCURA_ASSIGN(fs::path path, find(kind, name));
    OBSCURA_ASSIGN(file, pipeline::ModelFile::open(path, std::string(name)));
    digest_in_background(file);
  }
  opened_.push_back({std::string(name), std::move(wanted), file});
  return file;
}

// A recipe needs the digest when the image is done; a second a gigabyte would then be waited for.
void ModelFolders::digest_in_background(std::shared_ptr<const pipeline::ModelFile> file) {
  digests_.emplace_back([file = std::move(file), stop = stop_] {
    // An error is kept for whoever asks for the digest.
    static_cast<void>(file->sha256(stop));
  });
}

Result<std::string> ModelFolders::sha256(std::string_view name, const CancelToken& cancel) {
  if (auto file = opened(name)) return file->sha256(cancel);
  if (const Embedded* inside = embedded(name)) return inside->sha256;
  for (const checkpoint::ModelFolder& kind : model_folders()) {
    Result<fs::path> path = find(kind.name, name);
    if (!path.ok()) continue;
    OBSCURA_ASSIGN(std::string key, identity(kind.name, name));
    if (kind.name == kModelFoldersDiffusers) {
      OBSCURA_ASSIGN(auto file, open(kind.name, name));
      return file->sha256(cancel);
    }
    std::lock_guard lock(mutex_);
    std::string& digest = digests_by_identity_[key];
    if (digest.empty()) {
      OBSCURA_ASSIGN(digest, sha256_hex_of_file(*path));
    }
    return digest;
  }
  return std::string();
}

std::shared_ptr<const pipeline::ModelFile> ModelFolders::opened(std::string_view name) const {
  std::lock_guard lock(mutex_);
  for (auto entry = opened_.rbegin(); entry != opened_.rend(); ++entry) {
    if (entry->name != name) continue;
    if (auto file = entry->file.lock()) return file;
  }
  return nullptr;
}

}  // namespace obscura::library
