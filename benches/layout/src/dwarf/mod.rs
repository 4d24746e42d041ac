//! The types of a linked program, from its debug information.

mod entries;
mod types;
mod unit;

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use gimli::{EndianSlice, RunTimeEndian};
use object::{Object as _, ObjectSection as _};

pub use types::{CoroutineType, Field, Kind, Type, TypeId, Types, Variable, Variant};

/// All coroutines of a program, with the types that are in them.
///
/// # Errors
/// If the file is no program, or has no debug information, or it cannot be read.
pub fn read(program: &Path) -> Result<Types> {
    let content =
        std::fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    parse(&content).with_context(|| format!("the debug information of {}", program.display()))
}

fn parse(content: &[u8]) -> Result<Types> {
    let object = object::File::parse(content)?;
    let endian = if object.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
    let load = |id: gimli::SectionId| -> Result<Cow<'_, [u8]>> {
        let section = object.section_by_name(id.name());
        Ok(section.map(|section| section.uncompressed_data()).transpose()?.unwrap_or_default())
    };
    let sections = gimli::DwarfSections::load(load)?;
    let dwarf = sections.borrow(|section| EndianSlice::new(section, endian));
    let mut types = Types::default();
    let mut units = dwarf.units();
    let mut any = false;
    while let Some(header) = units.next()? {
        any = true;
        unit::read(&dwarf, &dwarf.unit(header)?, &mut types)?;
    }
    ensure!(any, "there is none: build with `debug = 2`");
    Ok(types)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_program_is_an_error() {
        assert!(parse(b"#!/bin/sh\n").is_err());
        let missing = read(Path::new("/nonexistent/program")).unwrap_err();
        assert!(format!("{missing:#}").contains("/nonexistent/program"));
    }
}
