//! Locations of modules, and where those that a chunk imports are searched for: next to it, in the
//! project's directory `modules`, among the built-in modules.

use super::module::Module;
use super::remote::fetch;
use super::request::{ArchiveSource, GITHUB_VARIABLE, Request, files_of, github_archive};
use super::{MAX_SIZE, archive, members};
use reqwest::Url;
use solvm_files::{code_files, read, sorted_names};
use solvm_lua::modules::{self, OwnModule};
use solvm_runtime::Host;
use solvm_runtime::host::{FileKind, FileSystem, path_of};
use solvm_runtime::pool::in_pool;
use solvm_runtime::system_error::{denial_note, reason};
use solvm_vm::native::IntoLua;
use solvm_vm::native::asynchronous::{Lua, Slot};
use solvm_vm::{Call, Error, Table, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The location of a module's source.
#[derive(Clone, Debug)]
pub(super) enum Location {
    File(PathBuf),
    Remote(Url),
    Member { archive: String, path: String },
}

impl Location {
    /// Returns the chunk name.
    pub(super) fn name(&self) -> String {
        match self {
            Location::File(path) => path.to_string_lossy().into_owned(),
            Location::Remote(url) => url.to_string(),
            Location::Member { archive, path } => format!("{archive}/{path}"),
        }
    }
}

/// The result of resolving a request.
pub(super) enum Found {
    Module(Module),
    Modules(Vec<Module>),
    /// A module that is part of SolVM, or was loaded by `require`: its value, or its loader.
    BuiltIn(Slot),
}

/// The importing chunk, with the directories that it searches.
pub(super) struct Importer {
    location: Option<Location>,
    /// The directories `modules` of the project, next to the script, and of the working directory.
    modules: Vec<PathBuf>,
    files: Arc<dyn FileSystem>,
}

/// Returns the name of the chunk that called the running native.
pub(super) fn calling_chunk(call: &mut Call) -> Option<Vec<u8>> {
    for number in 1.. {
        let level = call.level(number)?;
        let function = call.level_function(level).filter(|function| function.is_lua());
        if let Some(function) = function {
            return call.function_info(function).map(|info| info.source);
        }
    }
    None
}

impl Importer {
    pub(super) fn of(call: &mut Call) -> Result<Importer, Error> {
        let files = code_files(call)?;
        let chunk = calling_chunk(call);
        let chunk = chunk.as_ref().and_then(|source| source.strip_prefix(b"@"));
        let location = match chunk {
            Some(chunk) => Some(location_of(call, chunk)?),
            None => None,
        };
        let script = call.host::<Host>().and_then(|host| host.script.clone());
        let beside_script = script.as_deref().map(|script| directory_of(script).join("modules"));
        let modules = beside_script.into_iter().chain([PathBuf::from("modules")]).collect();
        Ok(Importer { location, modules, files })
    }

    /// Returns the directories in which a path is searched for.
    fn directories(&self) -> Vec<PathBuf> {
        let beside = match &self.location {
            Some(Location::File(path)) => Some(directory_of(path)),
            Some(_) => None,
            None => Some(PathBuf::new()),
        };
        let mut directories: Vec<PathBuf> = Vec::new();
        for directory in beside.into_iter().chain(self.modules.iter().cloned()) {
            if !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        directories
    }

    pub(super) async fn find(&self, lua: &Lua, request: &Request) -> Result<Found, Error> {
        match request {
            Request::Module(name) => self.find_module(lua, name).await,
            Request::Directory(name) => self.find_directory(lua, name).await,
            Request::Remote(url) => Ok(Found::Module(Module {
                location: Location::Remote(url.clone()),
                key: url.to_string(),
            })),
            Request::Archive { from, within } => self.find_archive(lua, from, within).await,
        }
    }

    async fn find_module(&self, lua: &Lua, name: &str) -> Result<Found, Error> {
        let mut tried = String::new();
        match &self.location {
            Some(Location::Member { archive, path }) => {
                for file in files_of(name) {
                    let path = members::joined(path, &file);
                    if let Some(module) =
                        path.as_deref().and_then(|path| members::find(lua, archive, path))
                    {
                        return Ok(Found::Module(module));
                    }
                }
                tried.push_str(&format!("\n\tno file in archive '{archive}'"));
            }
            Some(Location::Remote(url)) => {
                if let Some(url) =
                    files_of(name).first().and_then(|file| url.join(file.to_str()?).ok())
                {
                    if fetch(lua, &url).await.map_err(Error::text)?.is_some() {
                        let key = url.to_string();
                        return Ok(Found::Module(Module { location: Location::Remote(url), key }));
                    }
                    tried.push_str(&format!("\n\tno file at '{url}'"));
                }
            }
            Some(Location::File(_)) | None => {}
        }
        let candidates: Vec<PathBuf> = self
            .directories()
            .iter()
            .flat_map(|directory| files_of(name).into_iter().map(|file| directory.join(file)))
            .collect();
        match self.first(candidates, FileKind::File).await {
            Ok((path, key)) => {
                return Ok(Found::Module(Module { location: Location::File(path), key }));
            }
            Err(files) => tried.push_str(&files),
        }
        if let Some(built_in) = built_in(lua, name)? {
            return Ok(Found::BuiltIn(built_in));
        }
        tried.push_str("\n\tno built-in module");
        Err(Error::text(format!("module '{name}' not found:{tried}")))
    }

    /// Returns the first of several paths that exists, with its unique key; otherwise a line for
    /// each.
    async fn first(
        &self,
        candidates: Vec<PathBuf>,
        kind: FileKind,
    ) -> Result<(PathBuf, String), String> {
        let files = self.files.clone();
        let found = in_pool(move || {
            let mut tried = String::new();
            for path in candidates {
                // Devices and pipes are read like files.
                let is_kind = |metadata: solvm_runtime::host::Metadata| {
                    metadata.is_directory() == (kind == FileKind::Directory)
                };
                let metadata = files.metadata(&path, true);
                let why = denial_note(metadata.as_ref().err());
                if metadata.is_ok_and(is_kind) {
                    let key = files.canonical(&path).unwrap_or_else(|_| path.clone());
                    return Ok((path, key.to_string_lossy().into_owned()));
                }
                let what = if kind == FileKind::Directory { "directory" } else { "file" };
                tried.push_str(&format!("\n\tno {what} '{}'{why}", path.display()));
            }
            Err(tried)
        });
        found.await.unwrap_or_else(|error| Err(format!("\n\t{error}")))
    }

    async fn find_directory(&self, lua: &Lua, name: &str) -> Result<Found, Error> {
        if let Some(Location::Member { archive, path }) = &self.location
            && let Some(directory) = members::joined(path, Path::new(name))
            && let Some(modules) = members::in_directory(lua, archive, &directory)?
        {
            return Ok(Found::Modules(modules));
        }
        let candidates = self.directories().iter().map(|directory| directory.join(name)).collect();
        let (directory, _) = self
            .first(candidates, FileKind::Directory)
            .await
            .map_err(|tried| Error::text(format!("directory '{name}' not found:{tried}")))?;
        let files = self.files.clone();
        let shown = directory.display().to_string();
        let found = in_pool(move || {
            let names = sorted_names(&*files, &directory)?;
            let paths = names.into_iter().map(|name| directory.join(name));
            let modules =
                paths.filter(|path| path.extension().is_some_and(|ending| ending == "lua"));
            let modules = modules.filter(|path| {
                files.metadata(path, true).is_ok_and(|metadata| !metadata.is_directory())
            });
            let module = |path: PathBuf| {
                let key = files
                    .canonical(&path)
                    .unwrap_or_else(|_| path.clone())
                    .to_string_lossy()
                    .into_owned();
                Module { location: Location::File(path), key }
            };
            Ok(modules.map(module).collect::<Vec<_>>())
        });
        match found.await.flatten() {
            Ok(modules) if modules.is_empty() => {
                Err(Error::text(format!("no Lua files in directory '{shown}'")))
            }
            Ok(modules) => Ok(Found::Modules(modules)),
            Err(error) => Err(Error::text(format!("cannot read {shown}: {}", reason(&error)))),
        }
    }

    async fn find_archive(
        &self,
        lua: &Lua,
        from: &ArchiveSource,
        within: &str,
    ) -> Result<Found, Error> {
        let (name, bytes) = match from {
            ArchiveSource::File(path) => {
                let candidates =
                    self.directories().iter().map(|directory| directory.join(path)).collect();
                let (path, _) = self
                    .first(candidates, FileKind::File)
                    .await
                    .map_err(|tried| Error::text(format!("archive '{path}' not found:{tried}")))?;
                let name = path.display().to_string();
                let bytes = read(lua, self.files.clone(), path, MAX_SIZE).await?;
                (
                    name.clone(),
                    bytes.map_err(|error| {
                        Error::text(format!("cannot read {name}: {}", reason(&error)))
                    })?,
                )
            }
            ArchiveSource::Remote(_) | ArchiveSource::Repository { .. } => {
                let url = match from {
                    ArchiveSource::Remote(url) => url.clone(),
                    _ => repository_url(lua, from)?,
                };
                let bytes = fetch(lua, &url).await.map_err(Error::text)?;
                let bytes =
                    bytes.ok_or_else(|| Error::text(format!("cannot fetch {url}: not found")))?;
                (from.name(), bytes.to_vec())
            }
        };
        let held = lua.with(|call| call.hold(bytes.len()))?;
        let members = in_pool(move || archive::read(bytes, held)).await.flatten();
        let (members, _held) = members
            .map_err(|error| Error::text(format!("cannot read {name}: {}", reason(&error))))?;
        lua.with(|call| members::keep(call, &name, members))?;
        for file in files_of(within) {
            let module = members::find(lua, &name, &file.to_string_lossy());
            if let Some(module) = module.filter(|_| !within.is_empty()) {
                return Ok(Found::Module(module));
            }
        }
        match members::in_directory(lua, &name, within)? {
            Some(modules) => Ok(Found::Modules(modules)),
            None => Err(members::no_modules_error(lua, &name, within)?),
        }
    }
}

/// Returns the location for a chunk name.
fn location_of(call: &mut Call, name: &[u8]) -> Result<Location, Error> {
    let text = String::from_utf8_lossy(name);
    if let Some((archive, path)) = members::split(call, &text)? {
        return Ok(Location::Member { archive, path });
    }
    let url = ["http://", "https://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
        .then(|| Url::parse(&text).ok());
    Ok(url.flatten().map_or_else(|| Location::File(path_of(name)), Location::Remote))
}

/// Returns the directory of a file.
fn directory_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_path_buf()
}

/// Returns the URL of a repository's archive.
fn repository_url(lua: &Lua, from: &ArchiveSource) -> Result<Url, Error> {
    let ArchiveSource::Repository { owner, name, reference } = from else {
        return Err(Error::text("no repository"));
    };
    let variable = lua.with(|call| {
        call.host::<Host>().and_then(|host| host.world.variable(GITHUB_VARIABLE.as_bytes()))
    });
    let base = variable.map(|base| String::from_utf8_lossy(&base).into_owned());
    github_archive(base.as_deref(), owner, name, reference.as_deref()).map_err(Error::text)
}

/// Returns a built-in module: its value if it has been loaded, otherwise its loader.
fn built_in(lua: &Lua, name: &str) -> Result<Option<Slot>, Error> {
    let found = lua.slot();
    let is_there = lua.with(|call| {
        let key = call.string(name.as_bytes())?;
        let loaded = call.loaded()?;
        let mut value = loaded.get(key);
        if value.is_nil() {
            let package = "package".into_lua(call)?;
            let preload = "preload".into_lua(call)?;
            let preload =
                Table::from_value(loaded.get(package)).map(|package| package.get(preload));
            value =
                preload.and_then(Table::from_value).map_or(Value::NIL, |preload| preload.get(key));
        }
        if value.is_nil() {
            value = match modules::find(call, name.as_bytes())? {
                Some(OwnModule::Open(module)) => module,
                Some(OwnModule::Loader(loader)) => loader.value(),
                None => Value::NIL,
            };
        }
        found.set(call, value);
        Ok::<bool, Error>(!value.is_nil())
    })?;
    Ok(is_there.then_some(found))
}
