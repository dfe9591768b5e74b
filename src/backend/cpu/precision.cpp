#include "backend/cpu/precision.h"

#include <bit>
#include <cmath>

#include "backend/cpu/vector_math.h"
#include "base/check.h"
#include "ir/attention.h"
#include "ir/conv2d.h"
#include "ir/linear.h"

namespace obscura::backend::cpu {
namespace {

bool has_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

bool has_int8() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

bool multiplies(const ir::Op& op) {
  return dynamic_cast<const ir::LinearOp*>(&op) != nullptr ||
         dynamic_cast<const ir::Conv2dOp*>(&op) != nullptr ||
         dynamic_cast<const ir::AttentionOp*>(&op) != nullptr;
}

// A Linear over fewer rows than these is about a text, or a vector: too little work to be worth
// lost bits.
bool has_many_rows(const ir::Graph& graph, const ir::Node& node) {
  constexpr std::int64_t kLeast = 128;
  const Shape& shape = graph.type(node.output()).shape;
  return dynamic_cast<const ir::LinearOp*>(node.op.get()) != nullptr &&
         shape.elements() / shape[-1] >= kLeast;
}

OBSCURA_FOR_EACH_CPU float largest_magnitude(const float* x, std::int64_t count) {
  constexpr int kLanes = 16;
  float lanes[kLanes] = {};
  std::int64_t whole = count / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      float magnitude = x[i + lane] < 0 ? -x[i + lane] : x[i + lane];
      lanes[lane] = magnitude > lanes[lane] ? magnitude : lanes[lane];
    }
  }
  float most = 0;
  for (float lane : lanes) most = lane > most ? lane : most;
  for (std::int64_t i = whole; i < count; ++i) most = std::fmax(most, std::fabs(x[i]));
  return most;
}

OBSCURA_FOR_EACH_CPU void scale_to_int8(const float* x, std::int64_t count, float inverse,
                                        std::int8_t* q) {
  for (std::int64_t i = 0; i < count; ++i) {
    // Adding 1.5 * 2^23 rounds to the nearest integer, ties to even, and leaves it in the low bits.
    float shifted = x[i] * inverse + 12582912.0f;
    q[i] = static_cast<std::int8_t>(std::bit_cast<std::int32_t>(shifted) - 0x4b400000);
  }
}

}  // namespace

std::vector<std::string> available_precisions() {
  std::vector<std::string> names = {"fp32"};
  if (has_bf16()) names.push_back("bf16");
  if (has_int8()) names.push_back("int8");
  return names;
}

void round_products(ir::Graph& graph, const std::string& precision) {
  OBSCURA_CHECK(precision == "fp32" || precision == "bf16" || precision == "int8",
                "the CPU has no precision " + precision);
  const bool int8 = precision == "int8", bf16 = precision == "bf16" || (int8 && has_bf16());
  for (ir::Node& node : graph.nodes) {
    node.products = bf16 && multiplies(*node.op) ? ir::Products::kBF16 : ir::Products::kAsTheyAre;
    if (int8 && has_many_rows(graph, node)) node.products = ir::Products::kInt8;
  }
}

OBSCURA_FOR_EACH_CPU void round_to_bf16(const float* x, std::int64_t count, std::uint16_t* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = bf16_bits(x[i]);
}

void quantise_row(const float* x, std::int64_t count, std::int8_t* q, float* scale) {
  float most = largest_magnitude(x, count);
  *scale = most > 0 ? most / 127.0f : 1.0f;
  scale_to_int8(x, count, most > 0 ? 127.0f / most : 0.0f, q);
}

}  // namespace obscura::backend::cpu
