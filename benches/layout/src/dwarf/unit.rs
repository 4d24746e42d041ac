//! The coroutines of one unit, and all types in them.

use std::collections::HashMap;

use anyhow::Result;
use gimli::constants as tag;

use super::entries::{Entries, ROOT, Reader};
use super::types::{CoroutineType, Field, Kind, Type, TypeId, Types, Variable, Variant};

/// The size of a pointer, whose entry may not say it.
const POINTER: u64 = 8;

/// Adds what a unit has.
pub(super) fn read<'a>(
    dwarf: &gimli::Dwarf<Reader<'a>>,
    unit: &gimli::Unit<Reader<'a>>,
    types: &mut Types,
) -> Result<()> {
    let entries = Entries::read(dwarf, unit)?;
    let mut reading = Unit { dwarf, unit, entries, types, seen: HashMap::new() };
    let coroutines: Vec<usize> =
        reading.entries.indices().filter(|&index| reading.is_coroutine(index)).collect();
    if !coroutines.is_empty() && reading.types.compiler.is_empty() {
        reading.types.compiler = compiler(dwarf, unit)?;
    }
    for index in coroutines {
        reading.coroutine(index);
    }
    Ok(())
}

/// `rustc 1.95.0 (…)`, of `clang LLVM (rustc version 1.95.0 (…))`.
fn compiler<'a>(
    dwarf: &gimli::Dwarf<Reader<'a>>,
    unit: &gimli::Unit<Reader<'a>>,
) -> Result<String> {
    let mut entries = unit.entries();
    entries.next_dfs()?;
    let producer = match entries.current() {
        Some(root) => root.attr_value(tag::DW_AT_producer)?,
        None => None,
    };
    let text = producer.and_then(|value| dwarf.attr_string(unit, value).ok());
    let text = text.map_or_else(String::new, |text| text.to_string_lossy().into_owned());
    let version = text.split_once("rustc version ").map_or(text.as_str(), |(_, version)| version);
    Ok(format!("rustc {}", version.strip_suffix(')').unwrap_or(version)))
}

struct Unit<'a, 'r> {
    dwarf: &'r gimli::Dwarf<Reader<'a>>,
    unit: &'r gimli::Unit<Reader<'a>>,
    entries: Entries<'a>,
    types: &'r mut Types,
    seen: HashMap<usize, TypeId>,
}

impl Unit<'_, '_> {
    /// `{async_fn_env#0}` and its like; a closure's type has no variants.
    fn is_coroutine(&self, index: usize) -> bool {
        let entry = self.entries.get(index);
        entry.tag == tag::DW_TAG_structure_type
            && entry.name.starts_with('{')
            && entry.name.contains("_env#")
            && self.entries.children(index, tag::DW_TAG_variant_part).next().is_some()
    }

    /// The names around an entry, from the outside.
    fn scope(&self, mut index: usize) -> Vec<&str> {
        let mut names = Vec::new();
        loop {
            index = self.entries.get(index).parent;
            if index == ROOT {
                break;
            }
            let entry = self.entries.get(index);
            if matches!(entry.tag, tag::DW_TAG_namespace | tag::DW_TAG_structure_type) {
                names.push(entry.name);
            }
        }
        names.reverse();
        names
    }

    fn coroutine(&mut self, index: usize) {
        let ty = self.ty(index);
        if self.types.coroutines.get(&ty).is_some_and(|known| known.output.is_some()) {
            return;
        }
        let mut path: Vec<String> = self.scope(index).into_iter().map(str::to_owned).collect();
        path.push(self.entries.get(index).name.to_owned());
        let mut variants: Vec<(u64, Variant)> = self
            .variants(index)
            .into_iter()
            .map(|(discriminant, member)| {
                let entry = self.entries.get(member);
                let (file, line) = (self.file(entry.file), entry.line);
                let content = self.entries.type_of(member);
                (discriminant, Variant { file, line, fields: self.fields(content) })
            })
            .collect();
        variants.sort_by_key(|(discriminant, _)| *discriminant);
        let variants = variants.into_iter().map(|(_, variant)| variant).collect();
        let function = self.function(index);
        let output = function.and_then(|function| self.output(function));
        let mut variables = Vec::new();
        function.into_iter().for_each(|function| self.variables(function, &mut variables));
        let coroutine = CoroutineType { ty, path, variants, output, variables };
        self.types.coroutines.insert(ty, coroutine);
    }

