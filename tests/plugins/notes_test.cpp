// SPDX-License-Identifier: MIT
// notes.lua on several real nodes: what it keeps as entries land in any order is what a fold from
// nothing makes of them, everywhere.
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/support/play.h"

namespace kith::test {
namespace {

constexpr const char* kScripts = KITH_TEST_FILES "/../../scripts/";

class Notes : public testing::Test {
 protected:
  node::Node& add_node() {
    Play::Role role;
    role.options["lua"] = wire::Value();
    node::Node& node = play.add(role);
    load(node, "notes", std::string(kScripts) + "notes.lua");
    return node;
  }
  void load(node::Node& node, const std::string& name, const std::string& file) {
    EXPECT_EQ(play.outcome(loading(node, name, file)), "");
  }
  // A script given as text.
  void run(node::Node& node, const std::string& name, std::string_view source) {
    const std::string file = testing::TempDir() + "kith-notes-" + name + ".lua";
    std::ofstream(file, std::ios::binary) << source;
    load(node, name, file);
    std::filesystem::remove(file);
  }
  using Args = std::map<std::string, wire::Value>;
  Result<wire::Value> try_call(node::Node& node, const std::string& command, const Args& given) {
    wire::Value args = wire::Value::Map();
    for (const auto& [name, value] : given) args[name] = value;
    return play.call(node, command, std::move(args));
  }
  wire::Value call(node::Node& node, const std::string& command, const Args& given = {}) {
    const auto result = try_call(node, command, given);
    EXPECT_TRUE(result) << command << ": " << result.error().message();
    return result ? *result : wire::Value();
  }
  std::string refusal(node::Node& node, const std::string& command, const Args& given) {
    const auto result = try_call(node, command, given);
    return result ? "" : result.error().message();
  }
  wire::Value list(node::Node& node, const std::string& app = "notes") {
    return call(node, app + ".list", {{"limit", 1000}});
  }
  static std::string texts(const wire::Value& rows) {
    std::string all;
    for (const wire::Value& row : *rows.list())
      all += (all.empty() ? "" : ", ") + row.string_or("text");
    return all;
  }
  std::string short_of(const wire::Value& made) { return made.string_or("short"); }
  // Together for as long as it takes to sync, then apart again.
  void meet(node::Node& a, node::Node& b) {
    play.connect(a, b);
    play.loop.run_for(3'000'000);
    call(a, "disconnect", {{"peer", b.setup().identity.peer_id().text()}});
    play.loop.run_for(10'000);
  }
  // A second copy of the app has nothing yet, and folds it all.
  void expect_fold_from_nothing(node::Node& node) {
    load(node, "fresh", std::string(kScripts) + "notes.lua");
    EXPECT_EQ(list(node), list(node, "fresh"));
    EXPECT_TRUE(node.apps().unload("fresh"));
  }
  void step(std::mt19937& chance, const std::vector<node::Node*>& nodes);
  Play play{11};

 private:
  static Task<void> loading(node::Node& node, std::string name, std::string file) {
    co_await node.apps().load(std::move(name), std::move(file), wire::Value::Map());
  }
  int written_ = 0;
};

// Whatever people do: write, edit what they see, hide, meet, look.
void Notes::step(std::mt19937& chance, const std::vector<node::Node*>& nodes) {
  node::Node& node = *nodes[chance() % nodes.size()];
  play.loop.run_for(chance() % 3'000'000);
  const std::string text = "text " + std::to_string(++written_);
  switch (chance() % 8) {
    case 0:
    case 1: call(node, "notes.add", {{"text", text}}); return;
    case 2:
      if (node::Node& other = *nodes[chance() % nodes.size()]; &other != &node) meet(node, other);
      return;
    case 3: expect_fold_from_nothing(node); return;
    default: break;
  }
  const wire::Value rows = list(node);
  if (rows.list()->empty()) return;
  const wire::Value& row = (*rows.list())[chance() % rows.list()->size()];
  const bool hides = chance() % 8 == 0;
  call(node, hides ? "notes.delete" : "notes.edit",
       hides ? Args{{"id", row.string_or("short")}}
             : Args{{"id", row.string_or("id")}, {"text", text}});
}

TEST_F(Notes, WhatIsKeptIsTheFoldFromNothingInAnyOrderOfArrival) {
  std::vector<node::Node*> nodes;
  for (int i = 0; i < 3; ++i) nodes.push_back(&add_node());
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 chance(seed);
    for (int i = 0; i < 40; ++i) step(chance, nodes);
    for (int round = 0; round < 2; ++round) {
      meet(*nodes[0], *nodes[1]);
      meet(*nodes[1], *nodes[2]);
    }
    meet(*nodes[0], *nodes[1]);
    for (node::Node* node : nodes) {
      expect_fold_from_nothing(*node);
      EXPECT_EQ(list(*node), list(*nodes[0]));
    }
    if (HasFailure()) return;
  }
  const wire::Value rows = list(*nodes[0]);
  EXPECT_GT(rows.list()->size(), 20u);
}

TEST_F(Notes, AnEditReplacesAndTheHistoryTellsIt) {
  node::Node& a = add_node();
  const wire::Value milk = call(a, "notes.add", {{"text", "buy milk"}});
  call(a, "notes.add", {{"text", "and bread"}});
  play.loop.run_for(1'000'000);
  const wire::Value edited =
      call(a, "notes.edit", {{"id", short_of(milk)}, {"text", "buy oat milk"}});
  EXPECT_EQ(edited.string_or("id"), milk.string_or("id"));
  const wire::Value rows = list(a);
  EXPECT_EQ(texts(rows), "buy oat milk, and bread");
  EXPECT_TRUE((*rows.list())[0].boolean_or("edited", false));
  EXPECT_EQ((*rows.list())[0].string_or("version"), edited.string_or("version"));
  EXPECT_EQ((*rows.list())[0].find("conflict"), nullptr);
  // By the edit's own id too.
  call(a, "notes.edit", {{"id", edited.string_or("version")}, {"text", "no milk"}});
  call(a, "notes.delete", {{"id", ".." + short_of(milk)}});
  EXPECT_EQ(texts(list(a)), "and bread");
  const wire::Value steps = call(a, "notes.history", {{"id", short_of(milk)}});
  EXPECT_EQ(texts(steps), "buy milk, buy oat milk, no milk, ");
  EXPECT_EQ((*steps.list())[3].string_or("what"), "deleted");
  EXPECT_EQ(texts(call(a, "notes.history", {{"limit", 3}})), "buy oat milk, no milk, ");
  call(a, "notes.edit", {{"id", short_of(milk)}, {"text", "milk again"}});
  EXPECT_EQ(texts(list(a)), "milk again, and bread");
  EXPECT_EQ(texts(call(a, "notes.search", {{"words", "MILK ag"}})), "milk again");
  EXPECT_EQ(texts(call(a, "notes.search", {{"words", "oat"}})), "");
}

TEST_F(Notes, TwoEditsOfOneVersionAreBothShownUntilAnEditReplacesBoth) {
  node::Node &a = add_node(), &b = add_node();
  const wire::Value made = call(a, "notes.add", {{"text", "door code 1"}});
  meet(a, b);
  call(b, "notes.edit", {{"id", short_of(made)}, {"text", "door code 2"}});
  play.loop.run_for(1'000'000);
  call(a, "notes.edit", {{"id", short_of(made)}, {"text", "door code 3"}});
  EXPECT_EQ(texts(list(a)), "door code 3");
  meet(a, b);  // what b wrote lies before what a has folded
  for (node::Node* node : {&a, &b}) {
    const wire::Value rows = list(*node);
    ASSERT_EQ(texts(rows), "door code 2, door code 3");
    const wire::Value& first = (*rows.list())[0];
    EXPECT_EQ(first.string_or("author"), b.setup().identity.peer_id().text());
    EXPECT_EQ(first.string_or("conflict"),
              "1 of 2: kith notes edit " + short_of(made) + " TEXT replaces all");
    EXPECT_EQ(texts(call(*node, "notes.search", {{"words", "code 3"}})),
              "door code 2, door code 3");
  }
  EXPECT_EQ(call(a, "notes.edit", {{"id", short_of(made)}, {"text", "door code 4"}})
                .find("replaces")
                ->list()
                ->size(),
            2u);
  meet(a, b);
  EXPECT_EQ(texts(list(b)), "door code 4");
  EXPECT_EQ(texts(call(b, "notes.history", {{"id", short_of(made)}})),
            "door code 1, door code 2, door code 3, door code 4");
}

TEST_F(Notes, AnIdThatMeansNoneOrSeveralIsRefused) {
  node::Node& a = add_node();
  const wire::Value made = call(a, "notes.add", {{"text", "one"}});
  const Args none{{"id", "zzzzzzzz"}, {"text", "x"}};
  EXPECT_EQ(refusal(a, "notes.edit", none), "no note has the id 'zzzzzzzz': see kith notes list");
  EXPECT_EQ(refusal(a, "notes.edit", {{"id", "1"}, {"text", "x"}}),
            "'1' is no id of a note: type the last 4 letters or more of one in kith notes list");
  EXPECT_EQ(refusal(a, "notes.list", {{"limit", 0}}), "--limit is 1 to 1000");
  // Until two end alike: the last letter stands for 3 bits, so some 500 do for 4 letters.
  run(a, "many", R"(
    local l, tails = kith.ledger('notes'), {}
    kith.command('more', function()
      for i = 1, 2000 do
        local e = l:append('note', 'note ' .. i)
        local tail = e.id:sub(-4)
        if tails[tail] then return { tail = tail, first = tails[tail], second = i } end
        tails[tail] = i
      end
    end))");
  const wire::Value twins = call(a, "many.more");
  const std::string tail = twins.string_or("tail");
  const std::string why = refusal(a, "notes.history", {{"id", tail}});
  EXPECT_TRUE(why.starts_with("'" + tail + "' is the end of more than one note's id")) << why;
  for (const char* which : {"first", "second"}) {
    const std::string note = "(note " + std::to_string(twins.integer_or(which, 0)) + ")";
    EXPECT_NE(why.find(note), std::string::npos) << why;
  }
  EXPECT_EQ(texts(call(a, "notes.history", {{"id", short_of(made)}})), "one");
}

TEST_F(Notes, WhatLandsBeforeAllThatCanBeTakenBackIsFoldedInAllTheSame) {
  node::Node &a = add_node(), &b = add_node();
  const wire::Value made = call(a, "notes.add", {{"text", "0"}});
  meet(a, b);
  call(b, "notes.edit", {{"id", short_of(made)}, {"text", "from b"}});
  play.loop.run_for(1'000'000);
  run(a, "many", R"(
    local l, before = kith.ledger('notes'), nil
    kith.command('more', { { 'note' } }, function(args)
      before = before or args.note
      for i = 1, 550 do
        before = l:append('note/edit',
          { note = args.note, replaces = { before }, text = tostring(i) }).id
      end
    end))");
  for (int i = 0; i < 4; ++i) {
    call(a, "many.more", {{"note", made.string_or("id")}});
    EXPECT_EQ(texts(list(a)), "550");
  }
  meet(a, b);
  EXPECT_EQ(texts(list(a)), "from b, 550");
  EXPECT_EQ(texts(list(b)), "from b, 550");
  expect_fold_from_nothing(a);
}

TEST_F(Notes, WrongEditsChangeNothing) {
  node::Node& a = add_node();
  const wire::Value made = call(a, "notes.add", {{"text", "mine"}});
  run(a, "wrong", R"(
    local l = kith.ledger('notes')
    kith.command('write', { { 'note' } }, function(args)
      local id = args.note
      for _, body in ipairs({ 'no json', '[]', '\255', { note = id, text = 'x' },
          { note = id, replaces = { id }, text = 1 }, { note = 'x', replaces = {}, text = 'x' },
          { note = id:upper(), replaces = kith.list(), text = 'x' } }) do
        l:append('note/edit', body)
      end
      l:append('note/other', 'x')
    end)
    kith.command('flood', { { 'note' } }, function(args)
      for i = 1, 70 do
        l:append('note/edit', { note = args.note, replaces = { 1, {}, false }, text = 'v' .. i })
      end
    end))");
  call(a, "wrong.write", {{"note", made.string_or("id")}});
  EXPECT_EQ(texts(list(a)), "mine");
  EXPECT_EQ(list(a).list()->size(), 1u);
  EXPECT_EQ(call(a, "notes.history").list()->size(), 8u);
  call(a, "wrong.flood", {{"note", made.string_or("id")}});
  const wire::Value rows = list(a);
  EXPECT_EQ(rows.list()->size(), 64u);  // kStandMax
  EXPECT_EQ((*rows.list())[0].string_or("text"), "v7");
  expect_fold_from_nothing(a);
}

TEST_F(Notes, WhatBecameVoidIsFoldedAnew) {
  node::Node& a = add_node();
  const wire::Value made = call(a, "notes.add", {{"text", "one"}});
  call(a, "notes.edit", {{"id", short_of(made)}, {"text", "two"}});
  EXPECT_EQ(texts(list(a)), "two");
  wire::Value body;
  body["ledger"] = "notes";
  body["counts"] = false;
  a.bus().emit("ledger/void", body);
  EXPECT_EQ(texts(list(a)), "two");
  call(a, "notes.edit", {{"id", short_of(made)}, {"text", "three"}});
  EXPECT_EQ(texts(list(a)), "three");
}

}  // namespace
}  // namespace kith::test
