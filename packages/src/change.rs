//! Changes of a project's packages: what `solvm add`, `remove`, `update` and `install` do.
//!
//! A change has three parts: the versions are chosen, everything is fetched and checked, and only
//! then are the files changed, in one transaction.

use crate::address::{Address, Fetcher, MAX_SIZE};
use crate::archive::Files;
use crate::builtin;
use crate::constraint::{Constraints, Dependency};
use crate::digest::sha256;
use crate::evaluate::MAX_CODE;
use crate::imports::{self, Stored, Wanted};
use crate::inner_path::InnerPath;
use crate::installed::{self, Entry, Installed, RECORD};
use crate::lock::{self, Fetched, Lock, Locked};
use crate::plan::{Plan, SCRIPTS};
use crate::project::{self, Project};
use crate::resolver::{self, Catalogue, Need};
use crate::rockspec::Rockspec;
use crate::server::{Offer, Origin, Servers, rockspec_in};
use crate::source;
use crate::transaction::Transaction;
use crate::version::Version;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

/// Choices of the user for one command.
#[derive(Default)]
pub struct Options {
    /// Servers in place of those of the project.
    pub servers: Vec<Address>,
    /// Whether the lock file must be what the project needs.
    pub is_frozen: bool,
}

/// What a project is to have.
struct Target {
    /// What is kept if it satisfies the constraints.
    lock: Lock,
    /// New packages, whose constraints follow from the chosen versions.
    unnamed: Vec<String>,
    /// What programs import from the network.
    imports: Wanted,
}

impl Target {
    /// What the lock file has.
    fn of(lock: &Lock) -> Target {
        let imports = lock.imports.iter().map(|(url, sha256)| (url.clone(), Some(sha256.clone())));
        Target { imports: imports.collect(), lock: lock.clone(), unnamed: Vec::new() }
    }
}

/// What a project has, before a change.
struct Before {
    lock: Lock,
    /// The text of the lock file, if there is one.
    lock_text: Option<String>,
    installed: Installed,
    modules: PathBuf,
}

/// Adds packages, given as `name` or `name@constraints`, and imports, given by their address.
/// Returns the lines to print.
///
/// # Errors
/// The message; then nothing has changed.
pub fn add(
    directory: &Path,
    packages: &[String],
    options: &Options,
) -> Result<Vec<String>, String> {
    let mut project = Project::find(directory)?;
    let _guard = guard(&project.directory)?;
    let before = Before::read(&project)?;
    let known = project.dependencies()?;
    let mut target = Target::of(&before.lock);
    for package in packages {
        if imports::is_import(package) {
            target.imports.entry(imports::url_of(package)?).or_insert(None);
            continue;
        }
        let (name, constraints) = package.split_once('@').unwrap_or((package, ""));
        let name = Dependency::parse(name)?.name;
        let constraints = Constraints::parse(constraints)?;
        let is_known = known.iter().any(|dependency| dependency.name == name);
        if !constraints.is_empty() {
            project.set(&name, &constraints.to_string());
        } else if !is_known {
            project.set(&name, "*");
            target.unnamed.push(name);
        }
    }
    settle(&mut project, before, target, options)
}

/// Removes packages from the project, and what only they needed; and imports.
///
/// # Errors
/// The message; then nothing has changed.
pub fn remove(
    directory: &Path,
    names: &[String],
    options: &Options,
) -> Result<Vec<String>, String> {
    let mut project = existing(directory)?;
    let _guard = guard(&project.directory)?;
    let before = Before::read(&project)?;
    let mut target = Target::of(&before.lock);
    for name in names {
        if imports::is_import(name) {
            let url = imports::url_of(name)?;
            if target.imports.remove(&url).is_none() {
                return Err(format!("{} has no import '{url}'", lock::NAME));
            }
            continue;
        }
        let name = name.to_ascii_lowercase();
        if !project.remove(&name) {
            let needs_it = |package: &Locked| {
                package.dependencies.iter().any(|dependency| dependency.name == name)
            };
            let mut packages = before.lock.packages.iter();
            let needed_by = packages.find(|(_, package)| needs_it(package));
            let why = needed_by.map_or_else(String::new, |(by, _)| format!("; {by} needs it"));
            return Err(format!("{} has no dependency '{name}'{why}", project::NAME));
        }
    }
    settle(&mut project, before, target, options)
}

