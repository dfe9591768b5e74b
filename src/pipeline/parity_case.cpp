#include "pipeline/parity_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "models/clip/tokenizer.h"
#include "pipeline/label.h"
#include "tensor/resize.h"

namespace obscura::pipeline {
namespace {

constexpr std::string_view kIn = "in.", kOut = "out.", kAct = "act.";

// "rect" of "rect.x"; "" of "x". Inputs' own names hold no dot.
std::string case_of_input(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : std::string(name.substr(0, dot));
}

ParityCase& case_called(std::vector<ParityCase>& cases, const std::string& name) {
  for (ParityCase& known : cases)
    if (known.name == name) return known;
  return cases.emplace_back(ParityCase{name, {}, {}, {}});
}

// The case that a wanted tensor belongs to, and its name there.
std::pair<ParityCase*, std::string> place_of(std::vector<ParityCase>& cases,
                                             std::string_view name) {
  for (ParityCase& known : cases) {
    if (!known.name.empty() && name.starts_with(known.name + "."))
      return {&known, std::string(name.substr(known.name.size() + 1))};
  }
  for (ParityCase& known : cases)
    if (known.name.empty()) return {&known, std::string(name)};
  return {nullptr, ""};
}

Error of_no_call(const io::TensorEntry& entry) {
  return Error(ErrorKind::kInvalidInput, entry.name + " belongs to no call: it has no input in.*");
}

std::vector<std::int32_t> integers(const io::TensorEntry& entry) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(entry.shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (entry.dtype == DType::kI64) {
      std::int64_t value = 0;
      std::memcpy(&value, entry.bytes.data() + i * sizeof(value), sizeof(value));
      values[i] = static_cast<std::int32_t>(value);
    } else {
      std::memcpy(&values[i], entry.bytes.data() + i * sizeof(std::int32_t), sizeof(std::int32_t));
    }
  }
  return values;
}

bool holds_integers(const io::TensorEntry& entry) {
  return entry.dtype == DType::kI32 || entry.dtype == DType::kI64;
}

// A U-Net's label from the pooled text state and the numbers about the image.
Tensor label_of_parts(const io::TensorEntry& pooled, const io::TensorEntry& numbers) {
  const Tensor states = network_tensor(pooled), rows = network_tensor(numbers);
  std::vector<Tensor> labels;
  for (std::int64_t n = 0; n < states.shape()[0]; ++n) {
    const Tensor row = rows.slice(n % rows.shape()[0]);
    labels.push_back(label_vector(states.slice(n),
                                  std::vector<double>(row.values().begin(), row.values().end())));
  }
  return concatenate(labels);
}

// Where each row of token ids has its end.
std::vector<std::int32_t> ends_of(const io::TensorEntry& ids) {
  const std::vector<std::int32_t> all = integers(ids);
  const auto length = static_cast<std::ptrdiff_t>(ids.shape[-1]);
  std::vector<std::int32_t> ends;
  for (auto row = all.begin(); row != all.end(); row += length)
    ends.push_back(
        static_cast<std::int32_t>(std::find(row, row + length, models::clip::kEndToken) - row));
  return ends;
}

Error unfitting(const std::string& name, const Shape& wanted, const Shape& found) {
  return Error(ErrorKind::kInvalidInput, fmt::format("in.{}: the network takes {}, found {}", name,
                                                     wanted.text(), found.text()));
}

Result<NamedInput> input_for(const ir::Value& input, const ParityCase& given) {
  auto entry = [&](std::string_view name) -> const io::TensorEntry* {
    auto found = given.inputs.find(name);
    return found == given.inputs.end() ? nullptr : found->second;
  };
  const Shape& shape = input.type.shape;
  const bool integer = input.type.dtype == DType::kI32;
  if (const io::TensorEntry* own = entry(input.name)) {
    if (integer != holds_integers(*own))
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("{}: {} are wanted, found {}", own->name,
                               integer ? "whole numbers (I32)" : "floating-point numbers",
                               name_of(own->dtype)));
    if (integer && own->shape == shape) return NamedInput{input.name, integers(*own)};
    Tensor value = integer ? Tensor() : network_tensor(*own);
    if (integer || value.shape() != shape) return unfitting(input.name, shape, own->shape);
    return NamedInput{input.name, std::move(value)};
  }
  const io::TensorEntry *pooled = entry("pooled"), *numbers = entry("time_ids"),
                        *ids = entry("ids");
  if (input.name == "y" && pooled != nullptr && numbers != nullptr) {
    Tensor label = label_of_parts(*pooled, *numbers);
    if (label.shape() != shape) return unfitting("y", shape, label.shape());
    return NamedInput{input.name, std::move(label)};
  }
  if (input.name == "eos" && ids != nullptr) return NamedInput{input.name, ends_of(*ids)};
  return Error(
      ErrorKind::kInvalidInput,
      fmt::format("in.{} is missing, which the network takes: {}", input.name, shape.text()));
}

}  // namespace

Tensor network_tensor(const io::TensorEntry& entry) {
  Tensor stored(entry.shape);
  widen_to_f32(entry.dtype, entry.bytes.data(), stored.data(),
               static_cast<std::size_t>(stored.elements()));
  return entry.shape.rank() == 4 ? image_of_planes(stored) : stored;
}

Result<std::vector<ParityCase>> parity_cases(const io::TensorFile& pair) {
  std::vector<ParityCase> cases;
  for (const io::TensorEntry& entry : pair.entries()) {
    if (!entry.name.starts_with(kIn)) continue;
    const std::string name = entry.name.substr(kIn.size()), group = case_of_input(name);
    const std::string own = group.empty() ? name : name.substr(group.size() + 1);
    case_called(cases, group).inputs.emplace(own, &entry);
  }
  for (const io::TensorEntry& entry : pair.entries()) {
    const bool output = entry.name.starts_with(kOut);
    if (!output && !entry.name.starts_with(kAct)) continue;
    const std::size_t skipped = output ? kOut.size() : kAct.size();
    auto [owner, name] = place_of(cases, std::string_view(entry.name).substr(skipped));
    if (owner == nullptr) return of_no_call(entry);
    (output ? owner->outputs : owner->places).push_back({std::move(name), &entry});
  }
  std::stable_partition(cases.begin(), cases.end(),
                        [](const ParityCase& one) { return one.name.empty(); });
  if (!cases.empty()) return cases;
  return Error(ErrorKind::kInvalidInput,
               pair.name() + ": wanted tensors in.*, act.* and out.*, found none of in.*");
}

checkpoint::InputShapes input_shapes(const ParityCase& given) {
  checkpoint::InputShapes shapes;
  for (const auto& [name, entry] : given.inputs) {
    const Shape& s = entry->shape;
    shapes.emplace(name, s.rank() == 4 ? Shape{s[0], s[2], s[3], s[1]} : s);
  }
  return shapes;
}

Result<std::vector<NamedInput>> inputs_for(const ir::Graph& graph, const ParityCase& given) {
  std::vector<NamedInput> inputs;
  for (ir::ValueId id : graph.inputs) {
    OBSCURA_ASSIGN(NamedInput input, input_for(graph.value(id), given));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

}  // namespace obscura::pipeline
