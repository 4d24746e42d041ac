//! How results are shown: on the terminal, and in a report with figures.

use table::Grid;

pub mod plot;
pub mod report;
pub mod table;

/// A part of an experiment's results as it is shown.
#[derive(Debug)]
pub struct Section {
    /// Headline, with the unit.
    pub title: String,
    /// What to know when reading it; may be empty.
    pub note: String,
    /// The numbers.
    pub grid: Grid,
    /// The picture, as SVG.
    pub figure: Option<String>,
}
