//! Support for libraries whose functions are written in Lua because they mainly call Lua functions.
//!
//! Each function of the library is a native that calls the function of the same name in the
//! library's Lua source. The source is compiled when the first of them is called. It sees the
//! original basic functions and standard libraries, whatever the program has done to its globals.

use crate::{base, math, string, table};
use solvm_runtime::registry::registry_table;
use solvm_vm::native::{Library, Rest, Start, Step, Steps, Wanted};
use solvm_vm::{Call, Error, LuaString, Table, Value};

/// The source of a library: a chunk that returns a table of functions.
pub struct Source {
    /// The library's name, which is also that of the chunk.
    pub name: &'static str,
    /// The source code.
    pub text: &'static str,
    /// Natives that the source needs in addition to the libraries.
    pub natives: &'static Library,
}

/// The registry key of the table that holds the libraries' functions by library name.
const FUNCTIONS: &str = "libraries in Lua";

/// Units charged for a step towards the function that is written in Lua.
const UNITS_PER_STEP: usize = 100;

/// Calls the Lua function with the running native's name and arguments.
pub fn call(call: &mut Call, source: &'static Source, _arguments: Rest) -> Start<Calling> {
    Start::new(Calling {
        source,
        name: call.native_name().unwrap_or_default(),
        stage: Stage::Begin,
    })
}

/// A call of a function that may have to be compiled first.
pub struct Calling {
    source: &'static Source,
    name: &'static str,
    stage: Stage,
}

enum Stage {
    Begin,
    /// The source runs.
    Loading,
    /// The function runs.
    Called,
}

impl Steps for Calling {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        call.charge(UNITS_PER_STEP);
        let functions = registry_table(call, FUNCTIONS)?;
        match self.stage {
            Stage::Begin => {
                let key = call.string(self.source.name.as_bytes())?;
                match Table::from_value(functions.get(key)) {
                    Some(library) => self.call_function(call, library),
                    None => {
                        self.stage = Stage::Loading;
                        let chunk = compile(call, self.source)?;
                        call.call(chunk, &[], Wanted::One)
                    }
                }
            }
            Stage::Loading => {
                let library = call.returned(0);
                functions.set_field(call, self.source.name, library)?;
                let library = Table::from_value(library)
                    .ok_or_else(|| Error::text("a library without functions"))?;
                self.call_function(call, library)
            }
            Stage::Called => {
                let results: Vec<Value<'c>> =
                    (0..call.returned_count()).map(|index| call.returned(index)).collect();
                call.finish(results)
            }
        }
    }
}

impl Calling {
    fn call_function<'c>(
        &mut self,
        call: &mut Call<'c>,
        library: Table<'c>,
    ) -> Result<Step, Error> {
        self.stage = Stage::Called;
        let key = call.string(self.name.as_bytes())?;
        let arguments: Vec<Value<'c>> = Rest { first: 0 }.values(call).collect();
        call.call(library.get(key), &arguments, Wanted::All)
    }
}

/// Functions that all sources can use in addition to the libraries.
static HELPERS: Library = solvm_vm::library!("" {
    "check" => check,
    "wrong" => wrong,
});

/// `check(type, index, name, value)`: returns the value if it has that type, and raises "bad
/// argument" otherwise.
fn check<'c>(
    call: &mut Call<'c>,
    kind: LuaString<'c>,
    index: f64,
    name: LuaString<'c>,
    value: Option<Value<'c>>,
) -> Result<Value<'c>, Error> {
    let value = value.unwrap_or(Value::NIL);
    if value.type_name().as_bytes() == kind.bytes() {
        return Ok(value);
    }
    let got = if value.is_nil() { "no value" } else { value.type_name() };
    let text = [kind.bytes(), b" expected, got ", got.as_bytes()].concat();
    Err(argument_error(call, index, name.bytes(), &text))
}

/// `wrong(index, name, text)`: raises "bad argument #index to 'name' (text)" where the library's
/// function was called.
fn wrong<'c>(
    call: &mut Call<'c>,
    index: f64,
    name: LuaString<'c>,
    text: LuaString<'c>,
) -> Result<(), Error> {
    Err(argument_error(call, index, name.bytes(), text.bytes()))
}

/// Returns the error for an invalid argument, with the position of the nearest native that the
/// program called.
fn argument_error(call: &mut Call, index: f64, name: &[u8], text: &[u8]) -> Error {
    let mut level = 1;
    while let Some(active) = call.level(level) {
        level += 1;
        if call.level_function(active).is_some_and(|function| !function.is_lua()) {
            break;
        }
    }
    let mut message = call.position(level);
    message.extend_from_slice(format!("bad argument #{index} to '").as_bytes());
    message.extend_from_slice(&[name, b"' (", text, b")"].concat());
    match call.string(&message) {
        Ok(message) => call.raise(message.value()),
        Err(error) => error,
    }
}

/// Compiles a source in its own environment.
fn compile<'c>(call: &mut Call<'c>, source: &Source) -> Result<Value<'c>, Error> {
    let chunk = call
        .load_library(source.text.as_bytes(), format!("={}", source.name).as_bytes())
        .map_err(Error::text)?;
    let environment = call.table(0, 64)?;
    for library in [&base::LIBRARY, &solvm_files::LIBRARY, &HELPERS, source.natives] {
        call.fill(environment, library)?;
    }
    for library in [&string::LIBRARY, &table::LIBRARY, &math::LIBRARY] {
        let functions = call.table(0, library.functions.len())?;
        call.fill(functions, library)?;
        environment.set_field(call, library.name, functions)?;
    }
    call.set_environment(chunk, environment)?;
    Ok(chunk.value())
}
