#include "backend/cpu/onednn.h"

#include <fmt/format.h>

namespace obscura::backend::cpu {

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

const dnnl::stream& onednn_stream() {
  static const dnnl::stream stream(onednn_engine());
  return stream;
}

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

std::string layout_text(const dnnl::memory::desc& description) {
  const dnnl_memory_desc_t& d = description.data;
  std::string text = fmt::format("{}:", static_cast<int>(d.format_kind));
  for (int i = 0; i < d.ndims; ++i)
    text += fmt::format("{}/{},", d.padded_dims[i], d.format_desc.blocking.strides[i]);
  for (int i = 0; i < d.format_desc.blocking.inner_nblks; ++i) {
    text += fmt::format("{}b{}", d.format_desc.blocking.inner_blks[i],
                        d.format_desc.blocking.inner_idxs[i]);
  }
  return text;
}

dnnl::primitive_attr planned_attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

}  // namespace obscura::backend::cpu
