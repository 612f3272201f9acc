//! Open files as userdata, and how natives use them without holding up other goroutines.
//!
//! A file is locked while it is used. What is quick happens inline; what may wait for somebody
//! else, or takes long, happens on the blocking pool with the lock held, and goroutines that want
//! the same file wait for the lock.

use super::buffered::{BUFFERS_SIZE, Buffered};
use super::read::{Progress, Reading};
use crate::host::{Host, Service};
use crate::pool::{Work, in_pool_as};
use crate::results::later;
use solvm_vm::native::{Either, FromLua, Results, asynchronous};
use solvm_vm::{Call, Data, Error, Table, Userdata, Value};
use std::cell::Cell;
use std::io;
use std::sync::{Arc, Weak};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How often a read may ask a stream inline.
const QUICK: usize = 8;
/// How often it may ask on the pool, until the memory limit is looked at.
const SLICE: usize = 64;

/// A file, as the data of a userdata.
pub(super) struct File {
    kind: Kind,
    closed: Cell<bool>,
    /// One of the three that are open from the start: it cannot be closed.
    standard: bool,
}

enum Kind {
    /// Standard output, which the world buffers.
    Output,
    Stream(Shared),
}

pub(super) type Shared = Arc<Mutex<Buffered>>;

/// What the system and the tables of open files have of a file.
const FILE_SIZE: usize = 512;

impl Data for File {
    fn external_size(&self) -> usize {
        match &self.kind {
            Kind::Stream(_) if !self.is_closed() => FILE_SIZE + BUFFERS_SIZE,
            _ => FILE_SIZE,
        }
    }
}

/// The files that are open, so that what they buffer can be passed on at the end of the program.
#[derive(Default)]
pub(crate) struct OpenFiles {
    files: Vec<Weak<Mutex<Buffered>>>,
    /// When to look for closed ones.
    limit: usize,
}

impl OpenFiles {
    fn add(&mut self, file: &Shared) {
        if self.files.len() >= self.limit {
            self.files.retain(|file| file.strong_count() > 0);
            self.limit = (self.files.len() * 2).max(64);
        }
        self.files.push(Arc::downgrade(file));
    }

    /// Passes on what they buffer, but for those in use; and for those that may wait, unless there
    /// is time for it.
    pub(crate) fn flush(&mut self, patiently: bool) {
        for file in self.files.iter().filter_map(Weak::upgrade) {
            if let Ok(mut file) = file.try_lock()
                && (patiently || !file.waits())
            {
                // Nobody is left to tell about failures.
                let _ = file.flush();
            }
        }
    }
}

impl File {
    /// Standard output.
    pub(super) fn output() -> File {
        File { kind: Kind::Output, closed: Cell::new(false), standard: true }
    }

    /// A file that is listed among the open ones.
    pub(super) fn new(call: &mut Call, file: Buffered, standard: bool) -> File {
        let shared = Arc::new(Mutex::new(file));
        if let Some(host) = call.host::<Host>() {
            host.state::<OpenFiles>().add(&shared);
        }
        File { kind: Kind::Stream(shared), closed: Cell::new(false), standard }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    pub(super) fn is_standard(&self) -> bool {
        self.standard
    }

    /// From now on it counts as closed, even if closing it still takes a while.
    pub(super) fn set_closed(&self) {
        self.closed.set(true);
    }

    /// The stream; None for standard output.
    pub(super) fn stream(&self) -> Option<&Shared> {
        match &self.kind {
            Kind::Output => None,
            Kind::Stream(shared) => Some(shared),
        }
    }
}

/// An argument that is a file, open or closed.
#[derive(Clone, Copy)]
pub(crate) struct AnyFile<'c> {
    pub(super) userdata: Userdata<'c>,
    pub(super) file: &'c File,
}

impl<'c> AnyFile<'c> {
    pub(super) fn from_value(value: Value<'c>) -> Option<Self> {
        let userdata = Userdata::from_value(value)?;
        Some(AnyFile { userdata, file: userdata.get::<File>()? })
    }

    /// An error if it is closed.
    pub(crate) fn check_open(self) -> Result<(), Error> {
        self.open().map(drop)
    }

    /// The file, if it is open.
    pub(super) fn open(self) -> Result<&'c File, Error> {
        if self.file.is_closed() {
            Err(Error::text("attempt to use a closed file"))
        } else {
            Ok(self.file)
        }
    }
}

