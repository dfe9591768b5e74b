#include "backend/cuda/emulation/cudnn_graph.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "backend/cuda/emulation/elements.h"
#include "backend/cuda/emulation/memory.h"

namespace obscura::test::emulation {
namespace {

using Places = std::vector<std::int64_t>;

// The attributes of operations that are tensors.
constexpr int kOperands[] = {
    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
    CUDNN_ATTR_OPERATION_POINTWISE_XDESC,       CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
    CUDNN_ATTR_OPERATION_MATMUL_ADESC,          CUDNN_ATTR_OPERATION_MATMUL_BDESC,
    CUDNN_ATTR_OPERATION_REDUCTION_XDESC,       CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC,
    CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC,        CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC,
    CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC};
constexpr int kResults[] = {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                            CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_ATTR_OPERATION_MATMUL_CDESC,
                            CUDNN_ATTR_OPERATION_REDUCTION_YDESC,
                            CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC};

// A tensor of a graph while it runs: dense, in row-major order of its dimensions.
struct Values {
  Places dims;
  std::vector<float> elements;
};

struct Tensor {
  Places dims, strides;
  DType dtype;
  std::int64_t id;
  bool is_virtual, by_value;

  explicit Tensor(const Descriptor& d)
      : dims(d.all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS)),
        strides(d.all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES)),
        id(d.one<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID)),
        is_virtual(d.flag(CUDNN_ATTR_TENSOR_IS_VIRTUAL)),
        by_value(d.flag(CUDNN_ATTR_TENSOR_IS_BY_VALUE)) {
    auto type = d.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
    dtype = type == CUDNN_DATA_HALF       ? DType::kF16
            : type == CUDNN_DATA_BFLOAT16 ? DType::kBF16
                                          : DType::kF32;
  }
  std::size_t bytes() const {
    std::int64_t last = 0;
    for (std::size_t i = 0; i < dims.size(); ++i) last += (dims[i] - 1) * strides[i];
    return static_cast<std::size_t>(last + 1) * size_of(dtype);
  }
};

class Run {
 public:
  // Numbers in host memory are read now, as the library does.
  Run(std::vector<const Descriptor*> operations, const Descriptor& pack)
      : operations_(std::move(operations)) {
    auto ids = pack.all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    auto pointers = pack.all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    for (std::size_t i = 0; i < ids.size(); ++i) bound_[ids[i]] = pointers.at(i);
    workspace_ = pack.one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
    expect_on_device(workspace_, kPlanWorkspaceBytes, "a plan's workspace");
    for (const Descriptor* operation : operations_) {
      for (int name : kOperands)
        if (operation->attributes.contains(name)) bind(tensor(*operation, name));
      for (int name : kResults)
        if (operation->attributes.contains(name)) bind(tensor(*operation, name));
    }
    for (const Descriptor* operation : operations_)
      for (int name : kResults)
        if (operation->attributes.contains(name)) expect_place_of_its_own(tensor(*operation, name));
  }

  void operator()() {
    std::memset(workspace_, 0xff, kPlanWorkspaceBytes);  // it is ours
    for (const Descriptor* operation : operations_) compute(*operation);
  }

 private:
  static Tensor tensor(const Descriptor& operation, int name) {
    return Tensor(operation.descriptor(static_cast<cudnnBackendAttributeName_t>(name)));
  }

  void expect_place_of_its_own(const Tensor& result) const {
    if (result.is_virtual) return;
    for (const Descriptor* operation : operations_) {
      for (int name : kOperands) {
        if (!operation->attributes.contains(name)) continue;
        Tensor t = tensor(*operation, name);
        if (!t.is_virtual && !t.by_value && t.id != result.id)
          expect_apart(bound_.at(t.id), t.bytes(), bound_.at(result.id), result.bytes(),
                       "a tensor");
      }
    }
  }

  void bind(const Tensor& t) {
    if (t.is_virtual) return;
    auto found = bound_.find(t.id);
    if (found == bound_.end()) die(fmt::format("cuDNN: tensor {} is not bound", t.id));
    if (t.by_value) {
      made_[t.id] = {t.dims, load(t.dtype, found->second, t.dims, t.strides)};
    } else {
      expect_on_device(found->second, t.bytes(), "a tensor");
      if (reinterpret_cast<std::uintptr_t>(found->second) % 16 != 0)
        die(fmt::format("cuDNN: tensor {} is not aligned to 16", t.id));
    }
  }

