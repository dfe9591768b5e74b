// /sdapi/v1/extra-single-image and extra-batch-images.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "server/a1111/images.h"
#include "server/a1111/routes.h"
#include "server/a1111/run.h"
#include "server/net/text.h"
#include "workflows/a1111_extras.h"
#include "workflows/a1111_fields.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

// Its name in the input folder.
Result<std::string> store_extra(RequestImages& images, const ordered_json& image) {
  if (!image.is_string()) return Error(ErrorKind::kInvalidInput, "wanted base64");
  OBSCURA_ASSIGN(std::string bytes, workflows::a1111_image(image.get_ref<const std::string&>()));
  return images.store(bytes);
}

// The images of the request: {"image": …}, or {"imageList": [{"data": …}]}.
Result<std::vector<ordered_json>> images_in(const ordered_json& body, bool batch) {
  std::vector<ordered_json> images;
  auto found = body.find(batch ? "imageList" : "image");
  if (found == body.end()) {
    return workflows::invalid_field(batch ? "imageList" : "image", "it is not there");
  }
  if (!batch) return std::vector<ordered_json>{*found};
  if (!found->is_array() || found->empty() || found->size() > 100) {
    return workflows::invalid_field("imageList", "wanted a list of 1 to 100 images");
  }
  for (const ordered_json& item : *found)
    images.push_back(item.is_object() ? item.value("data", ordered_json()) : item);
  return images;
}

Result<ordered_json> extras_workflow(const ServiceParts& parts, const Request& request,
                                     const ordered_json& body, bool batch) {
  OBSCURA_ASSIGN(const workflows::A1111Extras extras, workflows::parse_a1111_extras(body));
  OBSCURA_ASSIGN(const auto images, images_in(body, batch));
  RequestImages stored(parts, request.caller.project);
  std::vector<std::string> names;
  for (const ordered_json& image : images) {
    auto name = store_extra(stored, image);
    if (!name.ok()) return name.error().in(batch ? "imageList" : "image");
    names.push_back(std::move(name).value());
  }
  return workflows::a1111_extras_workflow(extras, names);
}

Response enlarge_extras(ServiceParts& parts, const Request& request, bool batch) {
  auto body = a1111_body(request);
  if (!body.ok()) return a1111_error(body.error());
  auto workflow = extras_workflow(parts, request, *body, batch);
  if (!workflow.ok()) return a1111_error(workflow.error());
  return run_a1111(parts, request, *workflow, [&parts, batch](const store::Job& over) {
    auto made = a1111_images(parts, over);
    if (!made.ok()) return a1111_error(made.error());
    if (made->empty()) return a1111_error(500, "it was interrupted");
    if (!batch) return respond({{"html_info", ""}, {"image", encode_base64(made->front().bytes)}});
    ordered_json images = ordered_json::array();
    for (const A1111Image& image : *made) images.push_back(encode_base64(image.bytes));
    return respond({{"html_info", ""}, {"images", std::move(images)}});
  });
}

}  // namespace

void add_a1111_extras_routes(Router& router, ServiceParts& parts) {
  router.add("POST", "/sdapi/v1/extra-single-image",
             [&parts](const Request& request, const Captures&) {
               return enlarge_extras(parts, request, false);
             });
  router.add("POST", "/sdapi/v1/extra-batch-images",
             [&parts](const Request& request, const Captures&) {
               return enlarge_extras(parts, request, true);
             });
}

}  // namespace obscura::server
