// SPDX-License-Identifier: MIT
#include "engine/net/multistream.h"

#include "engine/base/limits.h"
#include "engine/wire/multistream.h"

namespace kith::net {

namespace {

void check_pipe(int r) {
  if (r == KITH_TIMEOUT) throw Fault(Error(net_error::timeout, "while agreeing on a protocol"));
  if (r < 0) {
    throw Fault(Error(net_error::closed, std::string("while agreeing on a protocol, ") +
                                             kith::describe(static_cast<kith_err>(r))));
  }
}

// A length byte at a time: what stands behind the line belongs to the protocol that is agreed on.
Task<std::string> read_line(Pipe& pipe) {
  std::uint8_t prefix[wire::kLinePrefixMax];
  std::size_t have = 0, size = 0;
  while (size == 0) {
    const MutableBytes one(prefix + have, 1);
    const int got = co_await read_exact(pipe, one);
    check_pipe(got);
    ++have;
    const Result<std::size_t> judged = wire::read_line_prefix(Bytes(prefix, have));
    if (!judged && judged.error().is(wire::wire_error::truncated)) continue;
    size = judged.value();
  }
  std::string line(size, '\0');
  const MutableBytes rest(reinterpret_cast<std::uint8_t*>(line.data()), size);
  const int got = co_await read_exact(pipe, rest);
  check_pipe(got);
  wire::judge_line(rest).value();
  line.pop_back();
  co_return line;
}

Task<void> write_lines(Pipe& pipe, ByteVector lines) {
  const int sent = co_await write_all(pipe, lines);
  check_pipe(sent);
}

Task<void> write_line(Pipe& pipe, std::string_view text) {
  ByteVector line;
  wire::append_line(line, text);
  co_await write_lines(pipe, std::move(line));
}

}  // namespace

Task<std::size_t> select_protocol(Pipe& pipe, std::span<const std::string_view> proposals) {
  ByteVector opening;
  wire::append_line(opening, wire::kMultistreamProtocol);
  wire::append_line(opening, proposals[0]);
  co_await write_lines(pipe, std::move(opening));
  const std::string header = co_await read_line(pipe);
  if (header != wire::kMultistreamProtocol) {
    throw Fault(Error(net_error::no_common_protocol, "the answer is not multistream-select"));
  }
  for (std::size_t at = 0;;) {
    const std::string answer = co_await read_line(pipe);
    if (answer == proposals[at]) co_return at;
    if (answer != wire::kMultistreamNone) {
      throw Fault(Error(net_error::no_common_protocol, "an answer to nothing that was asked"));
    }
    if (++at == proposals.size()) {
      throw Fault(Error(net_error::no_common_protocol, std::string(proposals[0])));
    }
    const std::string_view proposal = proposals[at];
    co_await write_line(pipe, proposal);
  }
}

Task<std::string> answer_protocol(Pipe& pipe, const std::function<bool(std::string_view)>& known) {
  const std::string header = co_await read_line(pipe);
  if (header != wire::kMultistreamProtocol) {
    throw Fault(Error(net_error::no_common_protocol, "the opening is not multistream-select"));
  }
  co_await write_line(pipe, wire::kMultistreamProtocol);
  for (std::size_t refused = 0; refused < limits::kNegotiateProposalsMax; ++refused) {
    std::string proposal = co_await read_line(pipe);
    if (known(proposal)) {
      co_await write_line(pipe, proposal);
      co_return proposal;
    }
    co_await write_line(pipe, wire::kMultistreamNone);
  }
  throw Fault(Error(net_error::no_common_protocol, "too many proposals"));
}

}  // namespace kith::net
