#include "io/torch_pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "io/byte_cursor.h"

namespace obscura::io {
namespace {

Error corrupt_pickle(std::string message) {
  return Error(ErrorKind::kCorrupt, "its pickle " + std::move(message));
}

// A name from the file, fit for a message.
std::string shown(std::string_view name) {
  constexpr std::size_t kLongest = 100;
  std::string text;
  for (char c : name.substr(0, kLongest))
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return text;
}

using Ref = std::uint32_t;  // an index into the machine's values

enum class Kind : std::uint8_t {
  kMark,
  kNothing,  // None, numbers with a fraction, bytes: what no tensor's description needs
  kInteger,  // and booleans
  kText,
  kTuple,
  kList,
  kDict,     // items: key, value, key, value, …
  kGlobal,   // a function or class, by name only
  kStorage,  // items: type, key
  kTensor,
};

struct Value {
  Kind kind = Kind::kNothing;
  std::int64_t integer = 0;
  std::string_view text;  // of a text; the module of a global
  std::string_view name;  // of a global
  std::vector<Ref> items;
};

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

class Machine {
 public:
  explicit Machine(std::span<const std::byte> bytes) : cursor_(bytes) {}

  Result<std::vector<PickledTensor>> run() {
    for (bool stopped = false; !stopped;) {
      OBSCURA_ASSIGN(auto opcode, cursor_.number<std::uint8_t>());
      stopped = opcode == '.';
      if (!stopped) OBSCURA_TRY(step(opcode));
    }
    OBSCURA_ASSIGN(Ref root, pop());
    OBSCURA_TRY(collect(root, "", 0));
    return std::move(tensors_);
  }

 private:
  // One function an opcode would hide that this is a table.
  Status step(std::uint8_t opcode) {  // NOLINT(readability-function-size)
    switch (opcode) {
      case 0x80:  // PROTO
        return cursor_.take(1).ok() ? Status() : corrupt_pickle("has no version");
      case 0x95:  // FRAME
        return skip(8);
      case '(':
        return push({.kind = Kind::kMark});
      case '0':  // POP
      case '1':  // POP_MARK
        return opcode == '0' ? drop() : drop_to_mark();
      case '2': {  // DUP
        OBSCURA_ASSIGN(Ref top, pop());
        stack_.push_back(top);
        stack_.push_back(top);
        return {};
      }
      case 'N':
        return push({});
      case 0x88:
      case 0x89:
        return push({.kind = Kind::kInteger, .integer = opcode == 0x88});
      case 'K':
        return push_integer<std::uint8_t>();
      case 'M':
        return push_integer<std::uint16_t>();
      case 'J':
        return push_integer<std::int32_t>();
      case 0x8a:
        return push_long();
      case 'I':
      case 'L':
      case 'F':
        return push_line(opcode);
      case 'G':
        OBSCURA_TRY(skip(8));
        return push({});
      case 'X':
        return push_text<std::uint32_t>();
      case 0x8c:
        return push_text<std::uint8_t>();
      case 0x8d:
        return push_text<std::uint64_t>();
      case 'U':
        return push_text<std::uint8_t>();
      case 'T':
        return push_text<std::uint32_t>();
      case 'C':
        return push_bytes<std::uint8_t>();
      case 'B':
        return push_bytes<std::uint32_t>();
      case 0x8e:
      case 0x96:
        return push_bytes<std::uint64_t>();
      case ')':
        return push({.kind = Kind::kTuple});
      case ']':
        return push({.kind = Kind::kList});
      case '}':
        return push({.kind = Kind::kDict});
      case 0x8f:  // EMPTY_SET
        return push({.kind = Kind::kList});
      case 't':
        return gather(Kind::kTuple);
      case 'l':
      case 0x91:  // FROZENSET
        return gather(Kind::kList);
      case 'd':
        return gather(Kind::kDict);
      case 0x85:
      case 0x86:
      case 0x87:
        return push_tuple(opcode - 0x84u);
      case 'a':
        return append(1, Kind::kList);
      case 's':
        return append(2, Kind::kDict);
      case 'e':
      case 0x90:  // ADDITEMS
        return append_to_mark(Kind::kList);
      case 'u':
        return append_to_mark(Kind::kDict);
      case 'q':
        return store<std::uint8_t>();
      case 'r':
        return store<std::uint32_t>();
      case 0x94:
        return memorise(memo_.size());
      case 'h':
        return recall<std::uint8_t>();
      case 'j':
        return recall<std::uint32_t>();
      case 'c':
        return push_global();
      case 0x93:
        return push_stack_global();
      case 'R':
      case 0x81:  // NEWOBJ
        return call();
      case 'b':
        return build();
      case 'Q':
        return push_storage();
      default:
        return refuse(opcode);
    }
  }

