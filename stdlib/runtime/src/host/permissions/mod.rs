//! Permissions of a program: the options `--sandbox`, `--allow-*` and `--deny-*`, and their
//! equivalent for programs that embed SolVM.
//!
//! Each [`Area`] has rules for what is allowed and what is denied; denials take precedence. Rules
//! are resolved when they are added: paths to paths without links, programs by the search path.
//! Checks are pure: no method opens or looks up anything later.

mod denial;
mod host_rule;
mod scope;

pub(super) use denial::Act;
pub use host_rule::HostRule;
pub(super) use scope::Verdict;

use super::network::{Network, NetworkUse, literal};
use denial::Denial;
use scope::Grant;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A part of the outside world that permissions apply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// Reading files and directories. The rules are paths, which include everything below them.
    Read,
    /// Writing, creating, renaming and removing them.
    Write,
    /// Outgoing connections and datagrams. The rules are `HOST`, `HOST:PORT` and blocks of
    /// addresses such as `10.0.0.0/8`.
    Net,
    /// Incoming connections and datagrams. The rules are ports.
    Listen,
    /// Child processes. The rules are programs; the shell, which `os.execute` and `io.popen` need,
    /// can run any program.
    Run,
    /// Environment variables. The rules are names.
    Env,
    /// Lua code from the network. The rules are those of [`Area::Net`], which allows it, too.
    Import,
}

impl Area {
    /// All areas.
    pub const ALL: [Area; 7] =
        [Area::Read, Area::Write, Area::Net, Area::Listen, Area::Run, Area::Env, Area::Import];

    /// Returns the name in options: `--allow-NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Area::Read => "read",
            Area::Write => "write",
            Area::Net => "net",
            Area::Listen => "listen",
            Area::Run => "run",
            Area::Env => "env",
            Area::Import => "import",
        }
    }
}

/// An invalid rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRule(String);

impl fmt::Display for InvalidRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for InvalidRule {}

/// The permissions of a program.
///
/// ```
/// use solvm_runtime::host::{Area, Permissions};
///
/// let permissions = Permissions::none()
///     .allow(Area::Net, "api.example.com:443")?
///     .allow(Area::Read, "/srv/data")?
///     .deny(Area::Read, "/srv/data/private")?;
/// # Ok::<(), solvm_runtime::host::InvalidRule>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    read: Grant<PathBuf>,
    write: Grant<PathBuf>,
    net: Grant<HostRule>,
    listen: Grant<u16>,
    run: Grant<PathBuf>,
    env: Grant<String>,
    import: Grant<HostRule>,
    /// Whether denials are written to standard error.
    reports: bool,
}

impl Permissions {
    /// Allows everything.
    pub fn all() -> Permissions {
        Permissions::new(true)
    }

    /// Allows nothing.
    pub fn none() -> Permissions {
        Permissions::new(false)
    }

    fn new(all: bool) -> Permissions {
        Permissions {
            read: Grant::new(all),
            write: Grant::new(all),
            net: Grant::new(all),
            listen: Grant::new(all),
            run: Grant::new(all),
            env: Grant::new(all),
            import: Grant::new(all),
            reports: false,
        }
    }

    /// Allows all of an area.
    #[must_use]
    pub fn allow_all(mut self, area: Area) -> Self {
        self.change(area, Side::Allow, None).unwrap_or_default();
        self
    }

    /// Denies all of an area.
    #[must_use]
    pub fn deny_all(mut self, area: Area) -> Self {
        self.change(area, Side::Deny, None).unwrap_or_default();
        self
    }

    /// Allows what a rule covers: see [`Area`].
    ///
    /// # Errors
    /// The rule is invalid in that area.
    pub fn allow(mut self, area: Area, rule: impl AsRef<OsStr>) -> Result<Self, InvalidRule> {
        self.change(area, Side::Allow, Some(rule.as_ref()))?;
        Ok(self)
    }

    /// Denies what a rule covers, even if another one allows it: see [`Area`].
    ///
    /// # Errors
    /// The rule is invalid in that area.
    pub fn deny(mut self, area: Area, rule: impl AsRef<OsStr>) -> Result<Self, InvalidRule> {
        self.change(area, Side::Deny, Some(rule.as_ref()))?;
        Ok(self)
    }

    /// Writes each denial to standard error, too.
    #[must_use]
    pub fn report_denials(mut self) -> Self {
        self.reports = true;
        self
    }

