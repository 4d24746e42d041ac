# The checks, one function each: check `a-b` is `step_a_b`. Sourced by check; a command that fails
# ends the check.

# `test` runs all tests of the workspace. The other checks compile them for other flags, and name those of cps-core that
# the flags make a difference to.

# What depends on how a frame returns: also run where that is by `become`.
RETURN_TESTS=(differential panics cancel counters depth generator generator_recursion context placement nested join race
    scope branches_deep generic_calls interop)

# A C compiler: rustc links with it.
step_setup() {
    need_program cc gcc libc6-dev
    rustc --version --verbose
    df -h "$CI_TARGET"
    cargo fetch --quiet
}

step_fmt() {
    need_component rustfmt
    cargo fmt --all --check
}

# Which parts of the library use which (see ARCHITECTURE.md), the notes of its `unsafe` code, and the files that texts
# name.
step_rooms() {
    need_program python3 python3
    python3 .ci/rooms.py cps-core/src
    python3 .ci/unsafe.py cps-core/src cps-core/macros/src reactor/src reactor/macros/src benches
    python3 .ci/paths.py ./*.md docs cps-core reactor loom-tests shuttle-tests benches examples
}

step_clippy() {
    need_component clippy
    cargo clippy --workspace --all-targets -- -D warnings
}

# The README's command.
step_test() {
    # With the peers in C++, if there is a compiler.
    LAB_TEST_CPP=1 cargo test --workspace --no-fail-fast
}

# What the optimiser may change: what depends on how values lie and move, and how deep a recursion goes.
RELEASE_TESTS=(differential results panics cancel counters depth sizes allocations placement nested context
    generator generator_recursion join race scope branches_deep branches_differential interleave prefetch hosted liveness)
step_release() {
    use_target release
    cargo test --no-fail-fast -p cps-core --features stream --release --lib "${RELEASE_TESTS[@]/#/--test=}"
    # Connections and timers at random, for a minute.
    REACTOR_SOAK_SECONDS=60 cargo test -p reactor --release --test soak
}

# Of what is published. (`test` runs the examples in it.)
step_doc() {
    RUSTDOCFLAGS="-D warnings" cargo doc "${PUBLIC[@]/#/--package=}" --no-deps
}

# The libraries only: the programs and tests may depend on crates that need a newer compiler.
step_msrv() {
    need_toolchain 1.85.0
    use_own_target
    cargo +1.85.0 check -p cps-core -p reactor --features reactor/tokio,reactor/hyper,reactor/signal,reactor/tracing,reactor/metrics
}

# The packages that are published, those that others depend on first.
PUBLIC=(cps-core-macros cps-core reactor-macros reactor)

# Of cps-core; `tail-call` is the one that a stable compiler refuses.
STABLE_FEATURES=(alloc std stream backtrace tracing)

# Each can be published, and compiles from what is in its archive. (What is not committed may be in it: a change is
# checked before it is committed.)
step_package() {
    local archive file
    use_own_target
    # Cargo keeps what it unpacked for a build, by name and version only: it may be from before a change.
    rm -rf "${CARGO_HOME:-$HOME/.cargo}"/registry/src/-*/{cps-core-macros,cps-core,reactor-macros,reactor}-[0-9]*
    cargo package --allow-dirty "${PUBLIC[@]/#/--package=}"
    for archive in "$CARGO_TARGET_DIR"/package/*.crate; do
        # As text, not as links to files of the workspace.
        for file in README.md LICENSE-MIT LICENSE-APACHE; do
            tar -xzOf "$archive" --wildcards "*-[0-9]*/$file" | grep -c . >/dev/null || { echo "$archive has no $file"; return 1; }
        done
    done
}

