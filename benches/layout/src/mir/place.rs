//! Places in the text of a dump: `_3`, `(*_5)`, `((_13 as Some).0: u32)`, `_4[_7]`.

use super::Local;

/// A place, as far as the analyses look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The local that it begins at.
    pub(super) local: Local,
    /// Whether a pointer is followed.
    pub(super) indirect: bool,
    /// Whether it is a part of the local, or behind it.
    pub(super) part: bool,
}

impl Place {
    /// The place that `text` is.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (start, end, local) = locals(text).next()?;
        let head = &text[..start];
        let behind = head.contains('*');
        // An index may follow the local, but what is behind a later `*` does not exist: MIR derefers first.
        Some(Self { local, indirect: behind, part: start != 0 || end != text.len() })
    }
}

/// The end of the place that begins at `start`, if one begins there.
pub(super) fn place_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start;
    if bytes.get(at) == Some(&b'(') {
        at = closing(text, at)?;
    } else {
        while bytes.get(at) == Some(&b'*') {
            at += 1;
        }
        at += local_at(text, at)?.1;
    }
    while bytes.get(at) == Some(&b'[') {
        at = closing(text, at)?;
    }
    // It must hold a local: a tuple or a call's arguments begin with a bracket, too.
    locals(&text[start..at]).next().map(|_| at)
}

/// The end of the group whose bracket opens at `start`. (In types `->` has no partner, and is no bracket here.)
pub(super) fn closing(text: &str, start: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(i + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// All locals in a text: start, end and number of each.
pub(super) fn locals(text: &str) -> impl Iterator<Item = (usize, usize, Local)> + '_ {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(found) = text[at..].find('_') {
            let start = at + found;
            at = start + 1;
            let before = &text.as_bytes()[..start];
            // Not a part of a name, nor a lifetime, nor a variant: those of `select!` are called `_0`, `_1`, ….
            if before.last().is_some_and(|&byte| word(byte) || matches!(byte, b'\'' | b':'))
                || before.ends_with(b" as ")
            {
                continue;
            }
            let ends =
                |length| !text.as_bytes().get(start + length).is_some_and(|&byte| word(byte));
            if let Some((local, length)) = local_at(text, start).filter(|(_, length)| ends(*length))
            {
                at = start + length;
                return Some((start, at, local));
            }
        }
        None
    })
}

/// The local that a text is, and nothing else: `_5`.
pub(super) fn whole_local(text: &str) -> Option<Local> {
    locals(text).next().filter(|&(start, end, _)| start == 0 && end == text.len()).map(|l| l.2)
}

/// The local that is named at `start`, and the length of its name.
fn local_at(text: &str, start: usize) -> Option<(Local, usize)> {
    let digits = text.get(start..)?.strip_prefix('_')?;
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    Some((digits[..length].parse().ok()?, length + 1))
}

/// The text with empty string literals: their content is no code.
pub(super) fn without_strings(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '"' {
            while let Some(c) = rest.next() {
                match c {
                    '\\' => drop(rest.next()),
                    '"' => break,
                    _ => {}
                }
            }
            out.push('"');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_whole_a_part_or_behind_a_pointer() {
        let place = |text| Place::parse(text).unwrap();
        assert_eq!(place("_3"), Place { local: 3, indirect: false, part: false });
        assert_eq!(place("(*_15)"), Place { local: 15, indirect: true, part: true });
        assert_eq!(
            place("((_13 as Some).0: fn(u8) -> u8)"),
            Place { local: 13, indirect: false, part: true }
        );
        assert_eq!(place("_4[_7]"), Place { local: 4, indirect: false, part: true });
    }

    #[test]
    fn a_place_ends_where_its_brackets_do() {
        let end = |text| place_end(text, 0);
        assert_eq!(end("(_1.0: fn(u8) -> (u8,)) = x"), Some(23));
        assert_eq!(end("_4[_7] = x"), Some(6));
        assert_eq!(end("(const 1, const 2)"), None);
    }

    #[test]
    fn names_that_hold_a_number_are_no_locals() {
        let found: Vec<Local> =
            locals("f::a_1(move _12, const 0_5, Context<'_>, _3x) + b'_7").map(|l| l.2).collect();
        assert_eq!(found, [12]);
        let variants: Vec<Local> =
            locals("Out::<u8>::_2(copy ((_24 as _2).0: u8))").map(|l| l.2).collect();
        assert_eq!(variants, [24]);
        assert_eq!(without_strings(r#"panic("_1 \" _2", _3)"#), r#"panic("", _3)"#);
    }
}