  Values get(const Descriptor& operation, cudnnBackendAttributeName_t name) {
    Tensor t(operation.descriptor(name));
    if (t.is_virtual || t.by_value) {
      auto found = made_.find(t.id);
      if (found == made_.end())
        die(fmt::format("cuDNN: tensor {} is used before it is computed", t.id));
      return found->second;
    }
    return {t.dims, load(t.dtype, bound_.at(t.id), t.dims, t.strides)};
  }

  void put(const Descriptor& operation, cudnnBackendAttributeName_t name, Values values) {
    Tensor t(operation.descriptor(name));
    if (t.dims != values.dims) die("cuDNN: a result has other dimensions");
    if (t.is_virtual) {
      made_[t.id] = std::move(values);
    } else {
      store(t.dtype, values.elements, bound_.at(t.id), t.dims, t.strides);
    }
  }

  void compute(const Descriptor& operation) {
    switch (operation.type) {
      case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
        return convolve(operation);
      case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
        return pointwise(operation);
      case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR:
        return put(operation, CUDNN_ATTR_OPERATION_MATMUL_CDESC,
                   product(get(operation, CUDNN_ATTR_OPERATION_MATMUL_ADESC),
                           get(operation, CUDNN_ATTR_OPERATION_MATMUL_BDESC)));
      case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
        return reduce(operation);
      default:
        return attend(operation);
    }
  }

