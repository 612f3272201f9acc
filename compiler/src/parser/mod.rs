//! Tokens to syntax tree, by recursive descent as in PUC Lua 5.1, so that every error has its
//! message and its line.

mod expression;
mod scope;
mod statement;

use crate::Options;
use crate::ast::{Chunk, Function, LocalName};
use crate::diagnostic::{Position, Span};
use crate::error::{Fault, Near};
use crate::hint;
use crate::lexer::token::{Name, Token};
use crate::lexer::{self, Lexer};
use bumpalo::Bump;
use scope::FunctionScope;
use std::ops::Range;

/// How deeply blocks and expressions may be nested.
const MAX_SYNTAX_LEVELS: usize = 200;
/// The limits on time and memory are checked each time that this number of tokens has been read.
const TOKENS_PER_POLL: usize = 4096;
/// The size of a tree, and of what it takes to build it and its code, by the number of its tokens;
/// strings, which are copied, count twice.
const TREE_BYTES_PER_TOKEN: usize = 72;

/// Parses a chunk.
pub(crate) fn parse<'a>(
    arena: &'a Bump,
    text: &[u8],
    chunk_name: &[u8],
    options: &Options<'_>,
) -> Result<Chunk<'a>, Fault> {
    let mut parser = Parser {
        arena,
        lexer: lexer::lexer(text, chunk_name),
        current: Lexeme { token: Token::EndOfInput, span: 0..0 },
        ahead: None,
        last_line: 1,
        last_span: Span::default(),
        tokens: 0,
        strings: 0,
        options,
        levels: 0,
        functions: 0,
        innermost: FunctionScope::new(0),
        enclosing: Vec::new(),
    };
    parser.advance()?;
    parser.innermost.is_vararg = true;
    let body = parser.statements()?;
    parser.check(&Token::EndOfInput)?;
    parser.leave_block()?;
    let main = parser.innermost.finish(arena, body);
    main.return_line = parser.last_line;
    Ok(Chunk { main, names: parser.lexer.extras.names })
}

/// A token and its position in the text.
struct Lexeme {
    token: Token,
    span: Range<usize>,
}

struct Parser<'a, 's, 'o> {
    /// The arena of the tree.
    arena: &'a Bump,
    lexer: Lexer<'s>,
    current: Lexeme,
    ahead: Option<Lexeme>,
    /// The line of the token before the current one.
    last_line: u32,
    /// Where that token is.
    last_span: Span,
    /// How many tokens have been read.
    tokens: usize,
    /// How many of these are strings.
    strings: usize,
    options: &'o Options<'o>,
    /// How deep blocks and expressions are nested here.
    levels: usize,
    /// The number of functions met, the main one not counted.
    functions: u32,
    innermost: Box<FunctionScope>,
    /// The functions around the innermost one, outermost first.
    #[expect(
        clippy::vec_box,
        reason = "they are moved in and out of `innermost` without passing through a stack frame"
    )]
    enclosing: Vec<Box<FunctionScope>>,
}

impl<'a> Parser<'a, '_, '_> {
    /// The line that the lexer has reached: that of the current token's end, if none was read
    /// ahead.
    fn line(&self) -> u32 {
        self.lexer.extras.line
    }

    /// Where the current token is.
    fn span(&self) -> Span {
        self.current.span.clone().into()
    }

    /// The position of the current token.
    fn here(&self) -> Position {
        Position { line: self.line(), span: self.span() }
    }

    /// The position of a node that starts at `start` and whose last token was the last one.
    fn position_from(&self, start: Span) -> Position {
        Position { line: self.last_line, span: start.to(self.last_span) }
    }

    fn read(&mut self) -> Result<Lexeme, Fault> {
        self.tokens = self.tokens.saturating_add(1);
        if self.tokens.is_multiple_of(TOKENS_PER_POLL) {
            self.poll()?;
        }
        match self.lexer.next() {
            Some(Ok(token)) => {
                self.strings =
                    self.strings.saturating_add(usize::from(matches!(token, Token::String(_))));
                Ok(Lexeme { token, span: self.lexer.span() })
            }
            Some(Err(fault)) => Err(fault.at(self.lexer.span().into())),
            None => Ok(Lexeme { token: Token::EndOfInput, span: self.lexer.span() }),
        }
    }

