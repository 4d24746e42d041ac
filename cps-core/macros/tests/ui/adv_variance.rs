use std::cell::Cell;

use cps_core::{BoxCoroutine, Body, yield_, generator::{Generator, GeneratorRoot}};

#[cps_core::cps]
async fn put<'a>(cell: &Cell<&'a str>, value: &'a str) {
    cell.set(value);
}

#[cps_core::cps]
async fn puts_a_short_one(cell: &Cell<&'static str>) {
    let short = String::from("short");
    put(cell, &short).await;
}

#[cps_core::cps(yields = &'static str)]
fn yields_a_short_one(short: String) {
    yield_(&*short).await;
}

#[cps_core::cps(yields = &'a str)]
fn yields_another<'a, 'b>(a: &'a str, b: &'b str) {
    yield_(a).await;
    yield_(b).await;
}

fn lengthens<'a>(boxed: BoxCoroutine<'a, &'a str>) -> BoxCoroutine<'static, &'static str> {
    boxed
}

fn lengthens_items<'a, B: Body>(generator: Generator<&'a str, B>) -> Generator<&'static str, B> {
    generator
}

fn changes_items<'a, B: Body>(
    root: GeneratorRoot<fn(&'static str), B>,
) -> GeneratorRoot<fn(&'a str), B> {
    root
}

fn main() {}
