// The kinds of network and model file that Obscura knows, each described once: what marks a file
// that holds one, which folder it belongs into, what people call it, and how it is built.
//
// A description is a static object in a file of its own (checkpoint/kinds), which registers itself.
// Whatever lists, recognises, refuses, checks or compares model files asks this table, so a new
// kind touches nothing else. Thread safe once the program's static objects are made.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "tensor/shape.h"

namespace obscura::checkpoint {

class Component;
class TensorNames;
struct CheckpointLayout;

// A folder of a models folder, by ComfyUI's name, and what AUTOMATIC1111 and others call it.
struct ModelFolder {
  std::string_view name;  // empty: files of the kind have none of their own
  std::vector<std::string_view> also = {};
};

// The shapes of a graph's inputs by name, channels last.
using InputShapes = std::map<std::string, Shape, std::less<>>;

// One graph that a network's tensors serve in: a VAE has two.
struct NetworkGraph {
  std::string_view name;        // for messages: "decoder"
  std::string_view main_input;  // whose shape it is built for: "latent"
  // For inputs of these shapes; what is not named has its usual shape, or the smallest that any
  // setting may ask for. kInvalidInput naming the place where tensors are missing or do not fit.
  Result<ir::Graph> (*build)(const Component& network, const CheckpointLayout& layout,
                             const InputShapes& inputs);
};

struct NetworkKind {
  std::string_view id;  // no two kinds have one: "vae"
  // Kinds are looked for, and their networks listed, from the lowest on.
  int order = 0;
  ModelFolder folder;
  // What it is called, with what the tensors tell of it: "a LoRA for SDXL".
  std::string (*describe)(const TensorNames& names) = nullptr;
  // The network in the file, under its own names for tensors; nothing if there is none.
  std::optional<Component> (*find)(const TensorNames& names) = nullptr;
  // Looked for only in a file that holds no other network.
  bool alone = false;
  // Empty: known by sight, not run.
  std::vector<NetworkGraph> graphs = {};

  bool is_run() const { return !graphs.empty(); }
  bool operator==(const NetworkKind& other) const { return id == other.id; }
};

// By order.
std::span<const NetworkKind* const> network_kinds();

// `kind` must be a static object.
struct RegisterKind {
  explicit RegisterKind(const NetworkKind& kind);
};

}  // namespace obscura::checkpoint