# What a program can use, with all features, is what the listings in the repository say. Where the change is meant,
# CI_RENEW=1 writes them anew; what it is goes into the changelog. The documentation is built as on docs.rs.
step_surface() {
    local crate json
    need_program python3 python3
    need_nightly
    use_own_target
    for crate in cps-core reactor; do
        cargo "+$NIGHTLY" rustdoc -p "$crate" --lib --all-features -Z unstable-options --output-format json -- \
            --cfg docsrs -D warnings
        json=$CARGO_TARGET_DIR/doc/${crate//-/_}.json
        python3 .ci/surface.py "$json" >"$json.txt"
        [ -z "${CI_RENEW:-}" ] || cp "$json.txt" "$crate/surface.txt"
        diff -U 2 --show-function-line='^[a-z]' "$crate/surface.txt" "$json.txt" || {
            echo "the surface of $crate is another: if it should be, run CI_RENEW=1 .ci/run surface"
            return 1
        }
    done
}

# The libraries compile with the oldest versions of their dependencies that their manifests allow.
step_minimal_versions() {
    local copy manifest
    need_nightly
    use_own_target
    copy=$CARGO_TARGET_DIR/workspace
    mkdir -p "$copy"
    # Without what another step writes to meanwhile.
    tar --dereference --exclude target --exclude fuzz -c Cargo.toml cps-core reactor | tar -x -C "$copy"
    # Without tests and the other members, whose dependencies would raise those of the libraries.
    sed -i -e 's/^members = .*/members = ["cps-core", "cps-core\/macros", "reactor", "reactor\/macros"]/' -e '/^\[profile/,/^$/d' \
        "$copy/Cargo.toml"
    for manifest in "$copy"/{cps-core,cps-core/macros,reactor,reactor/macros}/Cargo.toml; do
        sed -i '/dev-dependencies\]$/,/^$/d' "$manifest"
    done
    cd "$copy"
    cargo "+$NIGHTLY" update --quiet -Z direct-minimal-versions
    cargo tree --workspace --depth 1 --edges normal --features "$(stable_features)" --prefix none
    cargo check "${PUBLIC[@]/#/--package=}" --features "$(stable_features)"
}

stable_features() {
    local feature
    for feature in "${STABLE_FEATURES[@]}"; do echo -n "cps-core/$feature "; done
    for feature in tokio hyper signal; do echo -n "reactor/$feature "; done
}

# Of all dependencies in Cargo.lock.
step_licences() {
    need_program python3 python3
    cargo metadata --format-version 1 --all-features --quiet | python3 .ci/licences.py
}

# Known faults of the dependencies, by the database of RustSec.
step_advisories() {
    local database=https://github.com/rustsec/advisory-db fetch=()
    if ! GIT_TERMINAL_PROMPT=0 timeout 30 git ls-remote --quiet "$database" HEAD >/dev/null 2>&1; then
        [ -d "${CARGO_HOME:-$HOME/.cargo}/advisory-db" ] || skip "the database of advisories cannot be reached"
        fetch=(--no-fetch)
    fi
    need_cargo_program cargo-audit
    cargo audit "${fetch[@]}"
}

step_no_std() {
    cargo test --no-fail-fast -p cps-core --no-default-features --test no_alloc
    need_target thumbv7m-none-eabi
    cargo check -p cps-core --target thumbv7m-none-eabi --no-default-features
    cargo check -p cps-core --target thumbv7m-none-eabi --no-default-features --features alloc,stream,tracing
}

step_features() {
    local features level stream tracing
    # All sets of the stable features: a level implies the one before it.
    for level in "" alloc std backtrace; do
        for stream in "" stream; do
            for tracing in "" tracing; do
                cargo rustc -p cps-core --lib --profile check --no-default-features \
                    --features "$level $stream $tracing" -- -D warnings
            done
        done
    done
    need_component clippy
    for features in "" alloc std backtrace stream tracing; do
        cargo clippy -p cps-core --no-default-features --features "$features" -- -D warnings
        RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$CI_TARGET/tail \
            cargo clippy -p cps-core --no-default-features --features "tail-call $features" -- -D warnings
    done
    for features in tokio hyper signal tracing metrics; do
        cargo clippy -p reactor --features "$features" -- -D warnings
    done
    features=tokio,hyper,signal,tracing,metrics
    cargo clippy -p reactor --features "$features" --all-targets -- -D warnings
    cargo test --no-fail-fast -p reactor --features "$features" --test traits --test signal --test sight
    cargo test --no-fail-fast -p reactor --features "$features" --doc
}

# Backtraces from within, whose texts are the same with and without optimisation; and what they keep account of.
step_backtrace() {
    cargo test --no-fail-fast -p cps-core --features backtrace --lib --test={backtrace,backtrace_branches,backtrace_stacks,sizes} \
        --test={differential,panics,cancel,generator,join,scope,branches_deep,generic_calls}
    cargo test --no-fail-fast -p cps-core --features backtrace --release --test backtrace
}

# `become` on the stable compiler.
step_tail_call() {
    RUSTC_WORKSPACE_WRAPPER=$PWD/.ci/rustc/unstable cargo test --no-fail-fast -p cps-core --features tail-call --lib "${RETURN_TESTS[@]/#/--test=}"
}

# Every cross-thread protocol, in all schedules with up to three preemptions, or two where three take many minutes.
step_loom() {
    use_own_target
    export RUSTFLAGS="--cfg loom"
    LOOM_MAX_PREEMPTIONS=3 cargo test --no-fail-fast -p loom-tests --release \
        --test={continuation,counter,hand_off,idle,inbox,join_state,members,parker,parking,references,remote_queue} \
        --test={shutdown,shutdown_local,slot,source,threads,timers}
    LOOM_MAX_PREEMPTIONS=2 cargo test --no-fail-fast -p loom-tests --release --test wake_set
}

# Undefined behaviour: the adversarial suite by both aliasing models, the others by one. Left to the other checks:
# arithmetic, sizes, and what takes an interpreter long (deep recursion, many generated programs).
TREE_TESTS=(adversarial cancel context generator generic_calls hosted in_span nested placement results)
STACKED_TESTS=(adversarial branches_deep branches_stacks failing_allocator generator_stream interleave interleave_tasks
    interop join join_drops liveness nested panics prefetch race scope scope_abort task_local tracked wakers_adversarial
    wakers_clone wakers_handed_out)
step_miri_stacked() { miri cps-core "" stream,tracing "${STACKED_TESTS[@]/#/--test=}"; }
step_miri_tree() { miri cps-core "-Zmiri-tree-borrows" stream,tracing --lib "${TREE_TESTS[@]/#/--test=}"; }

# As a user's optimised build has it: bodies, arguments and results are passed otherwise, and slots are smaller.
step_miri_release() { miri cps-core "" "" --release --test={results,nested,placement}; }

# What depends on how a frame returns, for the other way.
TAIL_TESTS=(panics cancel generator context)
step_miri_stacked_tail() { miri cps-core "" tail-call "${TAIL_TESTS[@]/#/--test=}"; }

# Lists of what runs on a thread, which only this feature keeps.
step_miri_backtrace() { miri cps-core "" backtrace --test={backtrace,backtrace_branches,context,nested}; }

# Tasks and executors. Isolation would keep them from the event queue. Left out: what takes many steps, sockets,
# and the threads of the pool, which stay.
step_miri_reactor() {
    local skipped=(many_threads starve sockets asleep outside_a_runtime take_turns runtime_counts way_to_spawn)
    miri reactor "-Zmiri-disable-isolation" "" --test={blocked,executor,guards,matrix,multi,sight} -- \
        "${skipped[@]/#/--skip=}"
    miri reactor "-Zmiri-disable-isolation -Zmiri-tree-borrows" "" --test={guards,join} -- "${skipped[@]/#/--skip=}"
}

# miri <package> <flags> <features> <arguments of cargo test>...
miri() {
    local package=$1 flags=$2 features=$3
    shift 3
    need_nightly miri rust-src
    locked cargo "+$NIGHTLY" miri setup
    # Those on one line of the plan share what they depend on.
    case $CHECK in
    miri-tree | miri-reactor) use_target miri-tree ;;
    *) use_target miri-stacked ;;
    esac
    MIRIFLAGS="-Zmiri-strict-provenance $flags" \
        cargo "+$NIGHTLY" miri test --no-fail-fast -p "$package" --features "$features" "$@"
}