    /// The memory of what has been read.
    fn size(&self) -> usize {
        self.tokens.saturating_add(self.strings).saturating_mul(TREE_BYTES_PER_TOKEN)
    }

    #[cold]
    fn poll(&self) -> Result<(), Fault> {
        if self.options.is_interrupted() {
            return Err(Fault::interrupted(self.line()));
        }
        if self.options.tree_size.is_some_and(|limit| self.size() > limit) {
            return Err(self.error_here("not enough memory"));
        }
        Ok(())
    }

    /// Advances to the next token and returns the current one.
    fn advance(&mut self) -> Result<Token, Fault> {
        self.last_line = self.line();
        self.last_span = self.span();
        let next = match self.ahead.take() {
            Some(lexeme) => lexeme,
            None => self.read()?,
        };
        Ok(std::mem::replace(&mut self.current, next).token)
    }

    /// Whether the token after the current one is `token`.
    fn next_is(&mut self, token: &Token) -> Result<bool, Fault> {
        if self.ahead.is_none() {
            self.ahead = Some(self.read()?);
        }
        Ok(self.ahead.as_ref().is_some_and(|lexeme| lexeme.token == *token))
    }

    fn is_at(&self, token: &Token) -> bool {
        self.current.token == *token
    }

    /// Skips `token` if it is the current one.
    fn skip(&mut self, token: &Token) -> Result<bool, Fault> {
        let found = self.is_at(token);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn check(&self, token: &Token) -> Result<(), Fault> {
        if self.is_at(token) {
            Ok(())
        } else {
            Err(self.error(format!("'{}' expected", token.describe())))
        }
    }

    fn expect(&mut self, token: &Token) -> Result<(), Fault> {
        self.check(token)?;
        self.advance()?;
        Ok(())
    }

    /// Expects the token that closes what `opening` opened there.
    fn expect_closing(
        &mut self,
        closing: &Token,
        opening: &Token,
        opened: Position,
    ) -> Result<(), Fault> {
        if self.is_at(closing) {
            self.advance()?;
            return Ok(());
        }
        let (closing, opening, line) = (closing.describe(), opening.describe(), opened.line);
        let mut text = format!("'{closing}' expected");
        if line != self.line() {
            text.push_str(&format!(" (to close '{opening}' at line {line})"));
        }
        Err(self.error(text).note(format!("'{opening}' is not closed"), opened.span))
    }

    fn expect_name(&mut self) -> Result<Name, Fault> {
        let Token::Name(name) = self.current.token else {
            return Err(self.error("'<name>' expected"));
        };
        self.advance()?;
        Ok(name)
    }

    /// Expects the name of a field, which may be a reserved word.
    fn expect_field_name(&mut self) -> Result<Name, Fault> {
        let word = self
            .lexer
            .source()
            .get(self.current.span.clone())
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        let is_word = |word: &&str| word.starts_with(|first: char| first.is_ascii_alphabetic());
        match word
            .filter(is_word)
            .and_then(|word| self.lexer.extras.names.try_get_or_intern(word).ok())
        {
            Some(name) => {
                self.advance()?;
                Ok(name)
            }
            None => self.expect_name(),
        }
    }

    fn name_text(&self, name: Name) -> &str {
        self.lexer.extras.names.try_resolve(&name).unwrap_or("?")
    }

    /// An error near the current token.
    fn error(&self, text: impl Into<String>) -> Fault {
        let source = self.lexer.source().get(self.current.span.clone()).unwrap_or_default();
        let near = match &self.current.token {
            Token::EndOfInput => Near::EndOfInput,
            // PUC Lua shows a string as its lexer has read it, between the delimiters of the
            // source.
            Token::String(value) => {
                let delimiter = match source {
                    [b'[', rest @ ..] => rest.iter().take_while(|&&byte| byte == b'=').count() + 2,
                    _ => 1,
                };
                let opening = source.get(..delimiter).unwrap_or_default();
                let closing =
                    source.get(source.len().saturating_sub(delimiter)..).unwrap_or_default();
                Near::Text([opening, value, closing].concat())
            }
            Token::Unknown(byte) if byte.is_ascii_control() => {
                Near::Text(format!("char({byte})").into_bytes())
            }
            _ => Near::Text(source.to_vec()),
        };
        let span = match near {
            // After the last token; the rest of the file may be empty lines.
            Near::EndOfInput => (self.last_span.end as usize..self.last_span.end as usize).into(),
            _ => hint::culprit(self.lexer.source(), self.last_span, self.span()),
        };
        Fault::new(text, near, self.line()).at(span)
    }

    /// An error at those bytes, whose text it does not name.
    fn error_at(&self, text: impl Into<String>, span: Span) -> Fault {
        Fault::new(text, Near::Nothing, self.line()).at(span)
    }

    /// An error in what the parser has read last, whose text it does not name.
    fn error_here(&self, text: impl Into<String>) -> Fault {
        self.error_at(text, self.last_span)
    }

    /// Enters a syntax level; `leave_level` leaves it. After an error the count is not used any
    /// more.
    fn enter_level(&mut self) -> Result<(), Fault> {
        self.levels += 1;
        if self.levels > MAX_SYNTAX_LEVELS {
            return Err(self.error_at("chunk has too many syntax levels", self.span()));
        }
        Ok(())
    }

    fn leave_level(&mut self) {
        self.levels -= 1;
    }

    /// Parses a function from its parameters to its `end`. `opened` is where it starts.
    #[inline(never)]
    fn function(
        &mut self,
        has_self: bool,
        opened: Position,
    ) -> Result<&'a mut Function<'a>, Fault> {
        self.functions += 1;
        let ordinal = self.functions;
        let enclosing = std::mem::replace(&mut self.innermost, FunctionScope::new(opened.line));
        self.enclosing.push(enclosing);
        self.expect(&Token::LeftParenthesis)?;
        if has_self {
            let name = self.lexer.extras.names.get_or_intern_static("self");
            self.declare(LocalName::Visible(name))?;
        }
        let parameters = self.parameters()?;
        self.expect(&Token::RightParenthesis)?;
        let body = self.statements()?;
        let last_line = self.line();
        self.expect_closing(&Token::End, &Token::Function, opened)?;
        self.leave_block()?;
        let enclosing = self.enclosing.pop().unwrap_or_default();
        let function = std::mem::replace(&mut self.innermost, enclosing).finish(self.arena, body);
        function.ordinal = ordinal;
        function.last_line = last_line;
        function.parameters = parameters;
        function.return_line = self.last_line;
        Ok(function)
    }

    /// Parses the parameters, takes them into scope, and returns the number of those with a name.
    #[inline(never)]
    fn parameters(&mut self) -> Result<u8, Fault> {
        if !self.is_at(&Token::RightParenthesis) {
            loop {
                self.parameter()?;
                if self.innermost.is_vararg || !self.skip(&Token::Comma)? {
                    break;
                }
            }
        }
        let parameters = self.innermost.locals.len();
        if self.innermost.is_vararg {
            let name = self.lexer.extras.names.get_or_intern_static("arg");
            self.declare(LocalName::Visible(name))?;
        }
        self.innermost.activate(self.innermost.locals.len());
        // The limit on locals keeps it far below 255.
        Ok(parameters as u8)
    }

    fn parameter(&mut self) -> Result<(), Fault> {
        match self.current.token {
            Token::Name(name) => {
                self.advance()?;
                self.declare(LocalName::Visible(name))?;
            }
            Token::Dots => {
                self.advance()?;
                self.innermost.is_vararg = true;
            }
            _ => return Err(self.error("<name> or '...' expected")),
        }
        Ok(())
    }
}
