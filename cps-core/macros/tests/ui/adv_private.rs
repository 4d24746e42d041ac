// What the expansion names is of no use to others without `unsafe`.

fn main() {
    let parts = cps_core::__private::parts::<cps_core::__private::Waits, _, _, _>((), |enter| enter);
    let _ = cps_core::__private::plain(parts);
}
