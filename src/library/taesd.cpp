#include "library/taesd.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <utility>

namespace obscura::library {
namespace {

constexpr const char* kApproximate = "vae_approx";

// "taesdxl_decoder.safetensors" for "taesdxl_decoder", whatever its ending; empty if there is none.
std::string file_of_half(const ModelFolders& folders, const std::string& half) {
  for (const std::string& file : folders.list(kApproximate))
    if (file.starts_with(half + ".")) return file;
  return "";
}

Result<std::string> half_of(const ModelFolders& folders, std::string_view name, const char* half) {
  const std::string wanted = fmt::format("{}_{}", name, half);
  std::string file = file_of_half(folders, wanted);
  if (!file.empty()) return file;
  return Error(ErrorKind::kNotFound,
               fmt::format("{} wants the file {}.safetensors (or .pth) in the folder vae_approx, "
                           "found none",
                           name, wanted));
}

// A family whose latents it is for; null if no TAESD is called so.
const checkpoint::Family* family_of_taesd(std::string_view name) {
  for (const checkpoint::Family& family : checkpoint::families())
    if (family.tiny_vae == name) return &family;
  return nullptr;
}

}  // namespace

std::optional<PreviewMethod> preview_method_from_name(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, PreviewMethod>, 4> kMethods = {
      {{"auto", PreviewMethod::kAuto},
       {"latent2rgb", PreviewMethod::kLatent2Rgb},
       {"taesd", PreviewMethod::kTaesd},
       {"none", PreviewMethod::kNone}}};
  for (auto [method_name, method] : kMethods)
    if (method_name == name) return method;
  return std::nullopt;
}

std::vector<std::string> taesd_names(const ModelFolders& folders) {
  std::set<std::string> names;
  for (const checkpoint::Family& family : checkpoint::families()) {
    const std::string name(family.tiny_vae);
    if (!file_of_half(folders, name + "_decoder").empty() &&
        !file_of_half(folders, name + "_encoder").empty())
      names.insert(name);
  }
  return {names.begin(), names.end()};
}

bool is_taesd(std::string_view vae_name) {
  return family_of_taesd(vae_name) != nullptr;
}

std::vector<std::string> taesd_files(const ModelFolders& folders, std::string_view vae_name) {
  std::vector<std::string> files;
  if (!is_taesd(vae_name)) return files;
  for (const char* half : {"_decoder", "_encoder"}) {
    std::string file = file_of_half(folders, std::string(vae_name) + half);
    if (!file.empty()) files.push_back(std::move(file));
  }
  return files;
}

Result<std::string> taesd_identity(const ModelFolders& folders, std::string_view name) {
  std::string identities;
  for (const char* half : {"decoder", "encoder"}) {
    OBSCURA_ASSIGN(std::string file, half_of(folders, name, half));
    OBSCURA_ASSIGN(std::string identity, folders.identity(kApproximate, file));
    identities += identity + "\n";
  }
  return identities;
}

Result<std::shared_ptr<const pipeline::Vae>> open_taesd(ModelFolders& folders,
                                                        std::string_view name) {
  OBSCURA_ASSIGN(std::string decoder_name, half_of(folders, name, "decoder"));
  OBSCURA_ASSIGN(std::string encoder_name, half_of(folders, name, "encoder"));
  OBSCURA_ASSIGN(auto decoder, folders.open(kApproximate, decoder_name));
  OBSCURA_ASSIGN(auto encoder, folders.open(kApproximate, encoder_name));
  return pipeline::load_tiny_vae(decoder, encoder, family_of_taesd(name)->latents.scale);
}

Result<std::shared_ptr<const pipeline::Vae>> taesd_for_previews(ModelFolders& folders,
                                                                const checkpoint::Family& family) {
  const std::string file = file_of_half(folders, std::string(family.tiny_vae) + "_decoder");
  if (file.empty()) return std::shared_ptr<const pipeline::Vae>();
  OBSCURA_ASSIGN(auto decoder, folders.open(kApproximate, file));
  return pipeline::load_tiny_vae(decoder, nullptr, family.latents.scale);
}

}  // namespace obscura::library