    fn change(&mut self, area: Area, side: Side, rule: Option<&OsStr>) -> Result<(), InvalidRule> {
        match area {
            Area::Read => self.read.change(side, rule.map(path_rule).transpose()?),
            Area::Write => self.write.change(side, rule.map(path_rule).transpose()?),
            Area::Net => self.net.change(side, rule.map(host_rule).transpose()?),
            Area::Listen => self.listen.change(side, rule.map(port_rule).transpose()?),
            Area::Run => self.run.change(side, rule.map(program_rule).transpose()?),
            Area::Env => self.env.change(side, rule.map(name_rule).transpose()?),
            Area::Import => self.import.change(side, rule.map(host_rule).transpose()?),
        }
        Ok(())
    }

    /// Whether all environment variables are readable.
    pub(super) fn allows_whole_environment(&self) -> bool {
        self.env.is_everything()
    }

    pub(super) fn allows_variable(&self, name: &[u8]) -> bool {
        let is_name = |rule: &String| {
            if cfg!(windows) {
                rule.as_bytes().eq_ignore_ascii_case(name)
            } else {
                rule.as_bytes() == name
            }
        };
        self.env.judge(is_name) == Verdict::Allowed
    }

    /// Checks whether the program may set a variable.
    pub(super) fn set_variable(&self, name: &[u8]) -> io::Result<()> {
        if self.allows_variable(name) {
            return Ok(());
        }
        let name = String::from_utf8_lossy(name).into_owned();
        Err(self.refuse(
            Act::SetVariable,
            &name,
            Area::Env,
            self.env.is_denied(|rule| *rule == name),
        ))
    }

    /// Checks whether the program may inspect something of the process or the operating system.
    pub(super) fn inspect(&self, what: &str) -> io::Result<()> {
        match self.env.judge(|_| false) {
            Verdict::Allowed => Ok(()),
            verdict => Err(self.refuse(Act::Inspect, what, Area::Env, verdict == Verdict::Denied)),
        }
    }

    /// Checks whether the program may send signals to other processes.
    pub(super) fn signal(&self, process: i32) -> io::Result<()> {
        match self.run.judge(|_| false) {
            Verdict::Allowed => Ok(()),
            verdict => {
                let shown = format!("process {process}");
                Err(self.refuse(Act::Signal, &shown, Area::Run, verdict == Verdict::Denied))
            }
        }
    }

    /// Checks whether the program may start another one, whose path has no links.
    pub(super) fn run(&self, program: &Path, shown: &str) -> io::Result<()> {
        match self.run.judge(|rule| rule == program) {
            Verdict::Allowed => Ok(()),
            verdict => Err(self.refuse(Act::Run, shown, Area::Run, verdict == Verdict::Denied)),
        }
    }

    /// Checks whether a path without links may be used.
    pub(super) fn judge_path(&self, area: Area, path: &Path) -> Verdict {
        let grant = if area == Area::Write { &self.write } else { &self.read };
        grant.judge(|rule| path.starts_with(rule))
    }

    /// Whether something below a directory is denied: moving the directory would move that, too.
    pub(super) fn denies_below(&self, path: &Path) -> bool {
        [&self.read, &self.write].iter().any(|grant| grant.is_denied(|rule| rule.starts_with(path)))
    }

    /// Whether the program may know that a path exists: it may use the path, something below it or
    /// a directory above it.
    pub(super) fn is_visible(&self, path: &Path) -> bool {
        [&self.read, &self.write]
            .iter()
            .any(|grant| grant.is_allowed(|rule| rule.starts_with(path) || path.starts_with(rule)))
    }

    /// Returns the error for a file that may not be used. It is the same whether the file exists or
    /// not.
    pub(super) fn refuse_path(&self, act: Act, path: &Path, area: Area, denied: bool) -> io::Error {
        self.refuse(act, &path.display().to_string(), area, denied)
    }

    fn refuse(&self, act: Act, object: &str, area: Area, is_denied: bool) -> io::Error {
        let denial = Denial::new(act, object, area, is_denied);
        if self.reports {
            denial.report();
        }
        denial.into()
    }

    fn judge_host(
        &self,
        grant: &Grant<HostRule>,
        host: &str,
        port: u16,
        address: Option<IpAddr>,
    ) -> Verdict {
        let address = address.or_else(|| literal(host));
        let is_known = address.is_some();
        // Before the name is resolved, a rule for addresses may still allow or deny it.
        let allowed = grant.is_allowed(|rule| {
            rule.matches(host, port, address) || !is_known && rule.is_for_addresses(port)
        });
        match grant.is_denied(|rule| rule.matches(host, port, address)) {
            true => Verdict::Denied,
            false if allowed => Verdict::Allowed,
            false => Verdict::NotAllowed,
        }
    }

