//! `require`, `module` and `package` (manual, section 5.3).
//!
//! A program's own files win: `require` looks for a name in `package.loaded`, asks the loaders, and
//! only then looks among SolVM's modules. Names such as `solvm.json` are SolVM's alone.
//!
//! The natives have their library's table as a bound value, so they keep working if the global
//! `package` changes. C modules are not loaded: the message about a missing module says so, and
//! names an existing one.

mod require;

use crate::load::read_source;
use solvm_files::code_files;
use solvm_runtime::buffer::AccountedBuffer;
use solvm_runtime::host::{Host, path_of};
use solvm_runtime::name::{MAX_NAME, Name};
use solvm_runtime::system_error::denial_note;
use solvm_vm::native::{
    Definition, Either, Indexed, Library, Param, Rest, Results, Start, StartWith, Step, Steps,
    Wanted, asynchronous,
};
use solvm_vm::{Call, Error, LuaString, Table, Type, Value};
use std::path::Path;

/// The library `package`.
pub static LIBRARY: Library = solvm_vm::library!("package" {
    "config" => text CONFIG,
    "loadlib" => load_library,
    "searchpath" => search_path,
    "seeall" => see_all,
});

/// The separators of directories and of templates, the mark in templates, and two characters that
/// only C modules use.
const CONFIG: &str = if cfg!(windows) { "\\\n;\n?\n!\n-" } else { "/\n;\n?\n!\n-" };
const DIRECTORY_SEPARATOR: &[u8] = if cfg!(windows) { b"\\" } else { b"/" };

const PATH: &str = "./?.lua;/usr/local/share/lua/5.1/?.lua;/usr/local/share/lua/5.1/?/init.lua;\
    /usr/local/lib/lua/5.1/?.lua;/usr/local/lib/lua/5.1/?/init.lua;\
    /usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?/init.lua";
/// C modules are not loaded, so they are not looked for.
const C_PATH: &str = "";

/// The error for C modules.
const NO_C_MODULES: &str = "C modules are not supported";

static REQUIRE: Definition = Definition::new("require", require::require);
static MODULE: Definition = Definition::new("module", module);
static LOADERS: [Definition; 4] = [
    Definition::new("loader_preload", load_preloaded),
    Definition::new("loader_Lua", load_lua),
    Definition::new("loader_C", load_c),
    Definition::new("loader_Croot", load_c_root),
];

/// Adds what the table of functions cannot express: the functions that need their library's table,
/// and the search paths.
pub fn finish(call: &mut Call) -> Result<(), Error> {
    let globals = call.globals();
    let key = call.string(LIBRARY.name.as_bytes())?;
    let Some(package) = Table::from_value(globals.get(key)) else { return Ok(()) };
    let loaders = call.table(LOADERS.len(), 0)?;
    for (i, loader) in LOADERS.iter().enumerate() {
        let loader = call.function(loader, &[package.value()]);
        loaders.set_index(call, i + 1, loader.value())?;
    }
    package.set_field(call, "loaders", loaders)?;
    let preload = call.table(0, 0)?;
    package.set_field(call, "preload", preload)?;
    let loaded = call.loaded()?;
    package.set_field(call, "loaded", loaded)?;
    loaded.set_field(call, "_G", globals)?;
    let path = search_templates(call, b"LUA_PATH", PATH);
    package.set_field(call, "path", path)?;
    let path = search_templates(call, b"LUA_CPATH", C_PATH);
    package.set_field(call, "cpath", path)?;
    for definition in [&REQUIRE, &MODULE] {
        let function = call.function(definition, &[package.value()]);
        globals.set_field(call, definition.name, function)?;
    }
    Ok(())
}

/// Reads a search path from the environment, where `;;` represents the default path.
fn search_templates(call: &mut Call, variable: &[u8], default: &str) -> Vec<u8> {
    let Some(path) = call.host::<Host>().and_then(|host| host.world.variable(variable)) else {
        return default.as_bytes().to_vec();
    };
    let path = replace(&path, b";;", &[b";", default.as_bytes(), b";"].concat());
    path.unwrap_or_else(|_| default.as_bytes().to_vec())
}

