#include "io/pickle_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace obscura::io {
namespace {

// A name from the file, fit for a message.
std::string shown(std::string_view name) {
  constexpr std::size_t kLongest = 100;
  std::string text;
  for (char c : name.substr(0, kLongest))
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return text;
}

struct TypeName {
  std::string_view storage, dtype;  // torch.FloatStorage, torch.float32
  DType type;
};
constexpr TypeName kTypes[] = {
    {"FloatStorage", "float32", DType::kF32},
    {"HalfStorage", "float16", DType::kF16},
    {"BFloat16Storage", "bfloat16", DType::kBF16},
    {"DoubleStorage", "float64", DType::kF64},
    {"LongStorage", "int64", DType::kI64},
    {"IntStorage", "int32", DType::kI32},
    {"ShortStorage", "int16", DType::kI16},
    {"CharStorage", "int8", DType::kI8},
    {"ByteStorage", "uint8", DType::kU8},
    {"BoolStorage", "bool", DType::kBool},
    {"Float8_e4m3fnStorage", "float8_e4m3fn", DType::kF8E4M3},
    {"Float8_e5m2Storage", "float8_e5m2", DType::kF8E5M2},
};

// What a call gives, in place of what Python would have made.
enum class Meaning { kTensor, kTypedTensor, kFirstArgument, kDict, kNothing };

struct Known {
  std::string_view module, name;
  Meaning meaning;
};
// Calls that rebuild tensors and containers, and some without effect that trainers leave in files.
constexpr Known kKnown[] = {
    {"torch._utils", "_rebuild_tensor_v2", Meaning::kTensor},
    {"torch._utils", "_rebuild_tensor", Meaning::kTensor},
    {"torch._utils", "_rebuild_tensor_v3", Meaning::kTypedTensor},
    {"torch._utils", "_rebuild_parameter", Meaning::kFirstArgument},
    {"torch", "Size", Meaning::kFirstArgument},
    {"collections", "OrderedDict", Meaning::kDict},
    {"collections", "defaultdict", Meaning::kDict},
    {"torch.nn.modules.container", "ParameterDict", Meaning::kDict},
    {"torch", "device", Meaning::kNothing},
    {"numpy.core.multiarray", "scalar", Meaning::kNothing},
    {"numpy._core.multiarray", "scalar", Meaning::kNothing},
    {"numpy", "dtype", Meaning::kNothing},
    {"_codecs", "encode", Meaning::kNothing},
    {"builtins", "set", Meaning::kNothing},
    {"__builtin__", "set", Meaning::kNothing},
};

std::optional<DType> dtype_named(const PickleValue& global, bool storage) {
  bool torch = global.text == "torch" || (storage && global.text == "torch.storage");
  if (global.kind != PickleKind::kGlobal || !torch) return std::nullopt;
  for (const TypeName& type : kTypes)
    if (global.name == (storage ? type.storage : type.dtype)) return type.type;
  return std::nullopt;
}

}  // namespace

Error refused_call(std::string_view module, std::string_view name) {
  return Error(ErrorKind::kUnsupported,
               fmt::format("its pickle wants to call {}.{}: only what rebuilds tensors is read, "
                           "and nothing was run",
                           shown(module), shown(name)));
}

Status PickleCalls::call() {
  OBSCURA_ASSIGN(const PickleRef arguments, values_.pop());
  OBSCURA_ASSIGN(const PickleRef callee, values_.pop());
  const PickleValue& function = values_[callee];
  if (function.kind != PickleKind::kGlobal || values_[arguments].kind != PickleKind::kTuple)
    return corrupt_pickle("calls something that is no function");
  const auto* known = std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& entry) {
    return entry.module == function.text && entry.name == function.name;
  });
  if (known == std::end(kKnown)) return refused_call(function.text, function.name);
  // No call that is known looks at more.
  constexpr std::size_t kMostArguments = 8;
  const std::vector<PickleRef>& all = values_[arguments].items;
  auto count = static_cast<std::ptrdiff_t>(std::min(all.size(), kMostArguments));
  const std::vector<PickleRef> items(all.begin(), all.begin() + count);
  switch (known->meaning) {
    case Meaning::kTensor:
    case Meaning::kTypedTensor:
      return rebuild_tensor(items, known->meaning == Meaning::kTypedTensor);
    case Meaning::kFirstArgument:
      if (items.empty()) return corrupt_pickle("rebuilds nothing");
      values_.push_again(items[0]);
      return {};
    case Meaning::kDict:
      return make_dict(items);
    case Meaning::kNothing:
      return values_.push({});
  }
  return {};
}

