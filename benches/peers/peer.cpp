// The C++20 side of the lab: the workloads of `workload.rs` by coroutines with symmetric transfer.
// Compiled at run time (see `strategies/cpp.rs`) and loaded into the lab's own process.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
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

// Clang elides by itself what it can inline and see the end of. What is compared is asking for
// elision and not asking, so where nothing is asked for the chains that it could elide are not
// inlined.
#ifdef LAB_ELIDE
#define LAB_CALLEE
#else
#define LAB_CALLEE __attribute__((noinline))
#endif

namespace {

// What `std::hint::black_box` compiles to: the value goes through memory that the optimiser must
// assume to have been read and written.
template <class T> inline T opaque(T value) {
    asm volatile("" : : "r"(&value) : "memory");
    return value;
}

// The innermost suspended coroutine: what a wake-up resumes.
std::coroutine_handle<> leaf_handle;

struct suspend {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept { leaf_handle = handle; }
    void await_resume() const noexcept {}
};

// Frames from malloc: the default `operator new`.
struct on_heap {};

// Frames from a LIFO arena. Coroutines of one chain end in the reverse order of their start, so
// freeing is setting the top back.
struct on_arena {
    static constexpr std::size_t capacity = std::size_t(1) << 20;
    alignas(64) static inline std::byte memory[capacity];
    static inline std::byte* top = memory;

    static void* operator new(std::size_t size) {
        size = (size + 15) & ~std::size_t(15);
        if (size > static_cast<std::size_t>(memory + capacity - top)) [[unlikely]] {
            std::fputs("lab: the C++ frame arena is full\n", stderr);
            std::abort();
        }
        std::byte* frame = top;
        top += size;
        return frame;
    }
    static void operator delete(void* frame, std::size_t) { top = static_cast<std::byte*>(frame); }
};

template <class Frames> class LAB_TASK task {
  public:
    struct promise_type : Frames {
        std::coroutine_handle<> continuation;
        std::uint64_t result;

        struct final_awaiter {
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<>
            await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
                return self.promise().continuation;
            }
            void await_resume() const noexcept {}
        };

        task get_return_object() noexcept {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        final_awaiter final_suspend() const noexcept { return {}; }
        void return_value(std::uint64_t value) noexcept { result = value; }
        void unhandled_exception() const noexcept { std::terminate(); }
    };

    task(task&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
    task& operator=(task&&) = delete;
    ~task() {
        if (handle) handle.destroy();
    }

    struct awaiter {
        std::coroutine_handle<promise_type> handle;
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
            handle.promise().continuation = caller;
            return handle;
        }
        std::uint64_t await_resume() const noexcept { return handle.promise().result; }
    };
    awaiter operator co_await() const& noexcept { return {handle}; }
    awaiter operator co_await() const&& noexcept { return {handle}; }

    // The face towards the driver: a root's continuation does nothing, which ends the transfer.
    void start() {
        handle.promise().continuation = std::noop_coroutine();
        handle.resume();
    }
    bool done() const { return handle.done(); }
    std::uint64_t result() const { return handle.promise().result; }

  private:
    explicit task(std::coroutine_handle<promise_type> handle) : handle(handle) {}
    std::coroutine_handle<promise_type> handle;
};

template <class F> LAB_CALLEE task<F> leaf(std::uint64_t suspensions) {
    std::uint64_t sum = 0;
    for (; suspensions != 0; --suspensions) {
        co_await suspend{};
        sum += opaque<std::uint64_t>(1);
    }
    co_return sum;
}

// The unrolled static chain: one function for each level.
template <class F, unsigned Depth> LAB_CALLEE task<F> level(std::uint64_t suspensions) {
    std::uint64_t below;
    if constexpr (Depth == 2)
        below = co_await leaf<F>(suspensions);
    else
        below = co_await level<F, Depth - 1>(suspensions);
    co_return below + opaque<std::uint64_t>(1);
}

// The deep static chain, by recursion.
template <class F> task<F> deep_level(std::uint32_t depth, std::uint64_t suspensions);

template <class F> task<F> deep(std::uint32_t depth, std::uint64_t suspensions) {
    return depth == 1 ? leaf<F>(suspensions) : deep_level<F>(depth, suspensions);
}

template <class F> task<F> deep_level(std::uint32_t depth, std::uint64_t suspensions) {
    const std::uint64_t below = co_await deep<F>(depth - 1, suspensions);
    co_return below + opaque<std::uint64_t>(1);
}

// The dynamic chain: the callee is a pointer that cannot be looked through.
template <class F> task<F> dynamic_level(std::uint32_t depth, std::uint64_t suspensions);

template <class F> task<F> dynamic(std::uint32_t depth, std::uint64_t suspensions) {
    return depth == 1 ? leaf<F>(suspensions) : dynamic_level<F>(depth, suspensions);
}

template <class F> task<F> dynamic_level(std::uint32_t depth, std::uint64_t suspensions) {
    task<F> (*const next)(std::uint32_t, std::uint64_t) = opaque(&dynamic<F>);
    const std::uint64_t below = co_await next(depth - 1, suspensions);
    co_return below + opaque<std::uint64_t>(1);
}

template <class F> task<F> fib(std::uint32_t n) {
    if (n < 2) co_return opaque<std::uint64_t>(n);
    const std::uint64_t first = co_await fib<F>(n - 1);
    const std::uint64_t second = co_await fib<F>(n - 2);
    co_return opaque(first + second);
}

template <class F> task<F> fib_yield(std::uint32_t n) {
    if (n < 2) {
        co_await suspend{};
        co_return opaque<std::uint64_t>(n);
    }
    const std::uint64_t first = co_await fib_yield<F>(n - 1);
    const std::uint64_t second = co_await fib_yield<F>(n - 2);
    co_return opaque(first + second);
}

// Resumes leaves until the root is done.
template <class F> std::uint64_t finish(const task<F>& root) {
    while (!root.done()) leaf_handle.resume();
    return root.result();
}

template <class F, class Make> std::uint64_t calls(Make make, std::uint64_t iterations) {
    std::uint64_t checksum = 0;
    for (; iterations != 0; --iterations) {
        task<F> root = make();
        root.start();
        checksum += finish(root);
    }
    return checksum;
}

// Hands `use` the function that starts the static chain of `depth` levels.
template <class F, class Use> std::uint64_t with_static_chain(std::uint32_t depth, Use use) {
    switch (depth) {
        case 1: return use([](std::uint64_t s) { return leaf<F>(s); });
        case 2: return use([](std::uint64_t s) { return level<F, 2>(s); });
        case 4: return use([](std::uint64_t s) { return level<F, 4>(s); });
        case 8: return use([](std::uint64_t s) { return level<F, 8>(s); });
        case 16: return use([](std::uint64_t s) { return level<F, 16>(s); });
        case 32: return use([](std::uint64_t s) { return level<F, 32>(s); });
        case 64: return use([](std::uint64_t s) { return level<F, 64>(s); });
        default: return use([depth](std::uint64_t s) { return deep<F>(depth, s); });
    }
}

template <class F>
std::uint64_t call_chain(bool dyn, std::uint32_t depth, std::uint64_t suspensions,
                         std::uint64_t iterations) {
    if (dyn)
        return calls<F>([=] { return dynamic<F>(depth, opaque(suspensions)); }, iterations);
    return with_static_chain<F>(depth, [=](auto chain) {
        return calls<F>([=] { return chain(opaque(suspensions)); }, iterations);
    });
}

template <class F>
std::uint64_t call_fib(std::uint32_t n, bool yields, std::uint64_t iterations) {
    if (yields) return calls<F>([=] { return fib_yield<F>(opaque(n)); }, iterations);
    return calls<F>([=] { return fib<F>(opaque(n)); }, iterations);
}

using clock_function = std::uint64_t (*)();

// Starts a chain for `n + 1` suspensions, reads the clock around `n` resumes, finishes it.
template <class Make>
std::uint64_t resumes(Make make, std::uint64_t n, clock_function clock, std::uint64_t* elapsed) {
    task<on_heap> root = make(opaque(n + 1));
    root.start();
    const std::uint64_t start = clock();
    for (; n != 0; --n) {
        if (root.done()) [[unlikely]] {
            std::fputs("lab: the C++ chain ended early\n", stderr);
            std::abort();
        }
        leaf_handle.resume();
    }
    *elapsed = clock() - start;
    return finish(root);
}

} // namespace