    /// The function that resumes a coroutine, if it is in this unit. Its name is the type's without `_env`.
    fn function(&self, index: usize) -> Option<usize> {
        let entry = self.entries.get(index);
        let name = entry.name.replacen("_env#", "#", 1);
        self.entries
            .children(entry.parent, tag::DW_TAG_subprogram)
            .find(|&function| self.entries.get(function).name == name)
    }

    /// The variables in a function or block, and in the blocks in it.
    fn variables(&mut self, index: usize, found: &mut Vec<Variable>) {
        for child in self.entries.get(index).children.clone() {
            let entry = self.entries.get(child);
            if entry.tag == tag::DW_TAG_lexical_block {
                self.variables(child, found);
            } else if entry.tag == tag::DW_TAG_variable {
                let (name, line) = (entry.name.to_owned(), entry.line);
                let ty = self.ty(self.entries.type_of(child));
                found.push(Variable { name, line, ty });
            }
        }
    }

    /// What is in the `Poll` that a function returns.
    fn output(&mut self, function: usize) -> Option<TypeId> {
        let poll = self.entries.type_of(function);
        let ready = self.variants(poll).into_iter().map(|(_, member)| member);
        let content: Vec<usize> = ready
            .flat_map(|member| {
                let content = self.entries.type_of(member);
                self.entries.children(content, tag::DW_TAG_member).collect::<Vec<_>>()
            })
            .collect();
        // `Ready` has one field, `Pending` none.
        (content.len() == 1).then(|| self.ty(self.entries.type_of(content[0])))
    }

    /// The discriminant and the member of each variant.
    fn variants(&self, index: usize) -> Vec<(u64, usize)> {
        self.entries
            .children(index, tag::DW_TAG_variant_part)
            .flat_map(|part| self.entries.children(part, tag::DW_TAG_variant))
            .flat_map(|variant| {
                let discriminant = self.entries.get(variant).discriminant.unwrap_or(u64::MAX);
                let members = self.entries.children(variant, tag::DW_TAG_member);
                members.map(move |member| (discriminant, member))
            })
            .collect()
    }

    fn fields(&mut self, index: usize) -> Vec<Field> {
        let members: Vec<usize> = self.entries.children(index, tag::DW_TAG_member).collect();
        members
            .into_iter()
            .map(|member| {
                let ty = self.ty(self.entries.type_of(member));
                let entry = self.entries.get(member);
                Field { name: entry.name.to_owned(), offset: entry.offset, ty }
            })
            .collect()
    }

    fn ty(&mut self, index: usize) -> TypeId {
        if let Some(&known) = self.seen.get(&index) {
            return known;
        }
        let (name, size, align) = (self.name(index), self.size(index), self.align(index));
        // By value no type holds itself, so this ends.
        let kind = self.kind(index);
        let ty = self.types.intern(Type { name, size, align, kind });
        self.seen.insert(index, ty);
        ty
    }