// Opcodes of a few bytes copy dictionaries of any size.
Status PickleCalls::count_pairs(std::size_t count) {
  constexpr std::size_t kMostPairs = std::size_t{1} << 20;
  pairs_ += count;
  return pairs_ <= kMostPairs ? Status() : corrupt_pickle("makes dictionaries without end");
}

// Of nothing, or of a list of pairs.
Status PickleCalls::make_dict(const Refs& arguments) {
  std::vector<PickleRef> items;
  if (!arguments.empty() && values_[arguments[0]].kind == PickleKind::kList) {
    for (PickleRef pair : values_[arguments[0]].items) {
      const std::vector<PickleRef>& both = values_[pair].items;
      if (both.size() != 2) return corrupt_pickle("makes a dictionary of what are no pairs");
      OBSCURA_TRY(count_pairs(1));
      items.insert(items.end(), both.begin(), both.end());
    }
  }
  return values_.push_items(PickleKind::kDict, std::move(items));
}

Status PickleCalls::build() {
  OBSCURA_ASSIGN(const PickleRef state, values_.pop());
  OBSCURA_ASSIGN(const PickleRef last, values_.top());
  PickleValue& target = values_[last];
  if (target.kind == PickleKind::kGlobal) return refused_call(target.text, target.name);
  if (target.kind != PickleKind::kDict || values_[state].kind != PickleKind::kDict) return {};
  const std::vector<PickleRef> items = values_[state].items;
  // The same attributes may be given to many.
  OBSCURA_TRY(count_pairs(items.size() / 2));
  target.items.insert(target.items.end(), items.begin(), items.end());
  return {};
}

Status PickleCalls::push_storage() {
  OBSCURA_ASSIGN(const PickleRef id, values_.pop());
  constexpr std::size_t kLongestKey = 100;
  const std::vector<PickleRef>& items = values_[id].items;
  if (values_[id].kind != PickleKind::kTuple || items.size() < 3 ||
      values_[items[1]].kind != PickleKind::kGlobal ||
      values_[items[2]].kind != PickleKind::kText || values_[items[2]].text.size() > kLongestKey)
    return corrupt_pickle("refers to something outside that is no storage of a tensor");
  return values_.push_items(PickleKind::kStorage, {items[1], items[2]});
}

Result<std::vector<std::int64_t>> PickleCalls::sizes_of(PickleRef tuple) const {
  std::vector<std::int64_t> sizes;
  constexpr std::size_t kMostAxes = 16;
  if (values_[tuple].kind != PickleKind::kTuple || values_[tuple].items.size() > kMostAxes)
    return corrupt_pickle("has a tensor without sizes");
  for (PickleRef item : values_[tuple].items) {
    if (values_[item].kind != PickleKind::kInteger || values_[item].integer < 0)
      return corrupt_pickle("has a tensor with sizes that are no numbers from 0");
    sizes.push_back(values_[item].integer);
  }
  return sizes;
}

// (storage, offset, sizes, strides, …), with `typed` the dtype as the seventh.
Status PickleCalls::rebuild_tensor(const Refs& items, bool typed) {
  constexpr std::size_t kTypePlace = 6;
  if (items.size() < (typed ? kTypePlace + 1 : 4) ||
      values_[items[0]].kind != PickleKind::kStorage ||
      values_[items[1]].kind != PickleKind::kInteger || values_[items[1]].integer < 0)
    return corrupt_pickle("rebuilds a tensor from what is no storage");
  const std::vector<PickleRef>& storage = values_[items[0]].items;
  const PickleValue& type = values_[typed ? items[kTypePlace] : storage[0]];
  auto dtype = dtype_named(type, !typed);
  if (!dtype) {
    return Error(ErrorKind::kUnsupported,
                 fmt::format("its pickle has a tensor of {}.{}, which is not supported",
                             shown(type.text), shown(type.name)));
  }
  PickledTensor tensor;
  tensor.storage = values_[storage[1]].text;
  tensor.dtype = *dtype;
  tensor.offset = values_[items[1]].integer;
  OBSCURA_ASSIGN(tensor.sizes, sizes_of(items[2]));
  OBSCURA_ASSIGN(tensor.strides, sizes_of(items[3]));
  if (tensor.sizes.size() != tensor.strides.size())
    return corrupt_pickle("has a tensor with more sizes than strides, or fewer");
  auto index = static_cast<std::int64_t>(tensors_.size());
  tensors_.push_back(std::move(tensor));
  return values_.push({.kind = PickleKind::kTensor, .integer = index});
}

}  // namespace obscura::io
