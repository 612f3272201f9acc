//! The kinds of the parts of a source, for colouring. Accepts any input, complete or not.

use crate::lexer;
use crate::lexer::token::Token;
use std::ops::Range;

/// The kind of a part of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A reserved word, except those that are values.
    Keyword,
    /// `nil`, `true`, `false`.
    Constant,
    /// An identifier.
    Name,
    /// A numeral.
    Number,
    /// A string, with its quotes.
    String,
    /// A comment, with its dashes.
    Comment,
    /// Operators and brackets.
    Operator,
}

/// The parts of a source text, in order; white space is omitted. An invalid token has the kind of
/// its beginning.
pub fn parts(text: &[u8]) -> Vec<(Range<usize>, Class)> {
    let mut parts = Vec::new();
    let mut lexer = lexer::lexer(text, b"=highlight");
    let mut end = 0;
    while let Some(token) = lexer.next() {
        let span = lexer.span();
        match token {
            Ok(token) => {
                comments(text, end..span.start, &mut parts);
                parts.push((span.clone(), class_of(&token)));
                end = span.end;
            }
            Err(_) => {
                // What is skipped together with an unfinished comment starts with white space.
                let rest = text.get(span.start..).unwrap_or_default();
                let blank = rest.len() - rest.trim_ascii_start().len();
                let span = span.start + blank..span.end.max(span.start + blank);
                comments(text, end..span.start, &mut parts);
                let class = if text.get(span.start..).is_some_and(|rest| rest.starts_with(b"--")) {
                    Class::Comment
                } else {
                    Class::String
                };
                // A malformed number is a separate token; an unfinished string or comment extends
                // to the end.
                if text.get(span.start).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
                    parts.push((span.clone(), Class::Number));
                    end = span.end;
                    continue;
                }
                parts.push((span.start..text.len(), class));
                return parts;
            }
        }
    }
    comments(text, end..text.len(), &mut parts);
    parts
}

/// The comments between two tokens.
fn comments(text: &[u8], gap: Range<usize>, parts: &mut Vec<(Range<usize>, Class)>) {
    let between = text.get(gap.clone()).unwrap_or_default();
    if let Some(first) = between.windows(2).position(|pair| pair == b"--") {
        let length =
            between.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |last| last + 1);
        parts.push((gap.start + first..gap.start + length, Class::Comment));
    }
}

fn class_of(token: &Token) -> Class {
    match token {
        Token::Nil | Token::True | Token::False => Class::Constant,
        Token::Name(_) => Class::Name,
        Token::Number(_) => Class::Number,
        Token::String(_) => Class::String,
        token if token.describe().starts_with(|letter: char| letter.is_ascii_alphabetic()) => {
            Class::Keyword
        }
        _ => Class::Operator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(&str, Class)> {
        parts(text.as_bytes()).into_iter().map(|(range, class)| (&text[range], class)).collect()
    }

    #[test]
    fn every_part_has_its_class() {
        let expected = [
            ("local", Class::Keyword),
            ("x", Class::Name),
            ("=", Class::Operator),
            ("nil", Class::Constant),
            ("-- why", Class::Comment),
            ("x", Class::Name),
            ("=", Class::Operator),
            ("'s'", Class::String),
            ("..", Class::Operator),
            ("10", Class::Number),
        ];
        assert_eq!(words("local x = nil -- why\nx = 's' .. 10"), expected);
    }

    #[test]
    fn unfinished_text_is_what_it_begins_to_be() {
        assert_eq!(
            words("x('abc"),
            [("x", Class::Name), ("(", Class::Operator), ("'abc", Class::String)]
        );
        assert_eq!(words("[[a b"), [("[[a b", Class::String)]);
        assert_eq!(words("--[[ a"), [("--[[ a", Class::Comment)]);
        assert_eq!(words("3x y"), [("3x", Class::Number), ("y", Class::Name)]);
    }
}
