//! The place of a run-time error in its source. Prototypes store only the line of each instruction;
//! if a program shows the error, the source is compiled a second time to find the bytes.

use crate::bytecode::names::computed_by;
use crate::bytecode::{Opcode, Prototype, Source, register_name};
use crate::diagnostic::Span;
use crate::lexer::token::Token;
use crate::options::Options;
use logos::Logos;
use std::cell::RefCell;
use std::sync::Arc;

/// The part of an instruction that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// All of it.
    Instruction,
    /// The value in a register that it reads.
    Register(u8),
    /// An argument of the function that it calls, counted from 1 as in messages: the object of a
    /// method call is not counted. Of a numeric loop, the start, the limit or the step.
    Argument(usize),
}

/// Returns the bytes of `source` that an error in instruction `pc` of the function `ordinal`
/// ([`Prototype::ordinal`]) is about. None if the source does not have them.
pub fn locate(source: &Arc<Source>, ordinal: u32, pc: usize, culprit: Culprit) -> Option<Span> {
    let main = with_spans(source)?;
    let prototype = find(&main, ordinal)?;
    let span = *prototype.spans.get(pc)?;
    let opcode = prototype.code.get(pc)?.opcode()?;
    let found = match culprit {
        Culprit::Instruction => None,
        Culprit::Argument(number) => {
            let is_loop = matches!(opcode, Opcode::ForPrepare | Opcode::ForPrepareStep);
            item(&source.text, span, number, if is_loop { 0 } else { 1 })
        }
        Culprit::Register(register) => {
            let name = register_name(prototype, pc, register);
            match name.as_ref().map(|name| (name.definition, &name.name)) {
                Some((Some(definition), _)) => prototype.spans.get(definition).copied(),
                // The span of an indexing is the key alone.
                Some((None, name)) if opcode.is_indexing() => {
                    indexed_local(&source.text, span, name)
                }
                Some((None, name)) => local(&source.text, span, name, opcode.is_call()),
                None => {
                    let computed = computed_by(prototype, pc, register);
                    computed.and_then(|definition| prototype.spans.get(definition).copied())
                }
            }
        }
    };
    found.or(Some(span)).filter(|span| source.text.get(span.range()).is_some())
}

thread_local! {
    /// The last chunk: a program may report many errors of one.
    static LAST: RefCell<Option<Arc<Prototype>>> = const { RefCell::new(None) };
}

/// The main function of a chunk, compiled with spans.
fn with_spans(source: &Arc<Source>) -> Option<Arc<Prototype>> {
    if let Some(main) = LAST.with_borrow(|last| last.clone())
        && Arc::ptr_eq(&main.source, source)
    {
        return Some(main);
    }
    let options = Options { spans: true, ..Options::default() };
    let main = crate::compile::compile(source.clone(), &options).ok()?;
    LAST.set(Some(main.clone()));
    Some(main)
}

fn find(prototype: &Arc<Prototype>, ordinal: u32) -> Option<&Arc<Prototype>> {
    if prototype.ordinal == ordinal {
        return Some(prototype);
    }
    // Functions are numbered in the order of their beginnings.
    let after = prototype.prototypes.partition_point(|inner| inner.ordinal <= ordinal);
    find(prototype.prototypes.get(after.checked_sub(1)?)?, ordinal)
}

/// The tokens from `start` on, up to an error.
fn tokens(text: &[u8], start: usize) -> impl Iterator<Item = (Token, Span)> {
    let mut lexer = Token::lexer(text);
    lexer.bump(start.min(text.len()));
    std::iter::from_fn(move || {
        let token = lexer.next()?.ok()?;
        Some((token, lexer.span().into()))
    })
}

/// The local variable that the key at `span` indexes: just before it.
fn indexed_local(text: &[u8], span: Span, name: &[u8]) -> Option<Span> {
    let before = text.get(..span.start as usize)?;
    let end = before.iter().rposition(|byte| !b".: \t([".contains(byte))? + 1;
    let start = end.checked_sub(name.len())?;
    (before.get(start..end)? == name).then(|| (start..end).into())
}

/// The use of a local variable in an expression, outside of calls and brackets if it is there. As
/// an operand it is not indexed or called itself; as a callee it is.
fn local(text: &[u8], span: Span, name: &[u8], is_callee: bool) -> Option<Span> {
    let mut inside = None;
    let mut depth = 0;
    let mut previous = None;
    let inner = tokens(text, span.start as usize).take_while(|(_, at)| at.end <= span.end);
    let mut inner = inner.peekable();
    while let Some((token, at)) = inner.next() {
        match token {
            Token::LeftParenthesis | Token::LeftBracket | Token::LeftBrace => depth += 1,
            Token::RightParenthesis | Token::RightBracket | Token::RightBrace => depth -= 1,
            Token::Name(_)
                if text.get(at.range()) == Some(name)
                    && !matches!(previous, Some(Token::Dot | Token::Colon | Token::Hash))
                    // Its value is indexed or called, and not an operand.
                    && (is_callee || !inner.peek().is_some_and(|(next, _)| begins_suffix(next))) =>
            {
                if depth == 0 {
                    return Some(at);
                }
                inside.get_or_insert(at);
            }
            _ => {}
        }
        previous = Some(token);
    }
    inside
}

/// Whether a token after a name indexes or calls its value.
fn begins_suffix(token: &Token) -> bool {
    matches!(
        token,
        Token::Dot
            | Token::Colon
            | Token::LeftBracket
            | Token::LeftParenthesis
            | Token::LeftBrace
            | Token::String(_)
    )
}

