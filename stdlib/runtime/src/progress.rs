//! `progress`: progress bars on a terminal.
//!
//! Library functions that may take long use the same means ([`crate::host::Progress`]).

use crate::Host;
use crate::host::{Bar, Progress};
use crate::name::Name;
use crate::object::{self, This};
use crate::options::Options;
use solvm_vm::native::Library;
use solvm_vm::{Call, Error, LuaString, Table, Userdata, Value};

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "progress" => progress,
});

static METHODS: Library = solvm_vm::library!("" {
    "advance" => advance,
    "clear" => clear,
    "finish" => finish,
    "label" => set_label,
    "set" => set,
});

/// Returns the program's progress display.
pub(crate) fn of(call: &mut Call) -> Progress {
    call.host::<Host>().map_or_else(Progress::default, |host| host.world.progress())
}

/// Returns the progress display, disabled if the option `progress` is false. For work of library
/// functions.
pub fn unless_disabled<'c>(call: &mut Call<'c>, options: &Options<'c>) -> Result<Progress, Error> {
    let is_enabled = options.boolean(call, "progress")?.unwrap_or(true);
    Ok(if is_enabled { of(call) } else { Progress::default() })
}

/// `progress([total[, label | options]])`: starts a progress bar.
fn progress<'c>(
    call: &mut Call<'c>,
    total: Option<f64>,
    second: Option<Value<'c>>,
) -> Result<Userdata<'c>, Error> {
    let total = total.map(|total| amount(1, total)).transpose()?;
    if total.is_some_and(|total| total < 0.0) {
        return Err(Error::argument(1, "must not be negative"));
    }
    let second = second.unwrap_or(Value::NIL);
    call.charge_for_string(second);
    let (label, unit) = match (LuaString::from_value(second), Table::from_value(second)) {
        (Some(label), _) => {
            let label = Name::argument(label, 2)?;
            (label.bytes(), &b""[..])
        }
        (None, table) if table.is_some() || second.is_nil() => {
            let options = Options::new(table, 2, &["label", "unit"])?;
            (
                options.text(call, "label")?.unwrap_or_default(),
                options.text(call, "unit")?.unwrap_or_default(),
            )
        }
        _ => {
            return Err(Error::argument(
                2,
                format!("string or table expected, got {}", second.type_name()),
            ));
        }
    };
    let bar =
        of(call).begin(&String::from_utf8_lossy(label), total, &String::from_utf8_lossy(unit));
    object::new(call, bar, &METHODS, &[], &[])
}

/// Checks a number that can be shown.
fn amount(index: usize, number: f64) -> Result<f64, Error> {
    if number.is_finite() {
        Ok(number)
    } else {
        Err(Error::argument(index, "finite number expected"))
    }
}

/// `bar:advance([amount])`: adds to the completed amount.
fn advance<'c>(_: &mut Call<'c>, bar: This<'c, Bar>, more: Option<f64>) -> Result<(), Error> {
    bar.advance(amount(1, more.unwrap_or(1.0))?);
    Ok(())
}

/// `bar:set(done)`: sets the completed amount.
fn set<'c>(_: &mut Call<'c>, bar: This<'c, Bar>, done: f64) -> Result<(), Error> {
    bar.set(amount(1, done)?);
    Ok(())
}

/// `bar:label(text)`: changes the label.
fn set_label<'c>(_: &mut Call<'c>, bar: This<'c, Bar>, label: Name<'c>) {
    bar.set_label(&String::from_utf8_lossy(label.bytes()));
}

/// `bar:finish()`: ends the bar; its last line stays.
fn finish<'c>(_: &mut Call<'c>, bar: This<'c, Bar>) {
    bar.finish();
}

/// `bar:clear()`: ends the bar and removes it.
fn clear<'c>(_: &mut Call<'c>, bar: This<'c, Bar>) {
    bar.clear();
}
