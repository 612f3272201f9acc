//! The virtual machine: everything that one program's goroutines share.

use crate::account::Account;
use crate::heap::gc::{Heap, HeapConfig, Marker, Roots};
use crate::layout::metamethod::Metamethod;
use crate::layout::object::{Str, Table, Thread};
use crate::layout::types::Type;
use crate::layout::value::Value;
use crate::machine::interpreter::{self, Handler};
use crate::machine::native::{Error, References, RustError};
use crate::machine::scheduler::{Clock, Scheduler};
use crate::machine::traceback::Traceback;
use crate::machine::tracing::Tracer;
use crate::machine::unit::Compiler;
use crate::messages::Dialect;
use solvm_compiler::locate::Culprit;
use std::cell::Cell;
use std::num::NonZeroU32;
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How a VM behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The maximum memory of the program in bytes, in its heap and outside it.
    pub memory_limit: usize,
    /// The account that the VM shares with others; a separate one, with that limit, if None.
    pub account: Option<Account>,
    /// The seed of string hashes; random if None.
    pub hash_seed: Option<u64>,
    /// Calls and back-edges that a goroutine may run in one slice.
    pub slice: NonZeroU32,
    /// Whose messages and behaviour programs get.
    pub dialect: Dialect,
    /// No more goroutines than this may live at a time.
    pub max_goroutines: usize,
    /// Where timers and deadlines take the time from.
    pub clock: Clock,
    /// Whether tracebacks show the local variables of each call.
    pub locals_in_tracebacks: bool,
    /// Whether the interpreter's handlers may jump to each other where that is safe. If not, they
    /// return to a loop after every instruction, as on targets whose compiler makes no sibling
    /// calls: slower, with the same results.
    pub chained: bool,
}

/// Calls and back-edges in a slice by default: about a tenth of a millisecond.
const SLICE: NonZeroU32 = NonZeroU32::new(20_000).unwrap();

impl Default for Config {
    fn default() -> Self {
        Config {
            memory_limit: 1 << 30,
            account: None,
            hash_seed: None,
            slice: SLICE,
            dialect: Dialect::Lua,
            max_goroutines: 10_000_000,
            clock: Clock::System,
            locals_in_tracebacks: false,
            chained: true,
        }
    }
}

/// Why the interpreter returned to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing is ready to run.
    Idle,
    /// The turn is over; there is more to do.
    TurnOver,
    /// The deadline has passed or the program was cancelled.
    Interrupted,
    /// The goroutine that the host waits for has ended.
    Finished,
}

impl Exit {
    /// The result of a handler for this exit. None is `CONTINUE` or `CALL`.
    pub(crate) fn answer(self) -> u64 {
        self as u64 + 1
    }

    pub(crate) fn from_answer(answer: u64) -> Exit {
        [Exit::Idle, Exit::TurnOver, Exit::Interrupted, Exit::Finished]
            .into_iter()
            .find(|exit| exit.answer() == answer)
            .unwrap_or(Exit::Interrupted)
    }
}

/// The virtual machine. The fields that handlers touch come first.
#[repr(C)]
pub struct Vm {
    /// The budget: charged by calls and back-edges; below zero, the scheduler takes over.
    pub(crate) fuel: i64,
    /// The end of the running thread's stack.
    pub(crate) stack_end: *mut Value,
    /// The running context, stored while a cold function or a native runs.
    pub(crate) pc: *const u32,
    pub(crate) base: *mut Value,
    pub(crate) k: *const Value,
    /// The end of an open list of values, from its producer to its consumer.
    pub(crate) top: *mut Value,
    /// The running thread; null between turns.
    pub(crate) current: *mut Thread,
    /// A single result on its way (Return1 to many, a native's callee).
    pub(crate) returned: Value,
    /// The result of a native.
    pub(crate) outcome: i64,
    /// The unit that has called a native leaves when that returns: it has changed a local variable
    /// of a running function, or units are not wanted any more.
    pub(crate) leaves_unit: bool,
    /// A unit has called the current native.
    pub(crate) is_called_by_unit: bool,
    /// What natives and slow paths that the current unit called have charged.
    pub(crate) charged_by_calls: i64,
    /// The handlers: see `interpreter`.
    pub(crate) table: [Handler; 256],
    /// Whether handlers jump to each other without the loop in `interpreter::enter`.
    pub(crate) is_chained: bool,
    /// Whether instructions take the way through debug hooks.
    pub(crate) is_hooked: bool,
    /// `next`, the iterator of `ipairs`: for loops over them need no call.
    pub(crate) next_function: Value,
    pub(crate) index_iterator: Value,
    /// "__index" and its hash, as a function's constants would hold them.
    pub(crate) index_name: Value,
    pub(crate) index_hash: Value,

