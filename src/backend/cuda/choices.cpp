#include "backend/cuda/choices.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/hash.h"
#include "base/log.h"

namespace obscura::backend::cuda {
namespace {

constexpr const char* kFormat = "obscura cuda choices 1";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

std::string Choices::text() const {
  nlohmann::ordered_json document = {
      {"format", kFormat}, {"device", device}, {"libraries", libraries}};
  document["choices"] = by_work;
  return document.dump(1) + "\n";
}

Result<Choices> Choices::parse(std::string_view text) {
  auto invalid = [](const std::string& found) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("wanted a document of {}, found {}", kFormat, found));
  };
  auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) return invalid("what is no JSON object");
  auto string = [&](const char* key) {
    auto entry = document.find(key);
    return entry != document.end() && entry->is_string() ? entry->get<std::string>() : "";
  };
  if (string("format") != kFormat) return invalid("the format '" + string("format") + "'");
  Choices choices{string("device"), string("libraries"), {}};
  if (choices.device.empty() || choices.libraries.empty())
    return invalid("no text for 'device' or 'libraries'");
  auto entries = document.find("choices");
  if (entries == document.end() || !entries->is_object()) return invalid("no object 'choices'");
  for (const auto& [work, choice] : entries->items()) {
    if (!choice.is_number_unsigned())
      return invalid(fmt::format("'{}' without a number from 0 on", work));
    choices.by_work[work] = choice.get<std::size_t>();
  }
  return choices;
}

std::string Choices::digest() const {
  if (by_work.empty()) return "";
  std::string all;
  for (const auto& [work, choice] : by_work) all += fmt::format("{}\n{}\n", work, choice);
  return sha256_hex(all).substr(0, 12);
}

std::filesystem::path choices_file() {
  if (std::string named = variable("OBSCURA_CUDA_CHOICES"); !named.empty()) return named;
  std::filesystem::path cache = variable("XDG_CACHE_HOME");
  if (cache.empty()) {
    std::string home = variable("HOME");
    if (home.empty()) return {};
    cache = std::filesystem::path(home) / ".cache";
  }
  return cache / "obscura" / "cuda-choices.json";
}

Result<std::map<std::string, std::size_t>> recorded_choices(const std::string& device,
                                                            const std::string& libraries) {
  std::map<std::string, std::size_t> none;
  std::filesystem::path file = choices_file();
  bool named = !variable("OBSCURA_CUDA_CHOICES").empty();
  std::error_code error;
  if (!named && !std::filesystem::exists(file, error)) return none;
  Result<std::string> text = read_file(file);
  Result<Choices> choices = text.ok() ? Choices::parse(*text) : Result<Choices>(text.error());
  if (!choices.ok()) {
    if (named) return choices.error().in(file.string());
    log::warn("{} is left aside: {}", file.string(), choices.error().message());
    return none;
  }
  if (choices->device != device || choices->libraries != libraries) {
    log::warn("{} is left aside: it was made on {} with {}; here are {} with {}", file.string(),
              choices->device, choices->libraries, device, libraries);
    return none;
  }
  return std::move(choices->by_work);
}

}  // namespace obscura::backend::cuda