# What depends on generated code, on the stack and on how a frame returns. Not what takes long under an emulator:
# millions of levels, and most of the generated programs.
AARCH64_TESTS=(differential panics cancel counters context placement sizes allocations generator generator_recursion
    join race scope hosted generic_calls interop branches_stacks backtrace_stacks prefetch tokio)
step_aarch64() {
    aarch64 cps-core --features stream "${AARCH64_TESTS[@]/#/--test=}"
    aarch64 reactor --lib --tests
}
# What depends on how a frame returns, for the other way, without branching points, which are above that.
step_aarch64_tail() {
    RUSTC_WORKSPACE_WRAPPER=$PWD/.ci/rustc/unstable \
        aarch64 cps-core --features tail-call --test={differential,panics,cancel,generator}
}

# aarch64 <package> <arguments of cargo test>...: weaker memory ordering is not shown by an emulator on x86-64; code generation
# and the calling convention are.
aarch64() {
    local package=$1
    shift
    [ "$(uname -m)" != aarch64 ] || skip "all checks are for it here"
    need_program qemu-aarch64 qemu-user
    need_program aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    need_target aarch64-unknown-linux-gnu
    use_target aarch64
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" \
        cargo test --no-fail-fast -p "$package" --target aarch64-unknown-linux-gnu "$@"
}