  // Opcodes that make instances in other ways, name what is registered elsewhere, or do not exist.
  Status refuse(std::uint8_t opcode) {
    if (opcode == 'i') {  // INST: module and class, as text
      OBSCURA_ASSIGN(std::string_view module, cursor_.line());
      OBSCURA_ASSIGN(std::string_view name, cursor_.line());
      return call_refused(module, name);
    }
    if (opcode == 'o' || opcode == 0x92) {  // OBJ, NEWOBJ_EX
      for (auto at = stack_.rbegin(); at != stack_.rend(); ++at)
        if (values_[*at].kind == Kind::kGlobal)
          return call_refused(values_[*at].text, values_[*at].name);
    }
    return Error(ErrorKind::kUnsupported,
                 fmt::format("its pickle has the opcode 0x{:02x} at byte {}, which no weights need",
                             opcode, cursor_.position() - 1));
  }

  static Error call_refused(std::string_view module, std::string_view name) {
    return Error(ErrorKind::kUnsupported,
                 fmt::format("its pickle wants to call {}.{}: only what rebuilds tensors is read, "
                             "and nothing was run",
                             shown(module), shown(name)));
  }

  Status skip(std::size_t count) {
    OBSCURA_TRY(cursor_.take(count));
    return {};
  }

  Status push(Value value) {
    constexpr std::size_t kMostValues = std::size_t{4} << 20;
    if (values_.size() == kMostValues) return corrupt_pickle("has too many values");
    stack_.push_back(static_cast<Ref>(values_.size()));
    values_.push_back(std::move(value));
    return {};
  }
  Result<Ref> pop() {
    if (stack_.empty()) return corrupt_pickle("takes from an empty stack");
    Ref top = stack_.back();
    stack_.pop_back();
    return top;
  }
  Status drop() {
    OBSCURA_TRY(pop());
    return {};
  }
  // The values above the last mark, which goes too.
  Result<std::vector<Ref>> pop_to_mark() {
    auto mark = std::find_if(stack_.rbegin(), stack_.rend(),
                             [&](Ref ref) { return values_[ref].kind == Kind::kMark; });
    if (mark == stack_.rend()) return corrupt_pickle("looks for a mark that is not there");
    std::vector<Ref> items(mark.base(), stack_.end());
    stack_.erase(mark.base() - 1, stack_.end());
    return items;
  }
  Status drop_to_mark() {
    OBSCURA_TRY(pop_to_mark());
    return {};
  }

