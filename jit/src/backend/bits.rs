//! Rows of bits: sets of registers for each block, and taken positions for each place.

/// Rows of equal width.
pub(super) struct Rows {
    words: Vec<u64>,
    /// In words.
    width: usize,
}

impl Rows {
    /// Rows in which all bits are clear.
    pub(super) fn new(rows: usize, bits: usize) -> Rows {
        let width = bits.div_ceil(64);
        Rows { words: vec![0; rows * width], width }
    }

    /// Adds a row at the end.
    pub(super) fn add_row(&mut self) {
        self.words.resize(self.words.len() + self.width, 0);
    }

    pub(super) fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.width..][..self.width]
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [u64] {
        &mut self.words[row * self.width..][..self.width]
    }

    pub(super) fn has(&self, row: usize, bit: u32) -> bool {
        self.words[row * self.width + bit as usize / 64] >> (bit % 64) & 1 != 0
    }

    /// Sets a bit and returns whether it was clear.
    pub(super) fn add(&mut self, row: usize, bit: u32) -> bool {
        let word = &mut self.words[row * self.width + bit as usize / 64];
        let was = *word;
        *word |= 1 << (bit % 64);
        was != *word
    }

    pub(super) fn remove(&mut self, row: usize, bit: u32) {
        self.words[row * self.width + bit as usize / 64] &= !(1 << (bit % 64));
    }

    /// Whether any bit from `first` to `last` is set.
    pub(super) fn any(&self, row: usize, first: u32, last: u32) -> bool {
        let row = self.row(row);
        masks(first, last).any(|(word, mask)| row[word] & mask != 0)
    }

    /// Sets the bits from `first` to `last`.
    pub(super) fn fill(&mut self, row: usize, first: u32, last: u32) {
        let row = self.row_mut(row);
        masks(first, last).for_each(|(word, mask)| row[word] |= mask);
    }

    /// The set bits of a row.
    pub(super) fn each(&self, row: usize) -> impl Iterator<Item = u32> {
        self.row(row).iter().zip(0u32..).flat_map(|(&word, index)| {
            let rest = |word: &u64| Some(word & (word - 1)).filter(|&word| word != 0);
            std::iter::successors(Some(word).filter(|&word| word != 0), rest)
                .map(move |word| index * 64 + word.trailing_zeros())
        })
    }
}

/// The words that contain bits from `first` to `last`, with masks of these bits.
fn masks(first: u32, last: u32) -> impl Iterator<Item = (usize, u64)> {
    let (low, high) = (first / 64, last / 64);
    (low..=high).map(move |word| {
        let from = if word == low { u64::MAX << (first % 64) } else { u64::MAX };
        let to = if word == high { u64::MAX >> (63 - last % 64) } else { u64::MAX };
        (word as usize, from & to)
    })
}

#[cfg(test)]
mod tests {
    use super::Rows;

    #[test]
    fn ranges_and_bits() {
        for (first, last) in [(0, 0), (0, 63), (1, 64), (63, 64), (5, 130), (128, 199), (199, 199)]
        {
            let mut rows = Rows::new(2, 200);
            rows.fill(1, first, last);
            assert_eq!(rows.each(0).count(), 0);
            assert_eq!(rows.each(1).collect::<Vec<_>>(), (first..=last).collect::<Vec<_>>());
            for bit in 0..200 {
                assert_eq!(rows.has(1, bit), (first..=last).contains(&bit));
                assert_eq!(rows.any(1, bit, bit), (first..=last).contains(&bit));
            }
            assert!(!rows.add(1, first));
            rows.remove(1, first);
            assert!(!rows.has(1, first) && rows.add(1, first));
        }
    }
}
