//! Programs whose loops are compiled give the same results as interpreted, whatever the budget:
//! values, errors with their positions, and what functions see of their callers.
#![cfg(test)]

use solvm_jit::{Jit, Options};
use solvm_vm::native::{Library, Rest};
use solvm_vm::{Call, Config, Error, Table, Turn, Value, Vm};
use std::num::NonZeroU32;
use std::task::{Context, Waker};

static LIBRARY: Library = solvm_vm::library!("" {
    "abs" => number f64::abs,
    "floor" => number solvm_vm::number::floor,
    "out" => out,
    "pcall" => special ProtectedCall,
    "setmetatable" => set_metatable,
    "sin" => number f64::sin,
    "sqrt" => number f64::sqrt,
    "yield" => special Yield,
});

fn text_of(value: Value) -> String {
    if let Some(number) = value.as_number() {
        // With the sign of zeros.
        return format!("{number:?}");
    }
    match solvm_vm::LuaString::from_value(value) {
        Some(text) => String::from_utf8_lossy(text.bytes()).into_owned(),
        None => value.as_boolean().map_or(value.type_name().into(), |value| value.to_string()),
    }
}

/// Writes values.
fn out(call: &mut Call, values: Rest) {
    let texts: Vec<String> = values.values(call).map(text_of).collect();
    if let Some(output) = call.host::<String>() {
        output.push_str(&texts.join(" "));
        output.push('\n');
    }
}

fn set_metatable<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    metatable: Table<'c>,
) -> Result<Table<'c>, Error> {
    call.set_metatable(table.value(), Some(metatable));
    Ok(table)
}

/// What a program writes, and its error if it fails.
fn run(source: &str, slice: u32, options: Option<Options>) -> String {
    let slice = NonZeroU32::new(slice).expect("a budget");
    let mut vm = Vm::new(Config { slice, ..Config::default() });
    vm.set_host(String::new());
    if let Some(options) = options {
        vm.set_compiler(Box::new(Jit::new(options).expect("is supported here")));
    }
    let main = vm.enter(|call| {
        call.open(&LIBRARY).expect("opens");
        let function = call.load(source.as_bytes(), b"=program").expect("compiles");
        call.spawn(function, &[]).expect("starts")
    });
    vm.watch(Some(main));
    while vm.turn(&mut Context::from_waker(Waker::noop())) == Turn::Ready {}
    let error = vm
        .next_end(|_, _, end| {
            end.err().map(|(error, traceback)| {
                format!("{}{}", text_of(error), String::from_utf8_lossy(&traceback.to_text()))
            })
        })
        .expect("ends");
    let output = vm.host::<String>().expect("output").clone();
    output + &error.unwrap_or_default()
}

/// Runs a program interpreted, and with everything compiled that loops.
#[track_caller]
fn check(source: &str) {
    if Jit::new(Options::default()).is_none() {
        return;
    }
    let expected = run(source, 20_000, None);
    assert_eq!(run(source, 7, None), expected, "the result depends on the budget");
    for slice in [1, 2, 13, 200, 20_000] {
        for registers in [0, 2, usize::MAX] {
            let mut options = Options { threshold: 1, max_share: None, ..Options::default() };
            options.settings.integer_registers = registers;
            options.settings.double_registers = registers;
            let result = run(source, slice, Some(options));
            assert_eq!(result, expected, "with a budget of {slice} and {registers} registers");
        }
    }
}

