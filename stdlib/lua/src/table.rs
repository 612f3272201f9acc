//! `table` (manual, section 5.5), with `pack`, `unpack` and `move` from later versions.

use crate::base;
use solvm_runtime::buffer::with_room;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{
    BYTES_PER_UNIT, Either, Library, Param, Rest, Start, StartWith, Step, Steps, Wanted,
};
use solvm_vm::number::NumberText;
use solvm_vm::{Call, Error, Function, LuaString, Table, Value, messages};

/// The library `table`.
pub static LIBRARY: Library = solvm_vm::library!("table" {
    "concat" => concat,
    "foreach" => for_each,
    "foreachi" => for_each_index,
    "getn" => get_n,
    "insert" => insert,
    "maxn" => max_n,
    "move" => move_values,
    "pack" => pack,
    "remove" => remove,
    "setn" => set_n,
    "sort" => sort,
    "unpack" => base::unpack,
});

fn index<'c>(i: usize) -> Value<'c> {
    Value::number(i as f64)
}

/// `table.concat(table[, separator[, first[, last]]])`
fn concat(call: &mut Call, _arguments: Rest) -> Result<Vec<u8>, Error> {
    // PUC Lua checks the separator first.
    let separator = <Option<LuaString> as Param>::take(call, &mut 1)?;
    let table = <Table as Param>::take(call, &mut 0)?;
    let first = <Option<Truncated> as Param>::take(call, &mut 2)?;
    let last = <Option<Truncated> as Param>::take(call, &mut 3)?;
    let separator = separator.map_or(&b""[..], LuaString::bytes);
    let first = first.map_or(1, i64::from);
    let last = last.map_or_else(|| table.length() as i64, i64::from);
    let element = |i: i64| match usize::try_from(i) {
        Ok(index) => table.get(index),
        Err(_) => table.get(Value::number(i as f64)),
    };
    // The length is computed first, so that the buffer never has to be moved.
    let mut length: usize = 0;
    for i in first..=last {
        let value = element(i);
        let piece = match LuaString::from_value(value) {
            Some(piece) => piece.bytes().len(),
            None if value.as_number().is_some() => NumberText::LONGEST,
            None => {
                let text = format!(
                    "invalid value ({}) at index {i} in table for 'concat'",
                    value.type_name()
                );
                return Err(Error::text(text));
            }
        };
        length = length.saturating_add(piece).saturating_add(separator.len());
        call.charge(1);
    }
    let mut text = with_room(call, length)?;
    for i in first..=last {
        let value = element(i);
        match LuaString::from_value(value) {
            Some(piece) => text.extend_from_slice(piece.bytes()),
            None => text.extend_from_slice(&NumberText::new(value.as_number().unwrap_or(0.0))),
        }
        if i < last {
            text.extend_from_slice(separator);
        }
    }
    Ok(text)
}

fn get_n<'c>(_: &mut Call<'c>, table: Table<'c>) -> usize {
    table.length()
}

fn set_n<'c>(_: &mut Call<'c>, _table: Table<'c>) -> Result<(), Error> {
    Err(Error::text("'setn' is obsolete"))
}

fn max_n<'c>(call: &mut Call<'c>, table: Table<'c>) -> f64 {
    call.charge(table.capacity() / 8);
    table.pairs().filter_map(|(key, _)| key.as_number()).fold(0.0, f64::max)
}

/// Inserts a value at the end, or at a position, shifting the values from there up.
fn insert<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    _rest: Rest,
) -> Result<Either<(), Start<Shift>>, Error> {
    let length = table.length();
    match call.argument_count() {
        2 => {
            let value = call.argument(1).unwrap_or(Value::NIL);
            table.set_index(call, length + 1, value).map(Either::Now)
        }
        3 => {
            let at = call.argument(1).unwrap_or(Value::NIL);
            let Some(at) = at.to_number() else {
                return Err(Error::argument(2, format!("number expected, got {}", at.type_name())));
            };
            let value = call.argument(2).unwrap_or(Value::NIL);
            let at = at as i64;
            if (1..=length as i64 + 1).contains(&at) {
                call.charge((length + 1 - at as usize) / 32);
                return table.insert(call, at as usize, length, value).map(Either::Now);
            }
            if at > length as i64 {
                return table.set(call, Value::number(at as f64), value).map(Either::Now);
            }
            Ok(Either::Later(Start::new(Shift { at, next: length as i64 + 1 })))
        }
        _ => Err(Error::text(call.word(messages::WRONG_NUMBER_TO_INSERT))),
    }
}

