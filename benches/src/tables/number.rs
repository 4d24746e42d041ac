//! Numbers as they stand in texts.

use crate::record::Record;
use crate::show::table::short;

/// A record's value: three digits of what was measured, all of what was counted in bytes.
pub(super) fn of(record: &Record) -> String {
    match record.unit.as_str() {
        "B" => grouped(record.value),
        // Counts of one repetition have no fraction.
        "1" if (record.value - record.value.round()).abs() < 0.005 => grouped(record.value),
        _ => ratio(record.value),
    }
}

/// Three digits, or all before the point.
pub(super) fn ratio(value: f64) -> String {
    if value.abs() < 1000.0 { short(value) } else { grouped(value) }
}

/// Thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < -0.5 { "−".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_as_many_digits_as_they_deserve() {
        let record =
            |unit: &str, value| Record { unit: unit.to_owned(), value, ..Record::default() };
        let texts = [
            ("ns", 1.234, "1.23"),
            ("ns", 38.16, "38.2"),
            ("ns", 3867.4, "3 867"),
            ("1", 29.04, "29.0"),
            ("1", 7.0, "7"),
            ("1", 1_234_567.0, "1 234 567"),
            ("B", 65_784.0, "65 784"),
        ];
        for (unit, value, text) in texts {
            assert_eq!(of(&record(unit, value)), text);
        }
        assert_eq!(ratio(0.424), "0.42");
    }
}
