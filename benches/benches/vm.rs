//! What single mechanisms of the VM cost, in process. `cargo bench -p solvm-benches`; with `--
//! --test` each runs once.
//!
//! Comparisons with other interpreters are made by this package's main program, over whole scripts.
#![allow(missing_docs)]

use criterion::{Criterion, Throughput};
use solvm_runtime::Host;
use solvm_runtime::host::Process;
use solvm_vm::{Config, Function, Turn, Value, Vm};
use std::task::{Context, Waker};
use std::time::Duration;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args();
    for kernel in KERNELS {
        measure(&mut criterion, kernel);
    }
    measure_start(&mut criterion);
    criterion.final_summary();
}

/// A Lua function `run(n)` that does something n times.
struct Kernel {
    name: &'static str,
    source: &'static str,
    times: u32,
}

const KERNELS: &[Kernel] = &[
    Kernel {
        name: "dispatch/arithmetic loop",
        source: "function run(n) local x = 0 for i = 1, n do x = x * 0.5 + i % 7 end return x end",
        times: 100_000,
    },
    Kernel {
        name: "dispatch/mixed statements",
        source: "function run(n)
            local a, b, c, d = 1, 2, 3, true
            for i = 1, n do
                if a < b then a = b + c end
                if a == c or not d then b = b - 1 else c = i end
                d = not d
                a, b = b, a
            end
            return a
        end",
        times: 100_000,
    },
    Kernel {
        name: "call/Lua function",
        source: "local function f(x) return x end function run(n) for i = 1, n do f(i) end end",
        times: 100_000,
    },
    Kernel {
        name: "call/recursion",
        source:
            "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
            function run(n) return fib(20) end",
        times: 21_891,
    },
    Kernel {
        name: "call/vararg function",
        source: "local function f(...) local a, b = ... return a end
            function run(n) for i = 1, n do f(i, i) end end",
        times: 100_000,
    },
    Kernel {
        name: "call/native function",
        source: "local abs = math.abs function run(n) for i = 1, n do abs(i) end end",
        times: 100_000,
    },
    Kernel {
        name: "call/pcall",
        source: "local function f() end function run(n) for i = 1, n do pcall(f) end end",
        times: 100_000,
    },
    Kernel {
        name: "call/pcall with an error",
        source: "function run(n) for i = 1, n do pcall(error, i) end end",
        times: 10_000,
    },
    Kernel {
        name: "call/metamethod",
        source: "local t = setmetatable({}, {__index = function(t, k) return k end})
            function run(n) for i = 1, n do local x = t[i] end end",
        times: 100_000,
    },
    Kernel {
        name: "table/append",
        source: "function run(n) local t = {} for i = 1, n do t[i] = i end end",
        times: 100_000,
    },
    Kernel {
        name: "table/read and write by index",
        source: "local t = {} for i = 1, 100 do t[i] = i end
            function run(n) for i = 2, n do local k = i % 99 + 1 t[k + 1] = t[k] end end",
        times: 100_000,
    },
    Kernel {
        name: "table/fields",
        source: "local o = {x = 0, y = 1} function run(n) for i = 1, n do o.x = o.x + o.y end end",
        times: 100_000,
    },
    Kernel {
        name: "table/method through a metatable",
        source: "local class = {} class.__index = class function class:get() return self.x end
            local o = setmetatable({x = 1}, class)
            function run(n) for i = 1, n do o:get() end end",
        times: 100_000,
    },
    Kernel {
        name: "table/pairs",
        source: "local t = {} for i = 1, 100 do t['k' .. i] = i end
            function run(n) for i = 1, n / 100 do for k, v in pairs(t) do end end end",
        times: 100_000,
    },
    Kernel {
        name: "table/sort with a comparator",
        source: "function run(n)
            local t, x = {}, 42
            for i = 1, n do x = (x * 16807) % 2147483647 t[i] = x end
            table.sort(t, function(a, b) return a > b end)
        end",
        times: 2_000,
    },
    Kernel {
        name: "string/append",
        source: "function run(n) local s = '' for i = 1, n do s = s .. 'x' end end",
        times: 10_000,
    },
    Kernel {
        name: "string/short results",
        source: "function run(n) for i = 1, n do local s = 'k' .. i % 100 end end",
        times: 50_000,
    },
    Kernel {
        name: "string/gsub with a function",
        source: "local s = ('word '):rep(100) local function f(w) return w end
            function run(n) for i = 1, n / 100 do s:gsub('%a+', f) end end",
        times: 10_000,
    },
    Kernel {
        name: "closure/create and call",
        source: "function run(n) for i = 1, n do local f = function() return i end f() end end",
        times: 50_000,
    },
    Kernel {
        name: "coroutine/resume and yield",
        source: "local co = coroutine.wrap(function() while true do coroutine.yield() end end)
            function run(n) for i = 1, n do co() end end",
        times: 50_000,
    },
    Kernel {
        name: "coroutine/create and finish",
        source: "local function f() end
            function run(n) for i = 1, n do coroutine.wrap(f)() end end",
        times: 10_000,
    },
    Kernel {
        name: "collector/short-lived tables",
        source: "function run(n) for i = 1, n do local t = {i, i} end end",
        times: 50_000,
    },
    Kernel {
        name: "collector/full cycle over live tables",
        source: "local live = {} for i = 1, 100000 do live[i] = {i} end
            function run(n) for i = 1, n do collectgarbage() end end",
        times: 4,
    },
    Kernel {
        name: "goroutine/channel round trip",
        source: "local there, back = chan(), chan()
            go(function() while true do send(back, receive(there)) end end)
            function run(n) for i = 1, n do send(there, i) receive(back) end end",
        times: 10_000,
    },
    Kernel {
        name: "goroutine/start and finish",
        source: "local function f() end local done = chan()
            function run(n) for i = 1, n do go(f) end go(send, done, 1) receive(done) end",
        times: 10_000,
    },
    Kernel {
        name: "goroutine/fan-in of 100 to a buffer of 10",
        source: "local all = chan(10)
            local function produce(n) for i = 1, n do send(all, i) end end
            function run(n)
                for i = 1, 100 do go(produce, n / 100) end
                for i = 1, n do receive(all) end
            end",
        times: 10_000,
    },
    Kernel {
        name: "goroutine/select of 4 channels",
        source: "local a, b, c, d = chan(), chan(), chan(), chan()
            local function produce(channel, n) for i = 1, n do send(channel, i) end end
            function run(n)
                for _, channel in ipairs({a, b, c, d}) do go(produce, channel, n / 4) end
                for i = 1, n do select(a, b, c, d) end
            end",
        times: 10_000,
    },
    Kernel {
        name: "goroutine/sleep until the time has come",
        source: "function run(n) for i = 1, n do go(sleep, i % 10 * 1e-6) end wait() end",
        times: 10_000,
    },
    Kernel {
        name: "goroutine/set and clear a timer",
        source: "local function f() end
            function run(n) for i = 1, n do clear_timeout(set_timeout(f, 60)) end sleep(0) end",
        times: 10_000,
    },
];