macro_rules! programs {
    ($($name:ident: $source:literal)*) => { $( #[test] fn $name() { check($source); } )* };
}

programs! {
    numbers: r#"
        local sum, product, i = 0, 1, 0
        for n = 1, 300 do
            sum = sum + n * 0.5 - n / 4
            product = product * 1.01
            i = (i * 7 + n) % 1000
        end
        out(sum, product, i)
        for n = 10, 1, -3 do sum = sum - n end
        for n = 0.5, 3, 0.25 do sum = sum * n end
        local step = -1
        for n = 5, -5, step do sum = sum + n % 3 end
        out(sum, -sum, sum ^ 2)
    "#
    zeros: r#"
        local a, b = 0, 0
        for n = -3, 3 do
            a = n * 0
            b = 0 - n
            out(a, -a, b, n % 2, n % -2, -n % 3, 1 / a)
        end
        for n = -1, -0.5 do out(n) end
        for n = 3, -0.5, -1 do out(n) end
    "#
    special_numbers: r#"
        local inf, nan = 1 / 0, 0 / 0
        local x = 0
        for n = 1, 60 do
            if n % 3 == 0 then x = inf elseif n % 3 == 1 then x = nan else x = n end
            local y = x + 1
            if y > 10 then out(n, "above") end
            if not (y <= 10) then out(n, "not below") end
            if x ~= x then out(n, "nan") end
            out(x < n, x <= n, x == n)
        end
        for n = 1, inf do if n > 50 then break end x = n end
        out(x)
        for n = 1e15, 1e15 + 5 do x = x + n end
        out(x)
        for n = 2^53 - 2, 2^53 + 2 do x = n if n == 2^53 then break end end
        out(x)
    "#
    strings_are_numbers: r#"
        local s, t = "10", 0
        for n = 1, 40 do
            t = t + s
            if n == 20 then s = "0x10" end
            if n == 30 then s = 1.5 end
        end
        out(t)
        for n = "1", "5" do t = t + n end
        out(t)
    "#
    arrays: r#"
        local t = {}
        for i = 1, 100 do t[i] = i * i end
        local sum = 0
        for k = 1, 5 do
            for i = 1, #t do sum = sum + t[i] end
            t[k] = k / 2
        end
        out(sum, #t, t[1], t[5], t[100], t[101], t[0])
        for i = 100, 90, -1 do t[i] = nil end
        out(#t)
        local names = {}
        for i = 1, 20 do names[i] = i % 2 == 0 and "even" or i end
        for i = 1, 22 do out(names[i]) end
        for i = 1, 30 do t[i / 2] = i end
        out(t[0.5], t[1.5], t[2], t[15])
        local first = 0
        for i = 1, 50 do first = first + t[1] t[2] = first end
        out(first, t[2])
    "#
    metamethods_of_elements: r#"
        local log = {}
        local t = setmetatable({1, 2, 3}, {
            __index = function(_, key) return key * 10 end,
            __newindex = function(t, key, value) log[#log + 1] = key end,
        })
        local sum = 0
        for i = 1, 30 do
            sum = sum + t[i % 6 + 1]
            t[i % 5 + 1] = i
        end
        out(sum, #log, t[1], t[2], t[3])
        for i = 1, #log do out(log[i]) end
    "#
    fields: r#"
        local p = {x = 1, y = 2}
        for i = 1, 100 do
            p.x = p.x + p.y
            p.y = p.y - 0.25
            if i == 50 then p.z = i end
            if i == 60 then p = {y = 5, x = p.x} end
        end
        out(p.x, p.y, p.z)
        local list = {}
        for i = 1, 20 do list[i] = {value = i, next = list[i - 1]} end
        local sum = 0
        for i = 1, 20 do
            local node = list[i]
            while node do sum = sum + node.value node = node.next end
        end
        out(sum)
    "#
    absent_fields: r#"
        local base = {limit = 7}
        local t = setmetatable({}, {__index = base})
        local count = 0
        for i = 1, 60 do
            if t.limit == 7 then count = count + 1 end
            if i == 20 then t.limit = 8 end
            if i == 40 then t.limit = nil end
            if t.absent then out("?") end
        end
        out(count)
    "#
    methods: r#"
        local Point = {}
        Point.__index = Point
        function Point.new(x, y) return setmetatable({x = x, y = y}, Point) end
        function Point:add(dx, dy) self.x = self.x + dx self.y = self.y + (dy or 1) return self end
        function Point:length() return sqrt(self.x * self.x + self.y * self.y) end
        local p, total = Point.new(1, 2), 0
        for i = 1, 200 do
            p:add(i)
            total = total + p:length()
            if i == 100 then function Point:length() return 1 end end
            if i == 150 then p.length = function() return 2 end end
        end
        out(total, p.x, p.y)
    "#
    calls: r#"
        local function square(x) return x * x end
        local function both(x, y) return y, x end
        local function nothing() end
        local function sign(x) if x < 0 then return -1 elseif x > 0 then return 1 end return 0 end
        local function chain(x) return square(x) + sign(x - 50) end
        local sum = 0
        for i = 1, 100 do
            local a, b = both(i, sum)
            nothing(i)
            local missing, more = square(i), nothing()
            sum = a + chain(b) + missing
            if more then out("?") end
            local x, y, z = both(1)
            if x ~= nil or y ~= 1 or z ~= nil then out("wrong", x, y, z) end
        end
        out(sum)
        for i = 1, 40 do
            if i == 20 then square = function(x) return x end end
            sum = sum + square(i)
        end
        out(sum)
    "#
    upvalues: r#"
        local count, total = 0, 0
        local function add(x) count = count + 1 total = total + x return count end
        for i = 1, 100 do
            local before = count
            if add(i) ~= before + 1 then out("wrong", before, count) end
        end
        out(count, total)
        local function counter()
            local n = 0
            return function() n = n + 1 return n end
        end
        local a, b = counter(), counter()
        for i = 1, 50 do a() if i % 2 == 0 then b() end end
        out(a(), b())
        local text = ""
        local function keep(value) text = value end
        for i = 1, 50 do keep(i % 2 == 0 and "even" or {}) end
        out(text)
    "#
    globals: r#"
        value = 0
        function increase(x) return x + step end
        step = 2
        local sum = 0
        for i = 1, 100 do
            sum = sum + increase(i) + value
            if i == 50 then value = 3 end
            if i == 60 then added = i end
            if i == 70 then step = "1" end
        end
        out(sum, added)
    "#
    natives: r#"
        local floor, sqrt = floor, sqrt
        local sum = 0
        for i = 1, 100 do
            sum = sum + floor(i / 3) + sqrt(i) + abs(-i) + sin(i) - floor(-0.5)
            if i == 80 then sqrt = floor end
        end
        out(sum, floor(-0.0), floor("3.7"))
    "#
    loops: r#"
        local n, found = 27, 0
        while n ~= 1 do
            if n % 2 == 0 then n = n / 2 else n = 3 * n + 1 end
            found = found + 1
        end
        repeat found = found - 1 until found < 50
        out(n, found)
        local grid = {}
        for y = 1, 8 do
            grid[y] = {}
            for x = 1, 8 do
                if x == y then grid[y][x] = 0 else grid[y][x] = x * y end
                if x > 6 and y > 6 then break end
            end
        end
        local sum = 0
        for y = 1, 8 do for x = 1, 8 do sum = sum + (grid[y][x] or 100) end end
        out(sum)
        for i = 1, 3 do for j = i, 3 do for k = j, 3 do sum = sum + i * j * k end end end
        out(sum)
    "#
    conditions: r#"
        local t, f, n = 0, 0, 0
        for i = 1, 90 do
            local value
            if i % 3 == 0 then value = true elseif i % 3 == 1 then value = false end
            if value then t = t + 1 end
            if not value then f = f + 1 end
            if value == nil then n = n + 1 end
            if value == false then n = n + 1000 end
            local a = value and i or -i
            local b = not value == (a < 0)
            if not b then out("wrong", i) end
        end
        out(t, f, n)
    "#
    equality: r#"
        local a, b = {}, {}
        local m = {__eq = function() return true end}
        local c, d = setmetatable({}, m), setmetatable({}, m)
        local long = "a string that is so long that it is not interned, of more than 40 bytes"
        local values = {a, b, c, d, 1, 1, "x", "x", true, false, long, long .. ""}
        local count = 0
        for round = 1, 3 do
            for i = 1, 12 do
                for j = 1, 12 do
                    local p, q = values[i], values[j]
                    if p == q then count = count + i end
                    if p ~= q then count = count + 100 end
                    if p == "x" then count = count + 0.5 end
                    if q ~= 1 then count = count + 0.25 end
                end
            end
            out(count)
        end
    "#
    new_tables: r#"
        local kept, sum = {}, 0
        for i = 1, 300 do
            local v = {x = i, y = i * 2}
            local w = {v.x + 1, v.y, 3}
            sum = sum + w[1] + v.y + #w
            if i % 10 == 0 then kept[#kept + 1] = v end
        end
        out(sum, #kept, kept[30].x)
    "#
    errors: r#"
        local function fail(t, i) if i > 30 then return t.x.y end return i end
        local ok, message = pcall(function()
            local sum = 0
            for i = 1, 50 do sum = sum + fail({}, i) end
        end)
        out(ok, message)
        ok, message = pcall(function()
            local s = 1
            for i = 1, 50 do if i == 40 then s = {} end s = s + i end
        end)
        out(ok, message)
        ok, message = pcall(function()
            local t = {}
            for i = 1, 50 do if i == 33 then t = nil end t[i] = i end
        end)
        out(ok, message)
        ok, message = pcall(function() for i = 1, 50 do if i == 44 then undefined(i) end end end)
        out(ok, message)
        ok, message = pcall(function()
            for i = 1, 50 do if i < (i > 20 and "x" or 100) then end end
        end)
        out(ok, message)
        local function inner(i) local x = i * 2 if i == 25 then local y = x.field end return x end
        local function outer(i) return 1 + inner(i) end
        for i = 1, 50 do outer(i) end
    "#
    closures_capture_loop_variables: r#"
        local functions = {}
        for i = 1, 30 do
            local j = i * 2
            functions[i] = function() j = j + 1 return i + j end
        end
        local sum = 0
        for i = 1, 30 do sum = sum + functions[i]() + functions[i]() end
        out(sum)
    "#
    open_lists: r#"
        local function one(x) return x + 1 end
        local function two(x) return x, x * 2 end
        local function none() end
        local function add(a, b, c) return a + (b or 100) + (c or 1000) end
        local sum = 0
        for i = 1, 60 do
            sum = sum + add(one(i)) + add(i, one(i)) + floor(one(i / 2))
            if i % 7 == 0 then sum = sum + add(two(i)) + add(i, none()) end
            if i == 50 then one = two end
            local t = {one(i)}
            sum = sum + #t
        end
        out(sum)
        local function fail(x) if x > 20 then return nil end return x end
        for i = 1, 30 do sum = sum + add(i, fail(i)) out(add(1, fail(i), one(i))) end
        local ok, message = pcall(function() for i = 1, 30 do one(add(fail(i))) end end)
        out(ok, message, sum)
    "#
    tail_calls: r#"
        local function last(a, b) return (a or 5) - (b or 2) end
        local function swap(a, b) return last(b, a) end
        local function drop(a, b, c) return swap(a) end
        local function nested(a) return last(swap(a, 3)) end
        local function many(a) return a, a end
        local function all(a) return many(a) end
        local sum = 0
        for i = 1, 80 do
            sum = sum + swap(i, 2) + drop(i, 1, 1) + nested(i)
            local a, b, c = all(i)
            sum = sum + a * b
            if c then out("?") end
            if i == 60 then last = function(a, b) return a * (b or 7) end end
        end
        out(sum)
        local function deep(n) if n == 0 then return "end" end return deep(n - 1) end
        for i = 1, 20 do out(deep(i)) end
        local function fail(x) return swap(x, {}) end
        for i = 1, 10 do out(pcall(fail, i)) end
        for i = 1, 30 do if i == 25 then fail(i) end end
    "#
    lists: r#"
        local kept = {}
        for i = 1, 60 do
            local t = {i, i * 2, "x", {i}, nil, i / 2}
            kept[i] = t
            t[5] = t[1]
        end
        local sum = 0
        for i = 1, 60 do
            local t = kept[i]
            sum = sum + t[1] + t[2] + t[4][1] + t[5] + t[6] + #t[3]
        end
        out(sum)
    "#
    recursion: r#"
        local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
        local sum = 0
        for i = 1, 15 do sum = sum + fib(i) end
        out(sum)
    "#
}
