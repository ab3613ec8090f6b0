// SPDX-License-Identifier: MIT
#include "plugins/runners/lua/runner.h"

#include <algorithm>

#include "engine/wire/quantity.h"

namespace kith::lua {

namespace {

Result<void> read_number(const wire::Value& given, const char* name, std::int64_t low,
                         std::int64_t high, std::uint64_t& to) {
  const wire::Value* value = given.find(name);
  if (!value) return {};
  std::optional<std::int64_t> number;
  if (value->integer()) number = *value->integer();
  if (value->string()) number = wire::parse_size(*value->string());
  if (!number || *number < low || *number > high) {
    return Error(KITH_BAD, std::string(name) + " must be from " + std::to_string(low) + " to " +
                               std::to_string(high));
  }
  to = static_cast<std::uint64_t>(*number);
  return {};
}

}  // namespace

Runner::~Runner() { loaded_.clear(); }

Result<void> Runner::configure(Bytes options, bool commit) {
  const auto given = wire::decode_body(options);
  if (!given) return given.error();
  std::uint64_t memory_bytes = 16 << 20, handler_ms = 250, load_ms = 1'000;
  std::uint64_t instructions = 50'000'000, log_lines = 50;
  struct Row {
    const char* name;
    std::int64_t low, high;
    std::uint64_t& to;
  } const rows[] = {{"memory", 1 << 20, 1 << 30, memory_bytes},
                    {"handler_ms", 1, 60'000, handler_ms},
                    {"load_ms", 1, 60'000, load_ms},
                    {"instructions", 100'000, std::int64_t{1} << 40, instructions},
                    {"log_lines", 1, 100'000, log_lines}};
  for (const Row& row : rows) {
    if (auto judged = read_number(*given, row.name, row.low, row.high, row.to); !judged)
      return judged;
  }
  if (!commit) return {};
  options_.bounds.memory_bytes = memory_bytes;
  options_.bounds.instructions = instructions;
  options_.handler_us = handler_ms * 1'000;
  options_.load_us = load_ms * 1'000;
  options_.log_lines_per_s = static_cast<std::uint32_t>(log_lines);
  return {};
}

const void* Runner::role(std::string_view id) {
  static constexpr kith_runner table{sizeof(kith_runner), ".lua", &load, &unload};
  return id == KITH_RUNNER ? &table : nullptr;
}

int Runner::load(void* me, kith_host* app, const kith_app_spec* spec, kith_done done,
                 void** loaded) {
  auto& runner = *static_cast<Runner*>(me);
  runner.sweep();
  const Host host(runner.host.api(), app);
  auto made = std::make_unique<Loaded>(host, runner.options_, to_string(spec->name));
  Loaded& mine = *made;
  mine.done = done;
  *loaded = &mine;
  runner.loaded_.push_back(std::move(made));
  mine.script.load(to_string(spec->file), view(spec->config), [&mine, host](std::string why) {
    mine.sentence = std::move(why);
    mine.settle = host.after(0, {&answer, &mine});
  });
  return 0;
}

void Runner::answer(void* ctx, std::int64_t, const void*) {
  Loaded& mine = *static_cast<Loaded*>(ctx);
  mine.settle.forget();
  const kith_done done = mine.done;
  if (mine.sentence.empty()) {
    mine.script.check_patterns();
    mine.script.start_following();
    return done.fn(done.ctx, 0, nullptr);
  }
  const std::string sentence = mine.sentence;  // the engine unloads what failed
  const kith_bytes why = c_bytes(std::string_view(sentence));
  done.fn(done.ctx, KITH_BAD, &why);
}

void Runner::unload(void* me, void* loaded) {
  auto& runner = *static_cast<Runner*>(me);
  const auto at = std::find_if(runner.loaded_.begin(), runner.loaded_.end(),
                               [loaded](const auto& each) { return each.get() == loaded; });
  if (at == runner.loaded_.end()) return;
  std::unique_ptr<Loaded> gone = std::move(*at);
  runner.loaded_.erase(at);
  gone->settle.cancel();
  gone->script.retire();
  if (!gone->script.running()) return;
  runner.retired_.push_back(std::move(gone));
  runner.sweeping_ = runner.host.after(0, {[](void* ctx, std::int64_t, const void*) {
                                             auto& self = *static_cast<Runner*>(ctx);
                                             self.sweeping_.forget();
                                             self.sweep();
                                           },
                                           &runner});
}

void Runner::sweep() {
  std::erase_if(retired_, [](const auto& each) { return !each->script.running(); });
}

}  // namespace kith::lua
