//! A coroutine's type, and the dump of its definition.
//!
//! The fields of a variant in debug information stand in the order of its stored locals in the dump.

use std::collections::BTreeMap;
use std::rc::Rc;

use fixedbitset::FixedBitSet;

use super::dumps::{Definition, Dumps};
use super::{Checked, Coroutine, Item, Missing, Place, Program, Relocated};
use crate::dwarf::{CoroutineType, Field, Kind, Type, TypeId, Types, Variable};
use crate::liveness::Stored;
use crate::model::{Extent, rustc};

/// The states without a suspension.
const RESERVED: usize = 3;

pub(super) fn join(mut types: Types, dumps: &mut Dumps) -> Program {
    let unit = types.intern(Type { name: "()".into(), size: 0, align: 1, kind: Kind::Leaf });
    let mut coroutines = BTreeMap::new();
    let mut missing = BTreeMap::new();
    let mut checked = Checked::default();
    for (&ty, coroutine) in &types.coroutines {
        let mut reason = Missing::Dump;
        let mut fitting: Option<(Coroutine, Extent)> = None;
        let real = extent(&types, ty);
        for definition in dumps.definitions(&coroutine.path) {
            match fit(&types, coroutine, &definition, unit) {
                Ok(found) => {
                    let model = today(&types, &found);
                    if model == real || fitting.is_none() {
                        fitting = Some((found, model));
                    }
                    if model == real {
                        break;
                    }
                }
                Err(why) => reason = why,
            }
        }
        match fitting {
            None => drop(missing.insert(ty, reason)),
            Some((found, model)) => {
                if model == real {
                    checked.types += 1;
                } else {
                    checked.other_size.push((types.get(ty).name.clone(), model, real));
                }
                coroutines.insert(ty, found);
            }
        }
    }
    let (same, other) = dumps.compared();
    checked.definitions = same;
    checked.other_liveness = other.iter().map(|file| file.display().to_string()).collect();
    let unreadable = dumps.unreadable.iter();
    checked.unreadable =
        unreadable.map(|(file, why)| format!("{}: {why}", file.display())).collect();
    Program { types, coroutines, missing, checked }
}

/// A type's extent as the compiler has it.
fn extent(types: &Types, ty: TypeId) -> Extent {
    let ty = types.get(ty);
    Extent { size: ty.size, align: ty.align }
}

/// What the model makes of a coroutine today.
fn today(types: &Types, coroutine: &Coroutine) -> Extent {
    let extents = |items: &[Item]| -> Vec<Extent> {
        items.iter().map(|item| extent(types, item.ty)).collect()
    };
    rustc::layout(&extents(&coroutine.captures), &extents(&coroutine.locals), &coroutine.saved)
        .extent
}

fn fit(
    types: &Types,
    coroutine: &CoroutineType,
    definition: &Rc<Definition>,
    unit: TypeId,
) -> Result<Coroutine, Missing> {
    let saved = &definition.saved;
    if coroutine.variants.len() != saved.variants.len() {
        return Err(Missing::Other);
    }
    let captures = coroutine.variants.first().map_or(&[][..], |variant| &variant.fields);
    let locals = locals(coroutine, definition)?;
    let as_item = |field: &Field, others: &[&[Field]]| Item {
        name: field.name.clone(),
        ty: if is_function_item(types, field, others) { unit } else { field.ty },
    };
    let captured: Vec<Item> =
        captures.iter().map(|field| as_item(field, &[captures, &locals])).collect();
    let stored: Vec<Item> = locals.iter().map(|field| as_item(field, &[captures])).collect();
    let relocated = relocate(definition, &captured, &stored)?;
    Ok(Coroutine {
        ty: coroutine.ty,
        captures: captured,
        locals: stored,
        saved: saved.clone(),
        doubled: doubled(definition),
        relocated,
        suspensions: coroutine
            .variants
            .iter()
            .skip(RESERVED)
            .map(|variant| Place { file: variant.file.clone(), line: variant.line })
            .collect(),
        output: coroutine.output,
    })
}

/// The field of each stored local.
///
/// LLVM takes members of one name in one variant for one member, and describes the first. What the others are is known
/// from another variant, from another local of the same type, from the capture that they are moved out of, or from
/// what the debug information of the function says of its variables.
fn locals(coroutine: &CoroutineType, definition: &Definition) -> Result<Vec<Field>, Missing> {
    let saved = &definition.saved;
    let mut locals: Vec<Option<Field>> = vec![None; saved.count];
    let mut names: Vec<&str> = vec![""; saved.count];
    for (variant, stored) in coroutine.variants.iter().zip(&saved.variants) {
        let fields = variant.fields.get(..stored.len()).ok_or(Missing::Other)?;
        for (i, (&local, field)) in stored.iter().zip(fields).enumerate() {
            names[local] = &field.name;
            if fields[..i].iter().any(|other| other.name == field.name) {
                continue;
            }
            match &locals[local] {
                None => locals[local] = Some(field.clone()),
                Some(known) if (known.ty, known.offset) != (field.ty, field.offset) => {
                    return Err(Missing::Other);
                }
                Some(_) => {}
            }
        }
    }
    let captures = coroutine.variants.first().map_or(&[][..], |variant| &variant.fields);
    let by_text = |local: usize| {
        let same = |&l: &usize| definition.declared[l].ty == definition.declared[local].ty;
        (0..saved.count).filter(same).find_map(|l| Some(locals[l].as_ref()?.ty))
    };
    let by_capture = |local: usize| {
        let number = definition.own.locals.get(local)?;
        let (capture, _) = definition.fed.iter().find(|(_, fed)| fed == number)?;
        Some(captures.get(*capture)?.ty)
    };
    let by_variable = |local: usize| {
        let line = definition.declared[local].line?;
        let named = |v: &&Variable| v.name == names[local] && v.line == line;
        let mut types = coroutine.variables.iter().filter(named).map(|variable| variable.ty);
        let first = types.next()?;
        types.all(|other| other == first).then_some(first)
    };
    let ty = |local| by_text(local).or_else(|| by_capture(local)).or_else(|| by_variable(local));
    let fields = (0..saved.count).map(|local| match &locals[local] {
        Some(field) => Some(field.clone()),
        // Where it is, is not known; nobody asks.
        None => Some(Field { name: names[local].to_owned(), offset: 0, ty: ty(local)? }),
    });
    fields.collect::<Option<_>>().ok_or(Missing::Names)
}

