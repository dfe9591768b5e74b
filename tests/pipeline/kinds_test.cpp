// Every kind of checkpoint, in small and with random weights, from file to image; its networks
// against PyTorch (tests/golden/reduced_models.safetensors: written down again there, in float32,
// from the same weights) and against the ops' plain definitions.
#include <gtest/gtest.h>

#include <cmath>

#include "diffusion/sigmas.h"
#include "ir/evaluate.h"
#include "models/golden.h"
#include "models/reduced_model.h"
#include "pipeline/image_codec.h"
#include "pipeline/network.h"
#include "pipeline/sample.h"
#include "pipeline/text.h"

namespace obscura::pipeline {
namespace {

using models::relative_error;

runtime::Session cpu_session() {
  return runtime::Session(backend::create_device("cpu").value());
}

Tensor torch_result(const std::string& name) {
  static const io::SafetensorsFile kFile =
      io::SafetensorsFile::open(golden::path("reduced_models.safetensors")).value();
  const io::TensorEntry* entry = kFile.find(name);
  if (entry == nullptr) throw std::runtime_error("no reference tensor " + name);
  return models::read_tensor(kFile, name, entry->shape);
}

// sin(frequency * i): inputs that other programs make too.
Tensor wave(const Shape& shape, double frequency) {
  Tensor tensor(shape);
  for (std::int64_t i = 0; i < tensor.elements(); ++i)
    tensor.data()[i] = static_cast<float>(std::sin(frequency * static_cast<double>(i)));
  return tensor;
}

struct Kind {
  const char* name;
  const models::Reduction& reduction;
  std::int64_t channels;
  const char* family;
  int text_layer;
  std::int64_t pooled;
};

class Kinds : public testing::TestWithParam<Kind> {
 protected:
  Kinds()
      : model_(models::reduced_entries(GetParam().reduction, GetParam().channels)),
        file_(ModelFile::open(model_.path(), "model").value()),
        checkpoint_(load_checkpoint(file_).value()) {}

  const DiffusionModel& model() const { return *checkpoint_.model; }

