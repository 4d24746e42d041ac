//! What rustc found out: the head of a dump of `coroutine_resume`.

use anyhow::{Context as _, Result};
use fixedbitset::FixedBitSet;

/// Which locals a coroutine stores, over which suspensions, and which of them need storage at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// How many locals are stored.
    pub count: usize,
    /// The stored locals of each variant, the three without any first: not started, returned, panicked.
    pub variants: Vec<Vec<usize>>,
    /// For each stored local those that need storage while it does. It is no symmetric relation.
    pub conflicts: Vec<FixedBitSet>,
}

/// How a stored local is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its type, as rustc writes it. Two that are the same text are the same type.
    pub ty: String,
    /// The line, if it is known.
    pub line: Option<u64>,
}

/// How the stored locals are declared.
///
/// # Errors
/// If the text is not what rustc wrote when this was made.
pub fn declared(text: &str) -> Result<Vec<Declared>> {
    let head = text.split_once("*/").context("the dump has no layout")?.0;
    head.split(": CoroutineSavedTy {")
        .skip(1)
        .map(|local| {
            let rest = local.split_once("ty: ").context("a local has no type")?.1;
            let (ty, info) =
                rest.split_once(",\n            source_info").context("a type does not end")?;
            // `span: src/main.rs:6:21: 6:22 (#0),`
            let span = info.split_once("span: ").and_then(|(_, span)| span.split_once(": "));
            let line = span.and_then(|(start, _)| start.rsplit(':').nth(1)?.parse().ok());
            Ok(Declared { ty: ty.split_whitespace().collect::<Vec<_>>().join(" "), line })
        })
        .collect()
}

impl Saved {
    /// The layout in a dump.
    ///
    /// # Errors
    /// If the text is not what rustc wrote when this was made.
    pub fn parse(text: &str) -> Result<Self> {
        let head = text.split_once("*/").context("the dump has no layout")?.0;
        let count = head.matches(": CoroutineSavedTy {").count();
        let fields = section(head, "variant_fields: {")?;
        let variants: Vec<Vec<usize>> = fields
            .split("],")
            .filter_map(|variant| variant.split_once(": ["))
            .map(|(_, list)| numbers(list))
            .collect::<Result<_>>()?;
        let mut conflicts = vec![FixedBitSet::with_capacity(count); count];
        let matrix = section(head, "storage_conflicts: BitMatrix(")?;
        for pair in matrix.lines().filter(|line| line.trim_start().starts_with("(_s")) {
            let pair = numbers(pair)?;
            let &[a, b] = pair.as_slice() else { anyhow::bail!("a conflict of {pair:?}") };
            conflicts.get_mut(a).context("a conflict of no local")?.insert(b);
        }
        Ok(Self { count, variants, conflicts })
    }
}

/// What stands between `name` and the end of that group.
fn section<'a>(text: &'a str, name: &str) -> Result<&'a str> {
    let rest = text.split_once(name).with_context(|| format!("the layout has no `{name}`"))?.1;
    // A group without content is on one line.
    let end = ["\n    },", "{},\n"].iter().filter_map(|end| rest.find(end)).min();
    Ok(&rest[..end.with_context(|| format!("`{name}` does not end"))?])
}

/// The numbers behind each `_s`.
fn numbers(text: &str) -> Result<Vec<usize>> {
    text.split("_s")
        .skip(1)
        .map(|rest| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            rest[..digits].parse().with_context(|| format!("not a number: {rest}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_of_a_dump_is_read() {
        let saved = Saved::parse(include_str!("../../tests/dumps/looped.resume.mir")).unwrap();
        assert_eq!(saved.count, 8);
        assert_eq!(saved.variants[..3], [const { Vec::<usize>::new() }; 3]);
        assert_eq!(saved.variants[3..], [vec![0, 1, 2, 3, 4, 7], vec![5, 6, 7]]);
        let first: Vec<_> = saved.conflicts[0].ones().collect();
        assert_eq!(first, [0, 1, 2, 3, 4, 5, 7]);
        assert!(Saved::parse("// MIR for `f`").is_err());
    }

    #[test]
    fn declarations_have_types_and_lines() {
        let all = declared(include_str!("../../tests/dumps/looped.resume.mir")).unwrap();
        assert_eq!((all.len(), all[0].ty.as_str(), all[0].line), (8, "Big", Some(6)));
        assert_eq!(all[2].ty, "std::ops::Range<u32>");
        assert!(all[4].ty.starts_with("Coroutine( DefId(") && all[4].ty == all[6].ty, "{all:?}");
    }

    #[test]
    fn a_coroutine_may_store_nothing() {
        let text = "/* coroutine_layout = CoroutineLayout {\n    field_tys: {},\n    variant_fields: {\n        \
            Unresumed(0): [],\n        Returned (1): [],\n        Panicked (2): [],\n        Suspend0 (3): [],\n    \
            },\n    storage_conflicts: BitMatrix(0x0) {},\n} */\n";
        let nothing = Saved { count: 0, variants: vec![Vec::new(); 4], conflicts: Vec::new() };
        assert_eq!(Saved::parse(text).unwrap(), nothing);
    }
}
