// RegexMatch, RegexExtract and RegexReplace, by PCRE2. Patterns are Python's as far as the two
// agree, which is all but a few rare escapes; replacements are written as Python writes them: \1,
// \g<1>, \g<name>.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <charconv>
#include <memory>
#include <optional>

#include "graph/node_registry.h"

namespace obscura::nodes {
namespace {

using namespace graph;

// A pattern that needs more than this many tries is refused rather than waited for.
constexpr std::uint32_t kMatchLimit = 10'000'000;

struct Match {
  std::size_t begin, end;
  std::vector<std::optional<std::string>> groups;  // the first is the whole
};

std::string message_of(int code) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof(text));
  return reinterpret_cast<const char*>(text);
}

class Regex {
 public:
  // The pattern and flags of a node's inputs.
  static Result<Regex> of(const NodeCall& call) {
    const auto& pattern = call.get<std::string>("regex_pattern");
    std::uint32_t flags = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
    if (call.get<bool>("case_insensitive")) flags |= PCRE2_CASELESS;
    if (call.get<bool>("multiline")) flags |= PCRE2_MULTILINE;
    if (call.get<bool>("dotall")) flags |= PCRE2_DOTALL;
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()),
                                         pattern.size(), flags, &code, &at, nullptr);
    if (compiled == nullptr) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("input \"regex_pattern\": wanted a regular expression, found \"{}\" "
                               "with an error at character {}: {}",
                               pattern, at + 1, message_of(code)));
    }
    return Regex(compiled);
  }

  std::size_t groups() const {
    std::uint32_t count = 0;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_CAPTURECOUNT, &count);
    return count;
  }

  // The next match from byte `from`; one of no length only if `empty_allowed`.
  Result<std::optional<Match>> find(const std::string& text, std::size_t from,
                                    bool empty_allowed) const {
    std::uint32_t flags = empty_allowed ? 0 : PCRE2_NOTEMPTY_ATSTART;
    std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data(
        pcre2_match_data_create_from_pattern(code_.get(), nullptr), pcre2_match_data_free);
    std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> context(
        pcre2_match_context_create(nullptr), pcre2_match_context_free);
    pcre2_set_match_limit(context.get(), kMatchLimit);
    int found = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                            from, flags, data.get(), context.get());
    if (found == PCRE2_ERROR_NOMATCH) return std::optional<Match>();
    if (found < 0) {
      return Error(ErrorKind::kInvalidInput,
                   "input \"regex_pattern\": matching gave up: " + message_of(found));
    }
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    Match match{ends[0], ends[1], {}};
    for (std::size_t group = 0; group <= groups(); ++group) {
      bool took_part = group < static_cast<std::size_t>(found) && ends[2 * group] != PCRE2_UNSET;
      match.groups.push_back(
          took_part
              ? std::optional(text.substr(ends[2 * group], ends[2 * group + 1] - ends[2 * group]))
              : std::nullopt);
    }
    return std::optional(std::move(match));
  }

  // All matches from left to right, at most `most` if that is not 0.
  Result<std::vector<Match>> find_all(const std::string& text, std::int64_t most = 0) const {
    std::vector<Match> matches;
    std::size_t from = 0;
    bool empty_allowed = true;
    while (from <= text.size() && (most == 0 || std::ssize(matches) < most)) {
      OBSCURA_ASSIGN(std::optional<Match> match, find(text, from, empty_allowed));
      if (!match) break;
      from = match->end;
      empty_allowed = match->begin != match->end;
      matches.push_back(std::move(*match));
    }
    return matches;
  }

  // The number of a named group; none if there is no such name.
  std::optional<std::size_t> group_named(const std::string& name) const {
    int number =
        pcre2_substring_number_from_name(code_.get(), reinterpret_cast<PCRE2_SPTR>(name.c_str()));
    return number > 0 ? std::optional(static_cast<std::size_t>(number)) : std::nullopt;
  }

 private:
  explicit Regex(pcre2_code* code) : code_(code, pcre2_code_free) {}
  std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code_;
};

Result<NodeResult> match(NodeCall& call) {
  OBSCURA_ASSIGN(Regex regex, Regex::of(call));
  OBSCURA_ASSIGN(auto found, regex.find(call.get<std::string>("string"), 0, true));
  return NodeResult{Value::boolean(found.has_value())};
}

std::string joined(const std::vector<std::string>& lines) {
  return fmt::format("{}", fmt::join(lines, "\n"));
}

