struct Struct(Vec<u32>);

#[cps_core::coroutine]
async fn outside() {
    self.0.len();
}

impl Struct {
    #[cps_core::coroutine]
    async fn without_receiver() {
        self.0.len();
    }

    #[cps_core::coroutine]
    async fn not_mutable(&self) {
        self.0.push(1);
    }

    #[cps_core::coroutine]
    async fn moved(self) -> Vec<u32> {
        let Self(v) = self;
        self.0.clone();
        v
    }

    #[cps_core::coroutine]
    async fn borrowed(&self) -> &'static u32 {
        &self.0[0]
    }
}

fn main() {}
