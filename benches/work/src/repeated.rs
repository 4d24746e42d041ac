//! Programs that do one thing very often, and say how long it took: compiled while the lab runs, so that it can choose how
//! far the compiler optimises. One text for all ways of writing coroutines.
//!
//! ```text
//! repeat → level_0 → level_1 → … → the last level, which awaits `pause` as often as it is told
//! ```

use std::fmt::Write as _;

use crate::source::{Dialect, ERROR, EXECUTOR};

/// Functions in the chain.
pub const LEVELS: u32 = 16;

/// What is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The chain is called, and does not suspend.
    Call,
    /// The chain, which was called once, is resumed.
    Resume,
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Resume, Self::Call];

    /// Its name in the JSON and on the program's command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Resume => "resume",
        }
    }

    /// What one repetition consists of: the calls of a chain, or one resume.
    #[must_use]
    pub fn units(self) -> u32 {
        match self {
            Self::Call => LEVELS,
            Self::Resume => 1,
        }
    }
}

/// The end of the program: it does what it is told as often as it is told, and prints the nanoseconds that this took, and
/// a checksum. It polls a `dyn Future`, as executors do: else the compiler would make one loop of a chain and its executor.
const MAIN: &str = r#"
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let times: u64 = arguments[2].parse().expect("a number");
    let (calls, pauses) = if arguments[1] == "call" { (times, 0) } else { (1, times) };
    let start = std::time::Instant::now();
    let future: Pin<&mut dyn Future<Output = _>> = pin!(repeat(calls, pauses));
    let sum = block_on(std::hint::black_box(future));
    let time = start.elapsed();
    println!("{} {}", time.as_nanos(), sum.expect("nothing fails"));
}
"#;

/// The program's text. Its arguments are the name of a [`Deed`] and how often it is done.
#[must_use]
pub fn program(dialect: &Dialect) -> String {
    let attribute = dialect.attribute;
    let mut text = EXECUTOR.to_owned();
    text.push_str(ERROR);
    for level in 0..LEVELS {
        let _ = writeln!(
            text,
            "\n{attribute}\nasync fn level_{level}(input: u64, pauses: u64) -> Result<u64, Error> {{"
        );
        if level + 1 == LEVELS {
            text.push_str(
                "    for _ in 0..pauses {\n        pause().await;\n    }\n    Ok(input)\n",
            );
        } else {
            let next = dialect.awaited(&format!("level_{}(input + 1, pauses)", level + 1));
            let _ = writeln!(text, "    Ok({next}?.rotate_left(1) ^ {level})");
        }
        text.push_str("}\n");
    }
    let first = dialect.awaited("level_0(number, pauses)");
    let _ = writeln!(
        text,
        "\n{attribute}\nasync fn repeat(calls: u64, pauses: u64) -> Result<u64, Error> {{"
    );
    text.push_str("    let mut sum = 0u64;\n    for number in 0..calls {\n");
    let _ = writeln!(text, "        sum = sum.rotate_left(1) ^ {first}?;");
    text.push_str("    }\n    Ok(sum)\n}\n");
    text.push_str(MAIN);
    text
}

/// The checksum that a right program prints.
#[must_use]
pub fn expected(deed: Deed, times: u64) -> u64 {
    let calls = if deed == Deed::Call { times } else { 1 };
    (0..calls).fold(0u64, |sum, number| {
        let last = number + u64::from(LEVELS) - 1;
        let value = (0..LEVELS - 1)
            .rev()
            .fold(last, |value, level| value.rotate_left(1) ^ u64::from(level));
        sum.rotate_left(1) ^ value
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_but_the_last_calls_the_next_as_the_dialect_says() {
        let boxed = Dialect { attribute: "#[x]", awaited: "Box::pin({})", ..Dialect::PLAIN };
        let text = program(&boxed);
        assert_eq!(text.matches("#[x]\nasync fn").count() as u32, LEVELS + 1);
        assert_eq!(text.matches("Box::pin(level_").count() as u32, LEVELS);
        assert_eq!(text.matches("pause().await").count(), 1);
    }

    #[test]
    fn a_resume_repeats_the_suspension_and_a_call_the_chain() {
        assert_eq!(expected(Deed::Resume, 1), expected(Deed::Resume, 1000));
        assert_eq!(expected(Deed::Call, 1), expected(Deed::Resume, 1));
        assert_ne!(expected(Deed::Call, 1), expected(Deed::Call, 2));
    }
}
