// Thousands of damaged workflows, the same in every run.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "fuzz/fuzz_workflow.h"
#include "fuzz/mutate.h"
#include "graph/json_text.h"

namespace obscura::fuzz {
namespace {

using nlohmann::ordered_json;

// Pointers to every value of a document.
void collect(ordered_json& value, std::vector<ordered_json*>& places) {
  places.push_back(&value);
  if (!value.is_structured()) return;
  for (ordered_json& child : value) collect(child, places);
}

// Damages the document, not its text: every result is valid JSON, so that it comes further than
// changed bytes do.
void mutate_document(ordered_json& document, std::span<const ordered_json> seeds,
                     std::mt19937_64& random) {
  static const ordered_json kValues[] = {
      nullptr,           true, 0, -1, 1e300, 18446744073709551615u, "", "1", "Save", "Add",
      {{"__value__", 1}}};
  std::vector<ordered_json*> places;
  collect(document, places);
  ordered_json& place = *places[random() % places.size()];
  switch (random() % 4) {
    case 0:
      place = kValues[random() % std::size(kValues)];
      return;
    case 1: {
      ordered_json other = seeds[random() % seeds.size()];
      std::vector<ordered_json*> pieces;
      collect(other, pieces);
      ordered_json piece = *pieces[random() % pieces.size()];
      place = std::move(piece);
      return;
    }
    case 2: {
      ordered_json copy = *places[random() % places.size()];
      place = std::move(copy);
      return;
    }
    default:
      if (place.is_array() && !place.empty()) place.erase(random() % place.size());
      if (place.is_object() && !place.empty()) {
        const std::string key =
            std::next(place.begin(), static_cast<std::ptrdiff_t>(random() % place.size())).key();
        place.erase(key);
      }
  }
}

TEST(WorkflowMutations, ChangedBytesEndInAResultOrAnError) {
  std::map<Reached, int> reached;
  run_mutations(read_corpus("workflow"), 4000,
                [&](std::span<const std::byte> input) { ++reached[fuzz_workflow(input)]; });
  EXPECT_GT(reached[Reached::kNothing], 1000);
  EXPECT_GT(reached[Reached::kSuccess], 20);
}

TEST(WorkflowMutations, ChangedDocumentsEndInAResultOrAnError) {
  std::vector<ordered_json> seeds;
  for (const Input& input : read_corpus("workflow")) {
    const auto* text = reinterpret_cast<const char*>(input.data());
    auto seed = graph::parse_json(std::string_view(text, input.size()));
    ASSERT_TRUE(seed.ok()) << seed.error().message();
    seeds.push_back(std::move(seed).value());
  }
  std::mt19937_64 random(20240607);
  std::map<Reached, int> reached;
  for (std::size_t i = 0; i < 4000; ++i) {
    ordered_json document = seeds[i % seeds.size()];
    for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes)
      mutate_document(document, seeds, random);
    ++reached[fuzz_workflow(document.dump())];
  }
  // Every stage is reached.
  EXPECT_GT(reached[Reached::kNothing], 300);
  EXPECT_GT(reached[Reached::kDocument], 300);
  EXPECT_GT(reached[Reached::kSoundOutput], 5);
  EXPECT_GT(reached[Reached::kSuccess], 300);
}

TEST(WorkflowMutations, TheSeedsRun) {
  for (const Input& seed : read_corpus("workflow"))
    EXPECT_EQ(fuzz_workflow(seed), Reached::kSuccess);
}

}  // namespace
}  // namespace obscura::fuzz