impl FromLua for AnyFile<'_> {
    type Item<'c> = AnyFile<'c>;
    const EXPECTED: &'static str = "FILE*";

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<AnyFile<'c>> {
        AnyFile::from_value(value)
    }
}

/// The key of the files' metatable in the registry.
pub(super) const METATABLE: &str = "FILE*";

/// A userdata for a file.
pub(super) fn userdata<'c>(call: &mut Call<'c>, file: File) -> Result<Userdata<'c>, Error> {
    let key = call.string(METATABLE.as_bytes())?;
    let metatable = Table::from_value(call.registry().get(key));
    Ok(call.userdata(file, metatable))
}

/// What use of a file is for the pool.
fn kind_of(file: &Buffered) -> Work {
    if file.may_wait() { Work::Waiting } else { Work::Finite }
}

/// Does `work` on a file: inline if it is `quick`, otherwise on the blocking pool.
pub(super) fn perform<'c, T, W, C>(
    call: &mut Call<'c>,
    shared: &Shared,
    quick: fn(&Buffered) -> bool,
    work: W,
    convert: C,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c, T, W, C>>, Error>
where
    T: Send + 'static,
    W: FnOnce(&mut Buffered) -> io::Result<T> + Send + 'static,
    C: for<'a> FnOnce(&mut Call<'a>, io::Result<T>) -> Result<Vec<Value<'a>>, Error> + 'static,
{
    if let Ok(mut file) = shared.try_lock()
        && quick(&file)
    {
        let result = work(&mut file);
        return Ok(Either::Now(convert(call, result)?));
    }
    let shared = shared.clone();
    let future = async move {
        let mut file = shared.lock_owned().await;
        in_pool_as(kind_of(&file), move || work(&mut file)).await?
    };
    Ok(Either::Later(later(future, convert)))
}

/// Reads from a file; `convert` makes the results out of what was found.
pub(super) fn read<'c, C>(
    call: &mut Call<'c>,
    shared: &Shared,
    mut reading: Reading,
    convert: C,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c, C>>, Error>
where
    C: for<'a> FnOnce(&mut Call<'a>, io::Result<Reading>) -> Result<Vec<Value<'a>>, Error>
        + 'static,
{
    if let Ok(mut file) = shared.try_lock() {
        // What was read would be lost if there were no memory for the results.
        call.check_memory(2 * (QUICK + 1) * BUFFERS_SIZE)?;
        let allowed = if file.waits() { 0 } else { QUICK };
        if allowed > 0 && file.unread().is_empty() {
            call.charge_for_system_call();
        }
        match file.read(&mut reading, allowed) {
            Ok(Progress::Done) => return Ok(Either::Now(convert(call, Ok(reading))?)),
            Ok(Progress::More) => {}
            Err(error) => return Ok(Either::Now(convert(call, Err(error))?)),
        }
    }
    let shared = shared.clone();
    Ok(Either::Later(asynchronous::run(move |lua| async move {
        let mut file = shared.lock_owned().await;
        let is_terminal = file.is_terminal();
        let _pause = is_terminal.then(|| {
            lua.with(|call| call.host::<Host>().map(|host| host.deadline.pause_timeout()))
        });
        let mut held = lua.with(|call| call.account().hold_nothing());
        let result = loop {
            match read_slice(file, reading).await {
                Ok((Progress::Done, _, reading)) => break Ok(reading),
                Ok((Progress::More, same_file, same_reading)) => {
                    (file, reading) = (same_file, same_reading)
                }
                Err(error) => break Err(error),
            }
            held.grow_to(reading.size())?;
        };
        // Now strings take its place.
        drop(held);
        lua.finish_with(|call| convert(call, result))
    })))
}

/// A part of a reading, on the blocking pool.
async fn read_slice(
    mut file: OwnedMutexGuard<Buffered>,
    mut reading: Reading,
) -> io::Result<(Progress, OwnedMutexGuard<Buffered>, Reading)> {
    in_pool_as(kind_of(&file), move || {
        let progress = file.read(&mut reading, SLICE)?;
        Ok((progress, file, reading))
    })
    .await?
}

/// The open files, as the executor sees them.
pub(crate) struct OpenFilesService;

impl Service for OpenFilesService {
    fn flush(&self, host: &mut Host) {
        host.state::<OpenFiles>().flush(false);
    }
}
