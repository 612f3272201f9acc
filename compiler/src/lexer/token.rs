//! The tokens of Lua, and how bytes become tokens. Logos matches everything whose end a regular
//! expression can find; strings and comments are read on from their opening by the lexer's own
//! functions.

use super::{self as lexer, State};
use crate::error::Fault;
use logos::Logos;
use std::sync::Arc;

/// An identifier, interned for the whole chunk.
pub(crate) type Name = lasso::Spur;

/// All of a chunk's.
pub(crate) type Names = lasso::Rodeo<Name, hashbrown::DefaultHashBuilder>;

/// Declares the token type from the tokens that are always written the same way: their text and
/// their name.
macro_rules! tokens {
    ($($text:tt $token:ident,)*) => {
        /// A token of the source text.
        #[derive(Logos, Clone, Debug, PartialEq)]
        #[logos(utf8 = false)]
        #[logos(extras = State)]
        #[logos(error = Fault)]
        #[logos(skip(r"[ \t\x0B\x0C]+"))]
        #[logos(skip(r"\r\n|\n\r|\n|\r", lexer::newline))]
        #[logos(skip(r"--", lexer::comment))]
        pub(crate) enum Token {
            $(#[token($text)] $token,)*
            #[regex("[A-Za-z_][A-Za-z0-9_]*", lexer::name)]
            Name(Name),
            // As greedy as PUC Lua's lexer, so that `3x` and `1..2` are malformed numbers and not
            // two tokens.
            #[regex(r"\.?[0-9][0-9.]*([eE][+-]?)?[A-Za-z0-9_]*", lexer::number)]
            Number(f64),
            #[regex(r#"["']"#, lexer::quoted_string)]
            #[regex(r"\[=*\[", lexer::long_string)]
            #[regex(r"\[=+", lexer::unfinished_long_bracket)]
            String(Arc<[u8]>),
            /// A byte that starts no token.
            #[regex(r"(?s-u:.)", |lexer| lexer.slice().first().copied(), priority = 0)]
            Unknown(u8),
            /// The end of the source text.
            EndOfInput,
        }

        impl Token {
            /// How messages write this kind of token.
            pub(crate) fn describe(&self) -> &'static str {
                match self {
                    $(Token::$token => $text,)*
                    Token::Name(_) => "<name>",
                    Token::Number(_) => "<number>",
                    Token::String(_) => "<string>",
                    Token::Unknown(_) => "<byte>",
                    Token::EndOfInput => "<eof>",
                }
            }
        }
    };
}

tokens! {
    "and" And, "break" Break, "do" Do, "else" Else, "elseif" ElseIf, "end" End, "false" False,
    "for" For, "function" Function, "goto" Goto, "if" If, "in" In, "local" Local, "nil" Nil,
    "not" Not, "or" Or, "repeat" Repeat, "return" Return, "then" Then, "true" True, "until" Until,
    "while" While, "+" Plus, "-" Minus, "*" Star, "/" Slash, "%" Percent, "^" Caret, "#" Hash,
    "==" Equal, "~=" NotEqual, "<=" LessEqual, ">=" GreaterEqual, "<" Less, ">" Greater, "=" Assign,
    "(" LeftParenthesis, ")" RightParenthesis, "{" LeftBrace, "}" RightBrace, "[" LeftBracket,
    "]" RightBracket, ";" Semicolon, ":" Colon, "::" DoubleColon, "," Comma, "." Dot,
    ".." Concatenate, "..." Dots,
}