# The address sanitizer runs what Miri cannot: real threads, sockets, deep recursion and many generated programs. It
# reports leaks, so the tests that forget a value on purpose are left out. Locals stay on the real
# stack, whose depth is measured by their addresses.
ASAN_TESTS=(adversarial allocations branches_deep branches_differential branches_stacks branches_traps depth differential
    failing_allocator generator_differential generator_recursion interleave interop join liveness panics placement scope
    tokio wakers_adversarial)
step_asan() {
    need_nightly
    use_own_target
    ASAN_OPTIONS=detect_stack_use_after_return=0 RUSTFLAGS="-Zsanitizer=address" \
        cargo "+$NIGHTLY" test --no-fail-fast -p cps-core --target "$(host)" --lib \
        "${ASAN_TESTS[@]/#/--test=}" -- --skip forgotten
    # The queues of crossbeam keep memory for threads that have ended until others take it over.
    ASAN_OPTIONS=detect_stack_use_after_return=0 RUSTFLAGS="-Zsanitizer=address" \
        cargo "+$NIGHTLY" test --no-fail-fast -p reactor --target "$(host)" --lib --tests
}

# Data races: what is woken, dropped and polled on other threads. The standard library is built with the sanitizer too,
# whose synchronisation it would not see otherwise.
TSAN_TESTS=(wakers_adversarial wakers_clone wakers_handed_out liveness scope scope_abort join tokio tracked interop)
step_tsan() {
    local host=x86_64-unknown-linux-gnu flags=(-Zbuild-std --target x86_64-unknown-linux-gnu)
    [ "$(uname -m)" = x86_64 ] || skip "it is set up for $host only"
    need_nightly rust-src
    use_own_target
    export RUSTFLAGS="-Zsanitizer=thread" TSAN_OPTIONS="suppressions=$PWD/.ci/tsan-suppressions"
    # The standard library has dependencies of its own, which cargo may have to download. (If it is this crate that
    # does not compile, other checks say so.)
    cargo "+$NIGHTLY" build "${flags[@]}" -p cps-core ||
        skip "the standard library could not be built with the sanitizer"
    cargo "+$NIGHTLY" test --no-fail-fast "${flags[@]}" -p cps-core --lib "${TSAN_TESTS[@]/#/--test=}"
    cargo "+$NIGHTLY" test --no-fail-fast "${flags[@]}" -p cps-core --test adversarial -- wakers combinators boxes
    cargo "+$NIGHTLY" test --no-fail-fast "${flags[@]}" -p reactor --lib --test={blocked,executor,join,multi,threads}
}

# The frame stack, and the wake-ups of branching points, under the fuzzer and the address sanitizer, for a short time.
step_fuzz() {
    need_nightly
    need_program g++ g++
    need_cargo_program cargo-fuzz
    use_own_target
    cd cps-core
    cargo "+$NIGHTLY" fuzz run frame_stack -- -max_total_time=20
    cargo "+$NIGHTLY" fuzz run liveness -- -max_total_time=20 -max_len=400
}

# Branching points that are deferred though they are not deep: all that is known of them holds of these, too.
DEFERRING_TESTS=(branches_deep branches_differential branches_stacks branches_traps join join_drops race scope scope_abort
    liveness wakers_adversarial wakers_clone wakers_handed_out)
step_deferring() {
    RUSTC_WORKSPACE_WRAPPER=$PWD/.ci/rustc/deferring cargo test --no-fail-fast -p cps-core "${DEFERRING_TESTS[@]/#/--test=}"
}

# Frames in place that leave their results on the host stack, though they have room for them.
step_handing_over() {
    RUSTC_WORKSPACE_WRAPPER=$PWD/.ci/rustc/handing-over cargo test --no-fail-fast -p cps-core --features stream,tracing \
        --test={backtrace,cancel,context,differential,generator,generic_calls,in_span,join,language,nested,panics,placement,race,results}
}