/// Entries that are moved between two checks of the budget.
const MOVES_PER_CHECK: i64 = 64;
/// Units charged for moving an entry between arbitrary keys.
const UNITS_PER_MOVE: usize = 4;

/// An insertion below the sequence: PUC Lua shifts position by position.
struct Shift {
    at: i64,
    /// The target of the next entry.
    next: i64,
}

impl Steps for Shift {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let Some(table) = call.argument(0).and_then(Table::from_value) else {
            return call.finish(());
        };
        loop {
            for _ in 0..MOVES_PER_CHECK {
                if self.next <= self.at {
                    let value = call.argument(2).unwrap_or(Value::NIL);
                    table.set(call, Value::number(self.at as f64), value)?;
                    return call.finish(());
                }
                let moved = table.get(Value::number((self.next - 1) as f64));
                table.set(call, Value::number(self.next as f64), moved)?;
                self.next -= 1;
            }
            if !call.charge(MOVES_PER_CHECK as usize * UNITS_PER_MOVE) {
                return call.again();
            }
        }
    }
}

fn remove<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    at: Option<Truncated>,
) -> Result<Either<Value<'c>, ()>, Error> {
    let length = table.length() as i64;
    let at = at.map_or(length, i64::from);
    if !(1..=length).contains(&at) {
        return Ok(Either::Later(()));
    }
    call.charge((length - at) as usize / 32);
    Ok(Either::Now(table.remove(call, at as usize, length as usize)?))
}

fn pack<'c>(call: &mut Call<'c>, values: Rest) -> Result<Table<'c>, Error> {
    let values: Vec<Value<'c>> = values.values(call).collect();
    let table = call.table(values.len(), 1)?;
    for (i, value) in values.iter().enumerate() {
        table.set_index(call, i + 1, *value)?;
    }
    table.set_field(call, "n", values.len())?;
    Ok(table)
}

fn move_values<'c>(
    call: &mut Call<'c>,
    from: Table<'c>,
    first: f64,
    last: f64,
    target: f64,
    // The fifth parameter is optional and read separately.
) -> Result<Either<Table<'c>, Start<Moving>>, Error> {
    let to = match call.argument(4) {
        None => from,
        Some(value) if value.is_nil() => from,
        Some(value) => Table::from_value(value).ok_or_else(|| {
            Error::argument(5, format!("table expected, got {}", value.type_name()))
        })?,
    };
    let count = last - first + 1.0;
    if count > 1e9 {
        return Err(Error::argument(3, "too many elements to move"));
    }
    // Overlapping moves upwards start at the end, so that no value is overwritten before it is
    // read.
    let is_backwards = target > first && target <= last && to == from;
    let mut moving = Moving { first, target, done: 0, count: count as i64, is_backwards };
    if moving.advance(call, from, to)? {
        return Ok(Either::Now(to));
    }
    Ok(Either::Later(Start::new(moving)))
}

/// `table.move` in progress.
struct Moving {
    first: f64,
    target: f64,
    done: i64,
    count: i64,
    is_backwards: bool,
}

impl Moving {
    /// Moves entries until the end or until the budget is used up. Returns true at the end.
    fn advance<'c>(
        &mut self,
        call: &mut Call<'c>,
        from: Table<'c>,
        to: Table<'c>,
    ) -> Result<bool, Error> {
        loop {
            let end = self.count.min(self.done + MOVES_PER_CHECK);
            let units = (end - self.done).max(0) as usize * UNITS_PER_MOVE;
            while self.done < end {
                let i = if self.is_backwards { self.count - 1 - self.done } else { self.done };
                let value = from.get(Value::number(self.first + i as f64));
                to.set(call, Value::number(self.target + i as f64), value)?;
                self.done += 1;
            }
            let has_budget = call.charge(units);
            if self.done >= self.count {
                return Ok(true);
            }
            if !has_budget {
                return Ok(false);
            }
        }
    }
}

