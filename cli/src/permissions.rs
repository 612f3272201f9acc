//! The options `--sandbox`, `--allow-*` and `--deny-*`.

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use solvm_runtime::host::{Area, Permissions};
use std::ffi::OsString;

/// The value of an option without one: everything. It cannot occur on a command line.
const EVERYTHING: &str = "\0";

/// The two options of an area: to allow and to deny.
fn names(area: Area) -> (&'static str, &'static str) {
    match area {
        Area::Read => ("allow-read", "deny-read"),
        Area::Write => ("allow-write", "deny-write"),
        Area::Net => ("allow-net", "deny-net"),
        Area::Listen => ("allow-listen", "deny-listen"),
        Area::Run => ("allow-run", "deny-run"),
        Area::Env => ("allow-env", "deny-env"),
        Area::Import => ("allow-import", "deny-import"),
    }
}

/// The name of a value in the help, and what it allows or denies.
fn help(area: Area) -> (&'static str, &'static str, &'static str) {
    match area {
        Area::Read => ("PATH,...", "Allow reading below these paths", "Deny it"),
        Area::Write => (
            "PATH,...",
            "Allow writing below these paths; without a path it amounts to allowing everything",
            "Deny it",
        ),
        Area::Net => ("HOST[:PORT],...", "Allow connections to these hosts", "Deny them"),
        Area::Listen => ("PORT,...", "Allow servers on these ports", "Deny them"),
        Area::Run => (
            "PROGRAM,...",
            "Allow child processes; amounts to allowing everything, since os.execute runs any \
             program with sh",
            "Deny them",
        ),
        Area::Env => ("NAME,...", "Allow these environment variables", "Deny them"),
        Area::Import => ("HOST,...", "Allow Lua code from these hosts", "Deny it"),
    }
}

/// The options.
pub(crate) fn options() -> Vec<Arg> {
    let sandbox = Arg::new("sandbox")
        .long("sandbox")
        .action(ArgAction::SetTrue)
        .help("Deny access to files, the network, child processes and the environment");
    let mut options = vec![sandbox];
    for area in Area::ALL {
        let (allow, deny) = names(area);
        let (value, allows, denies) = help(area);
        for (name, help) in [(allow, format!("{allows} (with --sandbox)")), (deny, denies.into())] {
            options.push(
                Arg::new(name)
                    .long(name)
                    .value_name(value)
                    .help(help)
                    .action(ArgAction::Append)
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value(EVERYTHING)
                    .value_parser(value_parser!(OsString)),
            );
        }
    }
    options
}

/// The permissions of the options; None without any. The error is a usage error.
pub(crate) fn read(matches: &ArgMatches) -> Result<Option<Permissions>, String> {
    let is_sandboxed = matches.get_flag("sandbox");
    let mut permissions = if is_sandboxed { Permissions::none() } else { Permissions::all() };
    let mut is_limited = is_sandboxed;
    for area in Area::ALL {
        let (allow, deny) = names(area);
        for name in [allow, deny] {
            for value in matches.get_many::<OsString>(name).into_iter().flatten() {
                if name == allow && !is_sandboxed {
                    return Err(format!("--{allow} requires --sandbox"));
                }
                is_limited = true;
                permissions = change(permissions, area, name == allow, value)
                    .map_err(|reason| format!("--{name}: {reason}"))?;
            }
        }
    }
    Ok(is_limited.then_some(permissions))
}

fn change(
    mut permissions: Permissions,
    area: Area,
    allows: bool,
    value: &OsString,
) -> Result<Permissions, String> {
    if value == EVERYTHING {
        return Ok(if allows { permissions.allow_all(area) } else { permissions.deny_all(area) });
    }
    for rule in value.as_encoded_bytes().split(|&byte| byte == b',') {
        let rule = solvm_runtime::host::path_of(rule);
        let changed =
            if allows { permissions.allow(area, rule) } else { permissions.deny(area, rule) };
        permissions = changed.map_err(|error| error.to_string())?;
    }
    Ok(permissions)
}