  template <class T>
  Status push_integer() {
    OBSCURA_ASSIGN(T value, cursor_.number<T>());
    return push({.kind = Kind::kInteger, .integer = value});
  }
  // LONG1: two's complement, little-endian. More than 8 bytes describe no tensor.
  Status push_long() {
    OBSCURA_ASSIGN(auto size, cursor_.number<std::uint8_t>());
    OBSCURA_ASSIGN(auto bytes, cursor_.take(size));
    if (size > 8) return push({});
    std::uint64_t bits =
        size > 0 && (bytes[size - 1u] & std::byte{0x80}) != std::byte{0} ? ~std::uint64_t{0} : 0;
    std::memcpy(&bits, bytes.data(), size);
    return push({.kind = Kind::kInteger, .integer = static_cast<std::int64_t>(bits)});
  }
  // Numbers as text: protocol 0, which trainers mix in.
  Status push_line(std::uint8_t opcode) {
    OBSCURA_ASSIGN(std::string_view line, cursor_.line());
    constexpr std::size_t kDigits = 18;
    if (line.ends_with('L')) line.remove_suffix(1);
    std::int64_t value = 0;
    bool digits = opcode != 'F' && !line.empty() && line.size() <= kDigits;
    for (char c : line) {
      digits = digits && c >= '0' && c <= '9';
      if (digits) value = value * 10 + (c - '0');
    }
    return digits ? push({.kind = Kind::kInteger, .integer = value}) : push({});
  }
  template <class Length>
  Status push_text() {
    OBSCURA_ASSIGN(std::string_view text, cursor_.text<Length>());
    return push({.kind = Kind::kText, .text = text});
  }
  template <class Length>
  Status push_bytes() {
    OBSCURA_TRY(cursor_.text<Length>());
    return push({});
  }
  Status push_global() {
    OBSCURA_ASSIGN(std::string_view module, cursor_.line());
    OBSCURA_ASSIGN(std::string_view name, cursor_.line());
    return push({.kind = Kind::kGlobal, .text = module, .name = name});
  }
  Status push_stack_global() {
    OBSCURA_ASSIGN(Ref name, pop());
    OBSCURA_ASSIGN(Ref module, pop());
    if (values_[name].kind != Kind::kText || values_[module].kind != Kind::kText)
      return corrupt_pickle("names a function by something that is no text");
    return push({.kind = Kind::kGlobal, .text = values_[module].text, .name = values_[name].text});
  }

  Status push_items(Kind kind, std::vector<Ref> items) {
    if (kind == Kind::kDict && items.size() % 2 != 0)
      return corrupt_pickle("has a key without a value");
    Value value;
    value.kind = kind;
    value.items = std::move(items);
    return push(std::move(value));
  }
  Status gather(Kind kind) {
    OBSCURA_ASSIGN(std::vector<Ref> items, pop_to_mark());
    return push_items(kind, std::move(items));
  }
  Status push_tuple(std::size_t count) {
    if (stack_.size() < count) return corrupt_pickle("takes from an empty stack");
    std::vector<Ref> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return push_items(Kind::kTuple, std::move(items));
  }
  Status append_all(Kind kind, const std::vector<Ref>& items) {
    if (stack_.empty()) return corrupt_pickle("takes from an empty stack");
    Value& target = values_[stack_.back()];
    // What became of a call without effect takes anything.
    if (target.kind == Kind::kNothing) return {};
    if (target.kind != kind || (kind == Kind::kDict && items.size() % 2 != 0))
      return corrupt_pickle("adds to something that does not take it");
    target.items.insert(target.items.end(), items.begin(), items.end());
    return {};
  }
  Status append(std::size_t count, Kind kind) {
    if (stack_.size() < count) return corrupt_pickle("takes from an empty stack");
    std::vector<Ref> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return append_all(kind, items);
  }
  Status append_to_mark(Kind kind) {
    OBSCURA_ASSIGN(std::vector<Ref> items, pop_to_mark());
    return append_all(kind, items);
  }

  Status memorise(std::size_t place) {
    if (stack_.empty()) return corrupt_pickle("takes from an empty stack");
    memo_[place] = stack_.back();
    return {};
  }
  template <class T>
  Status store() {
    OBSCURA_ASSIGN(T place, cursor_.number<T>());
    return memorise(place);
  }
  template <class T>
  Status recall() {
    OBSCURA_ASSIGN(T place, cursor_.number<T>());
    auto found = memo_.find(place);
    if (found == memo_.end()) return corrupt_pickle("recalls what it did not store");
    stack_.push_back(found->second);
    return {};
  }