    fn kind(&mut self, index: usize) -> Kind {
        let entry = self.entries.get(index);
        match entry.tag {
            tag::DW_TAG_array_type => {
                let (element, count) = (self.entries.type_of(index), self.count(index));
                Kind::Array(self.ty(element), count)
            }
            tag::DW_TAG_structure_type if self.is_coroutine(index) => Kind::Coroutine,
            tag::DW_TAG_structure_type | tag::DW_TAG_union_type => {
                let variants = self.variants(index);
                if !variants.is_empty() {
                    let content = |(_, member)| self.entries.type_of(member);
                    let contents: Vec<usize> = variants.into_iter().map(content).collect();
                    return Kind::Choice(
                        contents.into_iter().flat_map(|content| self.fields(content)).collect(),
                    );
                }
                let is_union = entry.tag == tag::DW_TAG_union_type;
                let fields = self.fields(index);
                if is_union { Kind::Choice(fields) } else { Kind::Struct(fields) }
            }
            tag::DW_TAG_pointer_type if is_function(entry.name) => Kind::Function,
            _ => Kind::Leaf,
        }
    }

    fn name(&self, index: usize) -> String {
        let entry = self.entries.get(index);
        match entry.tag {
            tag::DW_TAG_compile_unit => "()".to_owned(),
            tag::DW_TAG_array_type => {
                format!("[{}; {}]", self.name(self.entries.type_of(index)), self.count(index))
            }
            tag::DW_TAG_pointer_type if entry.name.is_empty() => {
                format!("*{}", self.entries.type_of(index))
            }
            tag::DW_TAG_base_type | tag::DW_TAG_pointer_type | tag::DW_TAG_subroutine_type => {
                entry.name.to_owned()
            }
            _ => {
                let mut names = self.scope(index);
                names.push(entry.name);
                names.join("::")
            }
        }
    }

    fn count(&self, index: usize) -> u64 {
        let ranges = self.entries.get(index).children.iter();
        ranges.map(|&range| self.entries.get(range).count).max().unwrap_or(0)
    }

    fn size(&self, index: usize) -> u64 {
        let entry = self.entries.get(index);
        match (entry.tag, entry.size) {
            (tag::DW_TAG_array_type, _) => {
                self.count(index) * self.size(self.entries.type_of(index))
            }
            (_, Some(size)) => size,
            (tag::DW_TAG_pointer_type, None) => POINTER,
            (_, None) => 0,
        }
    }

    fn align(&self, index: usize) -> u64 {
        let entry = self.entries.get(index);
        match (entry.tag, entry.align) {
            (_, Some(align)) => align,
            (tag::DW_TAG_array_type, None) => self.align(self.entries.type_of(index)),
            (tag::DW_TAG_structure_type | tag::DW_TAG_union_type, None) => self
                .entries
                .children(index, tag::DW_TAG_member)
                .map(|member| self.align(self.entries.type_of(member)))
                .max()
                .unwrap_or(1),
            _ => self.size(index).max(1),
        }
    }

    /// The file with this number in the unit's list.
    fn file(&self, number: u64) -> String {
        let Some(program) = &self.unit.line_program else { return String::new() };
        let header = program.header();
        let Some(file) = header.file(number) else { return String::new() };
        let text = |value| {
            let text = self.dwarf.attr_string(self.unit, value).ok();
            text.map_or_else(String::new, |text| text.to_string_lossy().into_owned())
        };
        let name = text(file.path_name());
        match file.directory(header).map(text) {
            Some(directory) if !directory.is_empty() && !name.starts_with('/') => {
                format!("{directory}/{name}")
            }
            _ => name,
        }
    }
}

/// `fn(u8)`, `unsafe extern "C" fn(u8)`.
fn is_function(name: &str) -> bool {
    let head = name.split("fn(").next().unwrap_or(name);
    name.contains("fn(")
        && head.split(' ').all(|word| {
            matches!(word, "" | "unsafe" | "extern") || word.starts_with('"') && word.ends_with('"')
        })
}

#[cfg(test)]
mod tests {
    use super::is_function;

    #[test]
    fn functions_are_told_from_pointers() {
        assert!(is_function("fn(u8) -> u8") && is_function("unsafe extern \"C\" fn()"));
        assert!(!is_function("&fn(u8)") && !is_function("&mut alloc::string::String"));
    }
}
