// SPDX-License-Identifier: MIT
#include "engine/net/transports.h"

#include <algorithm>

namespace kith::net {
namespace {

Error no_transport(const wire::Multiaddr& address) {
  const std::string suffix = address.suffix();
  return {net_error::no_transport, "nothing here speaks " + (suffix.empty() ? "it" : suffix)};
}

kith_pipe* pipe_of(const void* result) {
  return static_cast<kith_pipe*>(const_cast<void*>(result));
}

}  // namespace

// A dial under way at a transport: cancelled there when it ends here.
class Transports::Dial {
 public:
  Dial(Transports& owner, const Entry& entry, const wire::Multiaddr& address,
       std::string_view dns_name)
      : owner_(owner), entry_(entry), at_(owner.dials_.insert(owner.dials_.end(), this)) {
    op_ = entry.ops->dial(entry.me, c_bytes(address.bytes()), c_bytes(dns_name), answer_.done());
    if (!op_ && !answer_.fired()) answer_.fire(KITH_IO, nullptr);
  }
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;
  ~Dial() {
    owner_.dials_.erase(at_);
    cancel();
  }

  Completion& answer() { return answer_; }
  Pipe take() { return Pipe(pipe_of(answer_.result())); }
  bool is_of(void* me) const { return entry_.me == me; }
  bool ended() const { return answer_.fired(); }
  void end() {
    cancel();
    if (!answer_.fired()) answer_.fire(KITH_CLOSED, nullptr);
  }

 private:
  void cancel() {
    kith_op* op = std::exchange(op_, nullptr);
    if (op && !answer_.fired()) entry_.ops->cancel(entry_.me, op);
  }

  Transports& owner_;
  const Entry entry_;
  std::list<Dial*>::iterator at_;
  Completion answer_;
  kith_op* op_ = nullptr;
};

Transports::~Transports() {
  end_where([](const Listener&) { return true; });
}

Result<void> Transports::add(const kith_transport* ops, void* me, Why why) {
  const auto [at, is_new] = entries_.try_emplace(ops->suffix, Entry{ops, me, std::move(why)});
  if (!is_new) return Error(KITH_REFUSED, "another transport claims " + at->first);
  return {};
}

void Transports::remove(void* me) {
  std::erase_if(entries_, [me](const auto& entry) { return entry.second.me == me; });
  end_where([me](const Listener& listener) { return listener.entry.me == me; });
  // Whoever waited may end other dials when it is told.
  const auto of_me = [me](const Dial* dial) { return dial->is_of(me) && !dial->ended(); };
  for (auto at = dials_.begin(); at != dials_.end();) {
    at = std::find_if(dials_.begin(), dials_.end(), of_me);
    if (at != dials_.end()) (*at)->end();
  }
}

bool Transports::claims(const wire::Multiaddr& address) const { return find(address) != nullptr; }

const Transports::Entry* Transports::find(const wire::Multiaddr& address) const {
  const auto at = entries_.find(address.suffix());
  return at == entries_.end() ? nullptr : &at->second;
}

// One at a time, from the start: a listener that ends may end others below it.
template <class Which>
void Transports::end_where(Which which) {
  for (;;) {
    const auto at = std::find_if(listeners_.begin(), listeners_.end(),
                                 [&](const auto& listener) { return which(*listener); });
    if (at == listeners_.end()) return;
    const auto ended = std::move(*at);
    listeners_.erase(at);
    ended->entry.ops->cancel(ended->entry.me, ended->op);
  }
}

void Transports::end_listening() {
  end_where([](const Listener& listener) { return listener.id == 0; });
}

void Transports::end_below(std::uint64_t id) {
  end_where([id](const Listener& listener) { return id != 0 && listener.id == id; });
}

void Transports::each_link(void* self, std::int64_t, const void* link) {
  const auto* listener = static_cast<Listener*>(self);
  const EachLink each = listener->each;  // whoever takes the link may end the listener
  const wire::Multiaddr bound = listener->bound;
  each(Pipe(pipe_of(link)), bound);
}

Result<Transports::Below> Transports::open(const wire::Multiaddr& address, EachLink each,
                                           std::uint64_t id) {
  const wire::Multiaddr bare = address.without_peer();
  const Entry* entry = find(bare);
  if (!entry) return no_transport(bare);
  auto listener = std::make_unique<Listener>(Listener{*entry, std::move(each), id, {}, nullptr});
  ByteVector bound(1024);
  const int n = entry->ops->listen(entry->me, c_bytes(bare.bytes()),
                                   kith_done{&Transports::each_link, listener.get()}, &listener->op,
                                   bound.data(), bound.size());
  if (n < 0) {
    const std::string said = entry->why ? entry->why() : "";
    return Error(static_cast<kith_err>(n), said.empty() ? "cannot listen on " + bare.text() : said);
  }
  auto read = wire::Multiaddr::from_bytes(Bytes(bound).first(static_cast<std::size_t>(n)));
  if (!read) {
    entry->ops->cancel(entry->me, listener->op);
    return read.error();
  }
  listener->bound = std::move(*read);
  listeners_.push_back(std::move(listener));
  return Below{id, listeners_.back()->bound};
}

Result<wire::Multiaddr> Transports::listen(const wire::Multiaddr& address) {
  auto opened = open(address, each_link_, 0);
  if (!opened) return opened.error();
  return std::move(opened->bound);
}

Result<Transports::Below> Transports::listen_below(const wire::Multiaddr& address, EachLink each) {
  return open(address, std::move(each), ++last_below_);
}

std::vector<wire::Multiaddr> Transports::bound() const {
  std::vector<wire::Multiaddr> all;
  for (const auto& listener : listeners_) {
    if (listener->id == 0) all.push_back(listener->bound);
  }
  return all;
}

Task<Pipe> Transports::dial(wire::Multiaddr address, std::string dns_name) {
  const Entry* entry = find(address);
  if (!entry) throw Fault(no_transport(address));
  Dial dial(*this, *entry, address, dns_name);
  Completion& answer = dial.answer();
  const std::int64_t r = co_await answer;
  if (r < 0) throw Fault(Error(static_cast<kith_err>(r), answer.sentence()));
  co_return dial.take();
}

}  // namespace kith::net