/// Returns `text` with every `from` replaced. Fails if the result is longer than a name may be.
fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Result<Vec<u8>, Error> {
    let mut result = Vec::new();
    let mut rest = text;
    loop {
        let at = memchr::memmem::find(rest, from);
        let (part, end) = (&rest[..at.unwrap_or(rest.len())], at.map_or(&b""[..], |_| to));
        let length = result.len().saturating_add(part.len()).saturating_add(end.len());
        if length > MAX_NAME {
            return Err(Error::text(format!("a file name is longer than {MAX_NAME} bytes")));
        }
        result.extend_from_slice(part);
        result.extend_from_slice(end);
        match at {
            Some(at) => rest = &rest[at + from.len()..],
            None => return Ok(result),
        }
    }
}

/// The result of a search: the first readable file, or all paths that were tried, one per line.
type Searched = Result<Result<Vec<u8>, AccountedBuffer>, Error>;

/// The templates of a path.
fn templates(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&byte| byte == b';').filter(|template| !template.is_empty())
}

/// Searches a path's templates for a readable file.
fn search(call: &mut Call, name: &[u8], path: &[u8]) -> Searched {
    let mut tried = AccountedBuffer::default();
    for template in templates(path) {
        let file = replace(template, b"?", name)?;
        if is_readable(call, &file, &mut tried)? {
            return Ok(Ok(file));
        }
    }
    Ok(Err(tried))
}

/// Whether a file is readable. If not, `tried` gets a line about it.
fn is_readable(call: &mut Call, file: &[u8], tried: &mut AccountedBuffer) -> Result<bool, Error> {
    call.charge_for_system_call();
    call.charge_for_reading(file.len());
    let why = match code_files(call).map(|files| files.check_readable(&path_of(file))) {
        Ok(Ok(())) => return Ok(true),
        Ok(Err(error)) => denial_note(Some(&error)),
        Err(_) => String::new(),
    };
    for part in [b"\n\tno file '", file, b"'", why.as_bytes()] {
        tried.push(call, part)?;
    }
    Ok(false)
}

fn load_library<'c>(
    _: &mut Call<'c>,
    _path: Name<'c>,
    _name: Name<'c>,
) -> (Option<Value<'c>>, &'static str, &'static str) {
    (None, NO_C_MODULES, "absent")
}

/// A readable file, or nil and the paths that were tried.
type FileOrTried<'c> = Either<Vec<u8>, (Option<Value<'c>>, AccountedBuffer)>;

/// `searchpath(name, path [, separator [, replacement]])`, as in Lua 5.2.
fn search_path<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
    path: Name<'c>,
    separator: Option<Name<'c>>,
    replacement: Option<Name<'c>>,
) -> Result<FileOrTried<'c>, Error> {
    let separator = separator.map_or(&b"."[..], Name::bytes);
    let name = match separator {
        [] => name.bytes().to_vec(),
        _ => {
            replace(name.bytes(), separator, replacement.map_or(DIRECTORY_SEPARATOR, Name::bytes))?
        }
    };
    Ok(match search(call, &name, path.bytes())? {
        Ok(file) => Either::Now(file),
        Err(tried) => Either::Later((None, tried)),
    })
}

/// `seeall(module)`: makes globals visible in the module.
fn see_all<'c>(call: &mut Call<'c>, module: Table<'c>) -> Result<(), Error> {
    let metatable = match module.metatable() {
        Some(metatable) => metatable,
        None => {
            let metatable = call.table(0, 1)?;
            call.set_metatable(module.value(), Some(metatable));
            metatable
        }
    };
    let globals = call.globals();
    metatable.set_field(call, "__index", globals)
}

/// Returns a field of the library's table.
fn field<'c>(call: &mut Call<'c>, name: &str) -> Result<Value<'c>, Error> {
    let key = call.string(name.as_bytes())?;
    Ok(call.upvalue(0).and_then(Table::from_value).map_or(Value::NIL, |package| package.get(key)))
}

/// The result of a loader: the module's function, or why it found none.
type Found<'c> = Result<Value<'c>, Error>;

fn not_found<'c>(call: &mut Call<'c>, tried: &[u8]) -> Found<'c> {
    Ok(call.string(tried)?.value())
}

