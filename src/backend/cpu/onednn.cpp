#include "backend/cpu/onednn.h"

#include <fmt/format.h>

namespace obscura::backend::cpu {
namespace {

using dnnl::memory;

}  // namespace

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

#if DNNL_VERSION_MAJOR >= 3

std::string layout_text(const memory::desc& description) {
  std::string text = fmt::format("{}:", static_cast<int>(description.get_format_kind()));
  memory::dims sizes = description.get_padded_dims(), strides = description.get_strides();
  for (std::size_t i = 0; i < sizes.size(); ++i)
    text += fmt::format("{}/{},", sizes[i], strides[i]);
  memory::dims blocks = description.get_inner_blks(), axes = description.get_inner_idxs();
  for (std::size_t i = 0; i < blocks.size(); ++i) text += fmt::format("{}b{}", blocks[i], axes[i]);
  return text;
}

dnnl::convolution_forward::primitive_desc convolution(const ConvolutionShape& shape,
                                                      const dnnl::primitive_attr& attributes) {
  return {onednn_engine(),
          dnnl::prop_kind::forward_inference,
          dnnl::algorithm::convolution_direct,
          shape.source,
          shape.weight,
          shape.bias,
          shape.target,
          shape.strides,
          shape.padding_before,
          shape.padding_after,
          attributes};
}

dnnl::matmul::primitive_desc product(const memory::desc& a, const memory::desc& b,
                                     const memory::desc& c,
                                     const dnnl::primitive_attr& attributes) {
  return {onednn_engine(), a, b, c, attributes};
}

dnnl::matmul::primitive_desc product_with_bias(const memory::desc& a, const memory::desc& b,
                                               const memory::desc& bias, const memory::desc& c,
                                               const dnnl::primitive_attr& attributes) {
  return {onednn_engine(), a, b, bias, c, attributes};
}

void append_elementwise(dnnl::post_ops& post_ops, dnnl::algorithm function, float alpha) {
  post_ops.append_eltwise(function, alpha, 0.0f);
}

#else

std::string layout_text(const memory::desc& description) {
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

dnnl::convolution_forward::primitive_desc convolution(const ConvolutionShape& shape,
                                                      const dnnl::primitive_attr& attributes) {
  dnnl::convolution_forward::desc description(dnnl::prop_kind::forward_inference,
                                              dnnl::algorithm::convolution_direct, shape.source,
                                              shape.weight, shape.bias, shape.target, shape.strides,
                                              shape.padding_before, shape.padding_after);
  return {description, attributes, onednn_engine()};
}

dnnl::matmul::primitive_desc product(const memory::desc& a, const memory::desc& b,
                                     const memory::desc& c,
                                     const dnnl::primitive_attr& attributes) {
  return {dnnl::matmul::desc(a, b, c), attributes, onednn_engine()};
}

dnnl::matmul::primitive_desc product_with_bias(const memory::desc& a, const memory::desc& b,
                                               const memory::desc& bias, const memory::desc& c,
                                               const dnnl::primitive_attr& attributes) {
  return {dnnl::matmul::desc(a, b, bias, c), attributes, onednn_engine()};
}

void append_elementwise(dnnl::post_ops& post_ops, dnnl::algorithm function, float alpha) {
  post_ops.append_eltwise(1.0f, function, alpha, 0.0f);
}

#endif

dnnl::primitive_attr planned_attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

}  // namespace obscura::backend::cpu
