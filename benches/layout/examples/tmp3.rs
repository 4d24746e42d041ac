use lab_layout::program::{Program, dumps::Dumps};
fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    for b in &a[1..] {
    let p = Program::read(b.as_ref(), Dumps::list(a[0].as_ref(), |_| true).unwrap()).unwrap();
    println!("{b}: {} types, modelled {}, right {}, defs same {}, other {:?} unread {:?}", p.types.coroutines.len(), p.coroutines.len(), p.checked.types, p.checked.definitions, p.checked.other_liveness, p.checked.unreadable);
    for (n, m, r) in &p.checked.other_size { println!("   DIFF {n} {m:?} {r:?}"); }
    for (t, m) in &p.missing { println!("   {m:?} {:.150}", p.types.get(*t).name); }
    }
}
