//! Programs of loops that run often enough to become machine code, and mostly have values of the
//! kinds that they had before: fields, elements, upvalues, calls, methods and operators, with now
//! and then another kind, an error, a yield or a collection.
//!
//! What they print is determined by Lua 5.1's manual, as that of the other programs.

use crate::Random;
use std::fmt::Write;

/// What every program starts with: objects for its loops.
const START: &str = "\
local point = {}
point.__index = point
local function new(x, y) return setmetatable({ x = x, y = y }, point) end
function point:sum() return self.x + self.y end
function point:grow(by) self.x = self.x + by return self end
function point.__add(a, b) return new(a.x + b.x, a.y + b.y) end
function point.__eq(a, b) return a.x == b.x and a.y == b.y end
function point.__lt(a, b) return a.x < b.x end
local other = setmetatable({}, { __index = point })
other.__index = other
function other:sum() return self.x * 2 end
local function half(a) return a / 2 end
local function both(a, b) if a > b then return a - b end return b - a end
local function adder(n) return function(a) return a + n end end
local function fact(n) if n < 2 then return 1 end return n * fact(n - 1) % 1009 end
local count = 0
local function counted(a) count = count + 1 return a end
local a, b, c = 1, 2.5, 10
local list, names = { 1, 2, 3, 4, 5 }, { 'x', 'y', 'zz' }
local record = { x = 1, y = 2, n = 0, next = { x = 5, y = 6 } }
local p, q = new(1, 2), new(3, 4)
local things = { new(1, 1), new(2, 2), setmetatable({ x = 3, y = 3 }, other), new(4, 4) }
local calls = { half, adder(1), adder(2), counted }
local text, flag, seen = 'ab', true, {}
";

/// What every program ends with.
const END: &str = "\
print(a, b, c, count, flag, text, #list, p.x, p.y, q.x, q.y)
print(list, record, seen, things[1].x, things[3].x)
";

/// The head of a loop in which `i` counts.
const HEADS: &[&str] = &[
    "for i = 1, 40 do",
    "for i = 40, 1, -1 do",
    "for i = 1, 20, 0.5 do",
    "for i = -10, 30 do",
    "for i = 1, 90, step do",
    "local i = 0 while i < 40 do i = i + 1",
    "for _, i in ipairs(range) do",
    "for i in upto(40) do",
];

/// Numbers, as expressions.
const NUMBERS: &[&str] = &[
    "a",
    "b",
    "c",
    "i",
    "i",
    "1",
    "3",
    "0.5",
    "-2",
    "#list",
    "list[1]",
    "list[i % 5 + 1]",
    "list[#list]",
    "record.x",
    "record.n",
    "record.next.y",
    "p.x",
    "p:sum()",
    "q:sum()",
    "things[i % 4 + 1].x",
    "things[i % 4 + 1]:sum()",
    "half(a)",
    "both(a, i)",
    "calls[i % 4 + 1](i)",
    "fact(i % 6)",
    "counted(b)",
    "math.floor(b)",
    "math.max(a, i, 3)",
    "math.abs(a - c)",
    "#text",
    "(p + q).y",
    "(a or b)",
    "(flag and a or b)",
    "(a % 7)",
    "(i % 3)",
    "-i",
    "tonumber(i % 2)",
    "select('#', i, a)",
    "(record.none or 2)",
    "(seen[i] or 1)",
    "text:byte(1)",
];

/// Conditions.
const CONDITIONS: &[&str] = &[
    "a > b",
    "i % 2 == 0",
    "i % 3 ~= 1",
    "a <= c",
    "not flag",
    "flag",
    "record.none",
    "list[i]",
    "p == q",
    "p < q",
    "text == 'ab'",
    "names[i % 3 + 1] == 'x'",
    "type(a) == 'number'",
    "a ~= a",
    "seen[i] == nil",
    "rawequal(p, q)",
];

/// What happens once in a while, at one of the rounds.
const SURPRISES: &[&str] = &[
    "list[2] = 'x'",
    "list[2] = 2",
    "list[#list + 1] = i",
    "list[#list] = nil list[#list + 1] = 4",
    "record.x = '7'",
    "record.x = nil",
    "record.x = 1",
    "record.none = 3",
    "record.none = nil",
    "setmetatable(record, { __index = { x = 9 } })",
    "setmetatable(record, nil)",
    "p = q",
    "p = setmetatable({ x = 2, y = 8 }, other)",
    "point.sum = function(self) return self.x end",
    "point.__add = function(l, r) return l end",
    "other.x = 4",
    "calls[2] = adder(i)",
    "calls[3] = math.floor",
    "calls[4] = function() error('stop') end",
    "half = function(v) return v * 2 end",
    "a = 'text'",
    "a = 4",
    "b = nil",
    "b = 2",
    "c = 1 / 0",
    "c = 2 ^ 53",
    "text = text .. 'c'",
    "text = 5",
    "flag = not flag",
    "error('ended')",
    "error({})",
    "things[2] = things[3]",
    "things[1] = { x = 1, y = 2, sum = half }",
    "collect()",
    "setfenv(1, setmetatable({}, { __index = getfenv(1) }))",
    "math = { floor = function(v) return 1 end, max = math.max, abs = math.abs }",
];