impl Steps for Moving {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let table = |call: &mut Call<'c>, index| call.argument(index).and_then(Table::from_value);
        let Some(from) = table(call, 0) else { return call.finish(()) };
        let to = table(call, 4).unwrap_or(from);
        if self.advance(call, from, to)? { call.finish(to) } else { call.again() }
    }
}

fn for_each<'c>(
    _: &mut Call<'c>,
    _table: Table<'c>,
    _function: Function<'c>,
) -> StartWith<'c, ForEach> {
    Start::new(ForEach { is_first: true }).keep(Value::NIL)
}

struct ForEach {
    is_first: bool,
}

impl Steps for ForEach {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if !std::mem::replace(&mut self.is_first, false) {
            let result = call.returned(0);
            if !result.is_nil() {
                return call.finish(result);
            }
        }
        let Some(table) = call.argument(0).and_then(Table::from_value) else {
            return call.finish(());
        };
        let function = call.argument(1).unwrap_or(Value::NIL);
        let last = call.kept(0);
        match table.next(call, last)? {
            Some((key, value)) => {
                call.set_kept(0, key);
                call.call(function, &[key, value], Wanted::One)
            }
            None => call.finish(()),
        }
    }
}

fn for_each_index<'c>(
    _: &mut Call<'c>,
    table: Table<'c>,
    _function: Function<'c>,
) -> Start<ForEachIndex> {
    Start::new(ForEachIndex { next: 1, length: table.length() })
}

struct ForEachIndex {
    next: usize,
    length: usize,
}

impl Steps for ForEachIndex {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if self.next > 1 {
            let result = call.returned(0);
            if !result.is_nil() {
                return call.finish(result);
            }
        }
        let Some(table) = call.argument(0).and_then(Table::from_value) else {
            return call.finish(());
        };
        let function = call.argument(1).unwrap_or(Value::NIL);
        let i = self.next;
        if i > self.length {
            return call.finish(());
        }
        self.next += 1;
        let value = table.get(i);
        call.call(function, &[index(i), value], Wanted::One)
    }
}

/// Values of a list that are copied per unit of the budget.
const VALUES_COPIED_PER_UNIT: usize = 4;

fn sort<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    less: Option<Function<'c>>,
) -> Result<Either<StartWith<'c, SortWithComparator>, StartWith<'c, Sort>>, Error> {
    let length = table.length();
    call.check_memory(length.saturating_mul(16))?;
    call.charge(length / VALUES_COPIED_PER_UNIT);
    // The values are sorted in a copy, so that a comparator that changes the table has no effect on
    // the result.
    let values = (0..2).flat_map(|_| (1..=length).map(|i| table.get(i)));
    let merge = Merge::new(length);
    Ok(match less {
        Some(_) => Either::Now(Start::new(SortWithComparator(merge)).keep_all(values)),
        None => Either::Later(Start::new(Sort(merge)).keep_all(values)),
    })
}

/// A merge sort between two halves of the kept values, both of which initially hold all values. It
/// is stable and needs at most n log2 n comparisons, whatever the comparator returns.
///
/// Two runs of the same width are merged from one half into the other as soon as both exist: most
/// of their values were touched recently and are in the cache. Runs of width 1 are in the first
/// half, of width 2 in the second, of width 4 in the first.
struct Merge {
    length: usize,
    /// The start of the half to read: 0 or `length`.
    source: usize,
    /// The length of the sorted runs, a power of two.
    width: usize,
    /// The current two runs, `left..middle` and `right..end`, and the target of the next value.
    left: usize,
    middle: usize,
    right: usize,
    end: usize,
    out: usize,
    /// Whether a comparison of `right` with `left` was requested.
    is_pending: bool,
}

impl Merge {
    fn new(length: usize) -> Self {
        let mut merge = Merge {
            length,
            source: 0,
            width: 1,
            left: 0,
            middle: 0,
            right: 0,
            end: 0,
            out: 0,
            is_pending: false,
        };
        merge.span(0);
        merge
    }

    /// Selects the two runs that start at `start`.
    fn span(&mut self, start: usize) {
        self.left = start;
        self.middle = (start + self.width).min(self.length);
        self.right = self.middle;
        self.end = (start + 2 * self.width).min(self.length);
        self.out = start;
    }

