//! Hints for syntax errors: constructs of other languages, and changes that editors and word
//! processors make to a source.

use crate::diagnostic::{Diagnostic, Span};
use crate::lexer;
use crate::lexer::token::Token;
use crate::spelling;

/// Operators of other languages, and what to write in Lua. Longer operators come first.
const FOREIGN_OPERATORS: [(&str, &str); 22] = [
    ("!==", "use '~=' for \"not equal\""),
    ("===", "use '=='"),
    ("?.", "write a and a.b"),
    ("??", "write a or b"),
    ("!=", "use '~=' for \"not equal\""),
    ("!", "use 'not' to negate a condition"),
    ("&&", "use 'and'"),
    ("||", "use 'or'"),
    ("&", "use bit.band(a, b)"),
    ("|", "use bit.bor(a, b)"),
    ("<<", "use bit.lshift(a, n)"),
    (">>", "use bit.rshift(a, n)"),
    ("++", "write x = x + 1"),
    ("+=", "write x = x + y"),
    ("-=", "write x = x - y"),
    ("*=", "write x = x * y"),
    ("/=", "write x = x / y"),
    ("..=", "write x = x .. y"),
    (POWER, "use '^' for powers"),
    ("/*", "comments are --[[ ... ]]"),
    ("=>", "write function(x) ... end"),
    ("?", "write condition and a or b"),
];

/// The same for words, which are names in Lua: the error is in what follows them.
const FOREIGN_WORDS: [(&str, &str); 23] = [
    ("continue", "use 'goto continue', and '::continue::' at the end of the loop"),
    ("elif", "use 'elseif'"),
    ("elsif", "use 'elseif'"),
    ("elseIf", "use 'elseif'"),
    ("var", "use 'local'"),
    ("let", "use 'local'"),
    ("const", "use 'local'"),
    ("def", "use 'function'"),
    ("fn", "use 'function'"),
    ("func", "use 'function'"),
    ("fun", "use 'function'"),
    ("switch", "use 'if' and 'elseif', or a table of functions"),
    ("case", "use 'if' and 'elseif', or a table of functions"),
    ("try", "use pcall(f)"),
    ("catch", "use pcall(f)"),
    ("throw", "use error(value)"),
    ("import", "use require('name')"),
    ("include", "use require('name')"),
    ("using", "use require('name')"),
    ("from", "use require('name')"),
    ("async", "use go(f) to start a goroutine"),
    ("await", "use go(f) to start a goroutine"),
    ("foreach", "use 'for key, value in pairs(t) do'"),
];

/// Words that start or end statements.
const KEYWORDS: [(&str, &str); 11] = [
    ("break", "did you mean 'break'?"),
    ("else", "did you mean 'else'?"),
    ("elseif", "did you mean 'elseif'?"),
    ("end", "did you mean 'end'?"),
    ("for", "did you mean 'for'?"),
    ("function", "did you mean 'function'?"),
    ("local", "did you mean 'local'?"),
    ("repeat", "did you mean 'repeat'?"),
    ("return", "did you mean 'return'?"),
    ("until", "did you mean 'until'?"),
    ("while", "did you mean 'while'?"),
];

/// Functions that other languages, or older versions of them, call without parentheses.
const STATEMENTS_ELSEWHERE: [&[u8]; 4] = [b"print", b"assert", b"error", b"require"];

const INTEGER_DIVISION: &str = "//";
const POWER: &str = "**";
/// At the end of a line: `x--` is a name and a comment.
const DECREMENT: &str = "--";

