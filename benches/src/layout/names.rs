//! Names and numbers, short enough to be read.

use lab_layout::program::{AWAITED, Place};

/// The most that is shown of a name.
const LONGEST: usize = 110;

/// A coroutine's name: the function's, or that of what a block is in, with as much of its arguments as there is room
/// for.
pub(super) fn coroutine(name: &str) -> String {
    let mut name = name.to_owned();
    for n in 0..10 {
        name = name
            .replace(&format!("::{{async_fn_env#{n}}}"), "")
            .replace(&format!("{{async_block_env#{n}}}"), &format!("{{async block {n}}}"))
            .replace(&format!("::{{async_fn#{n}}}"), "");
    }
    if name.chars().count() <= LONGEST {
        return name;
    }
    let path = name.split('<').next().unwrap_or(&name);
    let room = LONGEST.saturating_sub(path.chars().count() + 3);
    let arguments: String = name[path.len()..].chars().skip(1).take(room).collect();
    format!("{path}<{arguments}…>")
}

/// A variable; those that rustc made have names of its own.
pub(super) fn variable(name: &str) -> &str {
    match name {
        AWAITED => "awaited",
        name if name.starts_with("__") => "temporary",
        name => name,
    }
}

/// The file's last folders and the line.
pub(super) fn place(place: &Place) -> String {
    let file = place.file.split("/registry/src/").last().unwrap_or(&place.file);
    let parts: Vec<&str> = file.split('/').collect();
    let shown = &parts[parts.len().saturating_sub(3)..];
    format!("{}:{}", shown.join("/"), place.line)
}

/// A number with its thousands apart.
pub(super) fn bytes(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// By how much in per cent a size is another.
pub(super) fn change(from: u64, to: u64) -> String {
    if from == 0 {
        return String::new();
    }
    format!("{:+.1} %", 100.0 * (to as f64 / from as f64 - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_numbers_are_grouped() {
        let long = format!("a::f::{{async_fn_env#0}}<{}>", "b::T, ".repeat(40));
        assert!(coroutine(&long).starts_with("a::f<b::T, ") && coroutine(&long).ends_with("…>"));
        assert_eq!(coroutine("a::f::{async_fn#0}::{async_block_env#1}"), "a::f::{async block 1}");
        assert_eq!([bytes(0), bytes(999), bytes(1_234_567)], ["0", "999", "1 234 567"]);
        assert_eq!(change(200, 150), "-25.0 %");
        let file = "/home/x/registry/src/index/hyper-1.2.3/src/client/conn.rs".to_owned();
        assert_eq!(place(&Place { file, line: 7 }), "src/client/conn.rs:7");
    }
}