  // ("storage", type, key, device, elements).
  Status push_storage() {
    OBSCURA_ASSIGN(Ref id, pop());
    constexpr std::size_t kLongestKey = 100;
    const std::vector<Ref>& items = values_[id].items;
    if (values_[id].kind != Kind::kTuple || items.size() < 3 ||
        values_[items[1]].kind != Kind::kGlobal || values_[items[2]].kind != Kind::kText ||
        values_[items[2]].text.size() > kLongestKey)
      return corrupt_pickle("refers to something outside that is no storage of a tensor");
    return push_items(Kind::kStorage, {items[1], items[2]});
  }

  Status call() {
    OBSCURA_ASSIGN(Ref arguments, pop());
    OBSCURA_ASSIGN(Ref callee, pop());
    const Value& function = values_[callee];
    if (function.kind != Kind::kGlobal || values_[arguments].kind != Kind::kTuple)
      return corrupt_pickle("calls something that is no function");
    const auto* known = std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& entry) {
      return entry.module == function.text && entry.name == function.name;
    });
    if (known == std::end(kKnown)) return call_refused(function.text, function.name);
    // No call that is known looks at more.
    constexpr std::size_t kMostArguments = 8;
    const std::vector<Ref>& all = values_[arguments].items;
    auto count = static_cast<std::ptrdiff_t>(std::min(all.size(), kMostArguments));
    const std::vector<Ref> items(all.begin(), all.begin() + count);
    switch (known->meaning) {
      case Meaning::kTensor:
      case Meaning::kTypedTensor:
        return rebuild_tensor(items, known->meaning == Meaning::kTypedTensor);
      case Meaning::kFirstArgument:
        if (items.empty()) return corrupt_pickle("rebuilds nothing");
        stack_.push_back(items[0]);
        return {};
      case Meaning::kDict:
        return make_dict(items);
      case Meaning::kNothing:
        return push({});
    }
    return {};
  }

  // Opcodes of a few bytes copy dictionaries of any size.
  Status count_pairs(std::size_t count) {
    constexpr std::size_t kMostPairs = std::size_t{1} << 20;
    pairs_ += count;
    return pairs_ <= kMostPairs ? Status() : corrupt_pickle("makes dictionaries without end");
  }

  // Of nothing, or of a list of pairs.
  Status make_dict(const std::vector<Ref>& arguments) {
    std::vector<Ref> items;
    if (!arguments.empty() && values_[arguments[0]].kind == Kind::kList) {
      for (Ref pair : values_[arguments[0]].items) {
        const std::vector<Ref>& both = values_[pair].items;
        if (both.size() != 2) return corrupt_pickle("makes a dictionary of what are no pairs");
        OBSCURA_TRY(count_pairs(1));
        items.insert(items.end(), both.begin(), both.end());
      }
    }
    return push_items(Kind::kDict, std::move(items));
  }

  // Attributes for what is on the stack: a ParameterDict keeps its tensors there.
  Status build() {
    OBSCURA_ASSIGN(Ref state, pop());
    if (stack_.empty()) return corrupt_pickle("takes from an empty stack");
    Value& target = values_[stack_.back()];
    if (target.kind == Kind::kGlobal) return call_refused(target.text, target.name);
    if (target.kind != Kind::kDict || values_[state].kind != Kind::kDict) return {};
    const std::vector<Ref> items = values_[state].items;
    // The same attributes may be given to many.
    OBSCURA_TRY(count_pairs(items.size() / 2));
    target.items.insert(target.items.end(), items.begin(), items.end());
    return {};
  }

  static std::optional<DType> dtype_named(const Value& global, bool storage) {
    bool torch = global.text == "torch" || (storage && global.text == "torch.storage");
    if (global.kind != Kind::kGlobal || !torch) return std::nullopt;
    for (const TypeName& type : kTypes)
      if (global.name == (storage ? type.storage : type.dtype)) return type.type;
    return std::nullopt;
  }