/// The span that an error at `span` is about, if the token before it is at `last`: a construct of
/// another language there, otherwise `span`.
pub(crate) fn culprit(text: &[u8], last: Span, span: Span) -> Span {
    let at = |span: Span| text.get(span.range()).unwrap_or_default();
    let rest = text.get(last.end as usize..).unwrap_or_default();
    if rest.split(|&byte| matches!(byte, b'\r' | b'\n')).next() == Some(DECREMENT.as_bytes()) {
        return Span { start: last.end, end: last.end + DECREMENT.len() as u32 };
    }
    let is_doubled = last.end == span.start && at(last) == at(span);
    if is_doubled && matches!(at(span), b"/" | b"*") {
        return last.to(span);
    }
    let rest = text.get(span.start as usize..).unwrap_or_default();
    let is_comment = rest.starts_with(INTEGER_DIVISION.as_bytes());
    let operators = FOREIGN_OPERATORS.iter().map(|(operator, _)| *operator);
    let operator = operators.chain(is_comment.then_some(INTEGER_DIVISION));
    match operator.into_iter().find(|operator| rest.starts_with(operator.as_bytes())) {
        Some(operator) => Span { end: span.start + operator.len() as u32, ..span },
        // What is assigned to is a variable of that name.
        None if rest.starts_with(b"=") => span,
        None if starts_statement(text, last)
            && (FOREIGN_WORDS.iter().any(|(word, _)| word.as_bytes() == at(last))
                || starts_value(rest) && misspelt_keyword(at(last)).is_some()) =>
        {
            last
        }
        None => span,
    }
}

/// Whether a name, a value or nothing comes next.
fn starts_value(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| byte.is_ascii_alphanumeric() || b"_\"'{#".contains(byte))
}

/// The hint for a word that is not a reserved one, but similar to one.
fn misspelt_keyword(word: &[u8]) -> Option<&'static str> {
    let word = std::str::from_utf8(word).ok()?;
    let meant = spelling::closest(word, KEYWORDS.map(|(keyword, _)| keyword))?;
    KEYWORDS.iter().find(|(keyword, _)| *keyword == meant && meant != word).map(|(_, hint)| *hint)
}

/// Whether the token at `span` probably starts a statement: it is the first one of its line, or
/// comes after a word that starts a block.
fn starts_statement(text: &[u8], span: Span) -> bool {
    let before = text.get(..span.start as usize).unwrap_or_default().trim_ascii_end();
    let gap = text.get(before.len()..span.start as usize).unwrap_or_default();
    let last_word = before.rsplit(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
    before.is_empty()
        || gap.contains(&b'\n')
        || before.ends_with(b";")
        || [&b"then"[..], b"do", b"else", b"end", b"repeat"].contains(&last_word)
}

/// Returns what the author of `text` probably meant, as an instruction. None if that is not
/// certain.
pub fn hint(text: &[u8], diagnostic: &Diagnostic) -> Option<&'static str> {
    let found = text.get(diagnostic.span.range()).unwrap_or_default();
    if found == b"=>" && ends_condition(&diagnostic.message) {
        return Some("use '>='");
    }
    let foreign = FOREIGN_OPERATORS.iter().chain(&FOREIGN_WORDS);
    if let Some((_, hint)) = foreign.into_iter().find(|(foreign, _)| foreign.as_bytes() == found) {
        return Some(hint);
    }
    if found == DECREMENT.as_bytes() {
        return Some("'--' starts a comment: write x = x - 1");
    }
    let message = &diagnostic.message;
    if message.starts_with("'=' expected")
        && let Some(hint) = misspelt_keyword(found)
    {
        return Some(hint);
    }
    let surroundings = Surroundings::new(text, diagnostic, found);
    surroundings
        .foreign_character()
        .or_else(|| surroundings.slashes())
        .or_else(|| surroundings.wrong_operator(message))
        .or_else(|| surroundings.wrong_structure(message))
}

/// Whether a condition has ended where it cannot.
fn ends_condition(message: &str) -> bool {
    message.starts_with("'then' expected") || message.starts_with("'do' expected")
}

/// The source around an error.
struct Surroundings<'t> {
    /// From the error on.
    after: &'t [u8],
    /// The token before the error.
    before: Option<Token>,
    /// Whether an `else` is followed by an `if` in the same line somewhere before the error.
    has_else_if: bool,
    /// The text that the error is about.
    found: &'t [u8],
    /// Whether nothing but white space comes before the error in its line.
    starts_line: bool,
    /// The line before the error.
    line: &'t [u8],
}

