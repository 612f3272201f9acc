//! `csv`: converts CSV to Lua values and back, in strings and files.

mod read;
mod write;

use super::document::{self, yield_once};
use super::events::Events;
use super::output;
use read::Format;
use solvm_files::file_system;
use solvm_runtime::name::Name;
use solvm_runtime::options::Options;
use solvm_vm::native::asynchronous::{self, Lua, Slot};
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, LuaString, Table};
use write::CsvWriter;

/// The library `csv`.
pub static LIBRARY: Library = solvm_vm::library!("csv" {
    "parse" => parse,
    "read" => read_file,
    "stringify" => stringify,
    "write" => write_file,
});

/// The options of all functions.
const OPTIONS: &[&str] = &["header", "separator"];

/// Returns the field separator.
fn separator<'c>(call: &mut Call<'c>, options: &Options<'c>) -> Result<u8, Error> {
    match options.text(call, "separator")? {
        None => Ok(b','),
        Some(&[byte]) if !matches!(byte, b'"' | b'\r' | b'\n') => Ok(byte),
        Some(_) => {
            Err(options.wrong("separator", "must be one byte other than a quote or line break"))
        }
    }
}

fn format<'c>(call: &mut Call<'c>, options: Option<Table<'c>>) -> Result<Format, Error> {
    let options = Options::new(options, 2, OPTIONS)?;
    let header = options.boolean(call, "header")?.unwrap_or(false);
    Ok(Format { separator: separator(call, &options)?, header })
}

/// `csv.parse(text[, options])`: returns the list of rows; nil and a message if the text is
/// invalid.
fn parse<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let format = format(call, options)?;
    document::decode(call, text, move |text: &[u8], events: &mut Events| {
        read::read(text, format, events)
    })
}

/// `csv.read(path[, options])`: returns the list of a file's rows; nil and a message if it cannot
/// be read.
fn read_file<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let format = format(call, options)?;
    document::decode_file(call, path, move |text: &[u8], events: &mut Events| {
        read::read(text, format, events)
    })
}

/// Creates a writer for rows, with the options in argument `index`.
fn writer<'c>(
    call: &mut Call<'c>,
    rows: Table<'c>,
    options: Option<Table<'c>>,
    index: usize,
) -> Result<CsvWriter, Error> {
    let options = Options::new(options, index, OPTIONS)?;
    let separator = separator(call, &options)?;
    let header = options.get(call, "header")?;
    let columns = match (Table::from_value(header), header.as_boolean()) {
        (Some(list), _) => Some(given_columns(list).ok_or_else(|| wrong_header(&options))?),
        (None, Some(true)) => Some(found_columns(call, rows)),
        (None, Some(false)) => None,
        (None, None) if header.is_nil() => None,
        _ => return Err(wrong_header(&options)),
    };
    Ok(CsvWriter::new(separator, columns))
}

fn wrong_header(options: &Options) -> Error {
    options.wrong("header", "a boolean or a list of strings expected")
}

fn given_columns(list: Table<'_>) -> Option<Vec<Box<[u8]>>> {
    (1..=list.length()).map(|i| Some(LuaString::from_value(list.get(i))?.bytes().into())).collect()
}

/// Returns the sorted names of all fields of all rows.
fn found_columns(call: &mut Call<'_>, rows: Table<'_>) -> Vec<Box<[u8]>> {
    let mut names = std::collections::BTreeSet::new();
    for row in (1..=rows.length()).map_while(|i| Table::from_value(rows.get(i))) {
        call.charge(row.capacity());
        names.extend(row.pairs().filter_map(|(key, _)| Some(LuaString::from_value(key)?.bytes())));
    }
    names.into_iter().map(Into::into).collect()
}

/// Writes a list of rows in slices.
async fn text_of(lua: &Lua, rows: Slot, mut writer: CsvWriter) -> Result<Vec<u8>, Error> {
    loop {
        let is_finished = lua.get(rows, |call, rows| match Table::from_value(rows) {
            Some(rows) => writer.write(call, rows),
            None => Ok(true),
        })?;
        if is_finished {
            return Ok(writer.into_text());
        }
        yield_once().await;
    }
}

/// `csv.stringify(rows[, options])`: returns rows as a string.
fn stringify<'c>(
    call: &mut Call<'c>,
    rows: Table<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let writer = writer(call, rows, options, 2)?;
    Ok(asynchronous::run(move |lua| async move {
        let text = text_of(&lua, Slot::argument(0), writer).await?;
        lua.finish_with(|call| Ok(vec![call.string(&text)?.value()]))
    }))
}

/// `csv.write(path, rows[, options])`: writes rows to a file, atomically.
fn write_file<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    rows: Table<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let writer = writer(call, rows, options, 3)?;
    let files = file_system(call)?;
    let name = path.bytes().to_vec();
    Ok(asynchronous::run(move |lua| async move {
        let text = text_of(&lua, Slot::argument(1), writer).await?;
        output::write_file(lua, files, name, text).await
    }))
}
