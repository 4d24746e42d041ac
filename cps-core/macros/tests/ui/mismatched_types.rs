#[cps_core::coroutine]
async fn tail() -> u32 {
    "tail"
}

#[cps_core::coroutine]
async fn early(x: bool) -> u32 {
    if x {
        return "return";
    }
    1
}

#[cps_core::coroutine]
async fn early_with_question_mark(x: bool) -> Result<u32, std::num::ParseIntError> {
    if x {
        return Ok("return");
    }
    let n: u32 = "1".parse()?;
    Ok(n)
}

#[cps_core::coroutine]
async fn no_tail() -> u32 {
    1;
}

#[cps_core::coroutine]
async fn no_value(x: bool) -> u32 {
    if x {
        return;
    }
    1
}

#[cps_core::coroutine]
async fn not_convertible() -> Result<u32, std::fmt::Error> {
    Ok("1".parse::<u32>()?)
}

#[cps_core::coroutine]
async fn question_mark_without_result() {
    "1".parse::<u32>()?;
}

#[cps_core::coroutine]
async fn awaited() {
    let _: u32 = tail().await;
    let _: &str = tail().await;
    tail("surplus").await;
}

fn main() {}
