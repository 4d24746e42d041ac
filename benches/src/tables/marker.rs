//! Where the figures stand in a text: between two comments of Markdown, which readers do not see.
//!
//! ```text
//! … takes <!-- lab: value zen4/resume depth=8 strategy=direct -->1.61<!-- /lab --> ns …
//! ```
//!
//! What is in code is no marker.

use anyhow::{Context as _, Result, ensure};

const BEGIN: &str = "<!-- lab: ";
const END: &str = "<!-- /lab -->";

/// A part of a text.
#[derive(Debug, PartialEq)]
pub(super) enum Part<'t> {
    /// That stays as it is: the markers, too.
    Text(&'t str),
    /// What is between two markers.
    Figure {
        /// What the first marker says.
        definition: &'t str,
        /// What is there now.
        content: &'t str,
        /// The line of the first marker.
        line: usize,
    },
}

/// Takes a text apart.
///
/// # Errors
/// If a marker has no end, or stands where Markdown would take it for something else.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let (mut done, mut from) = (0, 0);
    while let Some(found) = text[from..].find(BEGIN) {
        let begin = from + found;
        let line = text[..begin].matches('\n').count() + 1;
        if is_code(&text[..begin]) {
            from = begin + BEGIN.len();
            continue;
        }
        let (definition, inside) = text[begin + BEGIN.len()..]
            .split_once("-->")
            .with_context(|| format!("line {line}: a comment without an end"))?;
        let length = inside.find(END).with_context(|| format!("line {line}: no `{END}` for it"))?;
        let content = &inside[..length];
        let starts_line = begin == 0 || text[..begin].ends_with('\n');
        ensure!(!content.contains(BEGIN), "line {line}: another figure begins before `{END}`");
        ensure!(
            starts_line == content.starts_with('\n'),
            "line {line}: a figure within a sentence stands within a line, a table on lines of its own: Markdown takes \
             what begins a line for a block"
        );
        let start = text.len() - inside.len();
        parts.push(Part::Text(&text[done..start]));
        parts.push(Part::Figure { definition: definition.trim(), content, line });
        done = start + length;
        from = done + END.len();
    }
    parts.push(Part::Text(&text[done..]));
    Ok(parts)
}

/// Whether what follows is in code: between fences, or between backticks on one line.
fn is_code(before: &str) -> bool {
    let (lines, line) = before.rsplit_once('\n').unwrap_or(("", before));
    let fences = lines.lines().filter(|line| line.trim_start().starts_with("```")).count();
    fences % 2 == 1 || line.matches('`').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_and_nothing_is_lost() {
        let text = "a <!-- lab: value x -->1<!-- /lab --> b\n<!-- lab: table y\nz -->\n| |\n<!-- /lab -->\n";
        let parts = parts(text).unwrap();
        let figures: Vec<_> = parts
            .iter()
            .filter_map(|part| match part {
                Part::Figure { definition, content, line } => Some((*definition, *content, *line)),
                Part::Text(_) => None,
            })
            .collect();
        assert_eq!(figures, [("value x", "1", 1), ("table y\nz", "\n| |\n", 2)]);
        let all: String = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => *text,
                Part::Figure { content, .. } => content,
            })
            .collect();
        assert_eq!(all, text);
    }

    #[test]
    fn code_is_left_alone() {
        let text = "```\nx <!-- lab: value -->\n```\n`<!-- lab: y` …";
        assert_eq!(parts(text).unwrap(), [Part::Text(text)]);
    }

    #[test]
    fn what_markdown_would_misread_is_refused() {
        let error = |text| format!("{:#}", parts(text).unwrap_err());
        assert!(error("a\n<!-- lab: value x -->1<!-- /lab -->").contains("line 2"));
        assert!(error("a <!-- lab: table x -->\n1\n<!-- /lab -->").contains("within a line"));
        assert!(error("a <!-- lab: value x -->1").contains("no `<!-- /lab -->`"));
        assert!(
            error("a <!-- lab: value x -->1 <!-- lab: value y -->2<!-- /lab -->")
                .contains("another figure")
        );
    }
}
