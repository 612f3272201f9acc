//! A world that records and denies all requests: no library bypasses it.
#![cfg(test)]

use solvm::{FileSystem, Network, NetworkUse, Runtime, Sandbox, World};
use solvm_runtime::host::{
    Changed, Child, Deferred, Metadata, Names, OpenMode, OpenStream, Pipe, Replacement, Source,
    Watch,
};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

const ATTEMPTS: &str = include_str!("../../cli/tests/permissions/attempts.lua");

/// The requests of the libraries, and the output of the program, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Event>>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Asked,
    Printed(String),
}

impl Log {
    fn add(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }

    fn ask<T>(&self) -> io::Result<T> {
        self.add(Event::Asked);
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

impl Network for Log {
    fn allow(&self, _: NetworkUse<'_>) -> io::Result<()> {
        self.ask()
    }
}

impl FileSystem for Log {
    fn metadata(&self, _: &Path, _: bool) -> io::Result<Metadata> {
        self.ask()
    }
    fn read_directory(&self, _: &Path) -> io::Result<Names> {
        self.ask()
    }
    fn open(&self, _: &Path) -> io::Result<Box<dyn Source>> {
        self.ask()
    }
    fn open_stream(&self, _: &Path, _: OpenMode) -> Deferred<io::Result<OpenStream>> {
        Deferred::Now(self.ask())
    }
    fn temporary_file(&self) -> io::Result<OpenStream> {
        self.ask()
    }
    fn temporary_name(&self) -> io::Result<PathBuf> {
        self.ask()
    }
    fn append(&self, _: &Path) -> io::Result<Box<dyn Write + Send>> {
        self.ask()
    }
    fn replace(&self, _: &Path, _: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        self.ask()
    }
    fn create_directory(&self, _: &Path) -> io::Result<()> {
        self.ask()
    }
    fn remove(&self, _: &Path) -> io::Result<()> {
        self.ask()
    }
    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        self.ask()
    }
    fn link(&self, _: &Path, _: &Path, _: bool) -> io::Result<()> {
        self.ask()
    }
    fn read_link(&self, _: &Path) -> io::Result<PathBuf> {
        self.ask()
    }
    fn canonical(&self, _: &Path) -> io::Result<PathBuf> {
        self.ask()
    }
    fn set_times(&self, _: &Path, _: f64, _: f64) -> io::Result<()> {
        self.ask()
    }
    fn set_permissions(&self, _: &Path, _: u32) -> io::Result<()> {
        self.ask()
    }
    fn watch(&self, _: &Path, _: Changed) -> io::Result<Watch> {
        self.ask()
    }
    fn working_directory(&self) -> io::Result<PathBuf> {
        self.ask()
    }
    fn set_working_directory(&self, _: &Path) -> io::Result<()> {
        self.ask()
    }
}

struct Denying {
    log: Log,
    clocks: Sandbox,
}

impl World for Denying {
    fn write_output(&mut self, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        text.lines().for_each(|line| self.log.add(Event::Printed(line.into())));
        Ok(())
    }

    fn write_error(&mut self, _: &[u8]) {}

    fn flush_output(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn file_system(&self) -> Arc<dyn FileSystem> {
        Arc::new(self.log.clone())
    }

    fn network(&self) -> Arc<dyn Network> {
        Arc::new(self.log.clone())
    }

    fn has_shell(&mut self) -> bool {
        self.log.add(Event::Asked);
        false
    }

    fn spawn(&mut self, _: &[u8], _: Option<Pipe>) -> io::Result<Child> {
        self.log.ask()
    }

    fn variable(&mut self, _: &[u8]) -> Option<Vec<u8>> {
        self.log.add(Event::Asked);
        None
    }

    fn set_variable(&mut self, _: &[u8], _: &[u8]) -> io::Result<()> {
        self.log.ask()
    }

    fn now(&self) -> Duration {
        self.clocks.now()
    }

    fn processor_time(&self) -> Duration {
        self.clocks.processor_time()
    }

    fn wall_clock(&self) -> SystemTime {
        self.clocks.wall_clock()
    }

    fn resident_memory(&self) -> u64 {
        0
    }
}

#[test]
fn it_is_asked_for_everything() {
    let root = tempfile::tempdir().unwrap();
    let log = Log::default();
    let world = Denying { log: log.clone(), clocks: Sandbox::new() };
    let mut lua = Runtime::builder().world(world).build().unwrap();
    let source = ATTEMPTS.replace("os.exit(0)", "");
    let attempts = lua.load(&source, "@attempts.lua").unwrap();
    log.0.lock().unwrap().clear();
    lua.call::<()>(&attempts, (root.path().to_str().unwrap(), 9, 9)).unwrap();
    let (mut was_asked, mut count) = (false, 0);
    for event in log.0.lock().unwrap().iter() {
        match event {
            Event::Asked => was_asked = true,
            Event::Printed(line) => {
                assert!(std::mem::take(&mut was_asked), "the world was not asked: {line}");
                assert!(line.ends_with("\tdenied"), "{line}");
                count += 1;
            }
        }
    }
    assert!(count > 80, "{count} attempts");
}
