// The C++20 side of the lab: the workloads of `workload.rs` by coroutines with symmetric transfer.
// Compiled at run time (see `strategies/cpp.rs`) and loaded into the lab's own process.

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "task.hpp"

namespace {

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

template <class F> using task = basic_task<std::uint64_t, F>;

template <class F> task<F> leaf(std::uint64_t suspensions) {
    std::uint64_t sum = 0;
    for (; suspensions != 0; --suspensions) {
        co_await suspend{};
        sum += opaque<std::uint64_t>(1);
    }
    co_return sum;
}

// The unrolled static chain: one function for each level.
template <class F, unsigned Depth> task<F> level(std::uint64_t suspensions) {
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
