//! The similarity of names, for "did you mean".

/// The number of letters to insert, delete or change, or to swap with their neighbours, to turn one
/// name into the other (optimal string alignment).
pub fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Rows of the table: before the last, the last, the current one.
    let mut rows =
        [vec![0; other.len() + 1], (0..=other.len()).collect::<Vec<_>>(), vec![0; other.len() + 1]];
    for i in 1..=one.len() {
        rows[2][0] = i;
        for j in 1..=other.len() {
            let change = usize::from(one[i - 1] != other[j - 1]);
            let mut best = (rows[1][j] + 1).min(rows[2][j - 1] + 1).min(rows[1][j - 1] + change);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                best = best.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = best;
        }
        rows.rotate_left(1);
    }
    rows[1][other.len()]
}

/// The known name that is most similar to a misspelt one, if one is similar enough.
pub fn closest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    /// A longer name has not been typed.
    const LONGEST: usize = 64;
    // Short names are all similar.
    let allowed = match name.len() {
        0..=2 => return None,
        3..=5 => 1,
        6..=LONGEST => 2,
        _ => return None,
    };
    let near = known
        .into_iter()
        // A letter has up to 4 bytes.
        .filter(|known| known.len().abs_diff(name.len()) <= 4 * allowed)
        .map(|known| (distance(name, known), known))
        .filter(|(distance, _)| *distance <= allowed);
    near.min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("print", "print", 0),
            ("pritn", "print", 1),
            ("prnt", "print", 1),
            ("setmetatabel", "setmetatable", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn only_close_names_are_meant() {
        let known = ["print", "pairs", "ipairs", "tostring"];
        assert_eq!(closest("pritn", known), Some("print"));
        assert_eq!(closest("tostirng", known), Some("tostring"));
        assert_eq!(closest("x", known), None);
        assert_eq!(closest("something", known), None);
        let long = "a".repeat(1_000_000);
        assert_eq!(closest(&long, [&long[1..]]), None);
    }
}
