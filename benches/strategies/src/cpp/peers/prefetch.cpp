// The C++20 side of `prefetch`: the lookups of `src/prefetch` by coroutines with symmetric transfer,
// in the tables of the lab's own process. Compiled and loaded as peer.cpp is.

#include <bit>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "task.hpp"

namespace {

// A chain of coroutines: the innermost suspended one, which is resumed next, and the memory of its
// frames, which are allocated and freed in LIFO order. As the size is an odd number of lines, chains
// side by side do not compete for the same sets of the cache.
struct chain {
    static constexpr std::size_t capacity = 8192;
    std::coroutine_handle<> leaf;
    std::byte* top = memory;
    alignas(64) std::byte memory[capacity];
};
static_assert(sizeof(chain) / 64 % 2 == 1);

// The chain that runs. Set before a resume; read by allocations and suspensions.
chain* current;

struct arena_frames {
    static void* operator new(std::size_t size) {
        size = (size + 15) & ~std::size_t(15);
        std::byte* frame = current->top;
        if (size > static_cast<std::size_t>(current->memory + chain::capacity - frame)) [[unlikely]] {
            std::fputs("lab: the C++ frame arena is full\n", stderr);
            std::abort();
        }
        current->top = frame + size;
        return frame;
    }
    static void operator delete(void* frame, std::size_t) {
        current->top = static_cast<std::byte*>(frame);
    }
};

struct fetch {
    explicit fetch(const void* address) { __builtin_prefetch(address); }
    fetch(const void* begin, std::size_t bytes) {
        const char* address = static_cast<const char*>(begin);
        for (std::size_t line = 0; line < bytes; line += 64) __builtin_prefetch(address + line);
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept { current->leaf = handle; }
    void await_resume() const noexcept {}
};

template <class T> using task = basic_task<T, arena_frames>;

// One for each place of the group: does one lookup after the other, so that nothing is made or
// destroyed for a lookup but the lookup's own frames.
struct worker {
    struct promise_type : arena_frames {
        worker get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_always final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
};

struct batch {
    const std::uint64_t* inputs;
    std::uint64_t* outputs;
    std::size_t count;
    std::size_t next = 0;
};

template <class Lookup> worker work(batch& batch, Lookup lookup) {
    while (batch.next < batch.count) {
        const std::size_t index = batch.next++;
        batch.outputs[index] = co_await lookup(batch.inputs[index]);
    }
}

// Resumes a group of workers in turn until all lookups are done.
template <class Lookup> void run(batch batch, std::size_t group, Lookup lookup) {
    std::vector<chain> chains(group);
    std::vector<std::coroutine_handle<>> workers;
    for (chain& place : chains) {
        current = &place;
        place.top = place.memory;
        workers.push_back(work(batch, lookup).handle);
        place.leaf = workers.back();
    }
    std::size_t left = group;
    while (left != 0) {
        for (std::size_t i = 0; i != group; ++i) {
            if (!chains[i].leaf) continue;
            current = &chains[i];
            current->leaf.resume();
            if (workers[i].done()) {
                chains[i].leaf = nullptr;
                --left;
            }
        }
    }
    for (std::size_t i = 0; i != group; ++i) {
        current = &chains[i];
        workers[i].destroy();
    }
}

// The tables, as in `src/prefetch`.

constexpr std::uint32_t none = UINT32_MAX;

struct alignas(64) line {
    std::uint32_t next;
};

struct alignas(32) hash_node {
    std::uint64_t key, value;
    std::uint32_t next;
};

struct hash_table {
    const std::uint32_t* heads;
    const hash_node* nodes;
    std::uint32_t shift;
};

struct alignas(64) inner {
    std::uint64_t separators[41];
    std::uint32_t children[42];
};

struct alignas(64) leaf {
    std::uint64_t keys[31], values[31];
};
static_assert(sizeof(line) == 64 && sizeof(hash_node) == 32 && sizeof(inner) == 512 &&
              sizeof(leaf) == 512);

struct tree {
    const inner* nodes;
    const leaf* leaves;
    std::uint32_t root, height;
};

struct array {
    const std::int32_t* values;
    std::size_t length;
};

// `half` or nothing, without a branch.
inline std::size_t half_if(std::size_t half, bool condition) {
#ifdef __clang__
    return __builtin_unpredictable(condition) ? half : 0;
#else
    return half & -std::size_t(condition);
#endif
}

template <std::size_t N> std::size_t rank(const std::uint64_t (&keys)[N], std::uint64_t bound) {
    std::size_t before = 0;
    for (std::size_t length = N; length > 1; length -= length / 2)
        before += half_if(length / 2, keys[before + length / 2 - 1] < bound);
    return before + (keys[before] < bound);
}

inline std::uint32_t child(const inner& node, std::uint64_t key) {
    return node.children[rank(node.separators, key + 1)];
}

// The lookups.

task<std::uint64_t> binary_search(array table, std::uint64_t input) {
    const auto key = static_cast<std::int32_t>(input);
    const std::int32_t* rest = table.values;
    std::size_t length = table.length;
    while (length > 1) {
        const std::size_t half = length / 2;
        co_await fetch(rest + half - 1);
        rest += half_if(half, rest[half - 1] < key);
        length -= half;
    }
    co_return rest - table.values + (*rest < key);
}

task<std::uint64_t> chase(const line* nodes, std::uint32_t hops, std::uint64_t input) {
    auto at = static_cast<std::uint32_t>(input);
    for (; hops != 0; --hops) {
        co_await fetch(nodes + at);
        at = nodes[at].next;
    }
    co_return at;
}

task<std::uint64_t> hash(hash_table table, std::uint64_t key) {
    const std::uint32_t* head = table.heads + (key * 0x9e3779b97f4a7c15 >> table.shift);
    co_await fetch(head);
    for (std::uint32_t at = *head; at != none;) {
        const hash_node& node = table.nodes[at];
        co_await fetch(&node);
        if (node.key == key) co_return node.value;
        at = node.next;
    }
    co_return none;
}

task<std::uint64_t> btree_flat(tree tree, std::uint64_t key) {
    std::uint32_t at = tree.root;
    for (std::uint32_t left = tree.height; left != 0; --left) {
        const inner& node = tree.nodes[at];
        co_await fetch(node.separators, sizeof node.separators);
        at = child(node, key);
    }
    const leaf& leaf = tree.leaves[at];
    co_await fetch(leaf.keys, sizeof leaf.keys);
    const std::size_t slot = rank(leaf.keys, key);
    if (slot == 31 || leaf.keys[slot] != key) co_return UINT64_MAX;
    co_await fetch(leaf.values + slot);
    co_return leaf.values[slot];
}

// The tree again, by calls that suspend at depth 5.

task<int> lines(const void* begin, std::size_t bytes) {
    co_await fetch(begin, bytes);
    co_return 0;
}

task<std::uint32_t> search_node(const inner& node, std::uint64_t key) {
    co_await lines(node.separators, sizeof node.separators);
    co_return child(node, key);
}

task<std::uint32_t> visit_node(const inner& node, std::uint64_t key) {
    co_return co_await search_node(node, key);
}

task<std::size_t> search_leaf(const leaf& leaf, std::uint64_t key) {
    co_await lines(leaf.keys, sizeof leaf.keys);
    const std::size_t slot = rank(leaf.keys, key);
    co_return slot != 31 && leaf.keys[slot] == key ? slot : SIZE_MAX;
}

task<std::uint64_t> value(const std::uint64_t& value) {
    co_await lines(&value, sizeof value);
    co_return value;
}

task<std::uint64_t> visit_leaf(const leaf& leaf, std::uint64_t key) {
    const std::size_t slot = co_await search_leaf(leaf, key);
    if (slot == SIZE_MAX) co_return UINT64_MAX;
    co_return co_await value(leaf.values[slot]);
}

task<std::uint64_t> descend(tree tree, std::uint64_t key) {
    std::uint32_t at = tree.root;
    for (std::uint32_t left = tree.height; left != 0; --left)
        at = co_await visit_node(tree.nodes[at], key);
    co_return co_await visit_leaf(tree.leaves[at], key);
}

task<std::uint64_t> btree(tree tree, std::uint64_t key) { co_return co_await descend(tree, key); }

// A chain of `Depth` coroutines, the innermost of which is `flat`.
template <unsigned Depth, auto flat, class Table>
task<std::uint64_t> level(Table table, std::uint64_t input) {
    if constexpr (Depth == 2)
        co_return opaque(co_await flat(table, input));
    else
        co_return opaque(co_await level<Depth - 1, flat, Table>(table, input));
}

template <auto flat, class Table>
void run_chain(batch batch, std::size_t group, std::uint32_t depth, Table table) {
    const auto run_level = [&](auto chain) {
        run(batch, group, [=](std::uint64_t input) { return chain(table, input); });
    };
    switch (depth) {
        case 1: return run_level([](Table t, std::uint64_t i) { return flat(t, i); });
        case 2: return run_level([](Table t, std::uint64_t i) { return level<2, flat>(t, i); });
        case 4: return run_level([](Table t, std::uint64_t i) { return level<4, flat>(t, i); });
        case 5: return run_level([](Table t, std::uint64_t i) { return level<5, flat>(t, i); });
        case 8: return run_level([](Table t, std::uint64_t i) { return level<8, flat>(t, i); });
        case 16: return run_level([](Table t, std::uint64_t i) { return level<16, flat>(t, i); });
        default:
            std::fputs("lab: no such C++ chain\n", stderr);
            std::abort();
    }
}

} // namespace

#define LAB_EXPORT extern "C" __attribute__((visibility("default")))

// Each looks up `count` inputs in groups of `group` and puts the results at the same places. Lengths of tables are for
// peers that look at them.

LAB_EXPORT void lab_bsearch(const std::int32_t* values, std::size_t length, std::uint32_t depth,
                            const std::uint64_t* inputs, std::uint64_t* outputs,
                            std::size_t count, std::size_t group) {
    run_chain<binary_search>({inputs, outputs, count}, group, depth, array{values, length});
}

LAB_EXPORT void lab_chase(const line* nodes, std::size_t, std::uint32_t hops,
                          const std::uint64_t* inputs, std::uint64_t* outputs, std::size_t count,
                          std::size_t group) {
    run({inputs, outputs, count}, group,
        [=](std::uint64_t input) { return chase(nodes, hops, input); });
}

LAB_EXPORT void lab_hash(const std::uint32_t* heads, const hash_node* nodes, std::size_t,
                         std::uint32_t shift, const std::uint64_t* inputs, std::uint64_t* outputs,
                         std::size_t count, std::size_t group) {
    const hash_table table{heads, nodes, shift};
    run({inputs, outputs, count}, group,
        [=](std::uint64_t input) { return hash(table, input); });
}

// With depth 0, the form that suspends at call depth 5 by its own calls.
LAB_EXPORT void lab_btree(const inner* nodes, const leaf* leaves, std::size_t, std::uint32_t root,
                          std::uint32_t height, std::uint32_t depth, const std::uint64_t* inputs,
                          std::uint64_t* outputs, std::size_t count, std::size_t group) {
    const tree table{nodes, leaves, root, height};
    const batch batch{inputs, outputs, count};
    if (depth == 0)
        run(batch, group, [=](std::uint64_t input) { return btree(table, input); });
    else
        run_chain<btree_flat>(batch, group, depth, table);
}
