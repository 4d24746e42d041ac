//! `#[target_feature]` concerns the body.

use std::arch::x86_64::{
    __m256i, _mm256_abs_epi32, _mm256_add_epi32, _mm256_extract_epi32, _mm256_loadu_si256,
    _mm256_setzero_si256,
};
use std::future::ready;

use super::run;

/// Calls what is safe only in a function that has the feature.
#[cps_core::coroutine]
#[target_feature(enable = "avx2")]
async fn sum(v: &[i32; 8]) -> i32 {
    let mut sum = _mm256_setzero_si256();
    for _ in 0..10 {
        ready(()).await;
        // SAFETY: the array is as long as the vector, and alignment is not asked for.
        let loaded = unsafe { _mm256_loadu_si256(v.as_ptr().cast::<__m256i>()) };
        sum = _mm256_add_epi32(sum, _mm256_abs_epi32(loaded));
    }
    _mm256_extract_epi32::<0>(sum)
}

#[test]
fn the_body_has_the_feature() {
    if !std::arch::is_x86_feature_detected!("avx2") {
        println!("SKIPPED: this processor has no AVX2");
        return;
    }
    // SAFETY: the processor has the feature.
    assert_eq!(run(unsafe { sum(&[-3; 8]) }), 30);
}
