#include "graph/object_info.h"

#include <gtest/gtest.h>

#include "graph/test_nodes.h"

namespace obscura::graph {
namespace {

class ObjectInfoTest : public ::testing::Test {
 protected:
  ObjectInfoTest() { environment_.provide(log_); }
  testing::CallLog log_;
  Environment environment_;
  NodeRegistry registry_ = testing::make_test_registry();
};

TEST_F(ObjectInfoTest, HasComfyUisShape) {
  const auto info = object_info(*registry_.find("Everything"), environment_);
  EXPECT_EQ(info.dump(2), R"({
  "input": {
    "required": {
      "steps": [
        "INT",
        {
          "default": 20,
          "min": 1,
          "max": 10000,
          "tooltip": "How many."
        }
      ],
      "seed": [
        "INT",
        {
          "default": 0,
          "min": 0,
          "max": 18446744073709551615,
          "control_after_generate": true
        }
      ],
      "cfg": [
        "FLOAT",
        {
          "default": 8.0,
          "min": 0.0,
          "max": 100.0,
          "step": 0.1,
          "round": 0.01
        }
      ],
      "sampler": [
        [
          "euler",
          "heun",
          "dpmpp_2m"
        ],
        {}
      ],
      "model": [
        [
          "base.safetensors",
          "sub/refiner.safetensors"
        ],
        {}
      ],
      "text": [
        "STRING",
        {
          "multiline": true,
          "dynamicPrompts": true
        }
      ],
      "flag": [
        "BOOLEAN",
        {
          "default": true
        }
      ]
    },
    "optional": {
      "weights": [
        "*",
        {}
      ],
      "even": [
        "INT",
        {
          "default": 2
        }
      ]
    }
  },
  "input_order": {
    "required": [
      "steps",
      "seed",
      "cfg",
      "sampler",
      "model",
      "text",
      "flag"
    ],
    "optional": [
      "weights",
      "even"
    ]
  },
  "is_input_list": false,
  "output": [
    "BOX"
  ],
  "output_is_list": [
    false
  ],
  "output_name": [
    "box"
  ],
  "output_tooltips": [
    "The result."
  ],
  "name": "Everything",
  "display_name": "Every kind of input",
  "description": "Takes one of each.",
  "python_module": "nodes",
  "category": "test/source",
  "output_node": false,
  "experimental": true
})");
}

TEST_F(ObjectInfoTest, AsksTheProvidersEachTime) {
  log_.models = {"new.safetensors"};
  const auto info = object_info(*registry_.find("Everything"), environment_);
  EXPECT_EQ(info["input"]["required"]["model"][0].dump(), "[\"new.safetensors\"]");
}

TEST_F(ObjectInfoTest, ShowsHiddenInputsListsAndFlags) {
  const auto all = object_info(registry_, environment_);
  EXPECT_EQ(all.size(), registry_.types().size());
  EXPECT_EQ(all["Hidden"]["input"]["hidden"].dump(),
            R"({"prompt":"PROMPT","extra_pnginfo":"EXTRA_PNGINFO","unique_id":"UNIQUE_ID"})");
  EXPECT_EQ(all["Hidden"]["input_order"]["hidden"].dump(),
            R"(["prompt","extra_pnginfo","unique_id"])");
  EXPECT_EQ(all["Hidden"]["deprecated"], true);
  EXPECT_EQ(all["Range"]["output_is_list"].dump(), "[true]");
  EXPECT_EQ(all["Total"]["is_input_list"], true);
  EXPECT_EQ(all["Save"]["output_node"], true);
  EXPECT_EQ(all["Switch"]["input"]["required"]["on_true"].dump(), R"(["*",{"lazy":true}])");
}

TEST(NodeRegistry, RefusesWhatOnlyABugDeclares) {
  const NodeBody body = [](NodeCall&) -> Result<NodeResult> { return NodeResult(); };
  NodeRegistry registry;
  registry.add(NodeType("A").run(body));
  EXPECT_THROW(registry.add(NodeType("A").run(body)), InternalError);
  EXPECT_THROW(registry.add(NodeType("B")), InternalError);
  EXPECT_THROW(registry.add(NodeType("").run(body)), InternalError);
  EXPECT_THROW(registry.add(NodeType("C").input(integer("x")).optional(number("x")).run(body)),
               InternalError);
  EXPECT_THROW(registry.add(NodeType("D").input(socket("x", "COMBO")).run(body)), InternalError);
  EXPECT_THROW(registry.add(NodeType("E").input(socket("x", "*").lazy()).run(body)), InternalError);
  EXPECT_EQ(registry.names(), std::vector<std::string>{"A"});
}

}  // namespace
}  // namespace obscura::graph
