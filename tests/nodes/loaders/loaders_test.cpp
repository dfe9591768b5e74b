// The nodes that load models: one small SDXL as a checkpoint, as a file for each network, and as
// diffusers' folder.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "adapter/module_table.h"
#include "checkpoint/diffusers_vae.h"
#include "diffusion/sigmas.h"
#include "io/safetensors_writer.h"
#include "library/model_folders.h"
#include "models/golden.h"
#include "models/reduced_model.h"
#include "nodes/node_harness.h"
#include "pipeline/image_codec.h"
#include "pipeline/sample.h"
#include "pipeline/text.h"

namespace obscura::nodes {
namespace {

using models::relative_error;

struct Stored {
  std::string name;
  DType dtype;
  Shape shape;
  std::vector<std::byte> bytes;
};

void write_file(const std::filesystem::path& path, const std::vector<Stored>& tensors) {
  std::filesystem::create_directories(path.parent_path());
  std::vector<io::TensorDeclaration> declarations;
  for (const Stored& t : tensors) declarations.push_back({t.name, t.dtype, t.shape});
  auto writer = io::SafetensorsWriter::create(path, declarations).value();
  // The writer has its own order.
  for (const io::TensorDeclaration& declared : writer.tensors()) {
    auto same = [&](const Stored& t) { return t.name == declared.name; };
    auto found = std::find_if(tensors.begin(), tensors.end(), same);
    ASSERT_TRUE(writer.append(found->bytes).ok());
  }
  ASSERT_TRUE(writer.commit().ok());
}

// What begins with `prefix`, under the rest of its name.
std::vector<Stored> part(const io::SafetensorsFile& file, const std::string& prefix) {
  std::vector<Stored> tensors;
  for (const io::TensorEntry& entry : file.entries())
    if (entry.name.starts_with(prefix))
      tensors.push_back({entry.name.substr(prefix.size()),
                         entry.dtype,
                         entry.shape,
                         {entry.bytes.begin(), entry.bytes.end()}});
  return tensors;
}

// OpenCLIP's names as Hugging Face's: the merged projections apart, the last one the other way
// round.
std::vector<Stored> hugging_face(const std::vector<Stored>& tensors) {
  std::vector<Stored> result;
  for (const Stored& t : tensors) {
    std::string name = t.name;
    using checkpoint::replaced;
    if (name == "text_projection") {
      Stored turned = t;
      turned.name = "text_projection.weight";
      turned.shape = Shape{t.shape[1], t.shape[0]};
      for (std::int64_t i = 0; i < t.shape[0]; ++i)
        for (std::int64_t o = 0; o < t.shape[1]; ++o)
          std::memcpy(&turned.bytes[static_cast<std::size_t>(2 * (o * t.shape[0] + i))],
                      &t.bytes[static_cast<std::size_t>(2 * (i * t.shape[1] + o))], 2);
      result.push_back(turned);
      continue;
    }
    name = replaced(name, "transformer.resblocks.", "text_model.encoder.layers.");
    for (auto [from, to] : {std::pair(".ln_1.", ".layer_norm1."),
                            {".ln_2.", ".layer_norm2."},
                            {".mlp.c_fc.", ".mlp.fc1."},
                            {".mlp.c_proj.", ".mlp.fc2."},
                            {".attn.out_proj.", ".self_attn.out_proj."},
                            {"ln_final.", "text_model.final_layer_norm."}})
      name = replaced(name, from, to);
    if (name.starts_with("token_embedding")) name = "text_model.embeddings." + name;
    if (name == "positional_embedding") name = "text_model.embeddings.position_embedding.weight";
    std::size_t merged = name.find(".attn.in_proj_");
    if (merged == std::string::npos) {
      result.push_back({name, t.dtype, t.shape, t.bytes});
      continue;
    }
    Shape shape = t.shape;
    shape.set(0, shape[0] / 3);
    auto third = static_cast<std::ptrdiff_t>(t.bytes.size() / 3);
    for (int i = 0; i < 3; ++i) {
      std::string leaf =
          std::string(".self_attn.") + "qkv"[i] + "_proj." + name.substr(merged + 14);
      result.push_back({name.substr(0, merged) + leaf,
                        t.dtype,
                        shape,
                        {t.bytes.begin() + i * third, t.bytes.begin() + (i + 1) * third}});
    }
  }
  return result;
}

// Everything is written once for all tests.
struct Files {
  Files() : model(models::reduced_entries(models::kReducedSdxlBase)) {
    const std::filesystem::path root = model.folder();
    auto file = io::SafetensorsFile::open(model.path()).value();
    std::vector<Stored> unet = part(file, "model.diffusion_model."),
                        vae = part(file, "first_stage_model."),
                        l = part(file, "conditioner.embedders.0.transformer."),
                        g = part(file, "conditioner.embedders.1.model.");
    std::filesystem::create_directories(root / "checkpoints");
    std::filesystem::rename(model.path(), root / "checkpoints/whole.safetensors");
    write_file(root / "diffusion_models/unet.safetensors", unet);
    write_file(root / "vae/vae.safetensors", vae);
    write_file(root / "text_encoders/l.safetensors", l);
    write_file(root / "text_encoders/g.safetensors", g);
    for (Stored& t : vae) t.name.insert(0, "first_stage_model.");
    std::vector<Stored> bare = unet;
    for (Stored& t : bare) t.name.insert(0, "model.diffusion_model.");
    bare.insert(bare.end(), vae.begin(), vae.end());
    write_file(root / "checkpoints/no_text.safetensors", bare);

    for (Stored& t : unet) {
      std::size_t leaf = t.name.rfind('.');
      t.name = adapter::diffusers_name(t.name.substr(0, leaf), 3) + t.name.substr(leaf);
    }
    for (Stored& t : vae) {
      t.name = checkpoint::diffusers_vae_name(t.name.substr(std::strlen("first_stage_model.")));
      if (t.name.find(".attentions.0.to_") != std::string::npos && t.shape.rank() == 4)
        t.shape = Shape{t.shape[0], t.shape[1]};
    }
    const auto folder = root / "diffusers/small";
    write_file(folder / "unet/diffusion_pytorch_model.safetensors", unet);
    write_file(folder / "vae/diffusion_pytorch_model.safetensors", vae);
    write_file(folder / "text_encoder/model.fp16.safetensors", l);
    write_file(folder / "text_encoder_2/model.fp16.safetensors", hugging_face(g));
    std::ofstream(folder / "model_index.json") << "{}";
  }
  models::RandomModel model;
};

class Loaders : public testing::Test {
 protected:
  Loaders() {
    static const Files kFiles;
    folders_.add_root(kFiles.model.folder());
    environment_.provide(folders_);
    environment_.provide(session_);
  }