/// Generates the program with that number.
pub fn program(number: u64) -> String {
    let mut random = Random::new(number);
    let mut program = Program { random: &mut random, text: String::from(START), depth: 0 };
    let step = program.pick(&["1", "2", "3", "0.5", "-1"]);
    program
        .line(&format!("local step, range = {step}, {{}} for i = 1, 40 do range[i] = i % 9 end"));
    program.line("local function upto(n) local k = 0 return function() k = k + 1");
    program.line(" if k <= n then return k end end end");
    let count = 1 + program.random.below(3);
    for _ in 0..count {
        program.part();
    }
    program.text + END
}

struct Program<'r> {
    random: &'r mut Random,
    text: String,
    /// The number of loops around the statement.
    depth: usize,
}

impl Program<'_> {
    fn pick<'t>(&mut self, items: &[&'t str]) -> &'t str {
        items[self.random.below(items.len())]
    }

    fn chance(&mut self, of: usize) -> bool {
        self.random.below(of) == 0
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{:1$}{text}", "", self.depth);
    }

    /// A loop, whose errors are printed, perhaps in a function or a coroutine.
    fn part(&mut self) {
        match self.random.below(4) {
            0 => {
                self.line("do local go = coroutine.wrap(function()");
                self.repetition(true);
                self.line("return 'done' end)");
                self.line("for k = 1, 60 do local ok, v = pcall(go) print(ok, v)");
                self.line(" if not ok or v == 'done' then break end end end");
            }
            1 => {
                self.line("do local function run(a, b)");
                self.repetition(false);
                self.line("return a, b end");
                self.line("for k = 1, 3 do print(pcall(run, k, c)) end end");
            }
            _ => {
                self.line("print(pcall(function()");
                self.repetition(false);
                self.line("end))");
            }
        }
    }

    fn repetition(&mut self, yields: bool) {
        let head = self.pick(HEADS);
        self.line(head);
        self.depth += 1;
        let count = 2 + self.random.below(5);
        for _ in 0..count {
            self.statement(yields);
        }
        if self.chance(2) {
            let (round, surprise) = (self.random.below(40), self.pick(SURPRISES));
            self.line(&format!("if i == {round} then {surprise} end"));
        }
        if self.chance(8) {
            let condition = self.pick(CONDITIONS);
            self.line(&format!("if i > 30 and {condition} then break end"));
        }
        self.depth -= 1;
        self.line("end");
    }

    fn statement(&mut self, yields: bool) {
        let value = self.number(2);
        match self.random.below(24) {
            0..=3 => {
                let target = self.pick(&["a", "b", "c"]);
                self.line(&format!("{target} = ({value}) % 1000"));
            }
            // Without holes, which would make the length ambiguous.
            4 => self.line(&format!("list[i % 5 + 1] = {value} or 4")),
            5 => self.line(&format!("list[#list + 1] = {value} or 4 list[#list] = nil")),
            6 => self.line(&format!("record.n = ({value}) % 100")),
            7 => self.line(&format!("record.next.x = {value}")),
            8 => self.line(&format!("seen[i] = {value}")),
            9 => self.line(&format!("seen[names[i % 3 + 1]] = {value}")),
            10 => self.line(&format!("p.y = ({value}) % 50")),
            11 => self.line("p:grow(1)"),
            12 => self.line("q = p + q if q.x > 1e6 then q = new(1, 2) end"),
            13 => self.line(&format!("things[i % 4 + 1] = new({value}, i)")),
            14 => self.line(&format!("local t = {{ x = {value}, i, a }} c = (t[1] + #t) % 77")),
            15 => {
                let condition = self.pick(CONDITIONS);
                let otherwise = self.number(1);
                self.line(&format!(
                    "if {condition} then a = ({value}) % 9 else b = ({otherwise}) % 9 end"
                ));
            }
            16 if self.depth < 2 => {
                let limit = self.pick(&["3", "i % 4", "#list", "2.5"]);
                self.line(&format!("for j = 1, {limit} do"));
                self.depth += 1;
                self.line(&format!("c = (c + j * {value}) % 1000"));
                if self.chance(2) {
                    self.statement(yields);
                }
                self.depth -= 1;
                self.line("end");
            }
            17 => self.line(&format!("local f = adder({value}) a = f(b) % 100")),
            18 => self.line("text = (text .. i):sub(-6)"),
            19 if yields => self.line(&format!("if i % 11 == 0 then coroutine.yield({value}) end")),
            20 => {
                self.line(&format!("local ok, v = pcall(half, {value}) if ok then b = v % 10 end"))
            }
            21 => self.line(&format!("local x, y = {value}, i a, b = y, x % 100")),
            22 => self.line("for k, v in ipairs(things) do c = (c + v.x * k) % 1000 end"),
            _ => self.line(&format!("c = c + {value} if c > 1e5 or c < -1e5 then c = 3 end")),
        }
    }

    /// An expression whose value is usually a number.
    fn number(&mut self, depth: usize) -> String {
        if depth == 0 || self.chance(3) {
            return self.pick(NUMBERS).to_string();
        }
        let (left, right) = (self.number(depth - 1), self.number(depth - 1));
        let operator = self.pick(&["+", "-", "*", "/", "%", "+", "-"]);
        format!("({left} {operator} {right})")
    }
}
