//! `template`: templates in the syntax of Go's html/template. The crate `gotmpl` implements
//! contextual escaping: values are escaped for HTML, attributes, URLs, JavaScript and CSS according
//! to their context.
//!
//! Parsing and rendering happen on the blocking pool: templates may have loops, and recursion,
//! which needs a stack.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod computed;
mod data;
mod nesting;
mod syntax;

use data::{Trusted, ValueWriter};
use gotmpl::html::Template;
use gotmpl::{MissingKey, SafeKind};
use solvm_data::document::yield_once;
pub use solvm_data::walker::{Walker, Writer};
use solvm_data::{Progress, failure};
use solvm_files::{Pattern, file_system, path_bytes};
use solvm_runtime::buffer::copied;
use solvm_runtime::host::{FileSystem, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::object::{self, This};
use solvm_runtime::options::Options;
use solvm_runtime::pool::in_pool;
use solvm_runtime::results::failure as io_failure;
use solvm_vm::native::asynchronous::{self, Finished, Lua, Slot};
use solvm_vm::native::{Library, Rest, Results};
use solvm_vm::{Call, Data, Error, Held, LuaString, OutOfMemory, Table, Userdata, Value};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The library `template`.
pub static LIBRARY: Library = solvm_vm::library!("template" {
    "attribute" => attribute,
    "css" => css,
    "html" => html,
    "js" => js,
    "js_string" => js_string,
    "parse" => parse,
    "parse_file" => parse_file,
    "parse_files" => parse_files,
    "parse_glob" => parse_glob,
    "srcset" => srcset,
    "url" => url,
});

/// The methods of a template.
static METHODS: Library = solvm_vm::library!("" {
    "__call" => execute,
    "execute" => execute,
    "execute_template" => execute_template,
    "templates" => templates,
});

/// Maximum size of a template and of its output.
const MAX_SOURCE: u64 = 16 << 20;
const MAX_OUTPUT: usize = 64 << 20;

/// A template, the data of an object.
struct Parsed {
    template: Arc<Template>,
    /// Its approximate size in bytes.
    size: usize,
}

impl Data for Parsed {
    fn external_size(&self) -> usize {
        self.size
    }
}

/// Settings for parsing and rendering.
#[derive(Clone)]
struct Settings {
    name: Option<String>,
    delimiters: Option<(String, String)>,
    missing: MissingKey,
}

/// Reads the settings from the table in argument `index`.
fn settings<'c>(
    call: &mut Call<'c>,
    options: Option<Table<'c>>,
    index: usize,
) -> Result<Settings, Error> {
    let options = Options::new(options, index, &["name", "delimiters", "missing"])?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let delimiters = match options.table(call, "delimiters")? {
        None => None,
        Some(pair) => {
            let delimiter = |i| {
                LuaString::from_value(pair.get(i))
                    .and_then(|text| Name::check(text).ok())
                    .map(Name::bytes)
                    .filter(|text| !text.is_empty())
            };
            match (delimiter(1), delimiter(2)) {
                (Some(left), Some(right)) => Some((text(left), text(right))),
                _ => return Err(options.wrong("delimiters", "two strings expected")),
            }
        }
    };
    let missing = match options.text(call, "missing")? {
        None | Some(b"default") => MissingKey::Invalid,
        Some(b"zero") => MissingKey::ZeroValue,
        Some(b"error") => MissingKey::Error,
        Some(_) => return Err(options.wrong("missing", "'default', 'zero' or 'error' expected")),
    };
    Ok(Settings { name: options.text(call, "name")?.map(text), delimiters, missing })
}

impl Settings {
    /// Returns the approximate size of a template with these sources after rendering: it is then
    /// stored twice, with and without escaping.
    fn size_of(&self, sources: &[(String, Vec<u8>)]) -> usize {
        /// Measured: an empty template, a byte of text, an action and a byte in an action.
        const TEMPLATE: usize = 1 << 12;
        const TEXT: usize = 8;
        const ACTION: usize = 1700;
        const CODE: usize = 170;
        let (left, right) = match &self.delimiters {
            Some((left, right)) => (left.as_bytes(), right.as_bytes()),
            None => (&b"{{"[..], &b"}}"[..]),
        };
        let mut size = TEMPLATE;
        for (_, source) in sources {
            size = size.saturating_add(source.len().saturating_mul(TEXT));
            let mut rest = &source[..];
            while let Some(start) = memchr::memmem::find(rest, left) {
                rest = rest.get(start.saturating_add(left.len())..).unwrap_or_default();
                let code = memchr::memmem::find(rest, right).unwrap_or(rest.len());
                size = size.saturating_add(code.saturating_mul(CODE).saturating_add(ACTION));
                rest = rest.get(code..).unwrap_or_default();
            }
        }
        size
    }
}

