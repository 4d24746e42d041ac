use lab_layout::program::{Program, dumps::Dumps};
fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let p = Program::read(a[1].as_ref(), Dumps::list(a[0].as_ref(), |_| true).unwrap()).unwrap();
    for c in p.coroutines.values() {
        let y = p.types.get(c.ty);
        println!("{} {:.160}", y.size, y.name);
        let f = |i: &lab_layout::program::Item| {
            let t = p.types.get(i.ty);
            format!("{}:{:.60}[{}]", i.name, t.name, t.size)
        };
        println!("    captures {:?}", c.captures.iter().map(f).collect::<Vec<_>>());
        for (s, v) in c.suspensions.iter().zip(&c.saved.variants[3..]) {
            println!("    {} {:?}", s.line, v.iter().map(|&l| f(&c.locals[l])).collect::<Vec<_>>());
        }
        println!("    output {:?}", c.output.map(|o| (&p.types.get(o).name, p.types.get(o).size)));
    }
    for (t, m) in &p.missing {
        println!("   {m:?} {:.150}", p.types.get(*t).name);
    }
}
