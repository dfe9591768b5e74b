// IP-Adapters.
#include <string>

#include "checkpoint/kinds/known_by_sight.h"

namespace obscura::checkpoint {
namespace {

extern const NetworkKind kIpAdapter;

bool is_ip_adapter(const TensorNames& names) {
  return names.find_containing("ip_adapter.") != nullptr || names.has_prefix("image_proj.");
}

const NetworkKind kIpAdapter{
    .id = "ip_adapter",
    .order = 140,
    .folder = {"ipadapter"},
    .describe = [](const TensorNames&) { return std::string("an IP-Adapter"); },
    .find = [](const TensorNames& n) { return whole_file(kIpAdapter, n, is_ip_adapter(n)); },
};
const RegisterKind kIpAdapterRegistered{kIpAdapter};

}  // namespace
}  // namespace obscura::checkpoint