/// Creates a template from named sources. The first one is rendered by default.
fn make(sources: Vec<(String, Vec<u8>)>, settings: Settings) -> Result<Template, String> {
    let mut template: Option<Template> = None;
    for (name, source) in sources {
        let source =
            String::from_utf8(source).map_err(|_| format!("template: {name}: invalid UTF-8"))?;
        let delimiters = settings.delimiters.as_ref().map(|(left, right)| (&left[..], &right[..]));
        syntax::check(&name, &source, delimiters)?;
        template = Some(match template {
            None => {
                let mut first = computed::with_functions(Template::new(&name));
                first = first.missing_key(settings.missing);
                if let Some((left, right)) = &settings.delimiters {
                    first = first.delims(left, right);
                }
                first.parse(&source).map_err(|error| error.to_string())?
            }
            Some(whole) => add(whole, &name, &source, &settings)?,
        });
    }
    let template = template.ok_or("no template")?;
    nesting::check(&template)?;
    Ok(template)
}

/// Adds a source, and the templates that it defines, to a template.
fn add(
    mut whole: Template,
    name: &str,
    source: &str,
    settings: &Settings,
) -> Result<Template, String> {
    let mut part = gotmpl::Template::new(name);
    if let Some((left, right)) = &settings.delimiters {
        part = part.delims(left, right);
    }
    let part = part.parse(source).map_err(|error| error.to_string())?;
    for name in part.templates() {
        if let Some(tree) = part.lookup(name) {
            whole = whole.add_parse_tree(name, tree.clone()).map_err(|error| error.to_string())?;
        }
    }
    Ok(whole)
}

/// Ends a native by parsing: the result is the template, or nil and a message.
async fn finish_with_template(
    lua: Lua,
    sources: Vec<(String, Vec<u8>)>,
    settings: Settings,
) -> Result<Finished, Error> {
    let size = settings.size_of(&sources);
    let held = lua.with(|call| call.hold(size))?;
    let parsed = in_pool(move || make(sources, settings)).await;
    drop(held);
    let parsed = parsed.map_err(|error| Error::text(error.to_string()))?;
    lua.finish_with(|call| match parsed {
        Ok(template) => {
            let name = call.string(template.name().as_bytes())?.value();
            let object = object::new(
                call,
                Parsed { template: Arc::new(template), size },
                &METHODS,
                &[("name", name)],
                &[],
            )?;
            Ok(vec![object.value()])
        }
        Err(message) => failure(call, &message),
    })
}

/// `template.parse(text[, options])`: returns a template; nil and a message if it is invalid.
fn parse<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let settings = settings(call, options, 2)?;
    if text.bytes().len() as u64 > MAX_SOURCE {
        return Err(Error::argument(1, format!("text is longer than {} MiB", MAX_SOURCE >> 20)));
    }
    let name = settings.name.clone().unwrap_or_else(|| "template".to_string());
    let sources = vec![(name, copied(call, text)?)];
    Ok(asynchronous::run(move |lua| finish_with_template(lua, sources, settings)))
}

/// Parses files, each a template named after the file without its directory.
async fn parse_paths(
    lua: Lua,
    files: Arc<dyn FileSystem>,
    paths: Vec<PathBuf>,
    settings: Settings,
) -> Result<Finished, Error> {
    let mut sources = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        match solvm_files::read(&lua, files.clone(), path.clone(), MAX_SOURCE).await? {
            Ok(source) => sources.push((name, source)),
            Err(error) => {
                return lua.finish_with(|call| io_failure(call, &error, Some(&path_bytes(path))));
            }
        }
    }
    finish_with_template(lua, sources, settings).await
}

/// `template.parse_file(path[, options])`: parses a file.
fn parse_file<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let settings = settings(call, options, 2)?;
    let (files, paths) = (file_system(call)?, vec![path_of(path.bytes())]);
    Ok(asynchronous::run(move |lua| parse_paths(lua, files, paths, settings)))
}