# The test of wake-ups finds each one that is left out: the places that ask `sync::loses`.
step_liveness_mutants() {
    local wake output
    export RUSTC_WORKSPACE_WRAPPER=$PWD/.ci/rustc/liveness-mutant
    LIVENESS_MUTANT=none cargo test --no-fail-fast -p cps-core --test liveness
    for wake in $(grep -rhoP 'loses\("\K[a-z]+' cps-core/src | sort -u); do
        if output=$(LIVENESS_MUTANT=$wake cargo test --no-fail-fast -p cps-core --test liveness 2>&1); then
            echo "a program that loses the wake \"$wake\" passes"
            return 1
        fi
        grep "lost wake-up" <<<"$output"
    done
}

# The examples as a user runs them; `test` checks what they print.
step_examples() {
    local example
    use_target release
    for example in fetch deep sizes lookup traverse; do
        cargo run --release -p examples --bin "$example"
    done
}

# The lab starts, and what it writes for other programs is JSON. `lab list` says what is left out.
step_lab() {
    local experiment
    need_program python3 python3
    use_target release
    cargo run --release --bin lab -- list
    for experiment in resume join generate prefetch wake runtime service build size; do
        cargo run --release --bin lab -- "$experiment" --quick --json - | python3 .ci/json-lines.py
    done
}

# The C++ peers compile, and compute what the others compute.
step_lab_cpp() {
    need_program g++ g++
    use_target release
    cargo run --release --bin lab -- call --quick --strategies direct,cpp-gcc
}

# The figures in texts are those of the committed records.
step_lab_tables() {
    use_target release
    cargo run --release --bin lab -- tables --check
}

# Instructions on aarch64: two runs give the same counts.
step_lab_aarch64() {
    [ "$(uname -m)" != aarch64 ] || skip "lab-instructions counts them here"
    need_program qemu-aarch64 qemu-user
    need_program aarch64-linux-gnu-g++ g++-aarch64-linux-gnu libc6-dev-arm64-cross
    need_target aarch64-unknown-linux-gnu
    use_target aarch64
    .ci/aarch64 lab resume --quick --instructions --count-by qemu --twice \
        --strategies nested,direct,stackful,state-machine,cpp-gcc
}

# need_llvm: the tools of rustc's own LLVM, by which the lab makes Rust functions coroutines.
need_llvm() {
    local llvm
    llvm=$(rustc --version --verbose | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
    [ "$llvm" = 22 ] || skip "rustc has LLVM $llvm, and the plugin is written for LLVM 22"
    need_program "clang++-$llvm" "clang-$llvm"
    need_program "llvm-config-$llvm" "llvm-$llvm-dev"
}

# They compute what the others compute, and do what `async fn` of the same text do. The programs were compiled by `test`;
# this adds the peers.
step_lab_llvm() {
    local output
    need_llvm
    output=$(LAB_TEST_LLVM=1 cargo test --workspace --no-fail-fast --test lab -- --nocapture \
        llvm_coro strategies::every_strategy 2>&1) || { echo "$output"; return 1; }
    echo "$output"
    # Here the tools are there.
    ! grep -q "^SKIPPED" <<<"$output"
}

# The figures that docs/llvm-coroutines.md rests on.
step_lab_llvm_instructions() {
    local resumes calls strategy
    need_program valgrind valgrind
    need_program python3 python3
    need_llvm
    use_target release
    resumes=$(cargo run --release --bin lab -- resume --quick --instructions \
        --strategies llvm-coro,llvm-coro-inlined --json -)
    for strategy in llvm-coro llvm-coro-inlined; do
        python3 .ci/at-most.py instructions_per_resume 22 "$strategy" <<<"$resumes"
    done
    calls=$(cargo run --release --bin lab -- call --quick --instructions --strategies llvm-coro-inlined --json -)
    python3 .ci/at-most.py instructions_per_level 9 llvm-coro-inlined case=once <<<"$calls"
}

# The report in a browser. The tests were compiled by `test`.
step_lab_report() {
    local output
    need_program chromium chromium
    output=$(cargo test --workspace --no-fail-fast --test lab -- --nocapture browser 2>&1) || {
        echo "$output"
        return 1
    }
    echo "$output"
    # Here the browser is there.
    ! grep -q "^SKIPPED" <<<"$output"
}

# Exact counts, which repeat.
step_lab_instructions() {
    need_program valgrind valgrind
    use_target release
    cargo run --release --bin lab -- join --quick --instructions --strategies nested,direct --json - |
        python3 .ci/json-lines.py
    cargo run --release --bin lab -- gate
    cargo run --release --bin lab -- gate --self-test
}
