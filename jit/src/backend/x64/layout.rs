//! Jumps, and where the code between them is.
//!
//! The encoder leaves jumps out. When all code is known, a jump that is always taken and goes to
//! the next instruction is dropped. Each other one gets the short form (a distance of one byte) if
//! it suffices, else the long one. Then the code is put together. A [`Position`] is a place in the
//! code that does not depend on the sizes of jumps.

use super::operand::Flag;

/// A place in the code: a distance in bytes without jumps, and the number of jumps before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) offset: u32,
    pub(super) jumps: u32,
}

/// A jump, at an offset without jumps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jump {
    pub(super) offset: u32,
    /// The number of its target.
    pub(super) label: u32,
    /// None if it is always taken.
    pub(super) flag: Option<Flag>,
}

/// The size of a jump that is dropped, and that of the short form.
const DROPPED: u32 = 0;
const SHORT: u32 = 2;
/// How often the sizes are computed; shorter jumps make others shorter.
const PASSES: usize = 3;

impl Jump {
    /// The size of the long form.
    fn long(&self) -> u32 {
        if self.flag.is_some() { 6 } else { 5 }
    }

    fn encode(&self, bytes: &mut Vec<u8>, size: u32, distance: i32) {
        match (self.flag, size) {
            (_, DROPPED) => {}
            (Some(flag), SHORT) => bytes.extend([0x70 | flag.0, distance as u8]),
            (None, SHORT) => bytes.extend([0xeb, distance as u8]),
            (Some(flag), _) => {
                bytes.extend([0x0f, 0x80 | flag.0]);
                bytes.extend(distance.to_le_bytes());
            }
            (None, _) => {
                bytes.push(0xe9);
                bytes.extend(distance.to_le_bytes());
            }
        }
    }
}

/// The sizes of all jumps.
pub(super) struct Layout {
    /// The size of the jumps before each jump, and of all.
    before: Vec<u32>,
}

impl Layout {
    pub(super) fn of(jumps: &[Jump], labels: &[Position]) -> Layout {
        let mut layout = Layout::with_sizes(jumps.iter().map(Jump::long));
        // With shorter jumps, distances only become shorter.
        for _ in 0..PASSES {
            let sizes = jumps.iter().enumerate().map(|(index, jump)| {
                let target = labels[jump.label as usize];
                let next = Position { offset: jump.offset, jumps: index as u32 + 1 };
                if target == next && jump.flag.is_none() {
                    return DROPPED;
                }
                let target = i64::from(layout.offset(target));
                let start = i64::from(jump.offset + layout.before[index]);
                let end = i64::from(jump.offset + layout.before[index + 1]);
                let distance = target - if target > start { end } else { start + SHORT as i64 };
                if i8::try_from(distance).is_ok() { SHORT } else { jump.long() }
            });
            layout = Layout::with_sizes(sizes);
        }
        layout
    }

    fn with_sizes(sizes: impl ExactSizeIterator<Item = u32>) -> Layout {
        let mut before = Vec::with_capacity(sizes.len() + 1);
        let mut sum = 0;
        before.push(sum);
        before.extend(sizes.map(|size| {
            sum += size;
            sum
        }));
        Layout { before }
    }

    /// The offset of a position in the finished code.
    pub(super) fn offset(&self, position: Position) -> u32 {
        position.offset + self.before[position.jumps as usize]
    }

    /// The code with its jumps.
    pub(super) fn assemble(&self, code: &[u8], jumps: &[Jump], labels: &[Position]) -> Vec<u8> {
        let total = self.before.last().map_or(0, |&size| size as usize);
        let mut bytes = Vec::with_capacity(code.len() + total + 64);
        let mut done = 0;
        for (jump, sizes) in jumps.iter().zip(self.before.windows(2)) {
            bytes.extend(&code[done..jump.offset as usize]);
            done = jump.offset as usize;
            let size = sizes[1] - sizes[0];
            let target = self.offset(labels[jump.label as usize]);
            let distance = target.wrapping_sub(bytes.len() as u32 + size) as i32;
            jump.encode(&mut bytes, size, distance);
        }
        bytes.extend(&code[done..]);
        bytes
    }
}
