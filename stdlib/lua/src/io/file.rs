//! Open files as userdata, used by natives without blocking other goroutines.
//!
//! A file is locked while it is in use. Quick operations run inline; those that may block or take
//! long run on the blocking pool with the lock held, and goroutines that use the same file wait for
//! the lock.

use super::buffered::{Buffered, CHUNK};
use super::read::{Progress, Reading};
use solvm_runtime::host::{Host, Service};
use solvm_runtime::pool::{Work, in_pool_as};
use solvm_runtime::results::later;
use solvm_vm::native::{Either, FromLua, Results, asynchronous};
use solvm_vm::{Call, Data, Error, Table, Userdata, Value};
use std::cell::Cell;
use std::io;
use std::sync::{Arc, Weak};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Maximum number of reads from a stream inline.
const INLINE_READS: usize = 8;
/// Number of reads on the pool between two checks of the memory limit.
const READS_PER_CHECK: usize = 64;

/// A file, the data of a userdata.
pub(super) struct File {
    kind: Kind,
    closed: Cell<bool>,
    /// Whether it is one of the three standard files, which cannot be closed.
    standard: bool,
    /// Memory for its buffers.
    buffers_size: Cell<usize>,
    is_terminal: bool,
}

enum Kind {
    /// Standard output, which is buffered by the world.
    Output,
    Stream(Shared),
}

pub(super) type Shared = Arc<Mutex<Buffered>>;

/// Memory of the OS and of the tables of open files for a file.
const FILE_SIZE: usize = 512;

impl Data for File {
    fn external_size(&self) -> usize {
        match &self.kind {
            Kind::Stream(_) if !self.is_closed() => FILE_SIZE + self.buffers_size.get(),
            _ => FILE_SIZE,
        }
    }
}

/// The open files, whose output is flushed at the end of the program.
#[derive(Default)]
pub struct OpenFiles {
    files: Vec<Weak<Mutex<Buffered>>>,
    /// The number of entries at which closed files are removed.
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

    /// Flushes their output, except for files in use, and for files that may block unless
    /// `patiently` is set.
    pub(crate) fn flush(&mut self, patiently: bool) {
        for file in self.files.iter().filter_map(Weak::upgrade) {
            if let Ok(mut file) = file.try_lock()
                && (patiently || !file.waits())
            {
                // Failures cannot be reported any more.
                let _ = file.flush();
            }
        }
    }
}

impl File {
    /// Returns standard output.
    pub(super) fn output() -> File {
        File {
            kind: Kind::Output,
            closed: Cell::new(false),
            standard: true,
            buffers_size: Cell::new(0),
            is_terminal: false,
        }
    }

    /// Creates a file and adds it to the open ones.
    pub(super) fn new(call: &mut Call, file: Buffered, standard: bool) -> File {
        let buffers_size = Cell::new(file.buffers_size());
        let is_terminal = file.is_terminal();
        let shared = Arc::new(Mutex::new(file));
        if let Some(host) = call.host::<Host>() {
            host.state::<OpenFiles>().add(&shared);
        }
        File {
            kind: Kind::Stream(shared),
            closed: Cell::new(false),
            standard,
            buffers_size,
            is_terminal,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    pub(super) fn is_standard(&self) -> bool {
        self.standard
    }

    /// Marks the file as closed, even if closing it is still in progress.
    pub(super) fn set_closed(&self) {
        self.closed.set(true);
    }

    /// Sets the memory for its buffers, which the caller counts again.
    pub(super) fn set_buffers_size(&self, size: usize) {
        self.buffers_size.set(size);
    }

    /// Returns the stream; None for standard output.
    pub(super) fn stream(&self) -> Option<&Shared> {
        match &self.kind {
            Kind::Output => None,
            Kind::Stream(shared) => Some(shared),
        }
    }
}

/// A file as an argument, open or closed.
#[derive(Clone, Copy)]
pub struct AnyFile<'c> {
    pub(super) userdata: Userdata<'c>,
    pub(super) file: &'c File,
}

impl<'c> AnyFile<'c> {
    pub(super) fn from_value(value: Value<'c>) -> Option<Self> {
        let userdata = Userdata::from_value(value)?;
        Some(AnyFile { userdata, file: userdata.get::<File>()? })
    }

    /// Fails if it is closed.
    pub fn check_open(self) -> Result<(), Error> {
        self.open().map(drop)
    }

    /// Whether it is a terminal.
    pub fn is_terminal(self, call: &mut Call) -> bool {
        match &self.file.kind {
            Kind::Output => {
                call.host::<Host>().is_some_and(|host| host.world.system().is_terminal(1))
            }
            Kind::Stream(_) => self.file.is_terminal,
        }
    }

    /// Returns the file if it is open.
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

/// The registry key of the files' metatable.
pub(super) const METATABLE: &str = "FILE*";

/// Creates the userdata of a file.
pub(super) fn userdata<'c>(call: &mut Call<'c>, file: File) -> Result<Userdata<'c>, Error> {
    let key = call.string(METATABLE.as_bytes())?;
    let metatable = Table::from_value(call.registry().get(key));
    Ok(call.userdata(file, metatable))
}

/// Returns the kind of work that operations on a file are for the pool.
fn kind_of(file: &Buffered) -> Work {
    if file.may_wait() { Work::Waiting } else { Work::Finite }
}

/// Runs `work` on a file: inline if it is `quick`, otherwise on the blocking pool.
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

/// Reads from a file; `convert` creates the results.
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
        // The data would be lost if there were no memory for the results.
        call.check_memory(2 * (INLINE_READS + 1) * CHUNK)?;
        let allowed = if file.waits() { 0 } else { INLINE_READS };
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
        // It is now in strings.
        drop(held);
        lua.finish_with(|call| convert(call, result))
    })))
}

/// Runs a part of a read on the blocking pool.
async fn read_slice(
    mut file: OwnedMutexGuard<Buffered>,
    mut reading: Reading,
) -> io::Result<(Progress, OwnedMutexGuard<Buffered>, Reading)> {
    in_pool_as(kind_of(&file), move || {
        let progress = file.read(&mut reading, READS_PER_CHECK)?;
        Ok((progress, file, reading))
    })
    .await?
}

/// The open files as a service of the executor.
pub struct OpenFilesService;

impl Service for OpenFilesService {
    fn flush(&self, host: &mut Host) {
        host.state::<OpenFiles>().flush(false);
    }
}
