//! Code points in UTF-8 as a choice of sequences of byte sets.

use crate::set::ByteSet;
use crate::tree::{Node, TooLarge, Tree};

/// The code points that are encoded in each number of bytes.
const LENGTHS: [(u32, u32); 4] = [(0, 0x7F), (0x80, 0x7FF), (0x800, 0xFFFF), (0x1_0000, 0x10_FFFF)];

/// The tree that matches a code point from `first` to `last`.
pub(crate) fn code_points(first: u32, last: u32) -> Result<Tree, TooLarge> {
    let mut choice: Option<Tree> = None;
    for (from, to) in LENGTHS {
        let (first, last) = (first.max(from), last.min(to));
        if first > last {
            continue;
        }
        let (first, last) = (encode(first), encode(last));
        sequences(&first, &last, &mut Vec::new(), &mut choice)?;
    }
    Ok(choice.unwrap_or_else(|| Tree::leaf(Node::Fail)))
}

/// The bytes of a code point. Surrogates are encoded as any other.
fn encode(point: u32) -> Vec<u8> {
    let low = |shift: u32| 0x80 | (point >> shift & 0x3F) as u8;
    match point {
        0..=0x7F => vec![point as u8],
        0x80..=0x7FF => vec![0xC0 | (point >> 6) as u8, low(0)],
        0x800..=0xFFFF => vec![0xE0 | (point >> 12) as u8, low(6), low(0)],
        _ => vec![0xF0 | (point >> 18) as u8, low(12), low(6), low(0)],
    }
}

/// Adds the sequences between two of the same length, after the ranges of the bytes before. The
/// depth of this recursion is the length of a sequence.
fn sequences(
    first: &[u8],
    last: &[u8],
    before: &mut Vec<(u8, u8)>,
    choice: &mut Option<Tree>,
) -> Result<(), TooLarge> {
    let (Some((&low, first_rest)), Some((&high, last_rest))) =
        (first.split_first(), last.split_first())
    else {
        return add(before, choice);
    };
    let (least, most) = (vec![0x80; first_rest.len()], vec![0xBF; last_rest.len()]);
    if low == high {
        before.push((low, high));
        sequences(first_rest, last_rest, before, choice)?;
        before.pop();
        return Ok(());
    }
    // The sequences that start with the first byte, with those between, with the last one.
    let (mut from, mut to) = (low, high);
    if first_rest != least {
        before.push((low, low));
        sequences(first_rest, &most, before, choice)?;
        before.pop();
        from += 1;
    }
    let ends = last_rest != most;
    if ends {
        to -= 1;
    }
    if from <= to {
        before.push((from, to));
        sequences(&least, &most, before, choice)?;
        before.pop();
    }
    if ends {
        before.push((high, high));
        sequences(&least, last_rest, before, choice)?;
        before.pop();
    }
    Ok(())
}

/// Adds the sequence of these ranges to a choice.
fn add(ranges: &[(u8, u8)], choice: &mut Option<Tree>) -> Result<(), TooLarge> {
    let mut sequence: Option<Tree> = None;
    for &(low, high) in ranges {
        let mut set = ByteSet::EMPTY;
        for byte in low..=high {
            set.insert(byte);
        }
        match &mut sequence {
            Some(sequence) => sequence.join(Node::Sequence, &Tree::set(set), 0)?,
            None => sequence = Some(Tree::set(set)),
        }
    }
    let Some(sequence) = sequence else { return Ok(()) };
    match choice {
        Some(choice) => choice.join(Node::Choice, &sequence, 0),
        None => {
            *choice = Some(sequence);
            Ok(())
        }
    }
}
