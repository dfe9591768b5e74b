#include "adapter/adapter_file.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

namespace obscura::adapter {

Result<std::shared_ptr<const AdapterFile>> AdapterFile::open(const std::filesystem::path& path,
                                                             std::string name,
                                                             std::string identity) {
  OBSCURA_ASSIGN(io::TensorFile file, io::TensorFile::open(path));
  return grouped(std::move(file), std::move(name), std::move(identity));
}

Result<std::shared_ptr<const AdapterFile>> AdapterFile::parse(std::span<const std::byte> bytes,
                                                              std::string name,
                                                              std::string identity) {
  OBSCURA_ASSIGN(io::TensorFile file, io::TensorFile::parse(bytes, name));
  return grouped(std::move(file), std::move(name), std::move(identity));
}

Result<std::shared_ptr<const AdapterFile>> AdapterFile::grouped(io::TensorFile file,
                                                                std::string name,
                                                                std::string identity) {
  std::shared_ptr<AdapterFile> adapter(
      new AdapterFile(std::move(file), std::move(name), std::move(identity)));
  const io::SafetensorsMetadata& metadata = adapter->file_.metadata();
  if (auto text = metadata.find("lora_adapter_metadata"); text != metadata.end()) {
    auto peft =
        std::make_shared<nlohmann::json>(nlohmann::json::parse(text->second, nullptr, false));
    if (!peft->is_object()) {
      return Error(ErrorKind::kCorrupt,
                   adapter->name_ + ": lora_adapter_metadata is not a JSON object");
    }
    adapter->peft_ = std::move(peft);
  }
  std::unordered_map<std::string, std::size_t> places;
  for (const io::TensorEntry& entry : adapter->file_.entries()) {
    std::optional<AdapterKey> key = parse_key(entry.name);
    if (!key) {
      adapter->unknown_.push_back(&entry);
      continue;
    }
    auto [place, is_new] = places.try_emplace(key->stem, adapter->modules_.size());
    if (is_new) adapter->modules_.push_back({key->stem, {}});
    auto [other, added] = adapter->modules_[place->second].tensors.emplace(key->role, &entry);
    if (!added) {
      return Error(ErrorKind::kCorrupt,
                   adapter->name_ + ": " + other->second->name + " and " + entry.name +
                       " are one tensor under two names, only one can be meant");
    }
  }
  return std::shared_ptr<const AdapterFile>(std::move(adapter));
}

namespace {

// A number of the metadata; `fallback` if it is absent.
Result<double> number(const nlohmann::json& metadata, const std::string& key, double fallback) {
  auto found = metadata.find(key);
  if (found == metadata.end() || found->is_null()) return fallback;
  if (!found->is_number() || !std::isfinite(found->get<double>())) {
    return Error(ErrorKind::kCorrupt,
                 "lora_adapter_metadata: " + key + " should be a number, is " + found->dump());
  }
  return found->get<double>();
}

}  // namespace

Result<double> AdapterFile::metadata_scale(std::string_view stem, double rank) const {
  std::size_t dot = stem.find('.');
  if (peft_ == nullptr || dot == std::string_view::npos) return 1.0;
  const nlohmann::json& metadata = *peft_;
  std::string part(stem.substr(0, dot)), module(stem.substr(dot + 1));
  Result<double> alpha = number(metadata, part + ".lora_alpha", rank);
  auto pattern = metadata.find(part + ".alpha_pattern");
  if (pattern != metadata.end() && pattern->is_object()) {
    for (const auto& [key, value] : pattern->items()) {
      // peft means the module of this name, or any whose name ends in it.
      if (module == key || module.ends_with("." + key)) alpha = number(*pattern, key, rank);
    }
  }
  if (!alpha.ok()) return alpha.error().in(name_);
  auto rank_stabilised = metadata.find(part + ".use_rslora");
  bool root = rank_stabilised != metadata.end() && rank_stabilised->is_boolean() &&
              rank_stabilised->get<bool>();
  return *alpha / (root ? std::sqrt(rank) : rank);
}

}  // namespace obscura::adapter
