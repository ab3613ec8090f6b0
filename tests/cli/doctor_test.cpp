// SPDX-License-Identifier: MIT
// `kith doctor`: by the running node, and without one.
#include "engine/cli/doctor.h"

#include <sys/stat.h>

#include <fstream>

#include "engine/node/doctor.h"
#include "engine/wire/json.h"
#include "tests/cli/play.h"

namespace kith::cli {
namespace {

using wire::Value;

class DoctorVerb : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    doors_.known_plugins = [this](const std::string&) {
      ++plugins_read_;
      return std::vector<node::PluginOptions>{};
    };
  }
  // A node that says this of itself.
  static SmallNode::Register saying(node::Checks checks) {
    return [checks](bus::Bus& bus, const bus::Owner& owner, node::RealLoop&) {
      bus::CommandSpec spec{"doctor", "says", "", {}};
      ASSERT_TRUE(bus.command(owner, std::move(spec), [checks](bus::CallPtr call, Value) {
        call->end(node::doctor_body(checks));
      }));
    };
  }
  static const Value* check(const Value& body, std::string_view name) {
    for (const Value& row : *body.find("checks")->list())
      if (row.string_or("check") == name) return &row;
    return nullptr;
  }
  int plugins_read_ = 0;
};

TEST_F(DoctorVerb, WithoutANodeItSaysSoAndChecksWhatItCan) {
  const Ran made = run({"doctor"});
  EXPECT_EQ(made.code, kExitFailure);
  EXPECT_TRUE(made.out.starts_with("!!  node       no node runs in " + home_ +
                                   "\n               -> kith run\nok  config "))
      << made.out;
  for (const char* check : {"home", "disk", "files"})
    EXPECT_NE(made.out.find("  " + std::string(check) + "  "), std::string::npos) << check;
  EXPECT_FALSE(std::filesystem::exists(home_)) << "a look makes no home";
}

TEST_F(DoctorVerb, ABadConfigAndAnOpenKeyAreNamedWithTheCure) {
  std::filesystem::create_directories(home_);
  std::ofstream(home_ + "/kith.toml") << "[logg]\nlevel = 3\n";
  std::ofstream(home_ + "/identity.key") << "secret";
  ASSERT_EQ(::chmod((home_ + "/identity.key").c_str(), 0644), 0);
  const Ran made = run({"--json", "doctor"});
  EXPECT_EQ(made.code, kExitFailure);
  const auto body = wire::from_json(made.out);
  ASSERT_TRUE(body) << made.out;
  EXPECT_FALSE(body->boolean_or("ok", true));
  ASSERT_TRUE(check(*body, "config"));
  EXPECT_NE(check(*body, "config")->string_or("detail").find("'logg'"), std::string::npos)
      << made.out;
  EXPECT_EQ(check(*body, "home")->string_or("next"), "chmod 600 " + home_ + "/identity.key");
  EXPECT_EQ(plugins_read_, 1);
}

TEST_F(DoctorVerb, TheNodesWordIsShownAndDecidesTheExitCode) {
  {
    const SmallNode node(home_, saying({{"peers", true, "2 connected", ""}}));
    const Ran made = run({"doctor"});
    EXPECT_EQ(made.code, kExitOk);
    EXPECT_EQ(made.out, "ok  peers      2 connected\n");
    EXPECT_EQ(made.err, "");
  }
  const SmallNode node(home_, saying({{"peers", true, "2 connected", ""},
                                      {"apps", false, "a \x1b[31m failed", "mend it"}}));
  const Ran made = run({"doctor"});
  EXPECT_EQ(made.code, kExitFailure);
  EXPECT_NE(made.out.find("!!  apps       a "), std::string::npos) << made.out;
  EXPECT_NE(made.out.find("\n               -> mend it\n"), std::string::npos) << made.out;
  EXPECT_EQ(made.out.find('\x1b'), std::string::npos);
  const auto body = wire::from_json(run({"doctor", "--json"}).out);
  ASSERT_TRUE(body);
  EXPECT_FALSE(body->boolean_or("ok", true));
  EXPECT_EQ(body->find("checks")->list()->size(), 2u);
  EXPECT_EQ(plugins_read_, 0) << "only where the config is to be judged";
}

// It may be older than this program.
TEST_F(DoctorVerb, ANodeThatDoesNotKnowTheCommand) {
  const SmallNode node(home_, [](bus::Bus&, const bus::Owner&, node::RealLoop&) {});
  const Ran made = run({"doctor"});
  EXPECT_EQ(made.code, kExitFailure);
  EXPECT_NE(made.out.find("(pid "), std::string::npos) << made.out;
  EXPECT_NE(made.out.find("ok  config"), std::string::npos) << made.out;
}

}  // namespace
}  // namespace kith::cli
