// The C++20 side of `lab memory`: the programs of `strategies/memory/bodies.rs` by coroutines with
// symmetric transfer, whose frames are counted by their `operator new`. Compiled and loaded as peer.cpp is.

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "task.hpp"

// Clang elides by itself what it can inline and see the end of. What is compared is asking for
// elision and not asking, so where nothing is asked for nothing is inlined. (In `peer.cpp`
// everything may be: there clang elides static chains without being asked.)
#ifdef LAB_ELIDE
#define LAB_CALLEE
#else
#define LAB_CALLEE __attribute__((noinline))
#endif

namespace {

struct usage {
    std::uint64_t live, peak, allocations;
} counted;

std::coroutine_handle<> leaf_handle;

struct suspend {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept { leaf_handle = handle; }
    void await_resume() const noexcept {}
};

struct counted_frames {
    static void* operator new(std::size_t size) {
        counted.live += size;
        if (counted.peak < counted.live) counted.peak = counted.live;
        ++counted.allocations;
        void* const memory = std::malloc(size);
        if (!memory) std::abort();
        return memory;
    }
    static void operator delete(void* memory, std::size_t size) {
        counted.live -= size;
        std::free(memory);
    }
};

using task = basic_task<std::uint64_t, counted_frames>;

template <unsigned N> struct payload {
    unsigned char bytes[N];
};

template <unsigned N> payload<N> make_payload() {
    payload<N> made;
    std::memset(made.bytes, opaque(1), N);
    return made;
}

template <unsigned N> std::uint64_t look(const payload<N>& held) {
    asm volatile("" : : "r"(&held) : "memory");
    return held.bytes[N - 1];
}

template <unsigned W> struct words {
    std::uint64_t value[W];
};

template <unsigned W> words<W> make_words(std::uint64_t seed) {
    words<W> made;
    for (auto& word : made.value) word = opaque(seed);
    return made;
}

template <unsigned W> std::uint64_t read(const words<W>& held) {
    asm volatile("" : : "r"(&held) : "memory");
    return held.value[W - 1];
}

template <unsigned N> LAB_CALLEE task held(payload<N> given) {
    co_await suspend{};
    co_return look(given);
}

template <unsigned N> LAB_CALLEE task local() {
    const payload<N> made = make_payload<N>();
    co_await suspend{};
    co_return look(made);
}

template <unsigned N> LAB_CALLEE task other() {
    const payload<N> made = make_payload<N>();
    co_await suspend{};
    co_return look(made) + opaque<std::uint64_t>(1);
}

// The payload is copied from where the optimiser cannot look: of a chain of elided copies clang 22
// takes minutes to make one, byte for byte.
template <unsigned N, unsigned Levels, bool Late> LAB_CALLEE task passed(payload<N> given) {
    if constexpr (Late) co_await suspend{};
    if constexpr (Levels == 1)
        co_return co_await held<N>(*opaque(&given)) + opaque<std::uint64_t>(1);
    else
        co_return co_await passed<N, Levels - 1, Late>(*opaque(&given)) + opaque<std::uint64_t>(1);
}

template <bool Late> LAB_CALLEE task wrap(task callee) {
    if constexpr (Late) co_await suspend{};
    co_return co_await callee + opaque<std::uint64_t>(1);
}

template <unsigned N, unsigned Times, bool Late> LAB_CALLEE task wrapped() {
    if constexpr (Times == 0)
        return held<N>(make_payload<N>());
    else
        return wrap<Late>(wrapped<N, Times - 1, Late>());
}

#define LAB_CALL sum += co_await local<N>();
#define LAB_CALLS_4 LAB_CALL LAB_CALL LAB_CALL LAB_CALL

template <unsigned N, unsigned Calls> LAB_CALLEE task sequence() {
    std::uint64_t sum = 0;
    if constexpr (Calls == 1) {
        LAB_CALL
    } else if constexpr (Calls == 2) {
        LAB_CALL LAB_CALL
    } else if constexpr (Calls == 4) {
        LAB_CALLS_4
    } else {
        static_assert(Calls == 16);
        LAB_CALLS_4 LAB_CALLS_4 LAB_CALLS_4 LAB_CALLS_4
    }
    co_return sum;
}

#define LAB_BLOCK                                                                                  \
    {                                                                                              \
        const payload<N> made = make_payload<N>();                                                 \
        co_await suspend{};                                                                        \
        sum += look(made);                                                                         \
        co_await suspend{};                                                                        \
        sum += look(made);                                                                         \
    }

template <unsigned N, unsigned Blocks> LAB_CALLEE task blocks() {
    std::uint64_t sum = 0;
    LAB_BLOCK
    if constexpr (Blocks >= 2) LAB_BLOCK
    if constexpr (Blocks >= 4) {
        LAB_BLOCK
        LAB_BLOCK
    }
    co_return sum;
}

template <unsigned N> LAB_CALLEE task branch(bool first) {
    if (first) co_return co_await local<N>();
    co_return co_await other<N>();
}

template <unsigned W> LAB_CALLEE task recursion(std::uint64_t levels) {
    if (levels == 0) {
        co_await suspend{};
        co_return 0;
    }
    const words<W> kept = make_words<W>(levels);
    const std::uint64_t below = co_await recursion<W>(levels - 1);
    co_return below + read(kept);
}

template <unsigned W, unsigned Levels> LAB_CALLEE task argument_task(words<W> kept) {
    std::uint64_t below = 0;
    if constexpr (Levels == 1)
        co_await suspend{};
    else
        below = co_await argument_task<W, Levels - 1>(kept);
    co_return below + read(kept);
}

template <unsigned W, unsigned Levels> LAB_CALLEE task local_task(std::uint64_t seed) {
    const words<W> kept = make_words<W>(seed);
    std::uint64_t below = 0;
    if constexpr (Levels == 1)
        co_await suspend{};
    else
        below = co_await local_task<W, Levels - 1>(seed);
    co_return below + read(kept);
}

struct footprint {
    std::uint64_t bytes, peak_bytes, allocations, result;
};

// The root is always an allocation, as that of a task that is spawned.
template <class Make> __attribute__((noinline)) task make_root(Make make) { return make(); }

// Runs the chain that `make` builds to its end.
template <class Make> bool run(footprint& out, Make make) {
    counted = {};
    out.bytes = 0;
    {
        task root = make_root(make);
        root.start();
        while (!root.done()) {
            if (out.bytes < counted.live) out.bytes = counted.live;
            leaf_handle.resume();
        }
        out.result = root.result();
    }
    out.peak_bytes = counted.peak;
    out.allocations = counted.allocations;
    // Nothing must be left over.
    return counted.live == 0;
}

template <unsigned N> bool run_bytes(std::string_view shape, unsigned depth, footprint& out) {
    const auto is = [&](const char* name, unsigned times) { return shape == name && depth == times; };
    const auto made = [] { return make_payload<N>(); };
    if (is("held", 0)) return run(out, [=] { return held<N>(made()); });
    if (is("passed", 1)) return run(out, [=] { return passed<N, 1, false>(made()); });
    if (is("passed", 2)) return run(out, [=] { return passed<N, 2, false>(made()); });
    if (is("passed", 4)) return run(out, [=] { return passed<N, 4, false>(made()); });
    if (is("passed", 8)) return run(out, [=] { return passed<N, 8, false>(made()); });
    if (is("passed-late", 1)) return run(out, [=] { return passed<N, 1, true>(made()); });
    if (is("passed-late", 2)) return run(out, [=] { return passed<N, 2, true>(made()); });
    if (is("passed-late", 4)) return run(out, [=] { return passed<N, 4, true>(made()); });
    if (is("passed-late", 8)) return run(out, [=] { return passed<N, 8, true>(made()); });
    if (is("wrap", 1)) return run(out, [] { return wrapped<N, 1, false>(); });
    if (is("wrap", 2)) return run(out, [] { return wrapped<N, 2, false>(); });
    if (is("wrap", 4)) return run(out, [] { return wrapped<N, 4, false>(); });
    if (is("wrap", 8)) return run(out, [] { return wrapped<N, 8, false>(); });
    if (is("combine", 1)) return run(out, [] { return wrapped<N, 1, true>(); });
    if (is("combine", 4)) return run(out, [] { return wrapped<N, 4, true>(); });
    if (is("combine", 8)) return run(out, [] { return wrapped<N, 8, true>(); });
    if (is("sequential", 1)) return run(out, [] { return sequence<N, 1>(); });
    if (is("sequential", 2)) return run(out, [] { return sequence<N, 2>(); });
    if (is("sequential", 4)) return run(out, [] { return sequence<N, 4>(); });
    if (is("sequential", 16)) return run(out, [] { return sequence<N, 16>(); });
    if (is("disjoint", 1)) return run(out, [] { return blocks<N, 1>(); });
    if (is("disjoint", 2)) return run(out, [] { return blocks<N, 2>(); });
    if (is("disjoint", 4)) return run(out, [] { return blocks<N, 4>(); });
    if (is("branch", 1)) return run(out, [] { return branch<N>(opaque(true)); });
    return false;
}

template <unsigned W> bool run_recursion(unsigned depth, footprint& out) {
    return run(out, [=] { return recursion<W>(depth); });
}

// `count` suspended tasks at the same time: `out.bytes` is by how much the resident set has grown,
// as `resident` says before and after; the memory for the handles is not part of it.
template <class Make>
bool run_tasks(std::uint32_t count, std::uint64_t (*resident)(), footprint& out, Make make) {
    auto* const tasks = static_cast<task*>(std::malloc(count * sizeof(task)));
    if (!tasks) return false;
    std::memset(static_cast<void*>(tasks), 0x5A, count * sizeof(task));
    counted = {};
    auto* const leaves =
        static_cast<std::coroutine_handle<>*>(std::malloc(count * sizeof(leaf_handle)));
    if (!leaves) return false;
    std::memset(static_cast<void*>(leaves), 0x5A, count * sizeof(leaf_handle));
    const std::uint64_t before = resident();
    for (std::uint32_t i = 0; i != count; ++i) {
        task* const made = new (tasks + i) task(make_root([=] { return make(i); }));
        made->start();
        leaves[i] = leaf_handle;
    }
    out.bytes = resident() - before;
    out.peak_bytes = 0;
    out.allocations = counted.allocations;
    out.result = 0;
    bool all_done = true;
    for (std::uint32_t i = 0; i != count; ++i) {
        all_done = all_done && !tasks[i].done();
        leaves[i].resume();
        all_done = all_done && tasks[i].done();
        out.result += tasks[i].result();
        tasks[i].~task();
    }
    std::free(tasks);
    std::free(leaves);
    return all_done && counted.live == 0;
}

template <unsigned W>
bool run_tasks_of(std::string_view shape, std::uint32_t count, std::uint64_t (*resident)(),
                  footprint& out) {
    if (shape == "tasks-arguments")
        return run_tasks(count, resident, out,
                         [](std::uint64_t i) { return argument_task<W, 4>(make_words<W>(i)); });
    if (shape == "tasks-locals")
        return run_tasks(count, resident, out,
                         [](std::uint64_t i) { return local_task<W, 4>(i); });
    return false;
}

} // namespace

