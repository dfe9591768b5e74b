#include "workflows/infotext.h"

#include <fmt/format.h>

#include <filesystem>
#include <span>

#include "workflows/upstream.h"

namespace obscura::workflows {
namespace {

using graph::Workflow;
using nlohmann::ordered_json;

struct NameWritten {
  std::string_view ours, theirs;
};
constexpr NameWritten kSamplersWritten[] = {
    {"euler", "Euler"},
    {"euler_ancestral", "Euler a"},
    {"heun", "Heun"},
    {"lms", "LMS"},
    {"dpm_2", "DPM2"},
    {"dpm_2_ancestral", "DPM2 a"},
    {"dpm_fast", "DPM fast"},
    {"dpm_adaptive", "DPM adaptive"},
    {"dpmpp_2s_ancestral", "DPM++ 2S a"},
    {"dpmpp_sde", "DPM++ SDE"},
    {"dpmpp_sde_gpu", "DPM++ SDE"},
    {"dpmpp_2m", "DPM++ 2M"},
    {"dpmpp_2m_sde", "DPM++ 2M SDE"},
    {"dpmpp_2m_sde_gpu", "DPM++ 2M SDE"},
    {"dpmpp_2m_sde_heun", "DPM++ 2M SDE Heun"},
    {"dpmpp_2m_sde_heun_gpu", "DPM++ 2M SDE Heun"},
    {"dpmpp_3m_sde", "DPM++ 3M SDE"},
    {"dpmpp_3m_sde_gpu", "DPM++ 3M SDE"},
    {"lcm", "LCM"},
    {"ddim", "DDIM"},
    {"uni_pc", "UniPC"},
};
constexpr NameWritten kSchedulesWritten[] = {
    {"normal", "Normal"},
    {"karras", "Karras"},
    {"exponential", "Exponential"},
    {"sgm_uniform", "SGM Uniform"},
    {"simple", "Simple"},
    {"ddim_uniform", "DDIM"},
    {"beta", "Beta"},
    {"kl_optimal", "KL Optimal"},
};

std::string translated(std::span<const NameWritten> names, const std::string& name) {
  for (const NameWritten& entry : names)
    if (entry.ours == name) return std::string(entry.theirs);
  return name;
}

std::string infotext_text_of(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// The prompt that reaches an input of the sampling node.
std::string prompt_at(const Workflow& workflow, const Workflow::Node& node,
                      std::string_view input) {
  for (const Workflow::Node* source : upstream_of_input(workflow, node, input)) {
    for (const char* name : {"text", "text_g"}) {
      const ordered_json* text = constant(*source, name);
      if (text != nullptr && text->is_string()) return text->get<std::string>();
    }
  }
  return "";
}

double infotext_number(const Workflow::Node* node, std::string_view input) {
  const ordered_json* value = constant(*node, input);
  return value != nullptr && value->is_number() ? value->get<double>() : 0;
}

// Where the prompts and the strength of guidance are written: in the guider, if it has one.
const Workflow::Node& guiding_node(const Workflow& workflow, const Workflow::Node& node) {
  const auto guider = upstream_of_input(workflow, node, "guider");
  return guider.empty() ? node : *guider.front();
}

// Keys and values of the last line, in the web UI's order; empty values are left out.
class Line {
 public:
  void add(std::string_view key, const std::string& value) {
    if (value.empty()) return;
    bool quote = value.find_first_of(",:\n") != std::string::npos;
    text_ += fmt::format("{}{}: {}", text_.empty() ? "" : ", ", key,
                         quote ? ordered_json(value).dump() : value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

std::string infotext(const Workflow& workflow, std::string_view id, const InfotextFacts& facts) {
  std::optional<SamplingNode> sampling = nearest_sampling(workflow, id);
  if (!sampling) return "";
  const Workflow::Node& node = *sampling->node;
  const std::vector<const Workflow::Node*> behind = upstream(workflow, node.id());
  auto written = [&](std::string_view input) {
    const ordered_json* value = nearest_constant(behind, input);
    return value == nullptr ? std::string() : infotext_text_of(*value);
  };

  Line line;
  line.add("Steps", written("steps"));
  line.add("Sampler", translated(kSamplersWritten, written("sampler_name")));
  line.add("Schedule type", translated(kSchedulesWritten, written("scheduler")));
  const Workflow::Node& guide = guiding_node(workflow, node);
  const ordered_json* cfg = constant(guide, "cfg");
  if (cfg != nullptr && cfg->is_number()) {
    line.add("CFG scale", fmt::format("{:g}", cfg->get<double>()));
  }
  line.add("Seed", std::to_string(facts.seed));
  line.add("Size", fmt::format("{}x{}", facts.width, facts.height));
  line.add("Model hash", facts.model_sha256.substr(0, 10));
  line.add("Model", std::filesystem::path(written("ckpt_name")).stem().string());
  const Workflow::Node* noise = varied_noise_of(behind);
  if (noise != nullptr && infotext_number(noise, "variation_strength") > 0) {
    line.add("Variation seed", infotext_text_of(*constant(*noise, "variation_seed")));
    line.add("Variation seed strength",
             fmt::format("{:g}", infotext_number(noise, "variation_strength")));
  }
  const ordered_json* denoise = constant(node, "denoise");
  if (denoise == nullptr) {
    denoise = nearest_constant(upstream_of_input(workflow, node, "sigmas"), "denoise");
  }
  if (denoise != nullptr && denoise->is_number() && denoise->get<double>() < 1) {
    line.add("Denoising strength", fmt::format("{:g}", denoise->get<double>()));
  }
  const ordered_json* generator = noise == nullptr ? nullptr : constant(*noise, "generator");
  line.add("RNG", generator != nullptr && *generator == "nv" ? "NV" : "CPU");
  line.add("Version", facts.version);

  std::string text = prompt_at(workflow, guide, "positive");
  std::string negative = prompt_at(workflow, guide, "negative");
  if (!negative.empty()) text += "\nNegative prompt: " + negative;
  return text + "\n" + line.text();
}

}  // namespace obscura::workflows