#define LAB_EXPORT extern "C" __attribute__((visibility("default")))

// Sets `*elapsed` to the clock's difference over `n` resumes; returns the chain's result.
LAB_EXPORT std::uint64_t lab_resume(bool dyn, std::uint32_t depth, std::uint64_t n,
                                    clock_function clock, std::uint64_t* elapsed) {
    if (dyn)
        return resumes([=](std::uint64_t s) { return dynamic<on_heap>(depth, s); }, n, clock,
                       elapsed);
    return with_static_chain<on_heap>(
        depth, [=](auto chain) { return resumes(chain, n, clock, elapsed); });
}

// Returns the sum of the results of `iterations` whole calls.
LAB_EXPORT std::uint64_t lab_call(bool arena, bool dyn, std::uint32_t depth,
                                  std::uint64_t suspensions, std::uint64_t iterations) {
    return arena ? call_chain<on_arena>(dyn, depth, suspensions, iterations)
                 : call_chain<on_heap>(dyn, depth, suspensions, iterations);
}

// Returns the sum of the results of `iterations` times `fib(n)`.
LAB_EXPORT std::uint64_t lab_fib(bool arena, std::uint32_t n, bool yields,
                                 std::uint64_t iterations) {
    return arena ? call_fib<on_arena>(n, yields, iterations)
                 : call_fib<on_heap>(n, yields, iterations);
}
