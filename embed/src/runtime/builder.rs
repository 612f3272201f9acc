//! How a [`Runtime`] is made: limits, libraries, and what of the outside world it can reach.

use super::Runtime;
use crate::error::{Error, ErrorKind};
#[cfg(feature = "jit")]
use solvm_jit::{Jit, Options as JitOptions};
use solvm_runtime::deadline::{Limits, Timeout};
use solvm_runtime::executor::Executor;
use solvm_runtime::host::{Permissions, Process, World};
use solvm_runtime::module::Module;
use solvm_stdlib::Globals;
use solvm_vm::Config;
use std::rc::Rc;
use std::time::Duration;

/// Chooses the limits and libraries of a [`Runtime`].
///
/// ```
/// use solvm::{ErrorKind, Runtime, Sandbox};
/// use std::time::Duration;
///
/// let mut lua = Runtime::builder()
///     .world(Sandbox::new())
///     .libraries(&["base", "string", "table", "math", "os"])
///     .memory_limit(16 << 20)
///     .call_limit(Duration::from_millis(100))
///     .build()?;
/// let error = lua.run("while true do end").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::TimedOut);
/// let error = lua.run("local t = {} for i = 1, 1e9 do t[i] = {} end").unwrap_err();
/// assert_eq!(error.message(), "not enough memory");
/// // It is as usable as before.
/// assert_eq!(lua.eval::<String>("return type(io) .. ' ' .. type(os.remove('file'))")?, "nil nil");
/// # Ok::<(), solvm::Error>(())
/// ```
pub struct Builder {
    config: Config,
    call_limit: Option<Duration>,
    world: MakeExecutor,
    libraries: Option<Vec<String>>,
    globals: Globals,
    #[cfg(feature = "jit")]
    jit: bool,
}

/// Creates the executor in the chosen world: the closure has the world's type.
type MakeExecutor =
    Box<dyn FnOnce(Config, Limits, Globals, &dyn Fn(&Module) -> bool) -> Result<Executor, String>>;

fn in_world(world: impl World) -> MakeExecutor {
    Box::new(|config, limits, globals, is_chosen| {
        solvm_stdlib::executor_with(config, limits, world, globals, is_chosen)
    })
}

impl Builder {
    pub(super) fn new() -> Self {
        Builder {
            config: Config::default(),
            call_limit: None,
            world: in_world(Process::new()),
            libraries: None,
            globals: Globals::All,
            #[cfg(feature = "jit")]
            jit: true,
        }
    }

    /// Sets the maximum memory in bytes (default 1 GiB); beyond it, Lua code gets the error "not
    /// enough memory".
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.config.memory_limit = bytes;
        self
    }

    /// No call may take longer than this (default: no limit).
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.call_limit = Some(limit);
        self
    }

    /// No more goroutines than this may live at a time (default 10,000,000).
    pub fn max_goroutines(mut self, count: usize) -> Self {
        self.config.max_goroutines = count;
        self
    }

    /// The outside world as the program sees it (default: that of the process).
    pub fn world(mut self, world: impl World) -> Self {
        self.world = in_world(world);
        self
    }

    /// Sets the program's permissions in the outside world of the process (default: all). Replaces
    /// the [`world`](Self::world).
    ///
    /// ```
    /// use solvm::{Area, Permissions, Runtime};
    ///
    /// let permissions = Permissions::none().allow(Area::Env, "HOME")?;
    /// let mut lua = Runtime::builder().permissions(permissions).build()?;
    /// let reason: String = lua.eval("return select(2, io.open('/etc/passwd'))")?;
    /// assert_eq!(
    ///     reason,
    ///     "/etc/passwd: permission denied: reading '/etc/passwd' needs --allow-read"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn permissions(self, permissions: Permissions) -> Self {
        self.world(Process::new().with_permissions(permissions))
    }

    /// The libraries that there are (default: all), by the names of
    /// [`LIBRARIES`](solvm_stdlib::LIBRARIES).
    pub fn libraries(mut self, names: &[&str]) -> Self {
        self.libraries = Some(names.iter().map(|&name| name.into()).collect());
        self
    }

    /// The globals that programs start with (default: all). With those of Lua 5.1, the other
    /// libraries come by `require`.
    ///
    /// ```
    /// use solvm::{Globals, Runtime};
    ///
    /// let mut lua = Runtime::builder().globals(Globals::Lua51).build()?;
    /// let code = "return json == nil and require('solvm.json').decode('[1]')[1]";
    /// assert_eq!(lua.eval::<f64>(code)?, 1.0);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn globals(mut self, globals: Globals) -> Self {
        self.globals = globals;
        self
    }

    /// Whether hot loops become machine code (default: yes). They are interpreted where the
    /// processor or the OS does not allow it.
    ///
    /// ```
    /// let mut lua = solvm::Runtime::builder().jit(false).build()?;
    /// let sum = "local sum = 0 for i = 1, 1e6 do sum = sum + i end return sum";
    /// assert_eq!(lua.eval::<f64>(sum)?, 500000500000.0);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    pub fn jit(mut self, wanted: bool) -> Self {
        self.jit = wanted;
        self
    }

    /// More of how the VM behaves.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Makes the runtime.
    ///
    /// # Errors
    /// If a library is not known, or the memory limit leaves no room for them.
    pub fn build(self) -> Result<Runtime, Error> {
        #[cfg(feature = "jit")]
        let jit = self.jit;
        let Builder { config, call_limit, world, libraries, globals, .. } = self;
        let is_known =
            |name: &&String| !solvm_stdlib::LIBRARIES.iter().any(|module| module.name == **name);
        if let Some(unknown) = libraries.iter().flatten().find(is_known) {
            return Err(Error::new(ErrorKind::Start, format!("unknown library '{unknown}'")));
        }
        let limits = Limits { timeout: Timeout::Never, ..Limits::default() };
        let is_chosen = |module: &Module| {
            libraries.as_ref().is_none_or(|names| names.iter().any(|name| name == module.name))
        };
        #[cfg_attr(not(feature = "jit"), expect(unused_mut))]
        let mut executor = world(config, limits, globals, &is_chosen)
            .map_err(|text| Error::new(ErrorKind::Start, text))?;
        #[cfg(feature = "jit")]
        if let Some(jit) = jit.then(|| Jit::new(JitOptions::default())).flatten() {
            executor.set_compiler(Box::new(jit));
        }
        Ok(Runtime { executor, call_limit, tokio: None, dead: Rc::default() })
    }
}
