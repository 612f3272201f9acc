//! Long strings: windows, appending.

use super::{NoString, bytes, equal, hash};
use crate::heap::gc::tests::{Random, TestRoots, heap};
use crate::layout::object::{Kind, LongString, MAX_SHORT};
use crate::layout::value::Value;

#[test]
fn kinds_by_length() {
    unsafe {
        let mut heap = heap();
        for length in 0..=100 {
            let text = vec![b'x'; length];
            let (a, b) = (heap.string(&text), heap.string(&text));
            assert_eq!((*a).header.kind == Kind::ShortString, length <= MAX_SHORT);
            assert_eq!(a == b, length <= MAX_SHORT);
            assert!(equal(a, b));
            assert_eq!(hash(a), hash(b));
            assert_eq!(bytes(a), text);
            let other = heap.string(&vec![b'y'; length]);
            assert_eq!(equal(a, other), length == 0);
        }
    }
}

#[test]
fn appending_shares_a_buffer() {
    unsafe {
        let mut heap = heap();
        let buffer = |string| (*(string as *const LongString)).buffer;
        let mut string = heap.string(b"");
        let mut copies = 0;
        let mut olds = Vec::new();
        for index in 0..10_000 {
            let longer = heap.concatenate(string, &[bytes(string), b"0123456789"]).unwrap();
            if index > 10 && buffer(longer) != buffer(string) {
                copies += 1;
            }
            string = longer;
            olds.push(string);
        }
        assert!(copies < 15, "copied {copies} times");
        let expected = b"0123456789".repeat(10_000);
        for (index, &old) in olds.iter().enumerate() {
            assert!(bytes(old) == &expected[..10 * (index + 1)]);
        }
        // Only the newest may write after itself.
        let old = olds[9_000];
        let other = heap.concatenate(old, &[bytes(old), b"something else"]).unwrap();
        assert!(buffer(other) != buffer(old));
        assert!(bytes(string) == expected);
        // A string may be appended to itself.
        let doubled = heap.concatenate(string, &[bytes(string), bytes(string)]).unwrap();
        assert!(bytes(doubled) == expected.repeat(2));
    }
}

#[test]
fn concatenations_against_a_model_with_steps() {
    unsafe {
        let (mut heap, mut roots) = (heap(), TestRoots::new());
        let mut random = Random(12);
        let mut model: Vec<Vec<u8>> = vec![Vec::new(); 30];
        roots.values = vec![Value::from_string(heap.string(b"")); 30];
        for turn in 0..100_000_u64 {
            let [to, a, b] = [(); 3].map(|()| random.below(30) as usize);
            let strings = [a, b].map(|index| roots.values[index].to_string().unwrap());
            if model[a].len() + model[b].len() > 50_000 {
                model[to] = turn.to_string().into_bytes();
                roots.values[to] = Value::from_string(heap.string(&model[to]));
            } else {
                let small = turn.to_string();
                let pieces = [bytes(strings[0]), small.as_bytes(), bytes(strings[1])];
                // Sometimes the string grows by a little, as in a loop.
                let pieces = if random.below(4) > 0 { &pieces[..2] } else { &pieces[..] };
                model[to] = pieces.concat();
                let first = if random.below(8) > 0 { strings[0] } else { std::ptr::null_mut() };
                roots.values[to] = Value::from_string(heap.concatenate(first, pieces).unwrap());
            }
            heap.step_by(1, &mut roots);
            let probe = random.below(30) as usize;
            assert!(bytes(roots.values[probe].to_string().unwrap()) == model[probe]);
        }
    }
}

#[test]
fn length_is_limited() {
    unsafe {
        let mut heap = heap();
        let part = vec![b'x'; 1 << 20];
        let pieces = vec![&part[..]; 4096];
        assert_eq!(heap.concatenate(std::ptr::null(), &pieces), Err(NoString::TooLong));
    }
}
