#include "io/torch_pickle.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/memory_text.h"
#include "io/byte_cursor.h"
#include "io/pickle_calls.h"
#include "io/pickle_values.h"

namespace obscura::io {
namespace {

// The tensors that dictionaries hold, under the keys on the way to them.
class NamedTensors {
 public:
  NamedTensors(const PickleValues& values, const std::vector<PickledTensor>& rebuilt)
      : values_(values), rebuilt_(rebuilt) {}

  // Bounded, because dictionaries may refer to each other, and to themselves.
  Status collect(PickleRef ref, const std::string& name, int depth) {
    constexpr int kDeepest = 8;
    constexpr std::size_t kMostVisits = 1'000'000, kLongestName = 1000;
    if (++visits_ > kMostVisits)
      return corrupt_pickle("has dictionaries in each other without end");
    if (depth > kDeepest || name.size() > kLongestName) return {};
    const PickleValue& value = values_[ref];
    if (value.kind == PickleKind::kTensor && !name.empty())
      add(rebuilt_[static_cast<std::size_t>(value.integer)], name);
    if (value.kind != PickleKind::kDict) return {};
    for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const PickleValue& key = values_[value.items[i]];
      if (key.kind != PickleKind::kText && key.kind != PickleKind::kInteger) continue;
      std::string part = key.kind == PickleKind::kText
                             ? std::string(key.text.substr(0, kLongestName + 1))
                             : std::to_string(key.integer);
      std::string inner = name.empty() ? part : name + "." + part;
      // Where a ParameterDict keeps its tensors, which is no key of its.
      if (part == "_parameters") inner = name;
      OBSCURA_TRY(collect(value.items[i + 1], inner, depth + 1));
    }
    return {};
  }

  std::vector<PickledTensor> take() { return std::move(tensors_); }

 private:
  // Of two with one name the later stays, in the place of the first.
  void add(PickledTensor tensor, const std::string& name) {
    tensor.name = name;
    auto [place, is_new] = by_name_.emplace(name, tensors_.size());
    if (is_new)
      tensors_.push_back(std::move(tensor));
    else
      tensors_[place->second] = std::move(tensor);
  }

  const PickleValues& values_;
  const std::vector<PickledTensor>& rebuilt_;
  std::vector<PickledTensor> tensors_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::size_t visits_ = 0;
};

// Obeys the opcodes.
class Machine {
 public:
  explicit Machine(std::span<const std::byte> bytes) : cursor_(bytes) {}

  Result<std::vector<PickledTensor>> run() {
    for (bool stopped = false; !stopped;) {
      OBSCURA_ASSIGN(auto opcode, cursor_.number<std::uint8_t>());
      stopped = opcode == '.';
      if (!stopped) OBSCURA_TRY(step(opcode));
    }
    OBSCURA_ASSIGN(const PickleRef root, values_.pop());
    NamedTensors named(values_, calls_.tensors());
    OBSCURA_TRY(named.collect(root, "", 0));
    return named.take();
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
        return values_.push({.kind = PickleKind::kMark});
      case '0':  // POP
      case '1':  // POP_MARK
        return opcode == '0' ? drop() : drop_to_mark();
      case '2':  // DUP
        return duplicate();
      case 'N':
        return values_.push({});
      case 0x88:
      case 0x89:
        return values_.push({.kind = PickleKind::kInteger, .integer = opcode == 0x88});
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
        return values_.push({});
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
        return values_.push({.kind = PickleKind::kTuple});
      case ']':
        return values_.push({.kind = PickleKind::kList});
      case '}':
        return values_.push({.kind = PickleKind::kDict});
      case 0x8f:  // EMPTY_SET
        return values_.push({.kind = PickleKind::kList});
      case 't':
        return gather(PickleKind::kTuple);
      case 'l':
      case 0x91:  // FROZENSET
        return gather(PickleKind::kList);
      case 'd':
        return gather(PickleKind::kDict);
      case 0x85:
      case 0x86:
      case 0x87:
        return push_tuple(opcode - 0x84u);
      case 'a':
        return append(1, PickleKind::kList);
      case 's':
        return append(2, PickleKind::kDict);
      case 'e':
      case 0x90:  // ADDITEMS
        return append_to_mark(PickleKind::kList);
      case 'u':
        return append_to_mark(PickleKind::kDict);
      case 'q':
        return store<std::uint8_t>();
      case 'r':
        return store<std::uint32_t>();
      case 0x94:
        return values_.memorise_next();
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
        return calls_.call();
      case 'b':
        return calls_.build();
      case 'Q':
        return calls_.push_storage();
      default:
        return refuse(opcode);
    }
  }

