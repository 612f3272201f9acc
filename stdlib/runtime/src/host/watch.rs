//! Watches local files for changes.
//!
//! The directory of a file is watched: editors replace files, and a watch on the old file would not
//! report that. The OS limits the number of watchers per process, so all watches share one.

use super::file_system::{Changed, Watch};
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The watcher, while any watch exists.
static CURRENT: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

struct Shared {
    backend: Mutex<RecommendedWatcher>,
    subscriptions: Arc<Mutex<Vec<Arc<Subscription>>>>,
}

/// A subscription to changes.
struct Subscription {
    /// Files, or a directory in which every file counts.
    paths: Vec<PathBuf>,
    is_directory: bool,
    changed: Changed,
}

impl Subscription {
    /// Returns the directories to watch.
    fn directories(&self) -> impl Iterator<Item = &Path> {
        self.paths
            .iter()
            .filter_map(|path| if self.is_directory { Some(&**path) } else { path.parent() })
    }

    fn matches(&self, changed: &Path) -> bool {
        let changed = if self.is_directory { changed.parent() } else { Some(changed) };
        changed.is_some_and(|changed| self.paths.iter().any(|path| path == changed))
    }
}

/// An active subscription.
struct Active {
    shared: Arc<Shared>,
    subscription: Arc<Subscription>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No invariant can be broken in between.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `changed` whenever a file, or a file in a directory, is written, replaced or created.
pub(super) fn watch(path: &Path, changed: Changed) -> io::Result<Watch> {
    if let Err(error) = path.symlink_metadata()
        && error.kind() == io::ErrorKind::InvalidInput
    {
        return Err(error);
    }
    let is_directory = path.is_dir();
    let mut paths = Vec::new();
    if let Ok(path) = path.canonicalize() {
        paths.push(path);
    }
    if !is_directory {
        // The file may be a link, or missing.
        let (Some(name), Some(directory)) = (path.file_name(), path.parent()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let path = directory.canonicalize()?.join(name);
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let shared = shared()?;
    let subscription = Arc::new(Subscription { paths, is_directory, changed });
    let active = Active { shared, subscription: subscription.clone() };
    locked(&active.shared.subscriptions).push(subscription.clone());
    for directory in subscription.directories() {
        locked(&active.shared.backend)
            .watch(directory, RecursiveMode::NonRecursive)
            .map_err(io_error)?;
    }
    Ok(Box::new(active))
}

fn shared() -> io::Result<Arc<Shared>> {
    let mut current = locked(&CURRENT);
    if let Some(shared) = current.upgrade() {
        return Ok(shared);
    }
    let subscriptions: Arc<Mutex<Vec<Arc<Subscription>>>> = Arc::default();
    let known = subscriptions.clone();
    crate::pool::check_threads()?;
    let handler = Arc::new(());
    let alive = Arc::downgrade(&handler);
    let backend = notify::recommended_watcher(move |event| {
        let _ = &handler;
        deliver_event(&known, event);
    });
    let backend = backend.map_err(io_error)?;
    if alive.strong_count() == 0 {
        // The crate does not report that it could not start its thread, and panics when such a
        // watcher is used or dropped. In that case it has dropped the handler.
        std::mem::forget(backend);
        return Err(io::Error::other("cannot start a thread"));
    }
    let shared = Arc::new(Shared { backend: Mutex::new(backend), subscriptions });
    *current = Arc::downgrade(&shared);
    Ok(shared)
}

/// Delivers an event to the subscriptions that it concerns.
fn deliver_event(subscriptions: &Mutex<Vec<Arc<Subscription>>>, event: notify::Result<Event>) {
    let concerned: Vec<Arc<Subscription>> = match event {
        Ok(event) if event.need_rescan() => locked(subscriptions).clone(),
        Ok(event) => {
            let is_change = match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
                EventKind::Access(_) => false,
                _ => true,
            };
            let is_removal = matches!(event.kind, EventKind::Remove(_));
            let matches = |subscription: &&Arc<Subscription>| {
                let counts = is_change && (subscription.is_directory || !is_removal);
                counts && event.paths.iter().any(|path| subscription.matches(path))
            };
            locked(subscriptions).iter().filter(matches).cloned().collect()
        }
        // Some events were lost.
        Err(_) => locked(subscriptions).clone(),
    };
    for subscription in concerned {
        (subscription.changed)();
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let mut subscriptions = locked(&self.shared.subscriptions);
        subscriptions.retain(|subscription| !Arc::ptr_eq(subscription, &self.subscription));
        let is_used = |directory: &Path| {
            subscriptions.iter().any(|other| other.directories().any(|other| other == directory))
        };
        let unused: Vec<&Path> =
            self.subscription.directories().filter(|directory| !is_used(directory)).collect();
        drop(subscriptions);
        for directory in unused {
            // The directory may no longer exist.
            let _ = locked(&self.shared.backend).unwatch(directory);
        }
    }
}

fn io_error(error: notify::Error) -> io::Error {
    match error.kind {
        notify::ErrorKind::Io(error) => error,
        notify::ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
        notify::ErrorKind::MaxFilesWatch => {
            io::Error::other("system limit for watched directories reached")
        }
        notify::ErrorKind::Generic(text) => io::Error::other(text),
        _ => io::Error::other("cannot watch the path"),
    }
}
