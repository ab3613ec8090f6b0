// SPDX-License-Identifier: MIT
#include "tests/net/net_world.h"
#include "tests/support/pipe_contract.h"

namespace kith::test {

struct StreamWorld final : PipeWorld, NetWorld {
  StreamWorld() { NetWorld::connect(); }
  std::pair<Pipe, Pipe> connect() override { return stream(); }
  bool run_until(const std::function<bool()>& done) override {
    return loop.run_until(done, 10'000'000);
  }
  void settle() override { loop.run_for(1'000); }
};

std::unique_ptr<PipeWorld> make_stream_world() { return std::make_unique<StreamWorld>(); }

INSTANTIATE_TEST_SUITE_P(Stream, PipeContract, testing::Values(&make_stream_world));

}  // namespace kith::test
