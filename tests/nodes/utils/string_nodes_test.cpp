// The nodes on texts, each row a call and what Python gives for it.
#include <gtest/gtest.h>

#include "nodes/node_harness.h"

namespace obscura::nodes {
namespace {

using nlohmann::json;

struct Row {
  const char* node;
  json inputs;
  json wanted;
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.node << ' ' << row.inputs.dump();
}

Value value_of(const json& value) {
  if (value.is_boolean()) return Value::boolean(value.get<bool>());
  if (value.is_number_integer()) return Value::integer(value.get<std::int64_t>());
  if (value.is_number()) return Value::number(value.get<double>());
  return Value::string(value.get<std::string>());
}

GivenInputs inputs_of(const Row& row) {
  GivenInputs inputs;
  for (const auto& [name, value] : row.inputs.items()) inputs.emplace_back(name, value_of(value));
  return inputs;
}

class StringNode : public testing::TestWithParam<Row> {};

TEST_P(StringNode, GivesWhatPythonGives) {
  const Row& row = GetParam();
  EXPECT_EQ(only_output(row.node, inputs_of(row)).json(), row.wanted);
}

const Row kRows[] = {
    {"PrimitiveInt", {{"value", -5}}, -5},
    {"PrimitiveBoolean", {{"value", true}}, true},
    {"PrimitiveString", {{"value", "é"}}, "é"},
    {"StringConcatenate", {{"string_a", "a"}, {"string_b", "b"}, {"delimiter", ", "}}, "a, b"},
    {"StringSubstring", {{"string", "héllo"}, {"start", 1}, {"end", 3}}, "él"},
    {"StringSubstring", {{"string", "héllo"}, {"start", -3}, {"end", -1}}, "ll"},
    {"StringSubstring", {{"string", "héllo"}, {"start", 3}, {"end", 1}}, ""},
    {"StringSubstring", {{"string", "hello"}, {"start", -99}, {"end", 99}}, "hello"},
    {"StringLength", {{"string", "日本語"}}, 3},
    {"CaseConverter", {{"string", "aBC éL"}, {"mode", "UPPERCASE"}}, "ABC ÉL"},
    {"CaseConverter", {{"string", "aBC éL"}, {"mode", "lowercase"}}, "abc él"},
    {"CaseConverter", {{"string", "aBC éL"}, {"mode", "Capitalize"}}, "Abc él"},
    {"CaseConverter",
     {{"string", "they're bill's éL"}, {"mode", "Title Case"}},
     "They'Re Bill'S Él"},
    {"StringTrim", {{"string", " \n a b\t"}, {"mode", "Both"}}, "a b"},
    {"StringTrim", {{"string", " \n a b\t"}, {"mode", "Left"}}, "a b\t"},
    {"StringTrim", {{"string", " \n a b\t"}, {"mode", "Right"}}, " \n a b"},
    {"StringReplace", {{"string", "aaa"}, {"find", "aa"}, {"replace", "b"}}, "ba"},
    {"StringReplace", {{"string", "ab"}, {"find", ""}, {"replace", "-"}}, "-a-b-"},
    {"StringContains",
     {{"string", "Red Bottle"}, {"substring", "red"}, {"case_sensitive", true}},
     false},
    {"StringContains",
     {{"string", "Red Bottle"}, {"substring", "red"}, {"case_sensitive", false}},
     true},
    {"StringCompare",
     {{"string_a", "abc"}, {"string_b", "ab"}, {"mode", "Starts With"}, {"case_sensitive", true}},
     true},
    {"StringCompare",
     {{"string_a", "abc"}, {"string_b", "BC"}, {"mode", "Ends With"}, {"case_sensitive", false}},
     true},
    {"StringCompare",
     {{"string_a", "abc"}, {"string_b", "ABC"}, {"mode", "Equal"}, {"case_sensitive", true}},
     false},
    {"RegexMatch", {{"string", "a Red cup"}, {"regex_pattern", "\\bred\\b"}}, true},
    {"RegexMatch", {{"string", "a\nb"}, {"regex_pattern", "a.b"}}, false},
    {"RegexMatch", {{"string", "a\nb"}, {"regex_pattern", "a.b"}, {"dotall", true}}, true},
    {"RegexMatch", {{"string", "x\nb"}, {"regex_pattern", "^b"}, {"multiline", true}}, true},
    {"RegexExtract",
     {{"string", "s=12, t=34"}, {"regex_pattern", "\\d+"}, {"mode", "First Match"}},
     "12"},
    {"RegexExtract",
     {{"string", "s=12, t=34"}, {"regex_pattern", "\\d+"}, {"mode", "All Matches"}},
     "12\n34"},
    {"RegexExtract",
     {{"string", "s=12, t=34"}, {"regex_pattern", "(\\w)=(\\d+)"}, {"mode", "All Matches"}},
     "s\nt"},
    {"RegexExtract",
     {{"string", "s=12, t=34"},
      {"regex_pattern", "(\\w)=(\\d+)"},
      {"mode", "First Group"},
      {"group_index", 2}},
     "12"},
    {"RegexExtract",
     {{"string", "s=12, t=34"},
      {"regex_pattern", "(\\w)=(\\d+)"},
      {"mode", "All Groups"},
      {"group_index", 2}},
     "12\n34"},
    {"RegexExtract", {{"string", "s=12"}, {"regex_pattern", "q"}, {"mode", "First Match"}}, ""},
    {"RegexReplace", {{"string", "a1b22"}, {"regex_pattern", "\\d+"}, {"replace", "#"}}, "a#b#"},
    {"RegexReplace",
     {{"string", "a1b22"}, {"regex_pattern", "\\d"}, {"replace", "#"}, {"count", 2}},
     "a#b#2"},
    {"RegexReplace",
     {{"string", "Ann Lee"},
      {"regex_pattern", "(?P<first>\\w+) (\\w+)"},
      {"replace", "\\2, \\g<first>"}},
     "Lee, Ann"},
    {"RegexReplace", {{"string", "baac"}, {"regex_pattern", "a*"}, {"replace", "-"}}, "-b--c-"},
};

INSTANTIATE_TEST_SUITE_P(Rows, StringNode, testing::ValuesIn(kRows));

TEST(Regex, SaysWhatIsWrongWithAPattern) {
  auto call = [](const char* pattern, const char* put) {
    return call_node("RegexReplace", {{"string", Value::string("abc")},
                                      {"regex_pattern", Value::string(pattern)},
                                      {"replace", Value::string(put)}});
  };
  auto open = call("(a", "x");
  ASSERT_FALSE(open.ok());
  EXPECT_NE(open.error().message().find("regex_pattern"), std::string::npos);
  auto group = call("a", "\\3");
  ASSERT_FALSE(group.ok());
  EXPECT_NE(group.error().message().find("no group 3"), std::string::npos);
}

// Would take a thousand years.
TEST(Regex, GivesUpOnAPatternThatExplodes) {
  auto found = call_node("RegexMatch", {{"string", Value::string(std::string(64, 'a') + "!")},
                                        {"regex_pattern", Value::string("^(a+)+$")}});
  EXPECT_FALSE(found.ok());
}

TEST(PreviewAny, ShowsConstantsAsPythonDoes) {
  graph::Environment environment;
  const graph::NodeType* node = graph::NodeRegistry::builtin().find("PreviewAny");
  ASSERT_NE(node, nullptr);
  auto shown = [&](Value value) {
    graph::CallContext context;
    context.environment = &environment;
    graph::NodeCall call(graph::NodeInputs({{"source", {std::move(value)}}}), context);
    return node->body()(call).value().ui()["text"][0].get<std::string>();
  };
  EXPECT_EQ(shown(Value::boolean(true)), "True");
  EXPECT_EQ(shown(Value::integer(7)), "7");
  EXPECT_EQ(shown(Value::string("x")), "x");
}

}  // namespace
}  // namespace obscura::nodes