/// An item of a list, inside of `level` brackets: an argument of the call that ends a span, or an
/// expression of a loop.
fn item(text: &[u8], span: Span, number: usize, level: i32) -> Option<Span> {
    let mut depth = 0;
    // Those of the last list so far.
    let mut items: Vec<Span> = Vec::new();
    let mut is_new = level == 0;
    for (token, at) in tokens(text, span.start as usize).take_while(|(_, at)| at.end <= span.end) {
        let opens = matches!(token, Token::LeftParenthesis | Token::LeftBracket | Token::LeftBrace)
            || matches!(token, Token::Function | Token::If | Token::Do | Token::Repeat);
        let closes =
            matches!(token, Token::RightParenthesis | Token::RightBracket | Token::RightBrace)
                || matches!(token, Token::End | Token::Until);
        if closes {
            depth -= 1;
        }
        if depth < level {
            match token {
                Token::LeftParenthesis => {
                    items.clear();
                    is_new = true;
                }
                // An argument without parentheses.
                Token::String(_) | Token::LeftBrace => items = vec![at],
                Token::RightBrace => {
                    items.iter_mut().for_each(|argument| *argument = argument.to(at));
                }
                _ => {}
            }
        } else if depth == level && matches!(token, Token::Comma) {
            is_new = true;
        } else if is_new {
            items.push(at);
            is_new = false;
        } else if let Some(last) = items.last_mut() {
            *last = last.to(at);
        }
        if opens {
            depth += 1;
        }
    }
    items.get(number.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of what is found for a culprit in the first instruction with that opcode.
    fn located(text: &str, opcode: Opcode, culprit: Culprit) -> String {
        let source = Arc::new(Source::new(text.as_bytes(), &b"@t.lua"[..]));
        let main = crate::compile(source.clone(), &Options::default()).unwrap();
        let mut functions = vec![main];
        let (ordinal, pc) = loop {
            let function = functions.remove(0);
            if let Some(pc) = function.code.iter().position(|code| code.opcode() == Some(opcode)) {
                break (function.ordinal, pc);
            }
            functions.extend(function.prototypes.iter().cloned());
        };
        let span = locate(&source, ordinal, pc, culprit).unwrap();
        String::from_utf8(source.text[span.range()].to_vec()).unwrap()
    }

    #[test]
    fn names_of_what_is_indexed() {
        let register =
            |text: &str, opcode, register| located(text, opcode, Culprit::Register(register));
        // The first instruction gets the field that the second one indexes.
        assert_eq!(register("local t = {} return t.x[t.y]", Opcode::GetIndex, 1), "x");
        assert_eq!(register("local x = {} return x.x.y", Opcode::GetField, 0), "x");
        assert_eq!(register("return a.b", Opcode::GetField, 0), "a");
        assert_eq!(register("local t  t [1] = 2", Opcode::SetInteger, 0), "t");
        assert_eq!(register("local t  t.b.c = 2", Opcode::SetField, 1), "b");
        // What is indexed has no name.
        assert_eq!(register("local f  return f(1).x", Opcode::GetField, 1), "f(1)");
        assert_eq!(register("local f  return (f .. 1).x", Opcode::GetField, 1), "f .. 1");
    }

    #[test]
    fn operands() {
        let local = |text: &str, opcode| located(text, opcode, Culprit::Register(0));
        assert_eq!(local("local x, f return f(x) + x", Opcode::AddVV), "x");
        let last = |text: &str| {
            let source = Arc::new(Source::new(text.as_bytes(), &b"@t.lua"[..]));
            let main = crate::compile(source.clone(), &Options::default()).unwrap();
            let is_sum = |code: &crate::bytecode::Instruction| code.opcode() == Some(Opcode::AddVV);
            let pc = main.code.iter().rposition(is_sum).unwrap();
            locate(&source, 0, pc, Culprit::Register(0)).unwrap().start as usize + 1 == text.len()
        };
        assert!(last("local a return a[1] + a") && last("local v return #v + v"));
        assert!(last("local f return f(f) + f") && last("local s return s:len() + s"));
        let whole = |text: &str, opcode| located(text, opcode, Culprit::Instruction);
        assert_eq!(whole("return 1 + a.b * 2", Opcode::MultiplyVK), "a.b * 2");
        assert_eq!(whole("return a .. b .. c", Opcode::Concatenate), "a .. b .. c");
        assert_eq!(whole("local f = 1\nreturn - f", Opcode::Negate), "- f");
        assert_eq!(whole("if a < b then end", Opcode::NotLessVV), "a < b");
        assert_eq!(whole("for i = 1, x do end", Opcode::ForPrepare), "1, x");
    }

    #[test]
    fn calls_and_their_arguments() {
        let whole = |text: &str| located(text, Opcode::Call, Culprit::Instruction);
        assert_eq!(whole("local x = 1 error('no')"), "error('no')");
        let argument = |text: &str, number| located(text, Opcode::Call, Culprit::Argument(number));
        assert_eq!(argument("f(1, {2, 3}, 'x')", 2), "{2, 3}");
        assert_eq!(
            argument("f(1, g, function(a, b) return a, b end, 3)", 3),
            "function(a, b) return a, b end"
        );
        assert_eq!(argument("s:rep({1})", 1), "{1}");
        assert_eq!(argument("s:rep{1, 2}", 1), "{1, 2}");
        assert_eq!(argument("f 'x'", 1), "'x'");
        assert_eq!(argument("f(1)", 2), "f(1)");
        let limit = |text| located(text, Opcode::ForPrepare, Culprit::Argument(2));
        assert_eq!(limit("for i = f(1, 2), #x do end"), "#x");
    }

    #[test]
    fn nested_functions() {
        let text =
            "local function a() end local function b() local function c() return x.y end end";
        assert_eq!(located(text, Opcode::GetField, Culprit::Register(0)), "x");
    }
}
