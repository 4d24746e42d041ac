# What the checks share: finding and installing tools. Sourced by check.

# The toolchain for Miri and the sanitizers: one that the tests are known to compile with. A newer one may refuse more.
NIGHTLY=${NIGHTLY:-nightly-2026-05-20}

# skip <reason>: ends the check as one that cannot run here.
skip() {
    echo "SKIPPED $CHECK: $*"
    exit 77
}

# use_target <name>: builds with other flags go to other directories, and do not undo each other.
use_target() {
    export CARGO_TARGET_DIR=$CI_TARGET/$1
}

# use_own_target: for a check whose build no other check uses, which is removed when the check ends: all
# of them together would take many gigabytes. CI_KEEP=1 keeps it, for the next run.
use_own_target() {
    use_target "$CHECK"
    [ -n "${CI_KEEP:-}" ] || trap 'rm -rf "$CARGO_TARGET_DIR"' EXIT
}

# locked <command>...: checks that run at the same time install one after the other.
locked() {
    flock "$CI_TARGET/install.lock" "$@"
}

# need_program <program> <Debian package>...: installs the packages if the program is missing.
need_program() {
    local program=$1
    shift
    command -v "$program" >/dev/null && return
    locked bash .ci/apt-install "$@" || skip "$program is missing and apt-get could not install $*"
}

# need_cargo_program <crate>: installs the program that the crate has, of the same name.
need_cargo_program() {
    export PATH=$CI_TARGET/tools/bin:$PATH
    command -v "$1" >/dev/null && return
    locked cargo install "$1" --locked --quiet --root "$CI_TARGET/tools" ||
        skip "cargo could not install $1"
}

# need_target <triple>: the standard library for another target.
need_target() {
    locked rustup target add "$1" || skip "rustup could not add the target $1"
}

# need_component <component>
need_component() {
    locked rustup component add "$1" || skip "rustup could not add $1"
}

# need_toolchain <version>
need_toolchain() {
    cargo "+$1" --version 2>/dev/null ||
        locked rustup toolchain install "$1" --profile minimal --no-self-update ||
        skip "rustup could not install Rust $1"
}

# need_nightly <component>...
need_nightly() {
    local component with=()
    for component; do
        with+=(--component "$component")
    done
    nightly_has "$@" ||
        locked rustup toolchain install "$NIGHTLY" --profile minimal --no-self-update "${with[@]}" ||
        skip "rustup could not install $NIGHTLY${*:+ with $*}"
    cargo "+$NIGHTLY" --version
}

nightly_has() {
    local installed component
    installed=$(rustup component list --toolchain "$NIGHTLY" --installed 2>/dev/null) || return 1
    for component; do
        grep -q "^$component\(-\|$\)" <<<"$installed" || return 1
    done
}

# host: its triple. Flags of code generation are for all crates but build scripts if it is named.
host() {
    rustc --version --verbose | sed -n 's/^host: //p'
}