  models::RandomModel model_;
  std::shared_ptr<const ModelFile> file_;
  Checkpoint checkpoint_;
};

INSTANTIATE_TEST_SUITE_P(
    Pipeline, Kinds,
    testing::Values(Kind{"sdxl_base", models::kReducedSdxlBase, 4, "SDXL base", -2, 128},
                    Kind{"sdxl_base", models::kReducedSdxlBase, 9, "SDXL base", -2, 128},
                    Kind{"sdxl_refiner", models::kReducedRefiner, 4, "SDXL refiner", -2, 128},
                    Kind{"sd15", models::kReducedSd1, 4, "Stable Diffusion 1", -1, 0},
                    Kind{"sd15", models::kReducedSd1, 9, "Stable Diffusion 1", -1, 0},
                    Kind{"sd21", models::kReducedSd2, 4, "Stable Diffusion 2", -2, 0},
                    Kind{"sd21", models::kReducedSd2, 9, "Stable Diffusion 2", -2, 0}),
    [](const auto& test) {
      return test.param.name + std::string(test.param.channels == 9 ? "_inpainting" : "");
    });

TEST_P(Kinds, TheUNetAgreesWithPyTorchAndThePlainDefinition) {
  const models::UNetDimensions& d = model().dimensions;
  Tensor x = wave({1, d.in_channels, 8, 8}, 0.37);
  std::vector<NamedInput> inputs = {{"x", models::channels_last(x)},
                                    {"timestep", Tensor::filled({1}, 500)},
                                    {"context", wave({1, 77, d.context_width}, 0.11)}};
  if (d.label_width > 0) inputs.push_back({"y", wave({1, d.label_width}, 0.05)});
  models::UNetCall call{.batch = 1, .height = 8, .width = 8};
  auto graph = models::build_unet(*model().weights, model().config, call);
  ASSERT_TRUE(graph.ok()) << graph.error().message();

  ir::NamedTensors plain_inputs;
  for (const NamedInput& input : inputs)
    plain_inputs.emplace(input.name, std::get<Tensor>(input.value));
  auto plain =
      ir::evaluate(*graph, plain_inputs, [&](const ir::WeightSpec& spec) -> Result<Tensor> {
        Tensor weight(spec.shape);
        OBSCURA_TRY(model().weights->read(spec, weight.data()));
        return weight;
      });
  ASSERT_TRUE(plain.ok()) << plain.error().message();

  runtime::Session session = cpu_session();
  auto program = session.program("unet", model().weights, [&] { return *graph; });
  ASSERT_TRUE(program.ok()) << program.error().message();
  auto found = run_network(session, **program, inputs, {"eps"}, {});
  ASSERT_TRUE(found.ok()) << found.error().message();
  Tensor wanted = models::channels_last(
      torch_result(GetParam().name + std::string("_") + std::to_string(GetParam().channels)));
  EXPECT_LT(relative_error(plain->at("eps"), wanted), 2e-5);
  EXPECT_LT(relative_error((*found)[0], wanted), 2e-5);
}

// FreeU's first level, of four times the first one's width, is one that the pocket model has not.
TEST(FreeU, AtBothLevelsAgreesWithPyTorch) {
  static const io::SafetensorsFile kFile =
      io::SafetensorsFile::open(golden::path("guidance.safetensors")).value();
  models::RandomModel random(models::reduced_entries(models::kReducedSdxlBase));
  auto model = load_model(ModelFile::open(random.path(), "model").value()).value();
  const models::UNetDimensions& d = model->dimensions;
  runtime::Session session = cpu_session();
  for (bool version_2 : {false, true}) {
    models::UNetCall call{.batch = 1, .height = 8, .width = 8};
    call.changes.free_u = models::FreeU{
        .b1 = 1.3f, .b2 = version_2 ? 1.4f : 1.2f, .s1 = 0.5f, .s2 = 0.2f, .version_2 = version_2};
    auto program = session.program(call.changes.key(), model->weights, [&] {
      return models::build_unet(*model->weights, model->config, call);
    });
    ASSERT_TRUE(program.ok()) << program.error().message();
    auto found = run_network(session, **program,
                             {{"x", models::channels_last(wave({1, 4, 8, 8}, 0.37))},
                              {"timestep", Tensor::filled({1}, 500)},
                              {"context", wave({1, 77, d.context_width}, 0.11)},
                              {"y", wave({1, d.label_width}, 0.05)}},
                             {"eps"}, {});
    ASSERT_TRUE(found.ok()) << found.error().message();
    const Tensor wanted = golden::tensor(kFile, version_2 ? "reduced_free_u_v2" : "reduced_free_u");
    EXPECT_LT(relative_error((*found)[0], models::channels_last(wanted)), 2e-5);
  }
}

// PyTorch's U-Net merges tokens after the paper, with the destinations that the op draws.
TEST(TokenMerging, AtTheLatentsOwnSizeAgreesWithPyTorch) {
  static const io::SafetensorsFile kFile =
      io::SafetensorsFile::open(golden::path("token_merge.safetensors")).value();
  models::RandomModel random(models::reduced_entries(models::kReducedSd1));
  auto model = load_model(ModelFile::open(random.path(), "model").value()).value();
  runtime::Session session = cpu_session();
  models::UNetCall call{.batch = 1, .height = 8, .width = 16};
  auto graph_text = [&] {
    return models::build_unet(*model->weights, model->config, call).value().text();
  };
  const std::string plain = graph_text();
  call.changes.token_merge = models::TokenMerge{.ratio = 0};
  EXPECT_EQ(graph_text(), plain);
  call.changes.token_merge = models::TokenMerge{.ratio = 0.4};
  auto program = session.program(call.changes.key(), model->weights, [&] {
    return models::build_unet(*model->weights, model->config, call);
  });
  ASSERT_TRUE(program.ok()) << program.error().message();
  auto found = run_network(session, **program,
                           {{"x", models::channels_last(wave({1, 4, 8, 16}, 0.37))},
                            {"timestep", Tensor::filled({1}, 500)},
                            {"context", wave({1, 77, 64}, 0.11)}},
                           {"eps"}, {});
  ASSERT_TRUE(found.ok()) << found.error().message();
  const Tensor wanted = golden::tensor(kFile, "sd15_merged");
  EXPECT_LT(relative_error((*found)[0], models::channels_last(wanted)), 2e-5);
}

TEST_P(Kinds, RendersAnImage) {
  EXPECT_EQ(model().family->name, GetParam().family);
  EXPECT_EQ(checkpoint_.text->stop_at_layer, GetParam().text_layer);
  runtime::Session session = cpu_session();
  SampleRequest request;
  request.model = checkpoint_.model;
  for (auto [text, side] : {std::pair("a red bottle", &request.guidance.positive),
                            std::pair("", &request.guidance.negative)}) {
    auto encoded = encode_text(session, *checkpoint_.text, text, text, {});
    ASSERT_TRUE(encoded.ok()) << encoded.error().message();
    EXPECT_EQ(encoded->condition.states.shape(), (Shape{1, 77, model().dimensions.context_width}));
    EXPECT_EQ(encoded->condition.pooled.elements(), GetParam().pooled);
    side->entries = {encoded->condition};
  }
  request.sigmas = diffusion::make_sigmas("normal", model().schedule, 2).value();
  request.latent.samples = Tensor(Shape{1, 4, 8, 8});
  auto sampled = sample(session, request);
  ASSERT_TRUE(sampled.ok()) << sampled.error().message();
  auto image = decode_image(session, *checkpoint_.vae, sampled->latent.samples, {});
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->shape(), (Shape{1, 64, 64, 3}));
  for (float value : std::as_const(*image).values()) ASSERT_TRUE(value >= 0 && value <= 1);
  EXPECT_NE(image->data()[0], image->data()[image->elements() - 3]);
}

// The first tokens of the text states.
Tensor head_of(const Tensor& states, std::int64_t tokens) {
  Shape shape = states.shape();
  shape.set(1, tokens);
  std::int64_t count = shape.elements();
  return Tensor(shape, std::vector<float>(states.data(), states.data() + count));
}

struct TextKind {
  const char* reference;
  const models::Reduction& reduction;
  int skip;  // layers before the family's own
};

class TextKinds : public testing::TestWithParam<TextKind> {};

// Which layer, which norm and which padding a family takes.
TEST_P(TextKinds, AgreeWithPyTorch) {
  models::RandomModel model(models::reduced_entries(GetParam().reduction));
  auto checkpoint = load_checkpoint(ModelFile::open(model.path(), "model").value()).value();
  TextEncoders encoders = *checkpoint.text;
  encoders.stop_at_layer -= GetParam().skip;
  runtime::Session session = cpu_session();
  auto encoded = encode_text(session, encoders, "a red bottle", "a red bottle", {});
  ASSERT_TRUE(encoded.ok()) << encoded.error().message();
  Tensor wanted = torch_result(GetParam().reference);
  EXPECT_LT(relative_error(head_of(encoded->condition.states, wanted.shape()[1]), wanted), 2e-5);
  if (!encoded->condition.pooled.empty()) {
    EXPECT_LT(relative_error(encoded->condition.pooled, torch_result("refiner_pooled")), 2e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Pipeline, TextKinds,
                         testing::Values(TextKind{"sd15_text", models::kReducedSd1, 0},
                                         TextKind{"sd15_text_skip", models::kReducedSd1, 1},
                                         TextKind{"sd21_text", models::kReducedSd2, 0},
                                         TextKind{"refiner_text", models::kReducedRefiner, 0}),
                         [](const auto& test) { return std::string(test.param.reference); });

}  // namespace
}  // namespace obscura::pipeline
