#include "library/taesd.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace obscura::library {
namespace {

using checkpoint::Architecture;

constexpr const char* kApproximate = "vae_approx";

struct Taesd {
  std::string_view name;
  Architecture family;  // one of those whose latents it is for
};
constexpr std::array<Taesd, 2> kTaesds = {
    {{"taesd", Architecture::kSd1}, {"taesdxl", Architecture::kSdxlBase}}};

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

float scale_of(std::string_view name) {
  Architecture family = Architecture::kSdxlBase;
  for (const Taesd& taesd : kTaesds)
    if (taesd.name == name) family = taesd.family;
  return checkpoint::latent_scale_of(family);
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

std::string_view taesd_of(Architecture family) {
  const bool sdxl = family == Architecture::kSdxlBase || family == Architecture::kSdxlRefiner;
  return sdxl ? "taesdxl" : "taesd";
}

std::vector<std::string> taesd_names(const ModelFolders& folders) {
  std::vector<std::string> names;
  for (const Taesd& taesd : kTaesds) {
    const std::string name(taesd.name);
    if (!file_of_half(folders, name + "_decoder").empty() &&
        !file_of_half(folders, name + "_encoder").empty())
      names.push_back(name);
  }
  return names;
}

bool is_taesd(std::string_view vae_name) {
  for (const Taesd& taesd : kTaesds)
    if (taesd.name == vae_name) return true;
  return false;
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
  return pipeline::load_tiny_vae(decoder, encoder, scale_of(name));
}

Result<std::shared_ptr<const pipeline::Vae>> taesd_for_previews(ModelFolders& folders,
                                                                Architecture family) {
  const std::string_view name = taesd_of(family);
  const std::string file = file_of_half(folders, std::string(name) + "_decoder");
  if (file.empty()) return std::shared_ptr<const pipeline::Vae>();
  OBSCURA_ASSIGN(auto decoder, folders.open(kApproximate, file));
  return pipeline::load_tiny_vae(decoder, nullptr, scale_of(name));
}

}  // namespace obscura::library
