// /sdapi/v1/extra-single-image and extra-batch-images: pictures enlarged by the methods that need
// no model.
#include <fmt/format.h>

#include <optional>

#include "base/hash.h"
#include "server/a1111.h"
#include "server/a1111_run.h"
#include "server/base64.h"
#include "server/project_folders.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

Error invalid_extra(std::string_view field, const std::string& why) {
  return Error(ErrorKind::kInvalidInput, fmt::format("{}: {}", field, why));
}

struct Extras {
  bool to_size = false, crop = true;
  double scale = 2;
  int width = 512, height = 512;
  std::string method, second;  // of ImageScale; the second may be empty
  double second_visibility = 0;
};

Result<double> number_in(const ordered_json& body, const char* name, double otherwise, double least,
                         double most) {
  auto found = body.find(name);
  if (found == body.end() || found->is_null()) return otherwise;
  if (found->is_number() && *found >= least && *found <= most) return found->get<double>();
  return invalid_extra(name, fmt::format("wanted a number from {} to {}, found {}", least, most,
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
  return invalid_extra(name, fmt::format("there is no upscaler '{}'", upscaler.substr(0, 60)));
}

Result<Extras> parse_extras(const ordered_json& body) {
  for (const char* name : {"gfpgan_visibility", "codeformer_visibility"}) {
    OBSCURA_ASSIGN(double visibility, number_in(body, name, 0, 0, 1));
    if (visibility != 0) return invalid_extra(name, "this program does not have it");
  }
  Extras extras;
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

// A picture in the input folder.
Result<std::string> store_extra(Api& api, const Request& request, const ordered_json& picture) {
  if (!picture.is_string()) return Error(ErrorKind::kInvalidInput, "wanted base64");
  OBSCURA_ASSIGN(std::string bytes, a1111_picture(picture.get_ref<const std::string&>()));
  OBSCURA_ASSIGN(std::string png, api.studio.convert(bytes, {.format = "png"}));
  const ProjectFolders folders(api.data, request.caller.project);
  OBSCURA_ASSIGN(std::string name,
                 folders.input.store("sdapi", sha256_hex(bytes).substr(0, 32) + ".png", png, true));
  return "sdapi/" + name;
}

class ExtrasWriter {
 public:
  explicit ExtrasWriter(const Extras& extras) : extras_(extras) {}

  void add_picture(const std::string& name) {
    const ordered_json source = add("LoadImage", {{"image", name}});
    ordered_json large = scaled(source, extras_.method);
    if (!extras_.second.empty() && extras_.second_visibility > 0) {
      large = add("ImageBlend", {{"image1", large},
                                 {"image2", scaled(source, extras_.second)},
                                 {"blend_factor", extras_.second_visibility},
                                 {"blend_mode", "normal"}});
    }
    add("PreviewImage", {{"images", large}});
  }
  ordered_json take() { return std::move(nodes_); }

 private:
  // The link to its first output.
  ordered_json add(const char* type, ordered_json inputs) {
    const std::string id = std::to_string(nodes_.size() + 1);
    nodes_[id] = {{"class_type", type}, {"inputs", std::move(inputs)}};
    return ordered_json::array({id, 0});
  }
  ordered_json scaled(const ordered_json& source, const std::string& method) {
    if (extras_.to_size) {
      return add("ImageScale", {{"image", source},
                                {"upscale_method", method},
                                {"width", extras_.width},
                                {"height", extras_.height},
                                {"crop", extras_.crop ? "center" : "disabled"}});
    }
    return add("ImageScaleBy",
               {{"image", source}, {"upscale_method", method}, {"scale_by", extras_.scale}});
  }

  const Extras& extras_;
  ordered_json nodes_ = ordered_json::object();
};

// The pictures of the request: {"image": …}, or {"imageList": [{"data": …}]}.
Result<std::vector<ordered_json>> pictures_in(const ordered_json& body, bool batch) {
  std::vector<ordered_json> pictures;
  auto found = body.find(batch ? "imageList" : "image");
  if (found == body.end()) {
    return invalid_extra(batch ? "imageList" : "image", "it is not there");
  }
  if (!batch) return std::vector<ordered_json>{*found};
  if (!found->is_array() || found->empty() || found->size() > 100) {
    return invalid_extra("imageList", "wanted a list of 1 to 100 pictures");
  }
  for (const ordered_json& item : *found)
    pictures.push_back(item.is_object() ? item.value("data", ordered_json()) : item);
  return pictures;
}

Result<ordered_json> extras_workflow(Api& api, const Request& request, const ordered_json& body,
                                     bool batch) {
  OBSCURA_ASSIGN(const Extras extras, parse_extras(body));
  OBSCURA_ASSIGN(const auto pictures, pictures_in(body, batch));
  ExtrasWriter writer(extras);
  for (const ordered_json& picture : pictures) {
    auto name = store_extra(api, request, picture);
    if (!name.ok()) return name.error().in(batch ? "imageList" : "image");
    writer.add_picture(*name);
  }
  return writer.take();
}

Response enlarge_extras(Api& api, const Request& request, bool batch) {
  auto body = a1111_body(request);
  if (!body.ok()) return a1111_error(body.error());
  auto workflow = extras_workflow(api, request, *body, batch);
  if (!workflow.ok()) return a1111_error(workflow.error());
  return run_a1111(api, request, *workflow, [&api, batch](const store::Job& over) {
    auto made = a1111_pictures(api, over);
    if (!made.ok()) return a1111_error(made.error());
    if (made->empty()) return a1111_error(500, "it was interrupted");
    if (!batch) return respond({{"html_info", ""}, {"image", encode_base64(made->front().bytes)}});
    ordered_json images = ordered_json::array();
    for (const A1111Picture& picture : *made) images.push_back(encode_base64(picture.bytes));
    return respond({{"html_info", ""}, {"images", std::move(images)}});
  });
}

}  // namespace

void add_a1111_extras_routes(Router& router, Api& api) {
  router.add("POST", "/sdapi/v1/extra-single-image",
             [&api](const Request& request, const Captures&) {
               return enlarge_extras(api, request, false);
             });
  router.add("POST", "/sdapi/v1/extra-batch-images",
             [&api](const Request& request, const Captures&) {
               return enlarge_extras(api, request, true);
             });
}

}  // namespace obscura::server
