// SPDX-License-Identifier: MIT
// greeter: the smallest app in C++. Logs who comes and goes, and answers `kith greeter greet NAME`.
#include <kith/plugin.h>

#include "engine/wire/value.h"

namespace {

using kith::wire::Value;

struct Greeter final : kith::App {
  static constexpr const char* kName = "greeter";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "Greets (an example).";
  static constexpr kith_option kOptions[] = {{"word", "string", "\"hello\"", "How to greet."}, {}};
  static constexpr kith_arg kArgs[] = {{"name", "string", KITH_ARG_REQUIRED, nullptr, "whom"}};
  using App::App;

  kith::Result<void> configure(kith::Bytes options, bool commit) {
    if (commit)
      word = kith::wire::decode_body(options).value_or(Value()).string_or("word", "hello");
    return {};
  }
  void greet(kith_call* call, kith::Bytes args) {
    Value answer;
    answer["greeting"] =
        word + ", " + kith::wire::decode_body(args).value_or(Value()).string_or("name");
    const kith::ByteVector body = kith::wire::encode_cbor(answer);
    host.bus().end(host.raw(), call, 0, kith::c_bytes(kith::Bytes(body)));
  }

  std::string word = "hello";
  kith::Op command = host.command({sizeof(kith_command), KITH_COMMAND_READ, "greeter.greet",
                                   "greet somebody", "{greeting}", kArgs, 1},
                                  [this](kith_call* call, kith::Bytes args) { greet(call, args); });
  kith::Op peers = host.watch_peers([this](int event, const kith_peer&) {
    if (event == KITH_PEER_IDENTIFIED) host.info(word + ", whoever you are");
  });
};

}  // namespace

KITH_PLUGIN(Greeter)
