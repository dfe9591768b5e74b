// Files that PyTorch 1.13 wrote (tests/fuzz/corpus/tensor_file), and pickles made by hand.
#include "io/torch_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "io/tensor_file.h"
#include "io/torch_pickle.h"
#include "test_paths.h"

namespace obscura::io {
namespace {

std::filesystem::path corpus(const std::string& name) {
  return source_path("tests/fuzz/corpus/tensor_file") / name;
}

std::vector<float> floats(const TensorFile& file, const std::string& name) {
  const TensorEntry* entry = file.find(name);
  if (entry == nullptr) return {};
  std::vector<float> values(static_cast<std::size_t>(entry->shape.elements()));
  widen_to_f32(entry->dtype, entry->bytes.data(), values.data(), values.size());
  return values;
}

std::string refusal(const std::string& name) {
  auto file = TensorFile::open(corpus(name));
  if (file.ok()) return "none";
  std::string message = file.error().message();
  return message.substr(message.find(name) + name.size() + 2);
}

std::string pickle_refusal(std::string_view pickle) {
  auto tensors = read_torch_pickle(std::as_bytes(std::span(pickle)));
  return tensors.ok() ? "none" : tensors.error().message();
}

TEST(TorchFile, ReadsAStateDictionary) {
  auto opened = TensorFile::open(corpus("state_dict.pt"));
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  const TensorFile& file = *opened;
  EXPECT_EQ(file.entries().size(), 10u);
  EXPECT_EQ(file.entries()[0].name, "a.weight");
  EXPECT_EQ(file.find("a.weight")->shape, (Shape{2, 3, 4}));
  auto a = floats(file, "a.weight");
  for (std::size_t i = 0; i < 24; ++i) EXPECT_EQ(a[i], static_cast<float>(i) * 0.5f - 3);
  EXPECT_EQ(file.find("a.bias")->dtype, DType::kF16);
  EXPECT_EQ(floats(file, "a.bias"), (std::vector<float>{1.5f, -2, 0.25f}));
  EXPECT_EQ(file.find("b.weight")->dtype, DType::kBF16);
  EXPECT_EQ(floats(file, "b.weight"), (std::vector<float>{1, 2, 3, -4}));
  EXPECT_EQ(file.find("ids")->dtype, DType::kI64);
  EXPECT_EQ(file.find("ids")->shape, (Shape{1, 5}));
  EXPECT_EQ(floats(file, "view"), (std::vector<float>{-1, -0.5f, 0, 0.5f}));
  EXPECT_EQ(file.find("scalar")->shape, Shape{});
  EXPECT_EQ(floats(file, "scalar"), (std::vector<float>{7}));
  EXPECT_EQ(floats(file, "p"), (std::vector<float>{9, 8}));
  EXPECT_EQ(floats(file, "d"), (std::vector<float>{0.1f}));
}

TEST(TorchFile, LaysATransposedTensorOut) {
  auto file = TensorFile::open(corpus("state_dict.pt"));
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->find("turned")->shape, (Shape{3, 2}));
  EXPECT_EQ(floats(*file, "turned"), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST(TorchFile, LeavesContiguousTensorsWhereTheyAre) {
  auto file = TensorFile::open(corpus("state_dict.pt"));
  ASSERT_TRUE(file.ok()) << file.error().message();
  auto whole = file->parts()[0];
  for (const TensorEntry& entry : file->entries()) {
    bool inside = entry.bytes.data() >= whole.data() &&
                  entry.bytes.data() + entry.bytes.size() <= whole.data() + whole.size();
    EXPECT_EQ(inside, entry.name != "turned") << entry.name;
  }
  EXPECT_EQ(file->find("view")->bytes.data(), file->find("shared")->bytes.data() + 4 * 4);
}

// Of what a trainer keeps beside it, nothing is a weight.
TEST(TorchFile, TakesTheStateDictionaryOfATrainersFile) {
  auto file = TensorFile::open(corpus("trainer.ckpt"));
  ASSERT_TRUE(file.ok()) << file.error().message();
  ASSERT_EQ(file->entries().size(), 2u);
  EXPECT_EQ(floats(*file, "model.diffusion_model.out.0.weight"), (std::vector<float>{1, 1, 1, 1}));
  EXPECT_EQ(file->find("first_stage_model.x")->shape, (Shape{2, 2}));
}

TEST(TorchFile, ReadsOtherProtocolsAndParameterDictionaries) {
  auto four = TensorFile::open(corpus("protocol4.pt"));
  ASSERT_TRUE(four.ok()) << four.error().message();
  EXPECT_EQ(floats(*four, "w"), (std::vector<float>{1, 1}));
  auto embedding = TensorFile::open(corpus("embedding.pt"));
  ASSERT_TRUE(embedding.ok()) << embedding.error().message();
  ASSERT_NE(embedding->find("string_to_param.*"), nullptr);
  EXPECT_EQ(embedding->find("string_to_param.*")->shape, (Shape{2, 4}));
}

TEST(TorchFile, RefusesAPickleByWhatItWantsToCallAndRunsNothing) {
  std::filesystem::remove("/tmp/obscura_was_here");
  EXPECT_EQ(
      refusal("system.ckpt"),
      "its pickle wants to call posix.system: only what rebuilds tensors is read, and nothing "
      "was run");
  EXPECT_FALSE(std::filesystem::exists("/tmp/obscura_was_here"));
  EXPECT_EQ(refusal("eval.pt").substr(0, 41), "its pickle wants to call __builtin__.eval");
  EXPECT_EQ(refusal("inst.pt").substr(0, 36), "its pickle wants to call os.system: ");
}

TEST(TorchFile, RefusesOtherWaysToMakeObjects) {
  EXPECT_EQ(pickle_refusal("\x80\x02"
                           "csubprocess\nPopen\n)\x81."),
            "its pickle wants to call subprocess.Popen: only what rebuilds tensors is read, and "
            "nothing was run");
  EXPECT_NE(pickle_refusal("(cbuiltins\nexec\n]o.").find("builtins.exec"), std::string::npos);
  EXPECT_NE(pickle_refusal("\x8c\x02os\x8c\x06system\x93)}\x92.").find("os.system"),
            std::string::npos);
  EXPECT_NE(pickle_refusal("cos\nsystem\n}b.").find("os.system"), std::string::npos);
  EXPECT_NE(pickle_refusal(std::string_view("\x82\x01.", 3)).find("opcode 0x82"),
            std::string::npos);
  EXPECT_EQ(pickle_refusal("Pid\n."),
            "its pickle has the opcode 0x50 at byte 0, which no weights "
            "need");
}

TEST(TorchFile, SaysWhatIsWrongWithADamagedPickle) {
  EXPECT_EQ(pickle_refusal(""), "the file ends at byte 0, 1 bytes are wanted from byte 0");
  EXPECT_EQ(pickle_refusal("t."), "its pickle looks for a mark that is not there");
  EXPECT_EQ(pickle_refusal("."), "its pickle takes from an empty stack");
  EXPECT_EQ(pickle_refusal("h\x07."), "its pickle recalls what it did not store");
  EXPECT_EQ(pickle_refusal("}K\x01s."), "its pickle takes from an empty stack");
  EXPECT_EQ(pickle_refusal("(K\x01"
                           "d."),
            "its pickle has a key without a value");
  // A name may be held without being called.
  EXPECT_EQ(pickle_refusal("}cpytorch_lightning.callbacks\nModelCheckpoint\n}s."), "none");
}

// Each level holds the one before twice: 2^n tensors, were they all visited.
TEST(TorchFile, EndsWhereDictionariesHoldEachOther) {
  std::string pickle = "}q\x01";
  for (char level = 2; level < 64; ++level) {
    pickle += "0}";
    for (char key = 0; key < 4; ++key) {
      pickle += std::string("K") + key + "h" + static_cast<char>(level - 1) + "s";
    }
    pickle += std::string("q") + level;
  }
  pickle += ".";
  EXPECT_EQ(pickle_refusal(pickle), "none");  // deeper levels are passed over
  EXPECT_EQ(pickle_refusal(std::string("}q\x01K\0h\x01s.", 9)), "none");  // one that holds itself
}

TEST(TorchFile, NamesOtherFiles) {
  EXPECT_NE(refusal("legacy.pt").find("from before version 1.6"), std::string::npos)
      << refusal("legacy.pt");
  EXPECT_EQ(refusal("compressed.pt"), "zip member archive/data.pkl is compressed or encrypted");
}

}  // namespace
}  // namespace obscura::io
