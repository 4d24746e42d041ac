//! What a statement or terminator does to locals.

use super::Local;
use super::place::{Place, closing, locals, place_end, without_strings};

/// What one line of a body does, as the analyses see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The local that is written, as a whole, in part, or through it.
    pub written: Option<Local>,
    /// The same, if it is written as a whole.
    pub defined: Option<Local>,
    /// Locals that are moved out of as a whole.
    pub moved: Vec<Local>,
    /// Locals that are read, or followed.
    pub used: Vec<Local>,
    /// Locals to which a pointer is made.
    pub borrowed: Vec<Local>,
    /// The local whose storage ends.
    pub dead: Option<Local>,
    /// The local whose storage begins.
    pub live: Option<Local>,
}

/// What stands before a place that is borrowed.
const BORROWS: [&str; 8] = [
    "&raw const ",
    "&raw mut ",
    "&fake shallow ",
    "&fake deep ",
    "&fake ",
    "&two_phase ",
    "&mut ",
    "&",
];

impl Effects {
    /// Of a statement without its semicolon.
    pub(super) fn of_statement(text: &str) -> Self {
        let storage = |name: &str| {
            let inner = text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?;
            Some(Place::parse(inner)?.local)
        };
        if let Some(local) = storage("StorageDead") {
            return Self { dead: Some(local), ..Self::default() };
        }
        if let Some(local) = storage("StorageLive") {
            return Self { live: Some(local), ..Self::default() };
        }
        if text.starts_with("discriminant(") && text.contains(") = ") {
            let place = text.find(')').and_then(|_| {
                let open = text.find('(')?;
                Place::parse(&text[open + 1..closing(text, open)? - 1])
            });
            return place.map_or_else(Self::default, |place| Self {
                written: Some(place.local),
                used: if place.indirect { vec![place.local] } else { Vec::new() },
                ..Self::default()
            });
        }
        if ["nop", "Coverage", "ConstEvalCounter", "BackwardIncompatibleDropHint"]
            .iter()
            .any(|name| text.starts_with(name))
        {
            return Self::default();
        }
        Self::of_code(text)
    }

    /// Of a terminator without its targets.
    pub(super) fn of_terminator(text: &str) -> Self {
        if let Some(place) = text.strip_prefix("drop(").and_then(|rest| rest.strip_suffix(')')) {
            // What drops a value gets a pointer to it.
            return Place::parse(place).map_or_else(Self::default, |place| Self {
                used: vec![place.local],
                borrowed: if place.indirect { Vec::new() } else { vec![place.local] },
                ..Self::default()
            });
        }
        if text == "return" {
            return Self { used: vec![0], ..Self::default() };
        }
        if [
            "goto",
            "resume",
            "unreachable",
            "coroutine_drop",
            "terminate",
            "falseEdge",
            "falseUnwind",
        ]
        .iter()
        .any(|name| text.starts_with(name))
        {
            return Self::default();
        }
        Self::of_code(text)
    }

    fn of_code(text: &str) -> Self {
        let text = without_strings(text);
        let mut effects = Self::default();
        let mut right = text.as_str();
        let assignment = || {
            let end = place_end(&text, 0)?;
            Some((end, text[end..].strip_prefix(" = ")?, Place::parse(&text[..end])?))
        };
        if let Some((end, value, place)) = assignment() {
            right = value;
            effects.written = Some(place.local);
            if place.indirect {
                effects.used.push(place.local);
            } else if !place.part {
                effects.defined = Some(place.local);
            }
            // What else the place names is an index.
            effects.used.extend(locals(&text[..end]).skip(1).map(|(_, _, local)| local));
        }
        for (at, _) in right.match_indices('&') {
            let after = BORROWS
                .iter()
                .find_map(|prefix| right[at..].starts_with(prefix).then_some(at + prefix.len()));
            let place = after.and_then(|start| place_at(right, start));
            effects.borrowed.extend(place.filter(|place| !place.indirect).map(|place| place.local));
        }
        for (at, _) in right.match_indices("move ") {
            let is_word = !right[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let place = place_at(right, at + "move ".len()).filter(|place| is_word && !place.part);
            effects.moved.extend(place.map(|place| place.local));
        }
        effects.used.extend(locals(right).map(|(_, _, local)| local));
        effects
    }
}

fn place_at(text: &str, start: usize) -> Option<Place> {
    Place::parse(&text[start..place_end(text, start)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_defines_moves_and_uses() {
        let call = Effects::of_terminator("_26 = <F as Future>::poll(move _27, copy (*_30))");
        assert_eq!((call.written, call.defined), (Some(26), Some(26)));
        assert_eq!((call.moved, call.used), (vec![27], vec![27, 30]));
        let part = Effects::of_statement("(_4.0: u32) = move (_5.1: u32)");
        assert_eq!((part.written, part.defined), (Some(4), None));
        assert_eq!((part.moved, part.used), (vec![], vec![5]));
    }

    #[test]
    fn only_a_place_within_the_frame_is_borrowed() {
        assert_eq!(Effects::of_statement("_14 = &mut (_10.0: u8)").borrowed, [10]);
        assert!(Effects::of_statement("_14 = &mut (*_15)").borrowed.is_empty());
        assert_eq!(Effects::of_statement("_14 = &raw const _15").borrowed, [15]);
        let cast = Effects::of_statement("_1 = move _2 as &mut T (PointerCoercion(Unsize))");
        assert!(cast.borrowed.is_empty());
    }

    #[test]
    fn a_drop_borrows_what_it_drops() {
        let whole = Effects::of_terminator("drop(_24)");
        assert_eq!((whole.used, whole.borrowed), (vec![24], vec![24]));
        assert!(Effects::of_terminator("drop((*_24))").borrowed.is_empty());
    }

    #[test]
    fn a_write_through_a_pointer_uses_the_pointer() {
        let effects = Effects::of_statement("(*_3) = const 1_u8");
        assert_eq!((effects.defined, effects.used), (None, vec![3]));
        assert_eq!(Effects::of_statement("_4[_7] = const 1_u8").used, [7]);
    }
}
