//! Programs that build random patterns with `lpeg` and match them, compared with LPeg 1.0.2 or
//! later.
//!
//! Where there are two errors, it is not specified which one is raised: so names of rules are
//! removed from messages, and errors in captures are all the same. Look-behind differs between
//! versions of LPeg, so its operands are simple.

use crate::Random;
use std::fmt::Write;

/// The number of matches in a program.
const MATCHES: usize = 12;
/// How deeply operators are nested.
const DEPTH: usize = 5;

/// What the programs share: functions for captures, and the form of results.
const PRELUDE: &str = "\
local lpeg = lpeg or require 'lpeg'
local P, S, R, V, B = lpeg.P, lpeg.S, lpeg.R, lpeg.V, lpeg.B
local C, Cc, Cp, Ct, Cs, Cg, Cb = lpeg.C, lpeg.Cc, lpeg.Cp, lpeg.Ct, lpeg.Cs, lpeg.Cg, lpeg.Cb
local Cf, Cmt, Carg = lpeg.Cf, lpeg.Cmt, lpeg.Carg
local function count(...) return select('#', ...) end
local function first(...) return (...) end
local function none() end
local function twice(...) return ..., ... end
local function add(a, b) return tostring(a):sub(1, 20) .. type(b) end
local function always(s, i, ...) return true, ... end
local function never() return false end
local function even(s, i) return i % 2 == 0 end
local function ahead(s, i) return i <= #s and i + 1, i end
local function back(s, i) return i - 1 end
local words = { a = 'A', b = 1, ab = false, [''] = 'e', [1] = 'one' }
local function try(f)
  local function shown(ok, ...)
    local text = ...
    if not ok then
      text = tostring(text):gsub(\"rule '[^']*'\", 'rule')
      for _, known in ipairs {
        'invalid capture', 'absent extra argument', 'back reference', 'no initial value',
        'no capture', 'no values in capture', 'invalid replacement',
      } do
        if text:find(known, 1, true) then text = 'capture' end
      end
    end
    if ok then print(...) else print('error', text) end
  end
  shown(pcall(f))
end
";

/// Patterns without operands.
const LEAVES: &[&str] = &[
    "P'a'",
    "P'b'",
    "P'ab'",
    "P'abc'",
    "P'aa'",
    "P(1)",
    "P(1)",
    "P(2)",
    "P(0)",
    "P(-1)",
    "P(-2)",
    "P(true)",
    "P(false)",
    "S'ab'",
    "S'bc'",
    "S''",
    "S'abc1'",
    "R'ac'",
    "R('ab', '09')",
    "R()",
    "P''",
    "Cp()",
    "Cc('x')",
    "Cc(1, nil, 'y')",
    "Cc()",
    "Cb('n')",
    "Cb(1)",
    "Carg(1)",
    "Carg(2)",
    "P(ahead)",
    "P(even)",
    "P(always)",
    "C(1)",
    "C(R'az')",
    "Cg(C(1), 'n')",
    "(1 - S'a')",
    "(1 - P'ab')",
    "-P'a'",
    "#S'ab'",
];
/// Rules, for use in grammars.
const RULES: &[&str] = &["V'A'", "V'B'", "V(1)"];
/// Patterns with one operand, `@`.
const UNARY: &[&str] = &[
    "(@)^0",
    "(@)^1",
    "(@)^-1",
    "(@)^2",
    "(@)^-2",
    "-(@)",
    "#(@)",
    "B(@)",
    "C(@)",
    "C(@)",
    "Ct(@)",
    "Ct(@)",
    "Cs(@)",
    "Cs(@)",
    "Cg(@)",
    "Cg(@, 'n')",
    "Cg(@, 1)",
    "Cf(@, add)",
    "Cmt(@, always)",
    "Cmt(@, even)",
    "Cmt(@, never)",
    "Cmt(@, ahead)",
    "Cmt(@, back)",
    "(@) / count",
    "(@) / first",
    "(@) / none",
    "(@) / twice",
    "(@) / words",
    "(@) / 0",
    "(@) / 1",
    "(@) / 2",
    "(@) / '<%0>'",
    "(@) / '%1'",
    "(@) / '%2%%%1'",
    "(@) / ''",
    "(1 - (@))",
    "(1 - (@))^0",
    "((@) + 1)^0",
    "Cs(((@) / '_' + 1)^0)",
    "Ct((C(@) + 1)^0)",
];
/// Patterns with two operands.
const BINARY: &[&str] =
    &["(@ * @)", "(@ * @)", "(@ * @)", "(@ + @)", "(@ + @)", "(@ + @)", "(@ - @)"];
/// Parts of subjects.
const SUBJECT: &[&str] = &["a", "b", "c", "1", "ab", "aa", "abc", "aab", " ", "x"];

/// What is around a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    /// A grammar.
    Grammar,
    /// A predicate, in which LPeg 1.0.2 may not call functions and 1.1 loops on rules.
    Predicate,
}

/// Generates a pattern.
fn pattern(random: &mut Random, depth: usize, place: Place) -> String {
    let pick = |random: &mut Random, list: &[&str]| list[random.below(list.len())].to_string();
    if depth == 0 || random.below(8) == 0 {
        let is_rule = place == Place::Grammar && random.below(3) == 0;
        let leaf = pick(random, if is_rule { RULES } else { LEAVES });
        let is_call = ["P(ahead)", "P(even)", "P(always)"].contains(&&leaf[..]);
        return if is_call && place == Place::Predicate { "P'b'".to_string() } else { leaf };
    }
    if place == Place::Outside && random.below(10) == 0 {
        let [first, a, b] = [(); 3].map(|()| pattern(random, depth - 1, Place::Grammar));
        return format!("P{{ {first}, A = P({a}), B = P({b}) }}");
    }
    let mut form = if random.below(2) == 0 { pick(random, UNARY) } else { pick(random, BINARY) };
    if place == Place::Predicate && form.starts_with("Cmt") {
        form = "(@ * @)".to_string();
    }
    let is_predicate = form.starts_with(['-', '#', 'B']) || form.contains(" - ");
    let depth = if form.starts_with('B') { 1 } else { depth };
    let inside = if is_predicate { Place::Predicate } else { place };
    let mut text = String::new();
    for (index, part) in form.split('@').enumerate() {
        if index > 0 {
            text.push_str(&pattern(random, depth - 1, inside));
        }
        text.push_str(part);
    }
    text
}

/// Generates a program.
pub fn program(number: u64) -> String {
    let mut random = Random::new(number);
    let mut program = PRELUDE.to_string();
    for _ in 0..MATCHES {
        let depth = 1 + random.below(DEPTH);
        let pattern = pattern(&mut random, depth, Place::Outside);
        let count = random.below(9);
        let subject: String = (0..count).map(|_| SUBJECT[random.below(SUBJECT.len())]).collect();
        let rest = ["", "", ", 1, 'arg'", ", 2, nil, 'b'", ", -1", ", 100"][random.below(6)];
        let _ = writeln!(
            program,
            "try(function() return lpeg.match({pattern}, '{subject}'{rest}) end)"
        );
    }
    program
}