/// A VM with all libraries.
fn new_vm() -> Box<Vm> {
    let mut vm = Vm::new(Config { hash_seed: Some(1), ..Config::default() });
    vm.set_host(Host::new(Process::new()));
    vm.enter(|call| solvm_stdlib::open(call, solvm_stdlib::Globals::All, |_| true))
        .unwrap_or_else(|_| panic!("the libraries do not open"));
    vm
}

/// Runs a chunk to its end; other goroutines may be left.
fn run_chunk(vm: &mut Vm, source: &str) {
    let main = vm.enter(|call| {
        let function = call.load(source.as_bytes(), b"=bench").expect("compiles");
        call.spawn(function, &[]).expect("starts")
    });
    finish(vm, main);
}

fn finish(vm: &mut Vm, main: solvm_vm::GoroutineId) {
    vm.watch(Some(main));
    loop {
        let turn = vm.turn(&mut Context::from_waker(Waker::noop()));
        let end = vm.next_end(|_, id, end| (id, end.is_ok()));
        match end {
            Some((id, true)) if id == main => return,
            Some(_) => panic!("a goroutine failed"),
            None => {
                assert!(
                    matches!(turn, Turn::Ready | Turn::Waiting),
                    "the program came to rest before its end"
                );
            }
        }
    }
}

fn measure(criterion: &mut Criterion, kernel: &Kernel) {
    let (group, name) = kernel.name.split_once('/').expect("a kernel's name has a group");
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(u64::from(kernel.times)));
    group.bench_function(name, |bencher| {
        // Nothing is created for a benchmark that the command line filters out.
        let mut vm = new_vm();
        run_chunk(&mut vm, kernel.source);
        bencher.iter(|| {
            let main = vm.enter(|call| {
                let key = call.string(b"run").expect("a string");
                let run = Function::from_value(call.globals().get(key))
                    .expect("the kernel has a function run");
                call.spawn(run, &[Value::number(f64::from(kernel.times))]).expect("starts")
            });
            finish(&mut vm, main);
        });
    });
    group.finish();
}

fn measure_start(criterion: &mut Criterion) {
    criterion.bench_function("start/VM with all libraries", |bencher| bencher.iter(new_vm));
}