/// `template.parse_files(path, ...)`: parses several files into one template, in which they can use
/// each other.
fn parse_files<'c>(
    call: &mut Call<'c>,
    arguments: Rest,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let mut values: Vec<Value<'c>> = arguments.values(call).collect();
    let options = match values.last().copied().and_then(Table::from_value) {
        Some(options) if values.len() > 1 => {
            values.pop();
            Some(options)
        }
        _ => None,
    };
    // A list of paths is accepted as well.
    let in_list = match values.first().copied().and_then(Table::from_value) {
        Some(list) => (1..=list.length()).map(|i| list.get(i)).collect(),
        None => values,
    };
    call.charge(in_list.len());
    let settings = settings(call, options, call.argument_count())?;
    let mut paths = Vec::with_capacity(in_list.len());
    for (i, value) in (1..).zip(in_list) {
        let expected = || format!("string expected, got {}", value.type_name());
        let path = LuaString::from_value(value).ok_or_else(expected).and_then(Name::check);
        let path = path.map_err(|text| Error::argument(i, text))?.bytes();
        call.charge(path.len() / 64);
        paths.push(path_of(path));
    }
    if paths.is_empty() {
        return Err(Error::argument(1, "at least one path expected"));
    }
    let files = file_system(call)?;
    Ok(asynchronous::run(move |lua| parse_paths(lua, files, paths, settings)))
}

/// `template.parse_glob(pattern[, options])`: parses the files that match into one template.
fn parse_glob<'c>(
    call: &mut Call<'c>,
    pattern: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let settings = settings(call, options, 2)?;
    let text = std::str::from_utf8(pattern.bytes())
        .map_err(|_| Error::argument(1, "pattern is not valid UTF-8"))?;
    let pattern = Pattern::parse(text)
        .map_err(|reason| Error::argument(1, format!("pattern '{text}': {reason}")))?;
    let (files, text) = (file_system(call)?, text.to_owned());
    Ok(asynchronous::run(move |lua| async move {
        match solvm_files::find(&lua, files.clone(), &text, pattern).await? {
            Ok(paths) if paths.is_empty() => {
                lua.finish_with(|call| failure(call, &format!("{text}: no file matches")))
            }
            Ok(paths) => parse_paths(lua, files, paths, settings).await,
            Err(error) => lua.finish_with(|call| io_failure(call, &error, Some(text.as_bytes()))),
        }
    }))
}

