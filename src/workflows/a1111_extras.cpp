#include "workflows/a1111_extras.h"

#include <fmt/format.h>

#include "workflows/a1111_fields.h"
#include "workflows/workflow_builder.h"

namespace obscura::workflows {
namespace {

using nlohmann::ordered_json;

Result<double> number_in(const ordered_json& body, const char* name, double otherwise, double least,
                         double most) {
  auto found = body.find(name);
  if (found == body.end() || found->is_null()) return otherwise;
  if (found->is_number() && *found >= least && *found <= most) return found->get<double>();
  return invalid_field(name, fmt::format("wanted a number from {} to {}, found {}", least, most,
                                         found->dump().substr(0, 60)));
}

// "" for None.
Result<std::string> method_of(const ordered_json& body, const char* name) {
  auto found = body.find(name);
  const std::string upscaler =
      found != body.end() && found->is_string() ? found->get<std::string>() : "None";
  if (upscaler == "None" || upscaler.empty()) return std::string();
  if (upscaler == "Lanczos") return std::string("lanczos");
  if (upscaler == "Nearest") return std::string("nearest-exact");
  return invalid_field(name, fmt::format("there is no upscaler '{}'", upscaler.substr(0, 60)));
}

Output enlarged(WorkflowBuilder& nodes, const A1111Extras& extras, const Output& image,
                const std::string& method) {
  if (extras.to_size) {
    return nodes.add("ImageScale", {{"image", image},
                                    {"upscale_method", method},
                                    {"width", extras.width},
                                    {"height", extras.height},
                                    {"crop", extras.crop ? "center" : "disabled"}});
  }
  return nodes.add("ImageScaleBy",
                   {{"image", image}, {"upscale_method", method}, {"scale_by", extras.scale}});
}

}  // namespace

Result<A1111Extras> parse_a1111_extras(const ordered_json& body) {
  for (const char* name : {"gfpgan_visibility", "codeformer_visibility"}) {
    OBSCURA_ASSIGN(double visibility, number_in(body, name, 0, 0, 1));
    if (visibility != 0) return invalid_field(name, "this program does not have it");
  }
  A1111Extras extras;
  OBSCURA_ASSIGN(double mode, number_in(body, "resize_mode", 0, 0, 1));
  extras.to_size = mode == 1;
  OBSCURA_ASSIGN(extras.scale, number_in(body, "upscaling_resize", 2, 0.01, 8));
  OBSCURA_ASSIGN(double width, number_in(body, "upscaling_resize_w", 512, 1, 16384));
  OBSCURA_ASSIGN(double height, number_in(body, "upscaling_resize_h", 512, 1, 16384));
  extras.width = static_cast<int>(width);
  extras.height = static_cast<int>(height);
  auto crop = body.find("upscaling_crop");
  extras.crop = crop == body.end() || !crop->is_boolean() || crop->get<bool>();
  OBSCURA_ASSIGN(extras.method, method_of(body, "upscaler_1"));
  if (extras.method.empty()) extras.method = "lanczos";
  OBSCURA_ASSIGN(extras.second, method_of(body, "upscaler_2"));
  OBSCURA_ASSIGN(extras.second_visibility,
                 number_in(body, "extras_upscaler_2_visibility", 0, 0, 1));
  return extras;
}

ordered_json a1111_extras_workflow(const A1111Extras& extras,
                                   const std::vector<std::string>& images) {
  WorkflowBuilder nodes;
  for (const std::string& name : images) {
    const Output image = nodes.add("LoadImage", {{"image", name}});
    Output large = enlarged(nodes, extras, image, extras.method);
    if (!extras.second.empty() && extras.second_visibility > 0) {
      const Output second = enlarged(nodes, extras, image, extras.second);
      large = nodes.add("ImageBlend", {{"image1", large},
                                       {"image2", second},
                                       {"blend_factor", extras.second_visibility},
                                       {"blend_mode", "normal"}});
    }
    nodes.add("PreviewImage", {{"images", large}});
  }
  return nodes.take();
}

}  // namespace obscura::workflows