/// Updates packages and imports, or all of them if none is named, to the newest versions that the
/// constraints allow.
///
/// # Errors
/// The message; then nothing has changed.
pub fn update(
    directory: &Path,
    names: &[String],
    options: &Options,
) -> Result<Vec<String>, String> {
    let mut project = existing(directory)?;
    let _guard = guard(&project.directory)?;
    let before = Before::read(&project)?;
    let mut target = Target::of(&before.lock);
    for name in names {
        if imports::is_import(name) {
            let url = imports::url_of(name)?;
            match target.imports.get_mut(&url) {
                Some(expected) => *expected = None,
                None => return Err(format!("{} has no import '{url}'", lock::NAME)),
            }
            continue;
        }
        let name = name.to_ascii_lowercase();
        if target.lock.packages.remove(&name).is_none() {
            return Err(format!("{} has no package '{name}'", lock::NAME));
        }
    }
    if names.is_empty() {
        target.lock = Lock::default();
        target.imports.values_mut().for_each(|expected| *expected = None);
    }
    settle(&mut project, before, target, options)
}

/// Installs what the lock file has, or what the project needs if that is something else.
///
/// # Errors
/// The message; then nothing has changed.
pub fn install(directory: &Path, options: &Options) -> Result<Vec<String>, String> {
    let mut project = existing(directory)?;
    let _guard = guard(&project.directory)?;
    let before = Before::read(&project)?;
    let target = Target::of(&before.lock);
    settle(&mut project, before, target, options)
}

/// The packages of a project, a line each.
///
/// # Errors
/// The message.
pub fn list(directory: &Path) -> Result<Vec<String>, String> {
    let project = existing(directory)?;
    let before = Before::read(&project)?;
    let line = |(name, package): (&String, &Locked)| {
        let is_installed = before.installed.0.get(name).is_some_and(|entry| {
            entry.version.to_string() == package.version.to_string()
                && entry.is_complete(&before.modules)
        });
        let state = match &package.fetched {
            None => "built in".into(),
            Some(_) if !is_installed => "not installed: run solvm install".into(),
            Some(fetched) => fetched.source.address.origin(),
        };
        format!("{name} {} ({state})", package.version)
    };
    let mut lines: Vec<String> = before.lock.packages.iter().map(line).collect();
    for (url, sha256) in &before.lock.imports {
        let is_stored = imports::path_of(sha256)?.in_directory(&before.modules).is_file();
        let state = if is_stored { "import" } else { "not installed: run solvm install" };
        lines.push(format!("{url} ({state})"));
    }
    Ok(lines)
}

fn existing(directory: &Path) -> Result<Project, String> {
    let project = Project::find(directory)?;
    match project.exists {
        true => Ok(project),
        false => Err(format!("no {} in this directory (solvm add creates it)", project::NAME)),
    }
}

/// How long another process that changes the project is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps other processes from changing the project until it is dropped.
fn guard(directory: &Path) -> Result<Option<fs::File>, String> {
    // Where a directory cannot be opened, there is no protection.
    let Ok(file) = fs::File::open(directory) else { return Ok(None) };
    let start = Instant::now();
    while let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
        if start.elapsed() > PATIENCE {
            return Err(format!("another solvm is changing {}", directory.display()));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(Some(file))
}

impl Before {
    fn read(project: &Project) -> Result<Before, String> {
        let path = project.directory.join(lock::NAME);
        let modules = project.directory.join(installed::DIRECTORY);
        let lock_text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if installed::is_missing(&error) => None,
            Err(error) => return Err(project::about(&path, &error)),
        };
        let lock = match &lock_text {
            Some(text) => Lock::parse(text, &project.directory),
            None => Ok(Lock::default()),
        };
        Ok(Before {
            lock: lock.map_err(|why| format!("{}: {why}", path.display()))?,
            lock_text,
            installed: Installed::read(&modules)?,
            modules,
        })
    }
}

