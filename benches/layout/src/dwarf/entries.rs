//! The entries of one unit, as far as they describe types.

use std::collections::HashMap;

use anyhow::Result;
use gimli::constants as tag;
use gimli::{AttributeValue, DwTag, EndianSlice, RunTimeEndian};

pub(super) type Reader<'a> = EndianSlice<'a, RunTimeEndian>;

/// An entry: a namespace, a type, a member, or the function of a coroutine.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) tag: DwTag,
    pub(super) parent: usize,
    pub(super) children: Vec<usize>,
    pub(super) name: &'a str,
    pub(super) size: Option<u64>,
    pub(super) align: Option<u64>,
    pub(super) ty: Option<usize>,
    /// Where a member is, in bytes.
    pub(super) offset: u64,
    /// Of an array: how many elements.
    pub(super) count: u64,
    pub(super) discriminant: Option<u64>,
    pub(super) file: u64,
    pub(super) line: u64,
}

impl Entry<'_> {
    fn new(tag: DwTag, parent: usize) -> Self {
        Self {
            tag,
            parent,
            children: Vec::new(),
            name: "",
            size: None,
            align: None,
            ty: None,
            offset: 0,
            count: 0,
            discriminant: None,
            file: 0,
            line: 0,
        }
    }
}

/// All entries of a unit. The first is the root of all.
pub(super) struct Entries<'a> {
    list: Vec<Entry<'a>>,
    by_offset: HashMap<usize, usize>,
}

/// The root.
pub(super) const ROOT: usize = 0;

fn is_kept(tag: DwTag) -> bool {
    matches!(
        tag,
        tag::DW_TAG_namespace
            | tag::DW_TAG_structure_type
            | tag::DW_TAG_variant_part
            | tag::DW_TAG_variant
            | tag::DW_TAG_member
            | tag::DW_TAG_base_type
            | tag::DW_TAG_pointer_type
            | tag::DW_TAG_array_type
            | tag::DW_TAG_subrange_type
            | tag::DW_TAG_enumeration_type
            | tag::DW_TAG_union_type
            | tag::DW_TAG_subroutine_type
            | tag::DW_TAG_subprogram
            | tag::DW_TAG_lexical_block
            | tag::DW_TAG_variable
    )
}

impl<'a> Entries<'a> {
    pub(super) fn read(
        dwarf: &gimli::Dwarf<Reader<'a>>,
        unit: &gimli::Unit<Reader<'a>>,
    ) -> Result<Self> {
        let mut entries = Self {
            list: vec![Entry::new(tag::DW_TAG_compile_unit, ROOT)],
            by_offset: HashMap::new(),
        };
        let mut ancestors = vec![ROOT];
        let mut cursor = unit.entries();
        let mut depth = 0isize;
        while let Some((step, die)) = cursor.next_dfs()? {
            depth += step;
            ancestors.truncate(usize::try_from(depth).unwrap_or(0) + 1);
            let parent = *ancestors.last().unwrap_or(&ROOT);
            let mut entry = Entry::new(die.tag(), parent);
            if is_kept(die.tag()) {
                let mut attributes = die.attrs();
                while let Some(attribute) = attributes.next()? {
                    read_attribute(dwarf, unit, &mut entry, &attribute);
                }
            }
            let index = entries.list.len();
            entries.by_offset.insert(die.offset().0, index);
            entries.list[parent].children.push(index);
            entries.list.push(entry);
            ancestors.push(index);
        }
        Ok(entries)
    }

    pub(super) fn get(&self, index: usize) -> &Entry<'a> {
        &self.list[index]
    }

    pub(super) fn indices(&self) -> std::ops::Range<usize> {
        1..self.list.len()
    }

    /// The entry of the type that an entry has; the root if it has none here.
    pub(super) fn type_of(&self, index: usize) -> usize {
        self.list[index].ty.and_then(|offset| self.by_offset.get(&offset).copied()).unwrap_or(ROOT)
    }

    pub(super) fn children(&self, index: usize, tag: DwTag) -> impl Iterator<Item = usize> + '_ {
        self.list[index].children.iter().copied().filter(move |&child| self.list[child].tag == tag)
    }
}

fn read_attribute<'a>(
    dwarf: &gimli::Dwarf<Reader<'a>>,
    unit: &gimli::Unit<Reader<'a>>,
    entry: &mut Entry<'a>,
    attribute: &gimli::Attribute<Reader<'a>>,
) {
    let number = || attribute.udata_value().unwrap_or(0);
    match attribute.name() {
        tag::DW_AT_name => {
            if let Ok(name) = dwarf.attr_string(unit, attribute.value()) {
                entry.name = std::str::from_utf8(name.slice()).unwrap_or("");
            }
        }
        tag::DW_AT_byte_size => entry.size = attribute.udata_value(),
        tag::DW_AT_alignment => entry.align = attribute.udata_value(),
        tag::DW_AT_data_member_location => entry.offset = number(),
        tag::DW_AT_discr_value => {
            let signed = || attribute.sdata_value().map(|value| value as u64);
            entry.discriminant = attribute.udata_value().or_else(signed);
        }
        tag::DW_AT_count => entry.count = number(),
        tag::DW_AT_decl_line => entry.line = number(),
        tag::DW_AT_decl_file => {
            if let AttributeValue::FileIndex(file) = attribute.value() {
                entry.file = file;
            }
        }
        tag::DW_AT_type => {
            if let AttributeValue::UnitRef(offset) = attribute.value() {
                entry.ty = Some(offset.0);
            }
        }
        _ => {}
    }
}
