//! Cases of `coercions` in which the attribute differs today: not compiled yet.

use super::*;

// An argument of a call is not coerced.
after_a_pause! {
    string_to_str: async { body(&"abc".to_owned()).await }; (name: &String) -> usize { length(name) }
    array_to_slice: body(&[1, 2, 3]); (a: &[u32; 3]) -> usize {
        fn len(s: &[u32]) -> usize { s.len() }
        len(a)
    }
    to_trait_object: body(&5); (n: &u32) -> String { show(n) }
    box_in_some: body(Box::new(5)); (n: Box<u32>) -> usize {
        let v: Option<Box<dyn Debug>> = Some(n);
        v.iter().count()
    }
    push_of_a_box: body(Box::new(5), Box::new("x")); (a: Box<u32>, b: Box<&'static str>) -> String {
        let mut v: Vec<Box<dyn Debug>> = Vec::new();
        v.push(a);
        v.push(b);
        format!("{v:?}")
    }
}