/// A function, which has no size, and not a pointer to one: it is where a pointer cannot be.
fn is_function_item(types: &Types, field: &Field, others: &[&[Field]]) -> bool {
    let ty = types.get(field.ty);
    matches!(ty.kind, Kind::Function)
        && (field.offset.next_multiple_of(ty.align) != field.offset
            || others.iter().flat_map(|fields| fields.iter()).any(|other| {
                !std::ptr::eq(other, field)
                    && other.offset == field.offset
                    && types.get(other.ty).size > 0
            }))
}

/// The captures whose variables are stored.
fn doubled(definition: &Definition) -> Vec<usize> {
    let fed = definition.fed.iter().chain(&definition.copied);
    let stored = fed.filter(|(_, local)| definition.own.locals.contains(local));
    stored.map(|(capture, _)| *capture).collect()
}

fn relocate(
    definition: &Definition,
    captures: &[Item],
    locals: &[Item],
) -> Result<Relocated, Missing> {
    let relocated = definition.relocated(captures.len()).map_err(|_| Missing::Other)?;
    let stored = &relocated.stored;
    let first_capture = relocated.first_capture;
    let item = |&local: &u32| match local.checked_sub(first_capture) {
        Some(capture) => captures.get(capture as usize).cloned(),
        None => definition.own.locals.iter().position(|&l| l == local).map(|i| locals[i].clone()),
    };
    let items = |stored: &Stored| -> Result<Vec<Item>, Missing> {
        stored.locals.iter().map(item).collect::<Option<_>>().ok_or(Missing::Local)
    };
    let moved_once = match &relocated.moved_once {
        Some(stored) => Some((items(stored)?, stored.saved.clone())),
        None => None,
    };
    let position = |local: u32| stored.locals.iter().position(|&other| other == local);
    let fed: BTreeMap<usize, u32> = definition.fed.iter().copied().collect();
    let slots = (0..captures.len()).filter_map(|capture| {
        let local =
            position(first_capture + capture as u32).or_else(|| position(*fed.get(&capture)?))?;
        Some((capture, local))
    });
    let scoped = &relocated.scoped;
    let scoped = stored.locals.iter().map(|&local| {
        let mut row = FixedBitSet::with_capacity(stored.locals.len());
        if let Some(i) = scoped.locals.iter().position(|&other| other == local) {
            let others = scoped.saved.conflicts[i].ones().map(|other| scoped.locals[other]);
            row.extend(others.filter_map(position));
        }
        row
    });
    Ok(Relocated {
        locals: items(stored)?,
        in_place: stored.locals.iter().map(|&local| local >= first_capture).collect(),
        saved: stored.saved.clone(),
        slots: slots.collect(),
        scoped: scoped.collect(),
        moved_once,
    })
}

#[cfg(test)]
mod tests {
    use super::super::recorded::{RESUME_TEXT, SIZE, program};

    #[test]
    fn a_recorded_coroutine_is_modelled() {
        let program = program(SIZE, RESUME_TEXT);
        assert!(program.checked.is_right(), "{:?}", program.checked);
        assert_eq!((program.checked.types, program.checked.definitions), (1, 1));
        let found = program.coroutines.values().next().unwrap();
        let names = |items: &[super::Item]| -> Vec<String> {
            items.iter().map(|item| item.name.clone()).collect()
        };
        assert_eq!(names(&found.captures), ["b", "n"]);
        assert_eq!(names(&found.locals)[..5], ["b", "t", "iter", "i", "__awaitee"]);
        assert_eq!((found.doubled.as_slice(), found.suspensions.len()), (&[0][..], 2));
    }

    #[test]
    fn a_size_that_is_not_the_models_is_noticed() {
        let program = program(SIZE + 8, RESUME_TEXT);
        assert!(!program.checked.is_right());
        let (name, model, real) = &program.checked.other_size[0];
        assert!(name.contains("looped") && (model.size, real.size) == (SIZE, SIZE + 8));
    }

    #[test]
    fn a_liveness_that_is_not_the_compilers_is_noticed() {
        let conflict = "        (_s0, _s1),\n";
        let program = program(SIZE, &RESUME_TEXT.replace(conflict, ""));
        assert!(!program.checked.is_right());
        assert_eq!(program.checked.other_liveness.len(), 1);
    }

    #[test]
    fn a_dump_of_another_version_is_not_used() {
        let less = RESUME_TEXT.replace("        Suspend1 (4): [_s5, _s6, _s7],\n", "");
        let program = program(SIZE, &less);
        assert!(program.coroutines.is_empty());
        assert_eq!(program.missing.values().next(), Some(&super::Missing::Other));
    }
}
