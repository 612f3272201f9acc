//! Generates a valid Lua program from bytes: each byte is a choice in the grammar below; without
//! bytes, the simplest choice is taken.
//!
//! The programs combine the VM's mechanisms: moving frames, continuations under metamethods, nested
//! coroutines and natives, collections anywhere. They may fail: most code is inside `pcall`.

/// Generates the program for `choices`.
pub fn program(choices: &[u8]) -> String {
    let mut writer = Writer {
        choices: choices.iter(),
        text: PRELUDE.to_string(),
        depth: 0,
        loops: 0,
        labels: 0,
    };
    while writer.choices.len() > 0 {
        // An error ends a statement, not the program.
        writer.put("ok, x = pcall(function(...) ");
        writer.statement();
        writer.put("end, t, 2, s)\n");
    }
    writer.text
}

/// The start of every program: values of all types under the names that the grammar uses.
const PRELUDE: &str = "\
local a, b, c, s, t, u, f, g, co = 1, 2.5, nil, 'abc', {1, 2, 3, x = 4}, {}, \
    function(...) return ... end, print, nil
local m = {}
m.__index = m
setmetatable(u, m)
local function spend() budget = (budget or 0) + 1 if budget > 300 then error('spent') end end
";

const NAMES: &[&str] = &["a", "b", "c", "s", "t", "u", "f", "g", "co", "m", "x", "y"];
const FIELDS: &[&str] = &["x", "y", "n", "__index", "abc", "value"];
const EVENTS: &[&str] = &[
    "__index",
    "__newindex",
    "__call",
    "__add",
    "__concat",
    "__eq",
    "__lt",
    "__le",
    "__unm",
    "__len",
    "__tostring",
    "__mode",
    "__gc",
    "__metatable",
    "__mod",
    "__pow",
];
const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "%", "^", "..", "==", "~=", "<", "<=", ">", ">=", "and", "or"];
const CONSTANTS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3.5",
    "255",
    "256",
    "1e15",
    "2^53",
    "0/0",
    "1/0",
    "nil",
    "true",
    "false",
    "''",
    "'x'",
    "'10'",
    "'a long string that is not interned because it has more than forty bytes'",
    "{}",
    "{1, 2}",
    "{x = 1, y = 2, 3}",
    "{f(1, 2, 3)}",
    "{...}",
    "...",
    "#t",
    "#s",
];
/// Calls of library functions; `@` represents an expression, `$` a function.
const CALLS: &[&str] = &[
    "table.insert(t, @)",
    "table.insert(t, 1, @)",
    "table.remove(t)",
    "table.remove(t, 1)",
    "table.concat(t, @)",
    "table.sort(t)",
    "table.sort(t, $)",
    "table.maxn(t)",
    "table.foreach(t, $)",
    "unpack(t)",
    "unpack({@, @, @}, 1, 5)",
    "select('#', @, f(@))",
    "select(2, @, f(@))",
    "select(-1, @)",
    "next(t)",
    "next(t, @)",
    "rawget(t, @)",
    "rawset(t, @, @)",
    "rawequal(@, @)",
    "tostring(@)",
    "tonumber(@)",
    "tonumber(@, 16)",
    "type(@)",
    "assert(@, @)",
    "string.rep(s, 20)",
    "string.rep(@, 1000)",
    "string.sub(@, @, @)",
    "string.byte(@, 1, 3)",
    "string.char(65, 66)",
    "string.format('%s %d %q %5.2f', @, 1, s, 2)",
    "string.format(@, @, @)",
    "string.find(s, @)",
    "string.find(@, @, 1, true)",
    "string.match(@, '(%w)(.-)')",
    "string.gsub(s, '%w', $)",
    "string.gsub(@, '.', t)",
    "string.gsub(@, @, @)",
    "string.gmatch(@, '.')()",
    "string.reverse(@)",
    "string.upper(@)",
    "string.len(@)",
    "(@):rep(3)",
    "math.floor(@)",
    "math.max(@, @)",
    "math.fmod(@, @)",
    "setmetatable(t, m)",
    "setmetatable({@}, m)",
    "setmetatable(u, nil)",
    "setmetatable({}, {__mode = 'k'})",
    "setmetatable({@, @}, {__mode = 'v'})",
    "getmetatable(@)",
    "getfenv($)",
    "setfenv($, setmetatable({}, {__index = _G}))",
    "setfenv(1, _G)",
    "newproxy(true)",
    "(function() local p = newproxy(true) getmetatable(p).__gc = $ return p end)()",
    "collectgarbage()",
    "collectgarbage('step')",
    "collectgarbage('step', 10)",
    "collectgarbage('count')",
    "error(@)",
    "error(@, 2)",
    "pcall($, @, @)",
    "pcall(@, @)",
    "pcall(pcall, error, @)",
    "xpcall($, $)",
    "xpcall($, f, @)",
    "pcall($)",
    "coroutine.wrap($)(@)",
    "coroutine.wrap($)",
    "coroutine.create($)",
    "coroutine.resume(co, @, @)",
    "coroutine.status(co)",
    "coroutine.yield(@)",
    "coroutine.yield(@, @, @)",
    "coroutine.running()",
    "coroutine.resume(coroutine.create($), @)",
    "loadstring('local x = ... return x, ' .. tostring(@))",
    "loadstring(tostring(@))",
    "load($)",
    "ipairs(t)",
    "pairs(@)",
    "f(@)",
    "f(@, f(@, @))",
    "$(@, @)",
    "g(@)",
    "t.x(@)",
    "u:x(@)",
    "s:len()",
    "m.x(@, @)",
    "f(unpack(t))",
    "f(...)",
    "go($, @)",
    "send(chan(1), @)",
    "receive(chan())",
    "receive(co, @)",
];