/// A package that is going to be installed.
struct Prepared {
    locked: Locked,
    /// Its files; None if they are installed.
    plan: Option<Plan>,
}

/// Makes a project have what it needs.
fn settle(
    project: &mut Project,
    before: Before,
    target: Target,
    options: &Options,
) -> Result<Vec<String>, String> {
    let Target { mut lock, unnamed, imports } = target;
    let needs = project.dependencies()?;
    let fetcher = Fetcher::default();
    if options.is_frozen {
        if before.lock_text.is_none() {
            return Err(format!("there is no {}, and --frozen creates none", lock::NAME));
        }
        if let Some(difference) = lock.difference(&needs, project::NAME) {
            return Err(format!("{difference}, and --frozen changes nothing"));
        }
    }
    lock.prune(&needs);
    let mut packages = BTreeMap::new();
    if lock.difference(&needs, project::NAME).is_none() {
        for (name, locked) in &lock.packages {
            packages.insert(name.clone(), prepare_locked(name, locked, &before, &fetcher)?);
        }
    } else {
        let addresses = match options.servers.is_empty() {
            true => project.servers()?,
            false => options.servers.clone(),
        };
        let servers = Servers::new(addresses, &fetcher);
        let source = Source { servers: &servers, lock: &lock };
        let needs = needs.into_iter();
        let needs = needs.map(|dependency| Need { dependency, by: project::NAME.into() });
        let kept = lock.packages.iter().filter(|(_, locked)| locked.fetched.is_some());
        let kept = kept.map(|(name, locked)| (name.clone(), locked.version.clone()));
        for (name, choice) in resolver::resolve(&source, needs.collect(), &kept.collect())? {
            if name == builtin::LUA {
                continue;
            }
            let prepared = if choice.is_builtin {
                let dependencies = choice.dependencies;
                let locked = Locked { version: choice.version, dependencies, fetched: None };
                Prepared { locked, plan: None }
            } else if let Some(locked) = source.locked(&name, &choice.version) {
                prepare_locked(&name, locked, &before, &fetcher)?
            } else {
                let offer = servers.offer(&name, &choice.version)?;
                prepare_offer(&offer, &before, &fetcher)?
            };
            packages.insert(name, prepared);
        }
    }
    for name in &unnamed {
        if let Some(package) = packages.get(name) {
            let version = &package.locked.version;
            let constraint = match version.is_development() {
                true => version.without_revision().to_string(),
                false => format!(">= {}", version.without_revision()),
            };
            project.set(name, &constraint);
        }
    }
    let imports = imports::prepare(&imports, &before.modules, &fetcher)?;
    apply(project, before, packages, imports)
}

/// The servers, and the versions of the lock file, whose dependencies are known without them.
struct Source<'a> {
    servers: &'a Servers<'a>,
    lock: &'a Lock,
}

impl Source<'_> {
    fn locked(&self, name: &str, version: &Version) -> Option<&Locked> {
        let locked = self.lock.packages.get(name)?;
        let is_it = locked.version.to_string() == version.to_string() && locked.fetched.is_some();
        is_it.then_some(locked)
    }
}

impl Catalogue for Source<'_> {
    fn versions(&self, name: &str) -> Result<Vec<Version>, String> {
        self.servers.versions(name)
    }

    fn dependencies(&self, name: &str, version: &Version) -> Result<Vec<Dependency>, String> {
        match self.locked(name, version) {
            Some(locked) => Ok(locked.dependencies.clone()),
            None => Ok(self.servers.offer(name, version)?.rockspec.dependencies.clone()),
        }
    }
}