/// The output, with a limit.
struct Output {
    text: String,
    limit: usize,
    held: Held,
    /// Whether the memory limit was reached.
    is_refused: bool,
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let length = self.text.len().saturating_add(text.len());
        self.is_refused = length <= self.limit && self.held.grow_to(length).is_err();
        if length > self.limit || self.is_refused {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

/// Why rendering failed.
enum RenderError {
    Reason(String),
    NoMemory,
}

/// Renders a template with the value in a slot: the result is the output, or nil and a message.
async fn fill(
    lua: Lua,
    template: Arc<Template>,
    name: Option<String>,
    value: Slot,
) -> Result<Finished, Error> {
    let mut writer = ValueWriter::default();
    let mut open = None;
    let mut held = lua.with(|call| call.account().hold_nothing());
    loop {
        let progress = lua.get(value, |call, value| {
            let mut walker = match open.take() {
                Some(open) => Walker::resume(call, open),
                None => Walker::new(call, value, &mut writer)?,
            };
            let progress = walker.walk(call, &mut writer)?;
            let (now_open, kept) = walker.suspend();
            open = Some(now_open);
            // It is copied here, and again when the walk continues.
            call.charge(kept.len());
            call.keep_only(kept);
            Ok::<_, Error>(progress)
        })?;
        // The value is outside the heap.
        held.set_existing(writer.written());
        match progress {
            Progress::Finished => break,
            Progress::Paused => yield_once().await,
        }
    }
    // So is the output, which exists twice at the end.
    let room = lua.with(|call| call.memory_room()) / 2;
    let of_text = lua.with(|call| call.account().hold_nothing());
    let of_computed = lua.with(|call| call.account().hold_nothing());
    let (value, escaping) = writer.finish();
    let filled = in_pool(move || {
        let _held = held;
        let limit = room.min(MAX_OUTPUT);
        let mut output = Output { text: String::new(), limit, held: of_text, is_refused: false };
        let result = computed::render(of_computed, escaping, || match name {
            None => template.execute_fmt(&mut output, &value),
            Some(name) => template.execute_template_fmt(&mut output, &name, &value),
        });
        match result {
            Ok(Ok(())) => Ok(output.text),
            Err(OutOfMemory) => Err(RenderError::NoMemory),
            Ok(Err(gotmpl::TemplateError::Write)) if output.is_refused || room < MAX_OUTPUT => {
                Err(RenderError::NoMemory)
            }
            Ok(Err(gotmpl::TemplateError::Write)) => {
                Err(RenderError::Reason(format!("output is larger than {} MiB", MAX_OUTPUT >> 20)))
            }
            Ok(Err(error)) => Err(RenderError::Reason(error.to_string())),
        }
    });
    let filled = filled.await.map_err(|error| Error::text(error.to_string()))?;
    lua.finish_with(|call| match filled {
        Ok(text) => Ok(vec![call.string(text.as_bytes())?.value()]),
        Err(RenderError::Reason(message)) => failure(call, &message),
        Err(RenderError::NoMemory) => Err(Error::out_of_memory()),
    })
}

/// Returns the index of a method's argument after the object that a colon adds.
fn method_argument<'c>(call: &Call<'c>, object: Userdata<'c>, index: usize) -> Slot {
    let has_colon = call.argument(0).is_some_and(|first| first.raw_equal(object.value()));
    Slot::argument(index.saturating_add(usize::from(has_colon)))
}

/// `Template:execute([data])`: renders the template.
fn execute<'c>(
    call: &mut Call<'c>,
    this: This<'c, Parsed>,
    _data: Option<Value<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let (template, data) = (this.template.clone(), method_argument(call, this.object, 0));
    Ok(asynchronous::run(move |lua| fill(lua, template, None, data)))
}

/// `Template:execute_template(name[, data])`: renders one of the defined templates.
fn execute_template<'c>(
    call: &mut Call<'c>,
    this: This<'c, Parsed>,
    name: Name<'c>,
    _data: Option<Value<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let name = String::from_utf8_lossy(name.bytes()).into_owned();
    let (template, data) = (this.template.clone(), method_argument(call, this.object, 1));
    Ok(asynchronous::run(move |lua| fill(lua, template, Some(name), data)))
}

/// `Template:templates()`: returns the sorted names of the defined templates.
fn templates<'c>(call: &mut Call<'c>, this: This<'c, Parsed>) -> Result<Table<'c>, Error> {
    let mut names = this.template.templates();
    names.sort_unstable();
    let table = call.table(names.len(), 0)?;
    for (i, name) in (1..).zip(names) {
        let name = call.string(name.as_bytes())?;
        table.set_index(call, i, name.value())?;
    }
    Ok(table)
}

/// Creates a string that is not escaped in a matching context.
fn trusted<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    kind: SafeKind,
) -> Result<Userdata<'c>, Error> {
    let text = std::str::from_utf8(text.bytes())
        .map_err(|_| Error::argument(1, "text is not valid UTF-8"))?;
    call.check_memory(text.len())?;
    Ok(call.userdata(Trusted { kind, text: text.into() }, None))
}

/// Defines functions that create trusted strings.
macro_rules! trusting {
    ($($(#[$about:meta])* $name:ident $kind:ident;)*) => { $(
        $(#[$about])*
        fn $name<'c>(call: &mut Call<'c>, text: LuaString<'c>) -> Result<Userdata<'c>, Error> {
            trusted(call, text, SafeKind::$kind)
        }
    )* };
}

trusting! {
    /// `template.attribute(text)`: attributes with their values.
    attribute HtmlAttr;
    /// `template.css(text)`: style sheets and parts of them.
    css Css;
    /// `template.html(text)`: parts of HTML documents.
    html Html;
    /// `template.js(text)`: JavaScript expressions.
    js Js;
    /// `template.js_string(text)`: the contents of a JavaScript string literal.
    js_string JsStr;
    /// `template.srcset(text)`: values of the attribute `srcset`.
    srcset Srcset;
    /// `template.url(text)`: URLs.
    url Url;
}
