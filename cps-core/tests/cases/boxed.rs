//! A function that boxes itself, which says that it is `Send`.

use super::run;

#[cps_core::coroutine(send)]
async fn boxes_itself(n: u32) -> u32 {
    if n == 0 { 0 } else { boxes_itself(n - 1).boxed().await + 1 }
}

#[test]
fn is_send() {
    assert_eq!(run(boxes_itself(3)), 3);
}
