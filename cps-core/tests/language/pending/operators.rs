//! Cases of `operators` in which the attribute differs today: not compiled yet.

use super::*;

// The operator's place is the attribute's.
bodies! {
    add_assign_to_an_index_overflows -> u8 {
        let mut x = [200_u8];
        x[echo(0).await] += echo(100).await;
        x[0]
    }
    add_assign_overflows -> u8 {
        let mut x = 200_u8;
        x += echo(100).await;
        x
    }
    add_of_a_literal_overflows -> u8 { echo(255_u8).await + 1 }
    add_overflows -> u8 {
        echo(200_u8).await
            + echo(100).await
    }
    division_by_zero -> u32 { echo(1_u32).await / echo(0).await }
    division_overflows -> i32 { echo(i32::MIN).await / echo(-1).await }
    in_a_loop -> u8 {
        let mut x = 250;
        loop {
            x += echo(1_u8).await;
            if x < 100 { break x }
        }
    }
    in_a_condition -> u8 {
        if echo(200_u8).await + 100 > 3 { 1 } else { 2 }
    }
    in_a_return -> u8 {
        return echo(200_u8).await + 100;
    }
    in_an_argument -> u8 {
        u8::max(
            1,
            echo(200_u8).await + 100,
        )
    }
    in_parentheses -> u8 {
        (echo(200_u8).await + (
            echo(100).await
        ))
    }
    index_out_of_bounds -> u32 { echo([1_u32, 2]).await[echo(7_usize).await] }
    literal_and_awaited_overflow -> u8 { 1 + echo(255_u8).await }
    mul_overflows -> i32 { echo(i32::MAX).await * echo(2).await }
    neg_overflows -> i8 { -echo(i8::MIN).await }
    remainder_by_zero -> u32 { let x = 5; x % echo(0).await }
    shl_overflows -> u32 { 1_u32 << echo(32).await }
    shr_overflows -> u32 { echo(1_u32).await >> { echo(40).await } }
}