    fn take<'c>(&mut self, values: &mut [Value<'c>], from_right: bool) {
        let from = if from_right { &mut self.right } else { &mut self.left };
        let target = self.length - self.source;
        values[target + self.out] = values[self.source + *from];
        *from += 1;
        self.out += 1;
    }

    /// Applies the result of the requested comparison.
    #[inline(always)]
    fn apply<'c>(&mut self, values: &mut [Value<'c>], from_right: bool) {
        if std::mem::replace(&mut self.is_pending, false) {
            self.take(values, from_right);
        }
    }

    /// Merges until a comparison is needed, and returns the values to compare. None when everything
    /// is sorted.
    #[inline(always)]
    fn next_pair<'c>(&mut self, values: &mut [Value<'c>]) -> Option<(Value<'c>, Value<'c>)> {
        if (self.left == self.middle || self.right == self.end) && !self.next_runs(values) {
            return None;
        }
        Some((values[self.source + self.right], values[self.source + self.left]))
    }

    /// Continues with the next two runs that both have values, after one of the current ones has
    /// ended. False when everything is sorted.
    fn next_runs(&mut self, values: &mut [Value<'_>]) -> bool {
        while self.left == self.middle || self.right == self.end {
            let target = self.length - self.source;
            let rest =
                if self.left < self.middle { self.left..self.middle } else { self.right..self.end };
            let (from, count) = (self.source + rest.start, rest.len());
            values.copy_within(from..from + count, target + self.out);
            let merged = 2 * self.width;
            // The index of the merged run.
            let index = self.end.saturating_sub(1) / merged;
            if self.end < self.length && index.is_multiple_of(2) {
                // The run has no partner yet.
                (self.source, self.width) = (0, 1);
                self.span(self.end);
                continue;
            }
            (self.source, self.width) = (target, merged);
            if merged >= self.length {
                return false;
            }
            self.span(index / 2 * 2 * merged);
        }
        true
    }

    /// Writes the sorted values to the table.
    #[cold]
    fn store<'c>(&self, call: &mut Call<'c>) -> Result<Step, Error> {
        if let Some(table) = call.argument(0).and_then(Table::from_value) {
            call.charge(self.length / VALUES_COPIED_PER_UNIT);
            for i in 0..self.length {
                let value = call.kept(self.source + i);
                table.set_index(call, i + 1, value)?;
            }
        }
        call.finish(())
    }
}

/// Returns `a < b` for two numbers or two strings, and the cost of the comparison; None if a
/// metamethod decides or the values are not comparable.
fn less<'c>(a: Value<'c>, b: Value<'c>) -> Option<(bool, usize)> {
    if let (Some(a), Some(b)) = (a.as_number(), b.as_number()) {
        return Some((a < b, 1));
    }
    let (a, b) = (LuaString::from_value(a)?, LuaString::from_value(b)?);
    Some((a.is_less(b), 1 + a.bytes().len().min(b.bytes().len()) / BYTES_PER_UNIT))
}

/// A sort with a comparator function.
struct SortWithComparator(Merge);

impl Steps for SortWithComparator {
    #[inline(always)]
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let SortWithComparator(merge) = self;
        let from_right = call.returned(0).is_truthy();
        let values = call.all_kept();
        merge.apply(values, from_right);
        let Some((right, left)) = merge.next_pair(values) else { return merge.store(call) };
        merge.is_pending = true;
        let comparator = call.argument(1).unwrap_or(Value::NIL);
        call.call(comparator, &[right, left], Wanted::One)
    }
}

/// A sort with `<`: numbers and strings are compared without a call, until one is needed or the
/// budget is used up.
struct Sort(Merge);

impl Steps for Sort {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let Sort(merge) = self;
        let started = call.budget().max(1000);
        let mut budget = started;
        let from_right = call.returned(0).is_truthy();
        let values = call.all_kept();
        merge.apply(values, from_right);
        while let Some((right, left)) = merge.next_pair(values) {
            let Some((from_right, cost)) = less(right, left) else {
                merge.is_pending = true;
                call.charge(started - budget);
                return call.call_less_than(right, left);
            };
            merge.take(values, from_right);
            budget = budget.saturating_sub(cost);
            if budget == 0 {
                call.charge(started);
                return call.again();
            }
        }
        call.charge(started - budget);
        merge.store(call)
    }
}