  void convolve(const Descriptor& operation) {
    const Descriptor& how =
        operation.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC);
    auto pair = [&](cudnnBackendAttributeName_t name) { return how.all<std::int64_t>(name); };
    const Places stride = pair(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
                 dilation = pair(CUDNN_ATTR_CONVOLUTION_DILATIONS),
                 before = pair(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
                 after = pair(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
    const Values x = get(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X),
                 w = get(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W);
    const Values image = channels_last(x), filter = channels_last(w);
    const std::int64_t n = x.dims[0], c = x.dims[1], k = w.dims[0];
    auto size = [&](std::size_t axis) {
      std::int64_t reach = dilation[axis] * (w.dims[axis + 2] - 1) + 1;
      return (x.dims[axis + 2] + before[axis] + after[axis] - reach) / stride[axis] + 1;
    };
    Values y{{n, k, size(0), size(1)}, {}};
    for (std::int64_t s = 0; s < n; ++s)
      for (std::int64_t o = 0; o < k; ++o)
        for (std::int64_t row = 0; row < y.dims[2]; ++row)
          for (std::int64_t column = 0; column < y.dims[3]; ++column) {
            float sum = 0;
            for (std::int64_t i = 0; i < w.dims[2]; ++i) {
              std::int64_t from_row = row * stride[0] - before[0] + i * dilation[0];
              if (from_row < 0 || from_row >= x.dims[2]) continue;
              for (std::int64_t j = 0; j < w.dims[3]; ++j) {
                std::int64_t from = column * stride[1] - before[1] + j * dilation[1];
                if (from < 0 || from >= x.dims[3]) continue;
                sum +=
                    dot(image.elements.data() + ((s * x.dims[2] + from_row) * x.dims[3] + from) * c,
                        filter.elements.data() + ((o * w.dims[2] + i) * w.dims[3] + j) * c, c);
              }
            }
            y.elements.push_back(sum);
          }
    put(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, std::move(y));
  }

  // (N, C, H, W) as (N, H, W, C).
  static Values channels_last(const Values& x) {
    const std::int64_t c = x.dims[1], h = x.dims[2], w = x.dims[3];
    Values result{{x.dims[0], h, w, c}, std::vector<float>(x.elements.size())};
    for_each_place(result.dims, {c * h * w, w, 1, h * w}, [&](std::size_t i, std::int64_t at) {
      result.elements[i] = x.elements[static_cast<std::size_t>(at)];
    });
    return result;
  }

  static Values exchanged(const Values& x) {
    const std::int64_t rows = x.dims[2], columns = x.dims[3];
    Values result{{x.dims[0], x.dims[1], columns, rows}, std::vector<float>(x.elements.size())};
    for_each_place(result.dims, {x.dims[1] * rows * columns, rows * columns, 1, columns},
                   [&](std::size_t i, std::int64_t at) {
                     result.elements[i] = x.elements[static_cast<std::size_t>(at)];
                   });
    return result;
  }

  // (N, H, rows, depth) times (N, H, depth, columns).
  static Values product(const Values& a, const Values& b) {
    const Values columns = exchanged(b);
    const std::int64_t depth = a.dims[3];
    if (b.dims[2] != depth) die("cuDNN: a product of matrices that do not fit");
    Values c{{a.dims[0], a.dims[1], a.dims[2], b.dims[3]}, {}};
    for (std::int64_t batch = 0; batch < a.dims[0] * a.dims[1]; ++batch)
      for (std::int64_t i = 0; i < a.dims[2]; ++i)
        for (std::int64_t j = 0; j < b.dims[3]; ++j)
          c.elements.push_back(dot(a.elements.data() + (batch * a.dims[2] + i) * depth,
                                   columns.elements.data() + (batch * b.dims[3] + j) * depth,
                                   depth));
    return c;
  }

  static float apply(cudnnPointwiseMode_t mode, float a, float b) {
    switch (mode) {
      case CUDNN_POINTWISE_ADD:
        return a + b;
      case CUDNN_POINTWISE_SUB:
        return a - b;
      case CUDNN_POINTWISE_MUL:
        return a * b;
      case CUDNN_POINTWISE_DIV:
        return a / b;
      case CUDNN_POINTWISE_EXP:
        return std::exp(a);
      case CUDNN_POINTWISE_LOG:
        return std::log(a);
      default:
        die(fmt::format("cuDNN: pointwise mode {}", static_cast<int>(mode)));
    }
  }

  // Strides of `dims` that repeat it over the dimensions `whole`.
  static Places broadcast(const Places& dims, const Places& whole) {
    Places strides(dims.size());
    std::int64_t next = 1;
    for (std::size_t i = dims.size(); i-- > 0;) {
      if (dims[i] != whole[i] && dims[i] != 1) die("cuDNN: operands do not fit");
      strides[i] = dims[i] == 1 ? 0 : next;
      next *= dims[i];
    }
    return strides;
  }

  void pointwise(const Descriptor& operation) {
    auto mode = operation.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                    .one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
    Values y = get(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
    Values b{Places(y.dims.size(), 1), {0}};
    if (operation.has(CUDNN_ATTR_OPERATION_POINTWISE_BDESC))
      b = get(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
    for_each_place(y.dims, broadcast(b.dims, y.dims), [&](std::size_t i, std::int64_t at) {
      y.elements[i] = apply(mode, y.elements[i], b.elements[static_cast<std::size_t>(at)]);
    });
    put(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, std::move(y));
  }

  void reduce(const Descriptor& operation) {
    auto how = operation.descriptor(CUDNN_ATTR_OPERATION_REDUCTION_DESC)
                   .one<cudnnReduceTensorOp_t>(CUDNN_ATTR_REDUCTION_OPERATOR);
    const bool largest = how == CUDNN_REDUCE_TENSOR_MAX;
    if (!largest && how != CUDNN_REDUCE_TENSOR_ADD) die("cuDNN: another reduction");
    const Values x = get(operation, CUDNN_ATTR_OPERATION_REDUCTION_XDESC);
    Values y{Tensor(operation.descriptor(CUDNN_ATTR_OPERATION_REDUCTION_YDESC)).dims, {}};
    std::int64_t count = 1;
    for (std::int64_t size : y.dims) count *= size;
    y.elements.assign(static_cast<std::size_t>(count), largest ? -INFINITY : 0.0f);
    for_each_place(x.dims, broadcast(y.dims, x.dims), [&](std::size_t i, std::int64_t at) {
      float& result = y.elements[static_cast<std::size_t>(at)];
      result = largest ? std::max(result, x.elements[i]) : result + x.elements[i];
    });
    put(operation, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, std::move(y));
  }

  void attend(const Descriptor& operation) {
    const float scale = get(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC).elements.at(0);
    Values scores = product(get(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC),
                            exchanged(get(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC)));
    const std::int64_t keys = scores.dims[3];
    for (auto row = scores.elements.begin(); row != scores.elements.end(); row += keys) {
      const float largest = *std::max_element(row, row + keys);
      float sum = 0;
      for (auto s = row; s != row + keys; ++s) sum += * s = std::exp((*s - largest) * scale);
      for (auto s = row; s != row + keys; ++s) *s /= sum;
    }
    put(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC,
        product(scores, get(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC)));
  }

  std::vector<const Descriptor*> operations_;
  std::map<std::int64_t, void*> bound_;
  std::map<std::int64_t, Values> made_;
  void* workspace_ = nullptr;
};

}  // namespace

std::function<void()> make_run(const std::vector<const Descriptor*>& operations,
                               const Descriptor& pack) {
  return [run = std::make_shared<Run>(operations, pack)] { (*run)(); };
}

}  // namespace obscura::test::emulation
