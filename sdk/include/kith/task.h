// SPDX-License-Identifier: MIT
// Task<T>: one coroutine that reads top to bottom. Scope: the root that owns running tasks.
// Completion: a kith_done to wait for. Loop thread only.
//
// g++ 12 destroys braced temporaries and capturing lambdas inside an awaited expression twice, so
// the only forms written are `co_await x;`, `auto v = co_await x;` and `co_return co_await x;`,
// without `{` and `[`; arguments are named locals, moved; coroutine lambdas capture nothing.
// tests/tidy.lua holds this.
//
// Trampolined, not symmetric transfer (which overflows the stack under g++ 12 without
// optimization): a task that ends before its parent has suspended makes await_suspend return false,
// so a loop of ready awaits does not nest.
#pragma once
#include <kith/result.h>

#include <cassert>
#include <coroutine>
#include <functional>
#include <optional>
#include <utility>

namespace kith {

template <class T>
class Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> parent;
  bool started_by_parent = false;  // still inside the parent's await_suspend
  std::exception_ptr thrown;

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      PromiseBase& promise = self.promise();
      if (!promise.started_by_parent && promise.parent) promise.parent.resume();
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() { thrown = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& given) {
    value.emplace(std::forward<U>(given));
  }
  T take() {
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() {}
  void take() {
    if (thrown) std::rethrow_exception(thrown);
  }
};

}  // namespace detail

// Lazy: starts when awaited, or when a Scope spawns it. Destroying a suspended one runs its locals'
// destructors, which disarm what it waited for.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  explicit Task(std::coroutine_handle<promise_type> self) : self_(self) {}
  Task(Task&& other) noexcept : self_(std::exchange(other.self_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(self_, other.self_);
    return *this;
  }
  ~Task() {
    if (self_) self_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> parent) {
    auto& promise = self_.promise();
    promise.parent = parent;
    promise.started_by_parent = true;
    self_.resume();
    promise.started_by_parent = false;
    return !self_.done();
  }
  T await_resume() { return self_.promise().take(); }

 private:
  std::coroutine_handle<promise_type> self_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

// Owns root tasks. Its destructor destroys those that still wait; it must not be destroyed from
// inside one of its own tasks (owners post their own end to the loop). `failed` hears of what a
// task threw; it is the only catch.
class Scope {
 public:
  explicit Scope(std::function<void(const std::exception&)> failed = {})
      : failed_(std::move(failed)) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() { clear(); }

  void spawn(Task<void> task) {
    auto root = run(*this, std::move(task));
    root.handle.resume();
  }
  // Destroys all that still wait.
  void clear() {
    while (first_) std::coroutine_handle<RootPromise>::from_promise(*first_).destroy();
  }
  bool empty() const { return first_ == nullptr; }
  std::size_t size() const { return size_; }

 private:
  struct RootPromise;
  struct Root {
    using promise_type = RootPromise;
    std::coroutine_handle<RootPromise> handle;
  };
  struct RootPromise {
    Scope& scope;
    RootPromise* next;
    RootPromise* previous = nullptr;
    RootPromise(Scope& owner, Task<void>&) : scope(owner), next(owner.first_) {
      if (next) next->previous = this;
      owner.first_ = this;
      ++owner.size_;
    }
    ~RootPromise() {
      (previous ? previous->next : scope.first_) = next;
      if (next) next->previous = previous;
      --scope.size_;
    }
    Root get_return_object() {
      return Root{std::coroutine_handle<RootPromise>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }  // run() below lets nothing through
  };
  static Root run(Scope& scope, Task<void> task) {
    try {
      co_await task;
    } catch (const std::exception& thrown) {
      if (scope.failed_) scope.failed_(thrown);
    }
  }

  std::function<void(const std::exception&)> failed_;
  RootPromise* first_ = nullptr;
  std::size_t size_ = 0;
};

// Waits for a kith_done. Hand done() to whatever fires it, then `co_await` it: gives r. It must
// outlive the firing or be cancelled at its source first; a firing that comes before the await is
// kept.
class Completion {
 public:
  Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  kith_done done() {
    return kith_done{[](void* self, std::int64_t r, const void* result) {
                       static_cast<Completion*>(self)->fire(r, result);
                     },
                     this};
  }
  void fire(std::int64_t r, const void* result) {
    fired_ = true;
    r_ = r;
    result_ = result;
    if (r < 0 && result) sentence_ = to_text(result);
    if (auto waiter = std::exchange(waiter_, nullptr)) waiter.resume();
  }
  bool fired() const { return fired_; }
  // Only for results that outlive the firing: pipes, not views.
  const void* result() const { return result_; }
  const std::string& sentence() const { return sentence_; }

  bool await_ready() const noexcept { return fired_; }
  void await_suspend(std::coroutine_handle<> waiter) { waiter_ = waiter; }
  std::int64_t await_resume() const noexcept { return r_; }

 private:
  static std::string to_text(const void* result) {
    const auto* bytes = static_cast<const kith_bytes*>(result);
    return std::string(reinterpret_cast<const char*>(bytes->p), bytes->n);
  }
  std::coroutine_handle<> waiter_;
  std::int64_t r_ = 0;
  const void* result_ = nullptr;
  std::string sentence_;
  bool fired_ = false;
};

}  // namespace kith
