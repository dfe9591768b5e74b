// Pairs of tensors against the networks that they were made with (tests/golden).
#include "pipeline/parity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/files.h"
#include "checkpoint/pocket.h"
#include "golden_data.h"
#include "io/test_folder.h"
#include "models/tiny_vae_files.h"

namespace obscura::pipeline {
namespace {

std::shared_ptr<const ModelFile> parity_base() {
  static const auto kFile =
      ModelFile::embedded(checkpoint::pocket_model(), "pocket", "pocket").value();
  return kFile;
}

runtime::Session parity_session() {
  return runtime::Session(backend::create_device("cpu", "fp32").value());
}

// The name of the first stage that differs, "none", or the error; and the stages that were seen.
struct ParityOutcome {
  std::string first;
  std::vector<std::string> stages;
};

ParityOutcome outcome(const ParityModel& model, const io::TensorFile& pair,
                      double tolerance = 1e-4) {
  runtime::Session session = parity_session();
  ParityOutcome result;
  auto differing = compare(session, model, pair, tolerance,
                           [&](const ParityStage& stage) { result.stages.push_back(stage.name); });
  result.first = !differing.ok() ? differing.error().message() : differing->value_or("none");
  EXPECT_TRUE(differing.ok() || differing.error().kind() == ErrorKind::kInvalidInput);
  return result;
}

io::TensorFile parity_golden(const std::string& name) {
  return io::TensorFile::open(golden::path(name)).value();
}

// A pair in memory of some of the tensors of another, which may be renamed and changed.
class EditedPair {
 public:
  explicit EditedPair(const std::string& from) : source_(parity_golden(from)) {}

  EditedPair& take(const std::string& name, const std::string& as = "") {
    const io::TensorEntry& entry = *source_.find(name);
    Tensor values = entry.dtype == DType::kI32 ? Tensor() : golden::tensor(entry);
    taken_.push_back({as.empty() ? name : as, values});
    return *this;
  }
  EditedPair& inputs() {
    for (const char* name : {"in.x", "in.timestep", "in.context", "in.pooled", "in.time_ids"})
      take(name);
    return *this;
  }
  models::NamedWeight& last() { return taken_.back(); }
  io::TensorFile file() {
    const auto path = folder_ / "pair.safetensors";
    models::write_weights(path, taken_);
    return io::TensorFile::open(path).value();
  }