fn load_preloaded<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
) -> Result<Either<Value<'c>, StartWith<'c, Preloaded>>, Error> {
    let preload = field(call, "preload")?;
    if preload.kind() != Type::Table {
        return Err(Error::text("'package.preload' must be a table"));
    }
    match call.index(preload, name.string().value())? {
        Indexed::Value(loader) => preloaded(call, name.bytes(), loader).map(Either::Now),
        Indexed::Call(function, object) => {
            let state = Start::new(Preloaded { is_called: false });
            Ok(Either::Later(state.keep_all([function, object])))
        }
    }
}

fn preloaded<'c>(call: &mut Call<'c>, name: &[u8], loader: Value<'c>) -> Found<'c> {
    if loader.is_nil() {
        return not_found(call, &[b"\n\tno field package.preload['", name, b"']"].concat());
    }
    Ok(loader)
}

/// Calls the `__index` function of `package.preload`, which is kept with its object.
struct Preloaded {
    is_called: bool,
}

impl Steps for Preloaded {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let name = Name::take(call, &mut 0)?;
        if !std::mem::replace(&mut self.is_called, true) {
            let (function, object) = (call.kept(0), call.kept(1));
            return call.call(function, &[object, name.string().value()], Wanted::One);
        }
        let loader = call.returned(0);
        let loader = preloaded(call, name.bytes(), loader)?;
        call.finish(loader)
    }
}

/// Returns a search path, which is a field of `package`.
fn search_path_of<'c>(call: &mut Call<'c>, field_name: &str) -> Result<Name<'c>, Error> {
    let path = field(call, field_name)?;
    let Some(path) = LuaString::from_value(path) else {
        return Err(Error::text(format!("'package.{field_name}' must be a string")));
    };
    Name::check(path).map_err(|why| Error::text(format!("'package.{field_name}': {why}")))
}

/// The templates of a directory of modules.
const TEMPLATES: [&[u8]; 2] = [b"?.lua", b"?/init.lua"];

/// The directory of modules in that of installed packages.
const INSTALLED: &str = "share/lua/5.1";

/// Searches for a module in Lua: on `package.path`, next to the program's script, among the
/// packages that are installed for its project.
fn find_in_lua(call: &mut Call, name: &[u8]) -> Searched {
    let path = search_path_of(call, "path")?.bytes();
    let name = replace(name, b".", DIRECTORY_SEPARATOR)?;
    let mut tried = match search(call, &name, path)? {
        Ok(file) => return Ok(Ok(file)),
        Err(tried) => tried,
    };
    let script = call.host::<Host>().and_then(|host| host.script.clone());
    if let Some(directory) = script.as_deref().and_then(Path::parent)
        && let Some(file) = find_in(call, directory, &name, path, &mut tried)?
    {
        return Ok(Ok(file));
    }
    call.charge_for_system_call();
    match call.host::<Host>().map(|host| host.world.installed_modules()) {
        Some(Ok(Some(directory))) => {
            let directory = directory.join(INSTALLED);
            if let Some(file) = find_in(call, &directory, &name, path, &mut tried)? {
                return Ok(Ok(file));
            }
        }
        Some(Err(why)) => tried.push(call, format!("\n\t{why}").as_bytes())?,
        _ => {}
    }
    Ok(Err(tried))
}

/// Searches a directory for a module, unless `path` has it.
fn find_in(
    call: &mut Call,
    directory: &Path,
    name: &[u8],
    path: &[u8],
    tried: &mut AccountedBuffer,
) -> Result<Option<Vec<u8>>, Error> {
    let directory = match directory.as_os_str().as_encoded_bytes() {
        b"" => b".",
        directory => directory,
    };
    let place = [directory, DIRECTORY_SEPARATOR].concat();
    for file_name in TEMPLATES {
        let template = [&place[..], file_name].concat();
        if templates(path).any(|tried| tried == template) {
            continue;
        }
        // The directory's own question marks stay.
        let file = [&place[..], &replace(file_name, b"?", name)?].concat();
        if is_readable(call, &file, tried)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn cannot_load(name: &[u8], file: &[u8], why: &[u8]) -> Error {
    Error::text([b"error loading module '", name, b"' from file '", file, b"':\n\t", why].concat())
}

fn load_lua<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
) -> Result<Either<Value<'c>, impl Results<'c> + use<'c>>, Error> {
    let file = match find_in_lua(call, name.bytes())? {
        Ok(file) => file,
        Err(tried) => return not_found(call, &tried).map(Either::Now),
    };
    let name = name.bytes().to_vec();
    Ok(Either::Later(asynchronous::run(move |lua| async move {
        let source = read_source(&lua, Some(file.clone())).await?;
        lua.finish_with(|call| {
            let loaded = source.and_then(|source| source.load(call));
            loaded
                .map(|function| vec![function.value()])
                .map_err(|why| cannot_load(&name, &file, &why))
        })
    })))
}