  std::vector<Value> load(const std::string& type, GivenInputs inputs) {
    auto outputs = call_node(type, std::move(inputs), environment_);
    EXPECT_TRUE(outputs.ok()) << type << ": " << (outputs.ok() ? "" : outputs.error().message());
    return std::move(outputs).value();
  }
  std::string refusal(const std::string& type, GivenInputs inputs) {
    auto outputs = call_node(type, std::move(inputs), environment_);
    return outputs.ok() ? "none" : outputs.error().message();
  }

  // An image of two steps by these networks.
  Tensor image(const Value& model, const Value& clip, const Value& vae) {
    pipeline::SampleRequest request;
    request.model = model.share<pipeline::DiffusionModel>();
    auto encoded = pipeline::encode_text(session_, clip.get<pipeline::TextEncoders>(), "a red jar",
                                         "a red jar", {});
    EXPECT_TRUE(encoded.ok()) << encoded.error().message();
    request.guidance.positive.entries = {encoded->condition};
    request.guidance.negative.entries = {encoded->condition};
    request.sigmas = diffusion::make_sigmas("normal", request.model->schedule, 2).value();
    request.latent.samples = Tensor(Shape{1, 4, 8, 8});
    auto sampled = pipeline::sample(session_, request);
    EXPECT_TRUE(sampled.ok()) << sampled.error().message();
    return pipeline::decode_image(session_, vae.get<pipeline::Vae>(), sampled->latent.samples, {})
        .value();
  }
  Tensor whole_image() {
    auto whole =
        load("CheckpointLoaderSimple", {{"ckpt_name", Value::string("whole.safetensors")}});
    return image(whole[0], whole[1], whole[2]);
  }