  Result<std::vector<std::int64_t>> sizes_of(Ref tuple) const {
    std::vector<std::int64_t> sizes;
    constexpr std::size_t kMostAxes = 16;
    if (values_[tuple].kind != Kind::kTuple || values_[tuple].items.size() > kMostAxes)
      return corrupt_pickle("has a tensor without sizes");
    for (Ref item : values_[tuple].items) {
      if (values_[item].kind != Kind::kInteger || values_[item].integer < 0)
        return corrupt_pickle("has a tensor with sizes that are no numbers from 0");
      sizes.push_back(values_[item].integer);
    }
    return sizes;
  }

  // (storage, offset, sizes, strides, …), with `typed` the dtype as the seventh.
  Status rebuild_tensor(const std::vector<Ref>& items, bool typed) {
    constexpr std::size_t kTypePlace = 6;
    if (items.size() < (typed ? kTypePlace + 1 : 4) || values_[items[0]].kind != Kind::kStorage ||
        values_[items[1]].kind != Kind::kInteger || values_[items[1]].integer < 0)
      return corrupt_pickle("rebuilds a tensor from what is no storage");
    const std::vector<Ref>& storage = values_[items[0]].items;
    const Value& type = values_[typed ? items[kTypePlace] : storage[0]];
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
    auto index = static_cast<std::int64_t>(rebuilt_.size());
    rebuilt_.push_back(std::move(tensor));
    return push({.kind = Kind::kTensor, .integer = index});
  }

  // Bounded, because dictionaries may refer to each other, and to themselves.
  Status collect(Ref ref, const std::string& name, int depth) {
    constexpr int kDeepest = 8;
    constexpr std::size_t kMostVisits = 1'000'000, kLongestName = 1000;
    if (++visits_ > kMostVisits)
      return corrupt_pickle("has dictionaries in each other without end");
    if (depth > kDeepest || name.size() > kLongestName) return {};
    const Value& value = values_[ref];
    if (value.kind == Kind::kTensor && !name.empty()) {
      PickledTensor tensor = rebuilt_[static_cast<std::size_t>(value.integer)];
      tensor.name = name;
      auto [place, is_new] = by_name_.emplace(name, tensors_.size());
      if (is_new) {
        tensors_.push_back(std::move(tensor));
      } else {
        tensors_[place->second] = std::move(tensor);
      }
    }
    if (value.kind != Kind::kDict) return {};
    for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const Value& key = values_[value.items[i]];
      if (key.kind != Kind::kText && key.kind != Kind::kInteger) continue;
      std::string part = key.kind == Kind::kText ? std::string(key.text.substr(0, kLongestName + 1))
                                                 : std::to_string(key.integer);
      std::string inner = name.empty() ? part : name + "." + part;
      // Where a ParameterDict keeps its tensors, which is no key of its.
      if (part == "_parameters") inner = name;
      OBSCURA_TRY(collect(value.items[i + 1], inner, depth + 1));
    }
    return {};
  }

  ByteCursor cursor_;
  std::vector<Value> values_;
  std::vector<Ref> stack_;
  std::unordered_map<std::size_t, Ref> memo_;
  std::vector<PickledTensor> rebuilt_;
  std::vector<PickledTensor> tensors_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::size_t visits_ = 0, pairs_ = 0;
};

}  // namespace

Result<std::vector<PickledTensor>> read_torch_pickle(std::span<const std::byte> bytes) {
  // A value of the machine takes some hundred bytes, an opcode one.
  constexpr std::size_t kLargest = std::size_t{16} << 20;
  if (bytes.size() > kLargest) {
    return Error(
        ErrorKind::kUnsupported,
        fmt::format("a pickle of at most {} bytes is wanted, found {}", kLargest, bytes.size()));
  }
  return Machine(bytes).run();
}

}  // namespace obscura::io
