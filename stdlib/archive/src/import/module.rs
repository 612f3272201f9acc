//! Modules: each runs once, however often it is imported.

use super::loading::Claim;
use super::location::Location;
use super::remote::fetch;
use super::request::stem;
use super::{MAX_SIZE, MODULES, members};
use solvm_files::{code_files, read};
use solvm_lua::load::SourceFile;
use solvm_runtime::Host;
use solvm_runtime::registry::registry_table;
use solvm_runtime::system_error::reason;
use solvm_vm::native::asynchronous::{Lua, Slot};
use solvm_vm::{Error, Table, Value};

/// A module that was found.
pub(super) struct Module {
    /// The location of its source.
    pub(super) location: Location,
    /// Identifies the module.
    pub(super) key: String,
}

impl Module {
    /// Returns the name of its file without the extension; that of the directory for `init.lua`.
    pub(super) fn stem(&self) -> String {
        stem(&self.location.name())
    }

    /// Returns the module's value; runs it first if it has not run.
    pub(super) async fn import(&self, lua: &Lua, result: Slot) -> Result<(), Error> {
        loop {
            if self.is_kept(lua, result)? {
                return Ok(());
            }
            let claim = lua.with(|call| {
                let goroutine = call.goroutine();
                let host = call.host::<Host>();
                goroutine.zip(host).map(|(goroutine, host)| {
                    host.state::<super::Loading>().claim(&self.key, goroutine)
                })
            });
            match claim {
                Some(Claim::Granted(_claimed)) => return self.run(lua, result).await,
                Some(Claim::Wait(wait)) => wait.over().await,
                Some(Claim::Cycle) => {
                    let text = format!(
                        "import cycle: '{}' is already being imported",
                        self.location.name()
                    );
                    return Err(Error::text(text));
                }
                None => {
                    return Err(Error::text("only a running program can import modules"));
                }
            }
        }
    }

    /// Whether the module has run; then its value is stored in `result`.
    fn is_kept(&self, lua: &Lua, result: Slot) -> Result<bool, Error> {
        lua.with(|call| {
            let key = call.string(self.key.as_bytes())?;
            let kept = Table::from_value(registry_table(call, MODULES)?.get(key));
            let value = kept.map_or(Value::NIL, |kept| kept.get(1));
            result.set(call, value);
            Ok(kept.is_some())
        })
    }

    async fn run(&self, lua: &Lua, result: Slot) -> Result<(), Error> {
        let source = self.source(lua).await?;
        let (function, argument) = (lua.slot(), lua.slot());
        lua.with(|call| {
            let chunk = source.load(call).map_err(|message| {
                let before = format!("error loading module '{}':\n\t", self.stem());
                Error::text([before.as_bytes(), &message].concat())
            })?;
            function.set(call, chunk.value());
            let name = call.string(self.stem().as_bytes())?.value();
            argument.set(call, name);
            Ok::<(), Error>(())
        })?;
        drop(source);
        lua.call(function, &[argument], result).await?;
        lua.with(|call| {
            let kept = call.table(1, 0)?;
            let value = result.get(call);
            kept.set_index(call, 1, value)?;
            registry_table(call, MODULES)?.set_field(call, &self.key, kept)
        })
    }

    /// Reads the module's source.
    async fn source(&self, lua: &Lua) -> Result<SourceFile, Error> {
        let (mut is_hidden, mut held) = (false, None);
        let text = match &self.location {
            Location::File(path) => {
                let files = lua.with(code_files)?;
                is_hidden = files.hides_source(path);
                let text = read(lua, files, path.clone(), MAX_SIZE).await?;
                text.map_err(|error| {
                    Error::text(format!("cannot read {}: {}", path.display(), reason(&error)))
                })?
            }
            Location::Remote(url) => match fetch(lua, url).await.map_err(Error::text)? {
                Some(text) => text.to_vec(),
                None => return Err(Error::text(format!("cannot fetch {url}: not found"))),
            },
            Location::Member { archive, path } => {
                let missing = || Error::text(format!("no file '{path}' in archive '{archive}'"));
                let size = lua.with(|call| members::size_of(call, archive, path));
                let size = size.ok_or_else(missing)?;
                held = Some(lua.with(|call| call.account().hold_later(size)).await?);
                lua.with(|call| members::text_of(call, archive, path)).ok_or_else(missing)?
            }
        };
        let name = format!("@{}", self.location.name()).into_bytes();
        let mut source = SourceFile { text, name, is_hidden, held };
        source.wait_for_room(lua).await?;
        Ok(source)
    }
}