    pub(crate) heap: Heap,
    pub(crate) globals: *mut Table,
    pub(crate) registry: *mut Table,
    /// The values that the host holds by references, and their places.
    pub(crate) referenced: *mut Table,
    pub(crate) references: Arc<References>,
    /// A Lua function without code, for frames that need one.
    pub(crate) dummy_function: Value,
    pub(crate) metamethod_names: [*mut Str; Metamethod::COUNT],
    /// The names of types, for `type`.
    pub(crate) type_names: [Value; Type::COUNT],
    /// The metatables of types that have one for all their values.
    pub(crate) type_metatables: [*mut Table; Type::COUNT],
    /// The methods that strings have behind those of their metatable; null if there are none.
    pub(crate) string_methods: *mut Table,
    pub(crate) dialect: Dialect,

    /// Values on their way to another thread.
    pub(crate) arrived: (*const Value, usize),
    pub(crate) returned_count: usize,
    pub(crate) result_count: usize,
    pub(crate) argument_count: usize,
    /// An error value on its way from a native.
    pub(crate) error: Value,
    pub(crate) raised: Error,
    /// The newest error of Rust that became one of Lua.
    pub(crate) rust_error: Option<RustError>,
    /// The arguments of a native that is called a second time, after a collection.
    pub(crate) retried: *mut Value,
    /// An error handler runs above the stack's limit.
    pub(crate) handling_overflow: bool,
    /// The interpreter is running: it is never entered again.
    running: bool,
    /// The traceback of the last uncaught error.
    pub(crate) last_traceback: Traceback,
    /// What the last error that names an operand or an argument is about, and the pc of its
    /// context.
    pub(crate) culprit: Cell<Option<(*const u32, Culprit)>>,

    pub(crate) scheduler: Scheduler,
    /// The number of debug hooks that subscribe to events.
    pub(crate) active_hooks: Rc<Cell<usize>>,
    /// Makes machine code for what runs often.
    pub(crate) compiler: Option<Box<dyn Compiler>>,
    /// Whether what it has made may run.
    pub(crate) can_run_units: bool,
    /// Whether the program wants that.
    pub(crate) units_wanted: bool,
    /// All units have to be freed when the running one leaves.
    pub(crate) flush_due: bool,
    /// The callback for calls and returns.
    pub(crate) tracer: Option<Tracer>,
    /// Whether tracebacks show local variables.
    pub(crate) locals_in_tracebacks: bool,
    /// A native calls the finalizers itself.
    pub(crate) finalizers_claimed: Rc<Cell<bool>>,
    /// The embedding program's value for its natives.
    pub(crate) host: Option<Box<dyn std::any::Any>>,
    /// Measures natives.
    #[cfg(debug_assertions)]
    pub(crate) meter: Option<Box<crate::machine::native::meter::Meter>>,
}

impl Vm {
    /// A VM without libraries.
    pub fn new(config: Config) -> Box<Vm> {
        let mut heap = Heap::new(HeapConfig {
            account: config.account.clone().unwrap_or_else(|| Account::new(config.memory_limit)),
            hash_seed: config.hash_seed,
        });
        let mut metamethod_names = [null_mut(); Metamethod::COUNT];
        for (name, key) in metamethod_names.iter_mut().zip(Metamethod::KEYS) {
            *name = heap.string(key.as_bytes());
        }
        let type_names =
            std::array::from_fn(|index| heap.string_value(Type::NAMES[index].as_bytes()));
        let index_name = metamethod_names[Metamethod::Index as usize];
        // SAFETY: the heap is fresh; nothing collects before the VM is complete.
        let (globals, registry, referenced, index_hash, dummy_function) = unsafe {
            (
                heap.new_table(0, 7),
                heap.new_table(0, 3),
                heap.new_table(0, 0),
                Value(u64::from(crate::heap::string::hash(index_name))),
                crate::machine::load::dummy_function(&mut heap),
            )
        };
        let mut vm = Box::new(Vm {
            fuel: i64::from(config.slice.get()),
            stack_end: null_mut(),
            pc: std::ptr::null(),
            base: null_mut(),
            k: std::ptr::null(),
            top: null_mut(),
            current: null_mut(),
            returned: Value::NIL,
            outcome: 0,
            leaves_unit: false,
            is_called_by_unit: false,
            charged_by_calls: 0,
            table: interpreter::HANDLERS,
            is_chained: false,
            is_hooked: false,
            next_function: Value::NIL,
            index_iterator: Value::NIL,
            index_name: Value::from_string(index_name),
            index_hash,
            heap,
            globals,
            registry,
            referenced,
            references: Arc::default(),
            dummy_function,
            metamethod_names,
            type_names,
            type_metatables: [null_mut(); Type::COUNT],
            string_methods: null_mut(),
            dialect: config.dialect,
            arrived: (std::ptr::null(), 0),
            returned_count: 0,
            result_count: 0,
            argument_count: 0,
            error: Value::NIL,
            raised: Error::none(),
            rust_error: None,
            retried: null_mut(),
            handling_overflow: false,
            running: false,
            last_traceback: Traceback::default(),
            culprit: Cell::default(),
            scheduler: Scheduler::new(&config),
            active_hooks: Rc::default(),
            compiler: None,
            can_run_units: true,
            units_wanted: true,
            flush_due: false,
            tracer: None,
            locals_in_tracebacks: config.locals_in_tracebacks,
            finalizers_claimed: Rc::default(),
            host: None,
            #[cfg(debug_assertions)]
            meter: None,
        });
        // SAFETY: probes the handlers with its own code.
        unsafe { interpreter::choose_dispatch(&raw mut *vm, config.chained) };
        vm
    }

