//! Says to the sources of `reactor` that atomics are shuttle's, which are larger.

fn main() {
    println!("cargo::rustc-cfg=shuttle");
}