  // Opcodes that make instances in other ways, name what is registered elsewhere, or do not exist.
  Status refuse(std::uint8_t opcode) {
    if (opcode == 'i') {  // INST: module and class, as text
      OBSCURA_ASSIGN(std::string_view module, cursor_.line());
      OBSCURA_ASSIGN(std::string_view name, cursor_.line());
      return refused_call(module, name);
    }
    const PickleValue* callee = values_.last_of(PickleKind::kGlobal);
    if ((opcode == 'o' || opcode == 0x92) && callee != nullptr)  // OBJ, NEWOBJ_EX
      return refused_call(callee->text, callee->name);
    return Error(ErrorKind::kUnsupported,
                 fmt::format("its pickle has the opcode 0x{:02x} at byte {}, which no weights need",
                             opcode, cursor_.position() - 1));
  }

  Status skip(std::size_t count) {
    OBSCURA_TRY(cursor_.take(count));
    return {};
  }

  Status drop() {
    OBSCURA_TRY(values_.pop());
    return {};
  }
  Status drop_to_mark() {
    OBSCURA_TRY(values_.pop_to_mark());
    return {};
  }
  Status duplicate() {
    OBSCURA_ASSIGN(const PickleRef last, values_.top());
    values_.push_again(last);
    return {};
  }

  template <class T>
  Status push_integer() {
    OBSCURA_ASSIGN(T value, cursor_.number<T>());
    return values_.push({.kind = PickleKind::kInteger, .integer = value});
  }
  // LONG1: two's complement, little-endian. More than 8 bytes describe no tensor.
  Status push_long() {
    OBSCURA_ASSIGN(auto size, cursor_.number<std::uint8_t>());
    OBSCURA_ASSIGN(auto bytes, cursor_.take(size));
    if (size > 8) return values_.push({});
    std::uint64_t bits =
        size > 0 && (bytes[size - 1u] & std::byte{0x80}) != std::byte{0} ? ~std::uint64_t{0} : 0;
    std::memcpy(&bits, bytes.data(), size);
    return values_.push({.kind = PickleKind::kInteger, .integer = static_cast<std::int64_t>(bits)});
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
    return digits ? values_.push({.kind = PickleKind::kInteger, .integer = value})
                  : values_.push({});
  }
  template <class Length>
  Status push_text() {
    OBSCURA_ASSIGN(std::string_view text, cursor_.text<Length>());
    return values_.push({.kind = PickleKind::kText, .text = text});
  }
  template <class Length>
  Status push_bytes() {
    OBSCURA_TRY(cursor_.text<Length>());
    return values_.push({});
  }
  Status push_global() {
    OBSCURA_ASSIGN(std::string_view module, cursor_.line());
    OBSCURA_ASSIGN(std::string_view name, cursor_.line());
    return values_.push({.kind = PickleKind::kGlobal, .text = module, .name = name});
  }
  Status push_stack_global() {
    OBSCURA_ASSIGN(const PickleRef name, values_.pop());
    OBSCURA_ASSIGN(const PickleRef module, values_.pop());
    if (values_[name].kind != PickleKind::kText || values_[module].kind != PickleKind::kText)
      return corrupt_pickle("names a function by something that is no text");
    return values_.push(
        {.kind = PickleKind::kGlobal, .text = values_[module].text, .name = values_[name].text});
  }

  Status gather(PickleKind kind) {
    OBSCURA_ASSIGN(std::vector<PickleRef> items, values_.pop_to_mark());
    return values_.push_items(kind, std::move(items));
  }
  Status push_tuple(std::size_t count) {
    OBSCURA_ASSIGN(std::vector<PickleRef> items, values_.pop_last(count));
    return values_.push_items(PickleKind::kTuple, std::move(items));
  }
  Status append(std::size_t count, PickleKind kind) {
    OBSCURA_ASSIGN(const std::vector<PickleRef> items, values_.pop_last(count));
    return values_.append(kind, items);
  }
  Status append_to_mark(PickleKind kind) {
    OBSCURA_ASSIGN(const std::vector<PickleRef> items, values_.pop_to_mark());
    return values_.append(kind, items);
  }

  template <class T>
  Status store() {
    OBSCURA_ASSIGN(T place, cursor_.number<T>());
    return values_.memorise(place);
  }
  template <class T>
  Status recall() {
    OBSCURA_ASSIGN(T place, cursor_.number<T>());
    return values_.recall(place);
  }

  ByteCursor cursor_;
  PickleValues values_;
  PickleCalls calls_{values_};
};

}  // namespace

Result<std::vector<PickledTensor>> read_torch_pickle(std::span<const std::byte> bytes) {
  // A value of the machine takes some hundred bytes, an opcode one.
  constexpr std::size_t kLargest = std::size_t{16} << 20;
  if (bytes.size() > kLargest) {
    return Error(ErrorKind::kUnsupported,
                 fmt::format("a pickle of at most {} is wanted, found {}", memory_text(kLargest),
                             memory_text(bytes.size())));
  }
  return Machine(bytes).run();
}

}  // namespace obscura::io