Result<NodeResult> extract(NodeCall& call) {
  OBSCURA_ASSIGN(Regex regex, Regex::of(call));
  const auto& mode = call.get<std::string>("mode");
  const bool first = mode.starts_with("First");
  // "All Matches" is Python's findall: where the pattern has a group, that group is the match.
  auto group = mode.ends_with("Group") || mode.ends_with("Groups")
                   ? call.get<std::size_t>("group_index")
                   : (first || regex.groups() == 0 ? 0 : 1);
  OBSCURA_ASSIGN(auto matches, regex.find_all(call.get<std::string>("string"), first ? 1 : 0));
  std::vector<std::string> lines;
  for (const Match& found : matches)
    if (group < found.groups.size()) lines.push_back(found.groups[group].value_or(""));
  return NodeResult{Value::string(joined(lines))};
}

// What a group reference in a replacement stands for: "1", or a name.
Result<std::string> group_text(const Regex& regex, const Match& match,
                               const std::string& reference) {
  std::size_t group = 0;
  auto [end, error] = std::from_chars(reference.data(), reference.data() + reference.size(), group);
  bool is_number = error == std::errc() && end == reference.data() + reference.size();
  if (!is_number) group = regex.group_named(reference).value_or(match.groups.size());
  if (group < match.groups.size()) return match.groups[group].value_or("");
  return Error(ErrorKind::kInvalidInput,
               "input \"replace\": the pattern has no group " + reference);
}

Result<std::string> expanded(const Regex& regex, const Match& match, const std::string& form) {
  std::string result;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '\\' || i + 1 == form.size()) {
      result += form[i];
      continue;
    }
    char next = form[++i];
    if (next >= '0' && next <= '9') {
      std::string number(1, next);
      if (i + 1 < form.size() && form[i + 1] >= '0' && form[i + 1] <= '9') number += form[++i];
      OBSCURA_ASSIGN(std::string text, group_text(regex, match, number));
      result += text;
    } else if (std::size_t close; next == 'g' && i + 1 < form.size() && form[i + 1] == '<' &&
                                  (close = form.find('>', i)) != std::string::npos) {
      OBSCURA_ASSIGN(std::string text, group_text(regex, match, form.substr(i + 2, close - i - 2)));
      result += text;
      i = close;
    } else {
      result += next == 'n' ? '\n' : next == 't' ? '\t' : next;
    }
  }
  return result;
}

Result<NodeResult> regex_replace(NodeCall& call) {
  OBSCURA_ASSIGN(Regex regex, Regex::of(call));
  const auto& text = call.get<std::string>("string");
  OBSCURA_ASSIGN(auto matches, regex.find_all(text, call.get<std::int64_t>("count")));
  std::string result;
  std::size_t from = 0;
  for (const Match& found : matches) {
    OBSCURA_ASSIGN(std::string put, expanded(regex, found, call.get<std::string>("replace")));
    result += text.substr(from, found.begin - from) + put;
    from = found.end;
  }
  return NodeResult{Value::string(result + text.substr(from))};
}

const RegisterNode kRegexMatch{
    NodeType("RegexMatch")
        .label("Regex Match")
        .category("utils/string")
        .description("Whether a regular expression finds anything in a text.")
        .input(text("string").multiline())
        .input(text("regex_pattern").multiline())
        .input(toggle("case_insensitive", true))
        .input(toggle("multiline", false))
        .input(toggle("dotall", false))
        .output("BOOLEAN", "matches")
        .run(match)};

const RegisterNode kRegexExtract{
    NodeType("RegexExtract")
        .label("Regex Extract")
        .category("utils/string")
        .description("What a regular expression finds in a text, or one of its groups; several "
                     "finds each on a line.")
        .input(text("string").multiline())
        .input(text("regex_pattern").multiline())
        .input(choice("mode", {"First Match", "All Matches", "First Group", "All Groups"}))
        .input(toggle("case_insensitive", true))
        .input(toggle("multiline", false))
        .input(toggle("dotall", false))
        .input(integer("group_index", 1).range(0, 100))
        .output("STRING")
        .run(extract)};

const RegisterNode kRegexReplace{
    NodeType("RegexReplace")
        .label("Regex Replace")
        .category("utils/string")
        .description("Replaces what a regular expression finds; the replacement may name groups as "
                     "\\1 or \\g<name>.")
        .input(text("string").multiline())
        .input(text("regex_pattern").multiline())
        .input(text("replace").multiline())
        .optional(toggle("case_insensitive", true))
        .optional(toggle("multiline", false))
        .optional(toggle("dotall", false))
        .optional(integer("count", 0).range(0, 100))
        .output("STRING")
        .run(regex_replace)};

}  // namespace
}  // namespace obscura::nodes