/// The place of C modules in the search: the message says that they are not loaded.
fn load_c<'c>(call: &mut Call<'c>, name: Name<'c>) -> Found<'c> {
    find_in_c(call, name.bytes(), name.bytes())
}

/// The library of a package may contain the functions of its submodules. If no path leads to one,
/// [`load_c`] has said what there is to say.
fn load_c_root<'c>(call: &mut Call<'c>, name: Name<'c>) -> Found<'c> {
    match memchr::memchr(b'.', name.bytes()) {
        Some(end) if templates(search_path_of(call, "cpath")?.bytes()).next().is_some() => {
            find_in_c(call, name.bytes(), &name.bytes()[..end])
        }
        _ => Ok(Value::NIL),
    }
}

/// Searches `package.cpath` for the library of a module.
fn find_in_c<'c>(call: &mut Call<'c>, module: &[u8], library: &[u8]) -> Found<'c> {
    let path = search_path_of(call, "cpath")?;
    let library = replace(library, b".", DIRECTORY_SEPARATOR)?;
    let found = match search(call, &library, path.bytes())? {
        Ok(file) => [b" (found '", &file[..], b"')"].concat(),
        Err(tried) if tried.is_empty() => Vec::new(),
        Err(tried) => return not_found(call, &tried),
    };
    let text =
        [b"\n\tno C module '", module, b"', since SolVM does not load them", &found].concat();
    not_found(call, &text)
}

/// Returns the table at a dotted path from the globals, creating missing ones. None if the path
/// contains another value.
fn find_table<'c>(call: &mut Call<'c>, name: &[u8]) -> Result<Option<Table<'c>>, Error> {
    let mut table = call.globals();
    for part in name.split(|&byte| byte == b'.') {
        let key = call.string(part)?;
        let value = table.get(key);
        table = match Table::from_value(value) {
            Some(inner) => inner,
            None if value.is_nil() => {
                let inner = call.table(0, 1)?;
                table.set(call, key.value(), inner.value())?;
                inner
            }
            None => return Ok(None),
        };
    }
    Ok(Some(table))
}

/// `module(name, ...)`: makes the table of that name the environment of the calling function and
/// calls the options with it.
fn module<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
    _options: Rest,
) -> Result<StartWith<'c, Module>, Error> {
    let loaded = call.loaded()?;
    let module = match Table::from_value(loaded.get(name.string())) {
        Some(module) => module,
        None => {
            let Some(module) = find_table(call, name.bytes())? else {
                let text = [b"name conflict for module '", name.bytes(), b"'"].concat();
                return Err(Error::text(text));
            };
            loaded.set(call, name.string().value(), module.value())?;
            module
        }
    };
    let key = call.string(b"_NAME")?;
    if module.get(key).is_nil() {
        module.set_field(call, "_M", module)?;
        module.set_field(call, "_NAME", name.string())?;
        let end = memchr::memrchr(b'.', name.bytes()).map_or(0, |dot| dot + 1);
        module.set_field(call, "_PACKAGE", name.bytes()[..end].to_vec())?;
    }
    let caller = call
        .level(1)
        .and_then(|level| call.level_function(level))
        .filter(|function| function.is_lua());
    let Some(caller) = caller else {
        return Err(Error::text("'module' not called from a Lua function"));
    };
    call.set_environment(caller, module)?;
    Ok(Start::new(Module { next: 1 }).keep(module.value()))
}

/// The options of `module` from argument `next` on are still to be called.
struct Module {
    next: usize,
}

impl Steps for Module {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let Some(option) = call.argument(self.next) else { return call.finish(()) };
        self.next += 1;
        let module = call.kept(0);
        call.call(option, &[module], Wanted::One)
    }
}
