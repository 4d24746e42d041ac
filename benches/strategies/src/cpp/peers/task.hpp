// What the C++20 peers share: the coroutine type, with symmetric transfer. Each of them is compiled
// by itself, with this file beside it.

#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <utility>

// With LAB_ELIDE the coroutine type asks for what P2477 proposes, in the form that clang has: the
// frame of a call that is awaited at once becomes part of the caller's.
#ifdef LAB_ELIDE
#if !__has_cpp_attribute(clang::coro_await_elidable)
#error "this compiler has no coro_await_elidable"
#endif
#define LAB_TASK [[nodiscard, clang::coro_await_elidable]]
#else
#define LAB_TASK [[nodiscard]]
#endif

namespace {

// What `std::hint::black_box` compiles to: the value goes through memory that the optimiser must
// assume to have been read and written.
template <class T> inline T opaque(T value) {
    asm volatile("" : : "r"(&value) : "memory");
    return value;
}

// A coroutine that is started when it is awaited, and that resumes who awaited it when it returns.
// Its frames are from `Frames`'s `operator new`.
template <class T, class Frames> class LAB_TASK basic_task {
  public:
    struct promise_type : Frames {
        std::coroutine_handle<> continuation;
        T result;

        struct final_awaiter {
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<>
            await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
                return self.promise().continuation;
            }
            void await_resume() const noexcept {}
        };

        basic_task get_return_object() noexcept {
            return basic_task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        final_awaiter final_suspend() const noexcept { return {}; }
        void return_value(T value) noexcept { result = value; }
        void unhandled_exception() const noexcept { std::terminate(); }
    };

    basic_task(basic_task&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
    basic_task& operator=(basic_task&&) = delete;
    ~basic_task() {
        if (handle) handle.destroy();
    }

    struct awaiter {
        std::coroutine_handle<promise_type> handle;
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
            handle.promise().continuation = caller;
            return handle;
        }
        T await_resume() const noexcept { return handle.promise().result; }
    };
    awaiter operator co_await() const& noexcept { return {handle}; }
    awaiter operator co_await() const&& noexcept { return {handle}; }

    // The face towards the driver: a root's continuation does nothing, which ends the transfer.
    void start() {
        handle.promise().continuation = std::noop_coroutine();
        handle.resume();
    }
    bool done() const { return handle.done(); }
    T result() const { return handle.promise().result; }

  private:
    explicit basic_task(std::coroutine_handle<promise_type> handle) : handle(handle) {}
    std::coroutine_handle<promise_type> handle;
};

} // namespace