/// Fetches a package of the lock file, unless it is installed.
fn prepare_locked(
    name: &str,
    locked: &Locked,
    before: &Before,
    fetcher: &Fetcher,
) -> Result<Prepared, String> {
    let locked = locked.clone();
    let Some(fetched) = &locked.fetched else { return Ok(Prepared { locked, plan: None }) };
    let is_installed = before.installed.0.get(name).is_some_and(|entry| {
        entry.version.to_string() == locked.version.to_string()
            && entry.sha256 == fetched.source.sha256
            && entry.is_complete(&before.modules)
    });
    if is_installed {
        return Ok(Prepared { locked, plan: None });
    }
    let bytes = fetch_checked(name, &fetched.source, MAX_SIZE, fetcher)?;
    let code = match &fetched.rockspec {
        Some(rockspec) => fetch_checked(name, rockspec, MAX_CODE, fetcher)?,
        None => rockspec_in(&bytes, name, &locked.version)?,
    };
    let rockspec = Rockspec::read(&code, name, &locked.version)?;
    let plan = plan(&rockspec, &fetched.source.address, bytes)?;
    Ok(Prepared { plan: Some(plan), locked })
}

fn fetch_checked(
    name: &str,
    origin: &Origin,
    limit: usize,
    fetcher: &Fetcher,
) -> Result<Vec<u8>, String> {
    let bytes = fetcher.need(&origin.address, limit)?;
    let found = sha256(&bytes);
    if !found.eq_ignore_ascii_case(&origin.sha256) {
        return Err(format!(
            "the SHA-256 of {} is {found}, but {} expects {}; if the server has replaced it for a \
             good reason, run solvm update {name}",
            origin.address,
            lock::NAME,
            origin.sha256
        ));
    }
    Ok(bytes)
}

/// Fetches a package of a server.
fn prepare_offer(
    offer: &Rc<Offer>,
    before: &Before,
    fetcher: &Fetcher,
) -> Result<Prepared, String> {
    let rockspec = &offer.rockspec;
    let (bytes, sha256) = offer.fetch(fetcher)?;
    let source = Origin { address: offer.source.clone(), sha256 };
    let fetched = Fetched { source, rockspec: offer.rockspec_origin.clone() };
    let is_installed = before.installed.0.get(&rockspec.name).is_some_and(|entry| {
        entry.version.to_string() == rockspec.version.to_string()
            && entry.sha256 == fetched.source.sha256
            && entry.is_complete(&before.modules)
    });
    let plan = match is_installed {
        true => None,
        false => Some(plan(rockspec, &offer.source, bytes)?),
    };
    let locked = Locked {
        version: rockspec.version.clone(),
        dependencies: rockspec.dependencies.clone(),
        fetched: Some(fetched),
    };
    Ok(Prepared { locked, plan })
}

fn plan(rockspec: &Rockspec, address: &Address, bytes: Vec<u8>) -> Result<Plan, String> {
    if address.file_name().ends_with(".all.rock") {
        let files = Files::unpack(&bytes);
        let files = files.map_err(|why| format!("cannot install {}: {why}", rockspec.name))?;
        return Plan::of_installed(rockspec, &files);
    }
    let files = source::files_of(rockspec, address, bytes)?;
    Plan::of_sources(rockspec, &files)
}