    /// A look-up is allowed with any port of the host, and denied with all of them.
    fn judge_look_up(&self, host: &str) -> Verdict {
        let address = literal(host);
        let is_denied =
            self.net.is_denied(|rule| rule.is_for_all_ports() && rule.is_for(host, address));
        if is_denied {
            Verdict::Denied
        } else if self.net.is_allowed(|rule| rule.is_for(host, address)) {
            Verdict::Allowed
        } else {
            Verdict::NotAllowed
        }
    }
}

/// One of the two lists of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Allow,
    Deny,
}

/// The network, restricted by permissions.
impl Network for Arc<Permissions> {
    fn allow(&self, what: NetworkUse<'_>) -> io::Result<()> {
        let at = |host: &str, port: u16| match host.contains(':') && !host.starts_with('[') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        let (verdict, act, object, area) = match what {
            NetworkUse::Connect { host, port, address } => {
                let verdict = self.judge_host(&self.net, host, port, address);
                (verdict, Act::Connect, at(host, port), Area::Net)
            }
            NetworkUse::Import { host, port, address } => {
                let by = |grant| self.judge_host(grant, host, port, address);
                let (verdict, area) = match (by(&self.import), by(&self.net)) {
                    (_, Verdict::Denied) => (Verdict::Denied, Area::Net),
                    (Verdict::NotAllowed, verdict) => (verdict, Area::Import),
                    (verdict, _) => (verdict, Area::Import),
                };
                (verdict, Act::Import, at(host, port), area)
            }
            NetworkUse::Listen { port, .. } => {
                let verdict = self.listen.judge(|rule| *rule == port);
                (verdict, Act::Listen, port.to_string(), Area::Listen)
            }
            NetworkUse::Resolve { host } => {
                let verdict = self.judge_look_up(host);
                (verdict, Act::Resolve, host.to_string(), Area::Net)
            }
        };
        match verdict {
            Verdict::Allowed => Ok(()),
            verdict => Err(self.refuse(act, &object, area, verdict == Verdict::Denied)),
        }
    }
}

/// Resolves a path for rules: absolute, without links as far as it exists.
pub(super) fn real_path(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut missing = Vec::new();
    let mut existing = path.as_path();
    loop {
        if let Ok(real) = existing.canonicalize() {
            return Ok(missing.iter().rev().fold(real, |path, name| path.join(name)));
        }
        match (existing.parent(), existing.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name.to_os_string());
                existing = parent;
            }
            _ => return Ok(path),
        }
    }
}

fn text_of(rule: &OsStr) -> Result<&str, InvalidRule> {
    let text = rule.to_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| InvalidRule("a rule must be a non-empty UTF-8 string".into()))
}

fn path_rule(rule: &OsStr) -> Result<PathBuf, InvalidRule> {
    if rule.is_empty() {
        return Err(InvalidRule("a path must not be empty".into()));
    }
    real_path(Path::new(rule))
        .map_err(|error| InvalidRule(format!("invalid path '{}': {error}", rule.display())))
}

fn host_rule(rule: &OsStr) -> Result<HostRule, InvalidRule> {
    let text = text_of(rule)?;
    HostRule::parse(text).map_err(|reason| InvalidRule(format!("invalid host '{text}' ({reason})")))
}

fn port_rule(rule: &OsStr) -> Result<u16, InvalidRule> {
    let text = text_of(rule)?;
    text.parse().map_err(|_| InvalidRule(format!("invalid port '{text}' (expected 0 to 65535)")))
}

fn name_rule(rule: &OsStr) -> Result<String, InvalidRule> {
    let text = text_of(rule)?;
    if text.contains(['=', '\0']) {
        return Err(InvalidRule(format!("invalid variable name '{text}'")));
    }
    Ok(text.into())
}

/// Returns the file of a program, searched for as a shell does.
fn program_rule(rule: &OsStr) -> Result<PathBuf, InvalidRule> {
    let text = text_of(rule)?;
    let not_found = || InvalidRule(format!("program '{text}' not found"));
    if Path::new(text).components().count() > 1 {
        return Path::new(text).canonicalize().map_err(|_| not_found());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|directory| directory.join(text))
        .find(|program| program.is_file());
    found.and_then(|program| program.canonicalize().ok()).ok_or_else(not_found)
}

#[cfg(test)]
mod tests;