  library::ModelFolders folders_;
  runtime::Session session_{backend::create_device("cpu").value()};
  graph::Environment environment_;
};

TEST_F(Loaders, FilesOfOneNetworkGiveTheBitsOfTheCheckpoint) {
  Value model = load("UNETLoader", {{"unet_name", Value::string("unet.safetensors")},
                                    {"weight_dtype", Value::string("default")}})[0];
  Value vae = load("VAELoader", {{"vae_name", Value::string("vae.safetensors")}})[0];
  Tensor wanted = whole_image();
  for (auto [first, second] :
       {std::pair("l.safetensors", "g.safetensors"), std::pair("g.safetensors", "l.safetensors")}) {
    Value clip = load("DualCLIPLoader", {{"clip_name1", Value::string(first)},
                                         {"clip_name2", Value::string(second)},
                                         {"type", Value::string("sdxl")}})[0];
    EXPECT_EQ(values_of(image(model, clip, vae)), values_of(wanted)) << first;
  }
}

TEST_F(Loaders, ADiffusersFolderGivesTheSameImage) {
  auto loaded = load("DiffusersLoader", {{"model_path", Value::string("small")}});
  EXPECT_LT(relative_error(image(loaded[0], loaded[1], loaded[2]), whole_image()), 1e-3);
}

TEST_F(Loaders, WhatACheckpointLacksStopsTheNodesThatNeedIt) {
  auto loaded =
      load("CheckpointLoaderSimple", {{"ckpt_name", Value::string("no_text.safetensors")}});
  EXPECT_TRUE(loaded[0].is_handle());
  ASSERT_TRUE(loaded[1].is_blocker());
  EXPECT_EQ(loaded[1].blocker_message().value(),
            "no_text.safetensors has no text encoders: CLIPLoader loads one");
  EXPECT_TRUE(loaded[2].is_handle());
}

TEST_F(Loaders, SayWhatAFileIsThatHasNoSuchNetwork) {
  // Symbolic links put a file where it does not belong.
  const auto root = folders_.roots()[0];
  std::error_code ignored;
  std::filesystem::create_symlink(root / "vae/vae.safetensors",
                                  root / "diffusion_models/vae.safetensors", ignored);
  EXPECT_EQ(refusal("UNETLoader", {{"unet_name", Value::string("vae.safetensors")},
                                   {"weight_dtype", Value::string("default")}}),
            "vae.safetensors has no U-Net, it is a VAE");
  EXPECT_EQ(refusal("DualCLIPLoader", {{"clip_name1", Value::string("l.safetensors")},
                                       {"clip_name2", Value::string("g.safetensors")},
                                       {"type", Value::string("flux")}}),
            "input \"type\": sdxl is wanted, found flux: its model is not one that Obscura runs");
}

// What the mask covers is grey to the model; what is sampled begins with the image itself.
TEST_F(Loaders, InpaintingShowsTheImageWithoutWhatTheMaskCovers) {
  Value vae = load("VAELoader", {{"vae_name", Value::string("vae.safetensors")}})[0];
  Tensor pixels = Tensor::filled({1, 21, 26, 3}, 0.9f);
  Value conditioning = conditioning_value({{pipeline::Condition{}}});
  auto outputs =
      load("InpaintModelConditioning", {{"positive", conditioning},
                                        {"negative", conditioning},
                                        {"vae", vae},
                                        {"pixels", image_value(pixels)},
                                        {"mask", mask_value(Tensor::filled({1, 21, 26}, 1))},
                                        {"noise_mask", Value::boolean(true)}});
  const auto& entry = outputs[0].get<pipeline::Conditioning>().entries.at(0);
  ASSERT_TRUE(entry.concat.has_value());
  const auto& latent = outputs[2].get<pipeline::Latent>();
  EXPECT_EQ(latent.samples.shape(), (Shape{1, 4, 2, 3}));
  EXPECT_EQ(latent.noise_mask->shape(), (Shape{1, 16, 24}));
  EXPECT_EQ(entry.concat->mask->shape(), (Shape{1, 16, 24}));
  auto encode = [&](float value) {
    return pipeline::encode_image(session_, vae.get<pipeline::Vae>(),
                                  Tensor::filled({1, 16, 24, 3}, value), {})
        .value();
  };
  EXPECT_LT(relative_error(entry.concat->image, encode(0.5f)), 1e-5);
  EXPECT_LT(relative_error(latent.samples, encode(0.9f)), 1e-5);
}

}  // namespace
}  // namespace obscura::nodes
