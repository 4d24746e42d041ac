//! `pack!` is the block in it: the plain twin has a macro of that name that is no more than that.

use std::ops::ControlFlow;

bodies! {
    the_value_is_that_of_the_last_expression -> u32 {
        let outer = echo(1).await;
        let value = pack! {
            let local = echo(10).await;
            pause().await;
            outer + local
        };
        value + outer
    }

    without_a_value -> u32 {
        let mut sum = 0;
        pack! {
            let local = echo(10).await;
            pause().await;
            sum += local;
        }
        pack! {};
        pack! {
            pause().await;
            sum += 1;
        };
        sum
    }

    as_an_operand -> u32 {
        let one = 1;
        let sum = seen(1) + pack! {
            let local = echo(one + 1).await;
            local
        } + seen(3);
        sum
    }

    as_the_last_expression -> u32 {
        let x = echo(1).await;
        pack! {
            let y = echo(2).await;
            x + y
        }
    }

    one_in_another -> u32 {
        let mut a = 1;
        let sum = pack! {
            let mut b = echo(2).await;
            let c = pack! {
                let c = echo(3).await;
                a += 1;
                b += 1;
                pause().await;
                c + a
            };
            pause().await;
            c + b
        };
        sum * 10 + a
    }

    locals_are_dropped_at_its_end -> usize {
        let outer = note("outer");
        let length = pack! {
            let first = give("first").await;
            let second = give("second").await;
            pause().await;
            let length = look(&first).await + outer.len();
            length
        };
        did("after");
        pause().await;
        length
    }

    temporaries_of_the_last_expression -> usize {
        let length = pack! {
            let local = note("local");
            pause().await;
            note("temporary").len() + give("awaited temporary").await.len() + local.len()
        };
        did("after");
        length
    }

    a_return -> Result<u32, String> {
        let outer = note("outer");
        pack! {
            let local = note("local");
            pause().await;
            if local.len() == 5 {
                return Err(format!("{} {}", local.0, outer.0));
            }
        }
        did("not reached");
        Ok(1)
    }

    a_return_without_a_value -> () {
        pack! {
            let _local = note("local");
            pause().await;
            if seen(true) {
                return;
            }
        }
        did("not reached");
    }

    it_always_returns -> u32 {
        let x: &str = pack! {
            pause().await;
            return echo(5).await
        };
        did(x);
        6
    }

    a_return_in_the_inner_one -> u32 {
        let outer = note("outer");
        let sum = pack! {
            let middle = note("middle");
            let x: u32 = pack! {
                let inner = note("inner");
                pause().await;
                if inner.len() == 5 {
                    return 7;
                }
                8
            };
            did(x);
            x
        };
        sum + 1
    }

    an_option -> Option<u32> {
        let values = [Some(1), None];
        let mut sum = 0;
        for value in values {
            pack! {
                let _local = note("local");
                sum += echo(value).await?;
                did(sum);
            }
        }
        Some(sum)
    }

    a_control_flow -> ControlFlow<String, u32> {
        let value = pack! {
            pause().await;
            let first: u32 = ControlFlow::<String, u32>::Continue(1)?;
            pause().await;
            echo(ControlFlow::Break(format!("after {first}"))).await?;
            first
        };
        ControlFlow::Continue(value)
    }

    breaks_and_continues -> Vec<u32> {
        let mut all = Vec::new();
        for n in 0..10 {
            pack! {
                let _local = note("local");
                pause().await;
                if n == 1 {
                    continue;
                }
                if n == 4 {
                    break;
                }
                all.push(n);
            }
            did(n);
        }
        all
    }

    labels -> (u32, &'static str) {
        let mut rounds = 0;
        let name = 'outer: loop {
            rounds += 1;
            let _outer = note("outer");
            loop {
                pack! {
                    let _local = note("local");
                    pause().await;
                    if rounds == 1 {
                        continue 'outer;
                    }
                    if rounds == 3 {
                        break 'outer "three";
                    }
                    break;
                }
            }
            did(rounds);
        };
        (rounds, name)
    }

    a_labelled_block -> u32 {
        let x = 'block: {
            pack! {
                pause().await;
                if seen(2) == 2 {
                    break 'block 10;
                }
            }
            20
        };
        'empty: {
            pack! {
                pause().await;
                break 'empty;
            }
        }
        x
    }

    labels_out_of_two -> u32 {
        let mut n = 0;
        'outer: while n < 10 {
            n += 1;
            pack! {
                let _middle = note("middle");
                for inner in 0..5 {
                    pack! {
                        let _inner = note("inner");
                        pause().await;
                        match (n, inner) {
                            (1, 2) => continue 'outer,
                            (2, 1) => break,
                            (2, 0) => continue,
                            (3, 3) => break 'outer,
                            _ => did(inner),
                        }
                    }
                }
                did("end");
            }
        }
        n
    }

    loops_within_are_its_own -> u32 {
        let mut sum = 0;
        for _ in 0..2 {
            pack! {
                let found = loop {
                    pause().await;
                    sum += 1;
                    if sum % 2 == 0 {
                        continue;
                    }
                    break 'a'
                };
                did(found);
                let named = 'inside: loop {
                    while sum < 100 {
                        sum += 10;
                        if sum > 50 {
                            break 'inside sum;
                        }
                    }
                    break 'inside 0;
                };
                sum = named;
            }
        }
        sum
    }

    a_break_with_the_value_of_a_loop -> u32 {
        let mut n = 0;
        loop {
            pack! {
                let local = echo(1).await;
                n += local;
                if n == 3 {
                    break n * 2;
                }
            }
        }
    }

    its_variables_may_have_the_names_of_others -> u32 {
        let x = note("x");
        let sum = pack! {
            let x = 1;
            let y = echo(x + 1).await;
            let x = |x: u32| x + y;
            x(3)
        };
        drop(x);
        pack! {
            let x = 1;
            pause().await;
            did(x);
        }
        sum
    }

    closures_and_blocks_return_for_themselves -> u32 {
        let base = echo(100).await;
        let sum = pack! {
            let half = |x: u32| {
                if x % 2 == 1 {
                    return None;
                }
                Some(x / 2)
            };
            let tried = || -> Option<u32> { Some(half(4)? + half(3)?) };
            let later = async {
                if base == 100 {
                    return 5;
                }
                6
            };
            pause().await;
            later.await + half(base).unwrap_or(0) + tried().unwrap_or(1)
        };
        sum
    }

    changes_to_copies_are_seen_outside -> (u32, [u8; 4], bool) {
        let (mut x, mut bytes, mut flag) = (1, [0; 4], false);
        pack! {
            pause().await;
            x += 1;
            bytes[2] = 7;
            pause().await;
            flag = !flag;
        }
        (x, bytes, flag)
    }

    a_reference_into_a_variable -> String {
        let mut names = vec![String::from("a"), String::from("b")];
        let last: &mut String = pack! {
            pause().await;
            names.push(String::from("c"));
            &mut names[2]
        };
        pause().await;
        last.push('!');
        names.join(",")
    }

    in_arms_and_branches -> u32 {
        let x = echo(3).await;
        let y = match x {
            3 => pack! {
                let y = echo(4).await;
                y
            },
            _ => 0,
        };
        if y == 4 {
            pack! {
                pause().await;
                did(y);
            }
        } else {
            pack! { did("not reached"); }
        }
        let z = if let Some(y) = Some(y) {
            pack! {
                let z = echo(y).await;
                z
            }
        } else {
            0
        };
        let (Some(w) | Some(w)) = pack!(pause().await; Some(z)) else {
            return 0;
        };
        w + 1
    }

    an_assignment -> Note {
        let mut value = note("old");
        value = pack! {
            let new = give("new").await;
            new
        };
        did("assigned");
        value
    }

    macros_in_it -> String {
        let (a, b) = (1, note("b"));
        pack! {
            pause().await;
            let text = format!("{a} {} {b:?}", vec![a; 2].len());
            assert_eq!(a, 1, "it is {a}");
            pause().await;
            text
        }
        .clone()
    }

    a_panic -> u32 {
        let _outer = note("outer");
        pack! {
            let _local = note("local");
            fail::<()>("within").await;
            did("not reached");
        }
        1
    }

    a_panic_of_its_own -> u32 {
        let numbers = [1, 2];
        let index = echo(2).await;
        let x = pack! {
            let _local = note("local");
            pause().await;
            let x = numbers[index];
            x
        };
        x
    }

    unsafe_blocks_around -> u32 {
        unsafe fn two() -> u32 {
            2
        }
        let x = unsafe {
            let x = pack! {
                pause().await;
                let x = unsafe { two() };
                x
            };
            x + two()
        };
        x
    }

    items_in_it -> u32 {
        let x = pack! {
            const BASE: u32 = 40;
            fn add(x: u32) -> u32 {
                return BASE + x;
            }
            struct Pair(u32, u32);
            let Pair(a, b) = Pair(1, echo(1).await);
            add(a) + b
        };
        x
    }
}