impl<'t> Surroundings<'t> {
    fn new(text: &'t [u8], diagnostic: &Diagnostic, found: &'t [u8]) -> Self {
        let start = (diagnostic.span.start as usize).min(text.len());
        let after = text.get(start..).unwrap_or_default();
        let line = text.get(..start).unwrap_or_default().rsplit(|&byte| byte == b'\n').next();
        let mut surroundings = Surroundings {
            after,
            before: None,
            has_else_if: false,
            found,
            starts_line: line.is_none_or(|line| line.trim_ascii().is_empty()),
            line: line.unwrap_or_default().trim_ascii(),
        };
        let mut end = 0;
        let mut lexer = lexer::lexer(text, b"@");
        while let Some(Ok(token)) = lexer.next() {
            let span = lexer.span();
            if span.start >= start {
                break;
            }
            let between = text.get(end..span.start).unwrap_or_default();
            surroundings.has_else_if |= token == Token::If
                && surroundings.before == Some(Token::Else)
                && !between.contains(&b'\n');
            end = span.end;
            surroundings.before = Some(token);
        }
        surroundings
    }

    fn foreign_character(&self) -> Option<&'static str> {
        // Quotes and spaces that text processors put in.
        const QUOTES: [&str; 6] = ["“", "”", "„", "‘", "’", "«"];
        if QUOTES.iter().any(|quote| self.after.starts_with(quote.as_bytes())) {
            return Some("use straight quotes: \"...\" or '...'");
        }
        if self.after.starts_with("\u{a0}".as_bytes()) {
            return Some("replace the no-break space by an ordinary space");
        }
        None
    }

    fn slashes(&self) -> Option<&'static str> {
        (self.found == INTEGER_DIVISION.as_bytes()).then_some(if self.starts_line {
            "comments start with '--'"
        } else {
            "use math.floor(a / b), or '--' for a comment"
        })
    }

    fn wrong_operator(&self, message: &str) -> Option<&'static str> {
        let is_assignment = self.after.starts_with(b"=") && !self.after.starts_with(b"==");
        if is_assignment && ends_condition(message) {
            return Some("use '==' to compare");
        }
        if is_assignment && message.starts_with("function arguments expected") {
            return Some("use '.' for a field: ':' is for calls of methods");
        }
        if self.after.starts_with(b"==") && message.starts_with("'=' expected") {
            return Some("use '=' to assign");
        }
        if message.starts_with("malformed number")
            && self.found.windows(2).any(|pair| pair == b"..")
        {
            return Some("put spaces around '..'; a numeric loop is 'for i = 1, 10 do'");
        }
        None
    }

    fn wrong_structure(&self, message: &str) -> Option<&'static str> {
        if self.after.starts_with(b"{")
            && (ends_condition(message) || self.before == Some(Token::RightParenthesis))
            || message.starts_with("'then' expected") && self.before == Some(Token::RightBrace)
        {
            return Some(
                "blocks start with 'then' or 'do', or after a function's ')', and end with 'end'",
            );
        }
        if message.starts_with("unexpected symbol") && self.after.starts_with(b"[") {
            return Some("tables are written with braces, as in {1, 2}");
        }
        if message.starts_with("'=' expected")
            && starts_value(self.after)
            && STATEMENTS_ELSEWHERE.contains(&self.line)
        {
            return Some("call functions with parentheses, as in print(x)");
        }
        if self.after.starts_with(b"(") && self.before == Some(Token::For) {
            return Some("write 'for i = 1, 10 do' or 'for key, value in pairs(t) do'");
        }
        if message.starts_with("'end' expected") && message.ends_with("near '<eof>'") {
            return Some(if self.has_else_if {
                "use 'elseif', or add the 'end' of the 'if' after 'else'"
            } else {
                "add the missing 'end'"
            });
        }
        if message.starts_with("'<eof>' expected near 'end'") {
            return Some("every block before this 'end' is closed: remove it, or look for a typo");
        }
        if message.starts_with("unfinished string") {
            let quote = self.found.first().copied().unwrap_or(b'"');
            if self.found.ends_with(&[b'\\', quote]) {
                return Some("a backslash takes the quote into the string: write it twice");
            }
            return Some("close the string in the same line, or use [[ ... ]] for several lines");
        }
        if message.starts_with("unfinished long") {
            return Some(if self.found.contains(&b'=') {
                "close it with the same number of '=' as it has been opened with"
            } else {
                "close it with ']]'"
            });
        }
        if message.starts_with("cannot use '...' outside a vararg function") {
            return Some("add '...' to the function's parameters");
        }
        None
    }
}
