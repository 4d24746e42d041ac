//! By its name alone, `pack!` is this crate's; by its path another macro is itself.

use cps_core::cps;

mod mine {
    macro_rules! pack {
        ($value:expr) => {
            $value + 1
        };
    }
    pub(crate) use pack;
}

#[cps]
async fn by_its_path() -> u32 {
    mine::pack!(1)
}

mod other {
    use super::mine::pack;

    #[cps_core::cps]
    async fn by_its_name() -> u32 {
        pack!(1)
    }
}

fn main() {}
