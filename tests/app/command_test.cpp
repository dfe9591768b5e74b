#include "app/command.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace obscura::app {
namespace {

class EveryCommand : public testing::Test {
 protected:
  EveryCommand() {
    for (DeclareCommand declare : commands()) declare(program_, action_);
  }
  std::vector<CLI::App*> declared() { return program_.get_subcommands({}); }

  CLI::App program_{"test"};
  std::function<Status()> action_;
};

TEST_F(EveryCommand, IsListedOnceAndByItsOrder) {
  std::vector<std::string> names;
  for (const CLI::App* command : declared()) names.push_back(command->get_name());
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names.front(), "render");
  EXPECT_EQ(names.back(), "bench");
}

TEST_F(EveryCommand, SaysWhatItDoesAndShowsAnExample) {
  for (CLI::App* command : declared()) {
    EXPECT_FALSE(command->get_description().empty()) << command->get_name();
    EXPECT_NE(command->get_footer().find("\n  obscura " + command->get_name()), std::string::npos)
        << command->get_name() << " says: " << command->get_footer();
  }
}

TEST_F(EveryCommand, ExplainsEachOption) {
  std::vector<CLI::App*> open = declared();
  while (!open.empty()) {
    CLI::App* command = open.back();
    open.pop_back();
    for (const CLI::Option* option : command->get_options())
      EXPECT_FALSE(option->get_description().empty())
          << command->get_name() << " " << option->get_name();
    for (CLI::App* inner : command->get_subcommands({})) open.push_back(inner);
  }
}

TEST_F(EveryCommand, ActsOnlyWhenItIsChosen) {
  program_.parse("show image.png");
  EXPECT_TRUE(action_);
  action_ = {};
  EXPECT_THROW(program_.parse("no-such-command"), CLI::ParseError);
  EXPECT_FALSE(action_);
}

TEST(ExitStatus, TellsABadCallFromAJobThatFailed) {
  EXPECT_EQ(exit_status(Error(ErrorKind::kInvalidInput, "")), kBadCall);
  EXPECT_EQ(exit_status(Error(ErrorKind::kNotFound, "")), kBadCall);
  for (ErrorKind kind : {ErrorKind::kCancelled, ErrorKind::kCorrupt, ErrorKind::kIo,
                         ErrorKind::kNumeric, ErrorKind::kUnsupported})
    EXPECT_EQ(exit_status(Error(kind, "")), kJobFailed);
}

}  // namespace
}  // namespace obscura::app
