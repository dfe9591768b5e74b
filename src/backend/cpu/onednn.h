// What the kernels on oneDNN share. The only folder that includes its headers, and in it onednn.cpp
// the only file that knows which version it is: 2 describes an operation before it builds a
// primitive, 3 builds it at once.
#pragma once

#include <dnnl.hpp>
#include <string>

#include "backend/cpu/kernel.h"

namespace obscura::backend::cpu {

// The process-wide engine and an in-order stream on it.
const dnnl::engine& onednn_engine();
const dnnl::stream& onednn_stream();

// "oneDNN 2.6.3"
std::string onednn_version();

// Memory that somebody else owns.
inline dnnl::memory borrowed(const dnnl::memory::desc& description, const void* data) {
  return dnnl::memory(description, onednn_engine(), const_cast<void*>(data));
}

// A text that is equal for equal memory layouts.
std::string layout_text(const dnnl::memory::desc& description);

// Attributes that let the caller provide the scratchpad, so that it is part of the plan.
dnnl::primitive_attr planned_attributes();

// The convolution of `source` by `weight` plus `bias`, for inference.
struct ConvolutionShape {
  dnnl::memory::desc source, weight, bias, target;
  dnnl::memory::dims strides, padding_before, padding_after;  // {rows, columns}
};
dnnl::convolution_forward::primitive_desc convolution(const ConvolutionShape& shape,
                                                      const dnnl::primitive_attr& attributes);

// c = a · b, or plus a bias.
dnnl::matmul::primitive_desc product(const dnnl::memory::desc& a, const dnnl::memory::desc& b,
                                     const dnnl::memory::desc& c,
                                     const dnnl::primitive_attr& attributes = planned_attributes());
dnnl::matmul::primitive_desc product_with_bias(const dnnl::memory::desc& a,
                                               const dnnl::memory::desc& b,
                                               const dnnl::memory::desc& bias,
                                               const dnnl::memory::desc& c,
                                               const dnnl::primitive_attr& attributes);

// An elementwise function of what the primitive computed; `alpha` is the function's parameter.
void append_elementwise(dnnl::post_ops& post_ops, dnnl::algorithm function, float alpha);

// oneDNN throws where it cannot build a primitive; a factory returns that as an Error naming the
// op.
template <class Make>
Result<std::unique_ptr<Kernel>> guarded(const KernelRequest& request, const Make& make) {
  try {
    return make();
  } catch (const dnnl::error& error) {
    return ir::shape_error(request.op, std::string("oneDNN cannot run it: ") + error.what());
  }
}

}  // namespace obscura::backend::cpu