    /// Points the heap at the budget. Must be called wherever the host enters, before anything is
    /// allocated: it may have moved the VM.
    pub(crate) fn rebind_budget(&mut self) {
        let fuel = &raw mut self.fuel;
        // SAFETY: code that can move the VM cannot allocate in its heap without coming through
        // here.
        unsafe { self.heap.set_budget(fuel) };
    }

    /// Runs the current context until the chain of handlers ends. The only way into the
    /// interpreter.
    ///
    /// # Safety
    /// `current`, `pc`, `base` and `k` are a context.
    pub(crate) unsafe fn run(&mut self) -> Exit {
        assert!(!self.running, "the interpreter is never entered again");
        self.running = true;
        // SAFETY: the state is that of a context, as the caller asserts, and no handler is running.
        let exit = unsafe { interpreter::enter(&raw mut *self) };
        self.running = false;
        exit
    }

    /// Whether the interpreter's handlers jump to each other. If not, they return to a loop after
    /// every instruction.
    pub fn is_chained(&self) -> bool {
        self.is_chained
    }

    /// Notes values on their way to another thread.
    #[inline(always)]
    pub(crate) fn arrive(&mut self, source: *const Value, count: usize) {
        self.arrived = (source, count);
    }

    /// The globals of the running thread; those of the program between turns.
    pub(crate) fn current_globals(&self) -> *mut Table {
        if self.current.is_null() {
            return self.globals;
        }
        // SAFETY: the running thread is live.
        unsafe { (*self.current).globals }
    }

    /// The account of the program's memory.
    pub fn account(&self) -> &Account {
        self.heap.program_account()
    }

    /// Lets machine code be made for what runs often, of functions that are loaded from now on.
    pub fn set_compiler(&mut self, compiler: Box<dyn Compiler>) {
        self.compiler = Some(compiler);
    }

    /// Stores a Rust value for natives ([`Call::host`](crate::Call::host)).
    pub fn set_host(&mut self, host: impl std::any::Any) {
        self.host = Some(Box::new(host));
    }

    /// The value that [`Vm::set_host`] put there.
    pub fn host<T: std::any::Any>(&mut self) -> Option<&mut T> {
        self.host.as_mut()?.downcast_mut()
    }

    /// Stops the program from another thread, whatever it does: the current turn ends as
    /// interrupted.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        self.scheduler.cancel_flag()
    }

    /// Records what the error that is about to be raised at the running instruction is about.
    pub(crate) fn blame(&self, culprit: Culprit) {
        self.culprit.set(Some((self.pc, culprit)));
    }

    /// Sets the functions that loops recognise.
    pub(crate) fn set_iterators(&mut self, next: Value, index_iterator: Value) {
        self.next_function = next;
        self.index_iterator = index_iterator;
    }
}

impl Vm {
    /// Everything that is alive without being reachable from elsewhere, and the heap itself.
    pub(crate) fn heap_and_roots(&mut self) -> (*mut Heap, VmRoots) {
        (&raw mut self.heap, VmRoots(&raw mut *self))
    }
}

/// The roots of a VM's heap.
pub(crate) struct VmRoots(*mut Vm);

impl Roots for VmRoots {
    fn trace(&mut self, marker: &mut Marker<'_>) {
        // SAFETY: the VM is alive during a collection; only its fields other than the heap are
        // touched.
        unsafe {
            let vm = self.0;
            for value in [
                (*vm).returned,
                (*vm).next_function,
                (*vm).index_iterator,
                (*vm).index_name,
                (*vm).dummy_function,
                (*vm).error,
                Value::from_table((*vm).globals),
                Value::from_table((*vm).registry),
                Value::from_table((*vm).referenced),
            ] {
                marker.value(value);
            }
            for &name in &(*vm).metamethod_names {
                marker.value(Value::from_string(name));
            }
            for &name in &(*vm).type_names {
                marker.value(name);
            }
            for &table in (*vm).type_metatables.iter().chain([&(*vm).string_methods]) {
                if !table.is_null() {
                    marker.value(Value::from_table(table));
                }
            }
            if !(*vm).current.is_null() {
                marker.running_thread((*vm).current);
            }
            (*vm).scheduler.trace(marker);
        }
    }
}