/// Changes the files of a project. Returns the lines to print.
fn apply(
    project: &Project,
    before: Before,
    packages: BTreeMap<String, Prepared>,
    imports: BTreeMap<String, Stored>,
) -> Result<Vec<String>, String> {
    let (mut lock, mut installed) = (Lock::default(), Installed::default());
    let (mut lines, mut new_files) = (Vec::new(), BTreeMap::new());
    for (name, prepared) in packages {
        let Prepared { locked, plan } = prepared;
        let old = before.installed.0.get(&name);
        if let Some(fetched) = &locked.fetched {
            let files = match (&plan, old) {
                (Some(plan), _) => plan.0.keys().cloned().collect(),
                (None, old) => old.map(|old| old.files.clone()).unwrap_or_default(),
            };
            check_owners(&name, &files, &installed)?;
            if plan.is_some() {
                lines.push(line_about(&name, &locked.version, old, fetched));
            }
            new_files.extend(plan.into_iter().flat_map(|plan| plan.0));
            let (version, sha256) = (locked.version.clone(), fetched.source.sha256.clone());
            installed.0.insert(name.clone(), Entry { version, sha256, files });
        } else if !before.lock.packages.contains_key(&name) {
            lines.push(format!("{name} {} is built into SolVM", locked.version));
        }
        lock.packages.insert(name, locked);
    }
    let mut transaction = Transaction::new(&before.modules);
    for (name, entry) in &before.installed.0 {
        if !installed.0.contains_key(name) {
            lines.push(format!("removed {name} {}", entry.version));
        }
        let is_left = |file: &&InnerPath| installed.owner(file).is_none();
        for file in entry.files.iter().filter(is_left) {
            transaction.remove(file.in_directory(&before.modules));
        }
    }
    for (path, contents) in new_files {
        let file = path.in_directory(&before.modules);
        if before.installed.owner(&path).is_none()
            && let Ok(existing) = fs::read(&file)
            && existing != contents
        {
            return Err(format!("{} exists, and solvm has not installed it", file.display()));
        }
        match path.below(SCRIPTS) {
            Some(_) => transaction.write_program(file, contents),
            None => transaction.write(file, contents),
        }
    }
    for (url, Stored { sha256, contents }) in imports {
        let file = imports::path_of(&sha256)?.in_directory(&before.modules);
        if let Some(contents) = contents {
            lines.push(match before.lock.imports.get(&url) {
                Some(old) if *old != sha256 => format!("updated {url}"),
                Some(_) => format!("installed {url}"),
                None => format!("added {url}"),
            });
            transaction.write(file, contents);
        }
        lock.imports.insert(url, sha256);
    }
    for (url, sha256) in &before.lock.imports {
        if !lock.imports.contains_key(url) {
            lines.push(format!("removed {url}"));
        }
        if lock.imports.values().all(|other| other != sha256) {
            transaction.remove(imports::path_of(sha256)?.in_directory(&before.modules));
        }
    }
    let record = before.modules.join(RECORD);
    if installed.0.is_empty() {
        transaction.remove(record);
    } else if installed.text() != before.installed.text() {
        transaction.write(record, installed.text().into_bytes());
    }
    let mut write_changed = |name: &str, text: String, old: Option<&str>| {
        if old != Some(&text) {
            let path = project.directory.join(name);
            // A link stays one.
            let path = fs::canonicalize(&path).unwrap_or(path);
            transaction.write(path, text.into_bytes());
        }
    };
    write_changed(lock::NAME, lock.text(&project.directory), before.lock_text.as_deref());
    write_changed(project::NAME, project.text(), project.old_text());
    transaction.commit()?;
    if lines.is_empty() {
        lines.push("nothing to do".into());
    }
    Ok(lines)
}

/// Checks that no other package has one of these files.
fn check_owners(name: &str, files: &[InnerPath], installed: &Installed) -> Result<(), String> {
    for file in files {
        if let Some(other) = installed.owner(file) {
            return Err(format!("{other} and {name} both install {file}"));
        }
    }
    Ok(())
}

fn line_about(name: &str, version: &Version, old: Option<&Entry>, fetched: &Fetched) -> String {
    let origin = fetched.source.address.origin();
    match old {
        None => format!("added {name} {version} ({origin})"),
        Some(old) if old.version.to_string() != version.to_string() => {
            format!("updated {name} {} to {version} ({origin})", old.version)
        }
        Some(_) => format!("installed {name} {version} ({origin})"),
    }
}
