use lab_layout::{
    program::{Program, dumps::Dumps},
    scheme::*,
};
fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    for b in &a[1..] {
        let p = Program::read(b.as_ref(), Dumps::list(a[0].as_ref(), |_| true).unwrap()).unwrap();
        let mut s: Vec<Sizes> = Scheme::ALL.iter().map(|&s| Sizes::new(&p, s)).collect();
        let mut tot = [0u64; 8];
        for c in p.coroutines.values() {
            let y = p.types.get(c.ty);
            let r: Vec<u64> = s.iter_mut().map(|s| s.of(c.ty).size).collect();
            for (t, r) in tot.iter_mut().zip(&r) {
                *t += r
            }
            if a.len() == 2 {
                println!("{r:?} {:.130}", y.name)
            }
        }
        println!(
            "{} {tot:?} {:?}",
            p.coroutines.len(),
            tot.map(|t| format!("{:.1}", 100. * t as f64 / tot[0] as f64 - 100.))
        );
    }
}