 private:
  io::TestFolder folder_;
  io::TensorFile source_;
  std::vector<models::NamedWeight> taken_;
};

TEST(Parity, OfThePocketModelHoldsAtEveryPlaceOfEveryNetwork) {
  const io::TensorFile pair = parity_golden("pocket_golden.safetensors");
  const ParityOutcome all = outcome({parity_base(), nullptr}, pair);
  EXPECT_EQ(all.first, "none");
  const auto wanted =
      std::count_if(pair.entries().begin(), pair.entries().end(), [](const io::TensorEntry& entry) {
        return entry.name.starts_with("act.") || entry.name.starts_with("out.");
      });
  EXPECT_EQ(static_cast<std::ptrdiff_t>(all.stages.size()), wanted);
  // In the order in which the network comes to them.
  ASSERT_GT(all.stages.size(), 13u);
  EXPECT_EQ(all.stages[12], "out.eps");
  const auto at = [&](const char* name) {
    return std::find(all.stages.begin(), all.stages.end(), name) - all.stages.begin();
  };
  EXPECT_LT(at("act.input_blocks.8"), at("act.middle_block"));
  EXPECT_LT(at("act.middle_block"), at("act.output_blocks.2"));
}

TEST(Parity, EndsAtAPlantedWrongValueAndNamesIt) {
  EditedPair pair("pocket_golden.safetensors");
  pair.inputs().take("out.eps").take("act.middle_block").take("act.input_blocks.3");
  pair.take("act.input_blocks.4.1").last().values.data()[77] += 0.5f;
  const ParityOutcome planted = outcome({parity_base(), nullptr}, pair.file());
  EXPECT_EQ(planted.first, "act.input_blocks.4.1");
  EXPECT_EQ(planted.stages,
            (std::vector<std::string>{"act.input_blocks.3", "act.input_blocks.4.1"}));
}

TEST(Parity, TakesANaNForNoAgreement) {
  EditedPair pair("pocket_golden.safetensors");
  pair.inputs().take("out.eps").last().values.data()[3] = NAN;
  EXPECT_EQ(outcome({parity_base(), nullptr}, pair.file(), 1e30).first, "out.eps");
}

TEST(Parity, OfAnAdapterIsOnItsBaseAtAStrength) {
  const auto model = open_parity_model(golden::path("golden_lora.safetensors"),
                                       [] { return Result(parity_base()); });
  ASSERT_TRUE(model.ok()) << model.error().message();
  ASSERT_NE(model->adapter, nullptr);
  const io::TensorFile pair = parity_golden("golden_lora_io.safetensors");
  EXPECT_EQ(outcome(*model, pair).first, "none");
  // The same numbers at another strength are wrong, and so they are without it.
  for (const char* as : {"out.eps_0.7", "out.eps", "out.eps_plain"}) {
    EditedPair other("golden_lora_io.safetensors");
    EXPECT_EQ(outcome(*model, other.inputs().take("out.eps_0.8", as).file()).first, as);
  }
}

TEST(Parity, OfTaesdHolds) {
  io::TestFolder folder;
  std::vector<models::NamedWeight> both;
  for (models::NamedWeight& weight : models::filled(models::tiny_decoder_shapes(8)))
    both.push_back({"taesd_decoder." + weight.name, std::move(weight.values)});
  for (models::NamedWeight& weight : models::filled(models::tiny_encoder_shapes(8)))
    both.push_back({"taesd_encoder." + weight.name, std::move(weight.values)});
  models::write_weights(folder / "taesd.safetensors", both);
  const auto model =
      open_parity_model(folder / "taesd.safetensors", [] { return Result(parity_base()); });
  ASSERT_TRUE(model.ok()) << model.error().message();
  const ParityOutcome all = outcome(*model, parity_golden("taesd.safetensors"), 1e-5);
  EXPECT_EQ(all.first, "none");
  EXPECT_EQ(all.stages, (std::vector<std::string>{"out.decode.image", "out.encode.latent"}));
}

TEST(Parity, NamesWhatDoesNotFit) {
  const ParityModel pocket{parity_base(), nullptr};
  auto said = [&](EditedPair& pair) { return outcome(pocket, pair.file()).first; };
  EditedPair nowhere("pocket_golden.safetensors");
  nowhere.inputs().take("act.middle_block", "act.nowhere.7");
  EXPECT_EQ(said(nowhere), "act.nowhere.7: unet has no place named nowhere.7");
  EditedPair unknown("pocket_golden.safetensors");
  unknown.inputs().take("out.eps", "out.noise");
  EXPECT_EQ(said(unknown), "out.noise: the network gives eps");
  EditedPair without_label("pocket_golden.safetensors");
  without_label.take("in.x").take("in.timestep").take("in.context").take("out.eps");
  EXPECT_EQ(said(without_label).substr(0, 18), "in.y is missing, w");
  EditedPair narrow("pocket_golden.safetensors");
  narrow.inputs().take("act.middle_block", "act.input_blocks.0");
  EXPECT_EQ(said(narrow).substr(0, 37), "act.input_blocks.0: the network gives");
  EditedPair no_input("pocket_golden.safetensors");
  no_input.take("out.eps");
  EXPECT_EQ(said(no_input), "out.eps belongs to no call: it has no input in.*");
  EditedPair no_network("pocket_golden.safetensors");
  no_network.take("in.x", "in.waves").take("out.eps");
  EXPECT_NE(said(no_network).find("wanted in.x (unet)"), std::string::npos);
}

TEST(Parity, RefusesAFileThatIsNeitherNetworkNorAdapter) {
  auto model = open_parity_model(golden::path("token_merge.safetensors"),
                                 [] { return Result(parity_base()); });
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().kind(), ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace obscura::pipeline
