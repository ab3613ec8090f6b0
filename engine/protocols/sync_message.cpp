// SPDX-License-Identifier: MIT
#include "engine/protocols/sync_message.h"

#include "engine/protocols/sync_form.h"

namespace kith::protocols {
namespace {

template <class Form, class Message>
using Of = std::conditional_t<Form::kReads, Message&, const Message&>;

// What follows the kind, once for both ways. A message has `kMembers<Message>` of them.
template <class Message>
constexpr std::uint64_t kMembers = 0;

template <>
constexpr std::uint64_t kMembers<SyncHello> = 7;
template <class Form>
void shape(Form& form, Of<Form, SyncHello> hello) {
  form.number(hello.at);
  form.digest(hello.ledger);
  form.digest(hello.control);
  form.digest(hello.digest);
  form.number(hello.tips);
  form.number(hello.entries);
  form.number(hello.now_us);
}

template <>
constexpr std::uint64_t kMembers<SyncMore> = 3;
template <class Form>
void shape(Form& form, Of<Form, SyncMore> more) {
  form.number(more.at);
  form.number(more.version);
  form.number(more.from);
}

template <>
constexpr std::uint64_t kMembers<SyncItems> = 2;
template <class Form>
void shape(Form& form, Of<Form, SyncItems> items) {
  form.number(items.at);
  form.items(items.items);
}

template <>
constexpr std::uint64_t kMembers<SyncPaths> = 2;
template <class Form>
void shape(Form& form, Of<Form, SyncPaths> paths) {
  form.number(paths.at);
  form.paths(paths.paths);
}

template <>
constexpr std::uint64_t kMembers<SyncWants> = 2;
template <class Form>
void shape(Form& form, Of<Form, SyncWants> wants) {
  form.number(wants.at);
  form.wants(wants.wants);
}

template <>
constexpr std::uint64_t kMembers<SyncGrant> = 1;
template <class Form>
void shape(Form& form, Of<Form, SyncGrant> grant) {
  form.number(grant.bytes);
}

template <>
constexpr std::uint64_t kMembers<SyncLacks> = 4;
template <class Form>
void shape(Form& form, Of<Form, SyncLacks> lacks) {
  form.number(lacks.at);
  form.number(lacks.first_seq);
  form.marks(lacks.which);
  form.tip(lacks.to);
}

template <>
constexpr std::uint64_t kMembers<SyncVouched> = 2;
template <class Form>
void shape(Form& form, Of<Form, SyncVouched> vouched) {
  form.number(vouched.at);
  form.item(vouched.digest);
}

template <>
constexpr std::uint64_t kMembers<SyncBuckets> = 4;
template <class Form>
void shape(Form& form, Of<Form, SyncBuckets> asked) {
  form.number(asked.at);
  form.digest(asked.witness);
  form.digest(asked.after);
  form.buckets(asked.buckets);
}

template <>
constexpr std::uint64_t kMembers<SyncSame> = 2;
template <class Form>
void shape(Form& form, Of<Form, SyncSame> same) {
  form.number(same.at);
  form.number(same.now_us);
}

template <>
constexpr std::uint64_t kMembers<SyncDiffers> = 7;
template <class Form>
void shape(Form& form, Of<Form, SyncDiffers> differs) {
  form.number(differs.at);
  form.digest(differs.control);
  form.digest(differs.digest);
  form.number(differs.tips);
  form.number(differs.entries);
  form.number(differs.now_us);
  form.number(differs.version);
}

template <>
constexpr std::uint64_t kMembers<SyncUnkept> = 1;
template <class Form>
void shape(Form& form, Of<Form, SyncUnkept> unkept) {
  form.number(unkept.at);
}

template <>
constexpr std::uint64_t kMembers<SyncSymbols> = 4;
template <class Form>
void shape(Form& form, Of<Form, SyncSymbols> symbols) {
  form.number(symbols.at);
  form.number(symbols.version);
  form.number(symbols.from);
  form.symbols(symbols.symbols);
}

template <>
constexpr std::uint64_t kMembers<SyncTips> = 2;
template <class Form>
void shape(Form& form, Of<Form, SyncTips> tips) {
  form.number(tips.at);
  form.tips(tips.tips);
}

template <>
constexpr std::uint64_t kMembers<SyncNodes> = 3;
template <class Form>
void shape(Form& form, Of<Form, SyncNodes> nodes) {
  form.number(nodes.at);
  form.number(nodes.version);
  form.nodes(nodes.nodes);
}

template <>
constexpr std::uint64_t kMembers<SyncRun> = 5;
template <class Form>
void shape(Form& form, Of<Form, SyncRun> run) {
  form.number(run.at);
  form.part(run.part);
  form.bytes(run.opening);
  form.bytes(run.entries);
  form.bytes(run.bodies);
}

template <>
constexpr std::uint64_t kMembers<SyncAbsent> = 2;
template <class Form>
void shape(Form& form, Of<Form, SyncAbsent> absent) {
  form.number(absent.at);
  form.digest(absent.feed);
}

template <>
constexpr std::uint64_t kMembers<SyncNews> = 2;
template <class Form>
void shape(Form& form, Of<Form, SyncNews> news) {
  form.number(news.at);
  form.tip(news.tip);
}

template <>
constexpr std::uint64_t kMembers<SyncBodies> = 2;
template <class Form>
void shape(Form& form, Of<Form, SyncBodies> bodies) {
  form.number(bodies.at);
  form.bodies(bodies.bodies);
}

template <>
constexpr std::uint64_t kMembers<SyncWitnesses> = 2;
template <class Form>
void shape(Form& form, Of<Form, SyncWitnesses> told) {
  form.number(told.at);
  form.witnesses(told.witnesses);
}

template <>
constexpr std::uint64_t kMembers<SyncReceipts> = 3;
template <class Form>
void shape(Form& form, Of<Form, SyncReceipts> told) {
  form.number(told.at);
  form.part(told.part);
  form.receipts(told.receipts);
}

template <class Any>
ByteVector write(const Any& any) {
  SyncWriter writer;
  std::visit(
      [&]<class Message>(const Message& message) {
        writer.list(1 + kMembers<Message>);
        writer.number(any.index());
        shape<SyncWriter>(writer, message);
      },
      any);
  return writer.take();
}

template <class Any, std::size_t kind = 0>
Result<Any> read(Bytes bytes) {
  if constexpr (kind == std::variant_size_v<Any>) {
    return sync_error::bad_message;
  } else {
    // A list of fewer than 24, then its kind, below 24 too: one byte each.
    if (bytes.size() < 2 || bytes[1] != kind) return read<Any, kind + 1>(bytes);
    using Message = std::variant_alternative_t<kind, Any>;
    Message message;
    SyncReader reader(bytes);
    std::uint64_t found = 0;
    reader.list(1 + kMembers<Message>);
    reader.number(found);
    shape<SyncReader>(reader, message);
    if (!reader.finish()) return sync_error::bad_message;
    return Any(std::move(message));
  }
}

}  // namespace

const char* describe(sync_error error) {
  switch (error) {
    case sync_error::bad_message: return "no message of /kith/sync/1, or not a true one";
    case sync_error::not_asked: return "an answer to nothing that was asked";
    case sync_error::bad_runs: return "too many bad runs";
    case sync_error::too_much: return "more requests than may wait";
    case sync_error::stalled: return "no answer in time";
  }
  return "unknown error";
}

void append_tip(ByteVector& to, const store::Tip& tip) {
  append(to, tip.feed);
  append_big_endian(to, tip.seq, 8);
  append(to, tip.entry);
}

ByteVector encode(const SyncRequest& request) { return write(request); }
ByteVector encode(const SyncAnswer& answer) { return write(answer); }
Result<SyncRequest> decode_sync_request(Bytes message) { return read<SyncRequest>(message); }
Result<SyncAnswer> decode_sync_answer(Bytes message) { return read<SyncAnswer>(message); }

}  // namespace kith::protocols