struct Writer<'c> {
    choices: std::slice::Iter<'c, u8>,
    text: String,
    /// The nesting of statements and expressions.
    depth: usize,
    /// The number of enclosing loops.
    loops: usize,
    labels: usize,
}

impl Writer<'_> {
    /// Returns the next choice among `count`; 0 when none is left.
    fn choose(&mut self, count: usize) -> usize {
        self.choices.next().map_or(0, |&byte| byte as usize % count)
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn one_of(&mut self, words: &[&'static str]) -> &'static str {
        words[self.choose(words.len())]
    }

    fn name(&mut self) {
        let name = self.one_of(NAMES);
        self.put(name);
    }

    /// Appends a template with `@` for expressions and `$` for functions.
    fn fill(&mut self, template: &str) {
        for part in template.split_inclusive(['@', '$']) {
            match part.char_indices().next_back() {
                Some((at, '@')) => {
                    self.put(&part[..at]);
                    self.expression();
                }
                Some((at, '$')) => {
                    self.put(&part[..at]);
                    self.function();
                }
                _ => self.put(part),
            }
        }
    }

    fn expression(&mut self) {
        if self.depth > 6 {
            return self.name();
        }
        self.depth += 1;
        match self.choose(14) {
            0..=3 => self.name(),
            4 | 5 => {
                let constant = self.one_of(CONSTANTS);
                self.put("(");
                self.put(constant);
                self.put(")");
            }
            6 | 7 => {
                let operator = self.one_of(OPERATORS);
                self.fill(&format!("(@ {operator} @)"));
            }
            8 => {
                let operator = self.one_of(&["-", "not ", "#"]);
                self.fill(&format!("({operator}@)"));
            }
            9 => self.target(),
            10 => self.function(),
            11 => self.fill("{@, [@] = @, x = @, f(@)}"),
            _ => self.call(),
        }
        self.depth -= 1;
    }

    fn call(&mut self) {
        let template = self.one_of(CALLS);
        self.fill(template);
    }

    /// Appends a function; always with `...`, which the grammar may use anywhere.
    fn function(&mut self) {
        match self.choose(6) {
            0 => self.put("f"),
            1 => self.fill("(function(x, ...) return @, ... end)"),
            2 => self.put("(function(...) return ... end)"),
            _ => {
                let parameters = self.one_of(&["...", "x, ...", "x, y, ...", "a, b, c, x, ..."]);
                self.put(&format!("(function({parameters}) spend() "));
                self.body();
                let end =
                    self.one_of(&["return @, @ end)", "return @ end)", "return f(@) end)", "end)"]);
                self.fill(end);
            }
        }
    }

    /// Appends a target of an assignment.
    fn target(&mut self) {
        match self.choose(6) {
            0 | 1 => self.name(),
            2 => {
                let field = self.one_of(FIELDS);
                self.put(&format!("t.{field}"));
            }
            3 => self.fill("t[@]"),
            4 => {
                let field = self.one_of(FIELDS);
                self.put(&format!("u.{field}"));
            }
            _ => self.fill("u[@]"),
        }
    }

    fn block(&mut self) {
        for _ in 0..1 + self.choose(3) {
            self.statement();
        }
    }

    /// Appends the body of a function: `break` must not refer to enclosing loops.
    fn body(&mut self) {
        let loops = std::mem::take(&mut self.loops);
        self.block();
        self.loops = loops;
    }

    fn statement(&mut self) {
        if self.depth > 5 {
            return self.fill("c = @\n");
        }
        self.depth += 1;
        match self.choose(24) {
            0 | 1 => {
                self.target();
                self.fill(" = @\n");
            }
            2 => {
                self.target();
                self.put(", ");
                self.target();
                self.fill(" = @, @\n");
            }
            3 => {
                self.put("local ");
                self.name();
                self.fill(", y = @\n");
            }
            4..=6 => {
                self.put("ok, x = pcall(function(...) ");
                self.body();
                self.put(" end, a, b)\n");
            }
            7 | 8 => {
                let call = self.one_of(CALLS);
                self.put("x, y = ");
                self.fill(call);
                self.put("\n");
            }
            9 => {
                let event = self.one_of(EVENTS);
                self.fill(&format!("m.{event} = $\n"));
            }
            10 => {
                self.fill("if @ then ");
                self.block();
                self.put(" else ");
                self.block();
                self.put(" end\n");
            }
            11 => self.in_loop("for x = @, @, 2 do spend() ", " end\n"),
            12 => self.in_loop("for i = 1, 8 do ", " end\n"),
            13 => self.in_loop("for x, y in pairs(t) do spend() ", " end\n"),
            14 => self.in_loop("for x, y in ipairs(t) do spend() ", " end\n"),
            15 => self.in_loop("for x in $, @, @ do spend() ", " end\n"),
            16 => self.in_loop("while @ do spend() ", " end\n"),
            17 => self.in_loop("repeat spend() local z = @ ", " until z or x\n"),
            18 => {
                self.put("local function g(x, y, ...) spend() ");
                self.body();
                self.fill(" return @, g(x, y, ...) end\n");
            }
            19 => {
                self.put("co = coroutine.create(function(x, ...) spend() ");
                self.body();
                self.fill(" coroutine.yield(@) return @ end)\n");
            }
            20 => {
                self.labels += 1;
                let label = format!("label{}", self.labels);
                self.put(&format!(
                    "do local i = 0 ::{label}:: i = i + 1 spend() local z = i \
                     t[i] = function() z = z + 1 return z end "
                ));
                self.fill(&format!("if i < 4 and @ then goto {label} end end\n"));
            }
            21 if self.loops > 0 => self.fill("if @ then break end\n"),
            22 => self.put("for i = 1, 60 do t[i] = {i, tostring(i)} u['k' .. i] = t end\n"),
            _ => self.fill("f = $ f(@, @)\n"),
        }
        self.depth -= 1;
    }

    fn in_loop(&mut self, head: &str, tail: &str) {
        self.fill(head);
        self.loops += 1;
        self.block();
        self.loops -= 1;
        self.put(tail);
    }
}