#define LAB_EXPORT extern "C" __attribute__((visibility("default")))

// Runs a program once; false if there is no such program, or if it left something over.
LAB_EXPORT bool lab_memory(const char* shape, std::uint32_t depth, std::uint32_t bytes,
                           footprint* out) {
    if (std::string_view(shape) == "recursion") {
        switch (bytes) {
            case 8: return run_recursion<1>(depth, *out);
            case 16: return run_recursion<2>(depth, *out);
            case 32: return run_recursion<4>(depth, *out);
            case 64: return run_recursion<8>(depth, *out);
            default: return false;
        }
    }
    switch (bytes) {
        case 64: return run_bytes<64>(shape, depth, *out);
        case 1024: return run_bytes<1024>(shape, depth, *out);
        case 65536: return run_bytes<65536>(shape, depth, *out);
        default: return false;
    }
}

// Runs so many tasks of four levels; false as above.
LAB_EXPORT bool lab_memory_tasks(const char* shape, std::uint32_t bytes, std::uint32_t count,
                                 std::uint64_t (*resident)(), footprint* out) {
    switch (bytes) {
        case 8: return run_tasks_of<1>(shape, count, resident, *out);
        case 16: return run_tasks_of<2>(shape, count, resident, *out);
        case 32: return run_tasks_of<4>(shape, count, resident, *out);
        case 64: return run_tasks_of<8>(shape, count, resident, *out);
        default: return false;
    }
}
