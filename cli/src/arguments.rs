//! The command line: SolVM's options, with one dash or two, and `lua`'s.
//!
//! clap handles options, values and help. Two rules that clap lacks are applied first, from the
//! same option table: long options may have one dash, and everything after the script belongs to
//! the script.

use crate::compat::Compat;
use crate::error_format::ErrorFormat;
use crate::permissions;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use solvm_jit::Listing;
use solvm_runtime::deadline::{Limits, Timeout};
use solvm_runtime::duration;
use solvm_runtime::host::Permissions;
use solvm_vm::Config;
use std::ffi::OsString;
use std::iter::Peekable;
use std::time::Duration;

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// A file.
    File(OsString),
    /// Standard input.
    Input,
}

/// An action before the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StartupAction {
    /// Execute code.
    Code(OsString),
    /// A module is required.
    Library(OsString),
}

/// What is printed of a program's way to machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dump {
    /// A stage of the compiler, instead of running the script.
    Stage(Stage),
    /// What is compiled of hot loops while the script runs.
    Native(Listing),
}

/// A stage of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The lexer's tokens.
    Tokens,
    /// The syntax tree.
    Ast,
    /// The compiled code.
    Bytecode,
}

/// The parsed command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The actions of `-e` and `-l`, in order.
    pub startup: Vec<StartupAction>,
    /// The script.
    pub script: Option<Script>,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The arguments before the script, the program's name first: `arg` has them at negative
    /// indices.
    pub before: Vec<OsString>,
    /// Read lines and run them at the end.
    pub interactive: bool,
    /// The time limit that the user gave; Some(None) is "none".
    pub timeout: Option<Option<Duration>>,
    /// The heap's limit in bytes.
    pub memory_limit: Option<usize>,
    /// The largest number of goroutines.
    pub max_goroutines: Option<usize>,
    /// The largest number of isolates that make calls for others (`require "worker"`).
    pub max_isolates: Option<usize>,
    /// Maximum time of a goroutine between two waits.
    pub run_limit: Option<Duration>,
    /// Maximum time until a server's handler starts its response.
    pub handler_timeout: Option<Duration>,
    /// Which Lua the program was written for.
    pub compat: Compat,
    /// The program's permissions; all if None.
    pub permissions: Option<Permissions>,
    /// What to print of the program's compilation.
    pub dump: Option<Dump>,
    /// Print limits and startup details, and local variables in tracebacks.
    pub debug: bool,
    /// Write a line for every function call and return.
    pub trace: bool,
    /// Whether machine code is made for hot loops (default: yes).
    pub jit: Option<bool>,
    /// Print what becomes of hot loops.
    pub jit_log: bool,
    /// How errors look.
    pub error_format: ErrorFormat,
    /// Print the version, as `lua -v`.
    pub version: bool,
    /// A script that fails, or calls `os.exit`, is run again when a file changes that it has
    /// watched (`solvm run --watch`).
    pub restart_on_change: bool,
}

impl Arguments {
    /// Whether the program can be read a second time.
    pub(crate) fn can_reload(&self) -> bool {
        matches!(self.script, Some(Script::File(_))) && !self.interactive
    }
}

/// The names of the commands, as opposed to `solvm script.lua`.
pub(crate) const COMMANDS: [&str; 13] = [
    "run",
    "check",
    "test",
    "doc",
    "init",
    "add",
    "remove",
    "update",
    "list",
    "install",
    "completions",
    "man",
    "help",
];

/// The arguments of `solvm script.lua`: the only place that declares them. The help, the manual
/// page and the shells' completions are made from it; a test compares the README's table.
pub(crate) fn options() -> Command {
    let (config, limits) = (Config::default(), Limits::default());
    let with_default = |help: &str, default: String| format!("{help} [default: {default}]");
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).action(ArgAction::SetTrue).help(help)
    };
    let option = |name: &'static str, value: &'static str, help: String| {
        // A value that starts with a dash is refused by its parser, whose message is about the
        // value.
        Arg::new(name).long(name).value_name(value).help(help).allow_hyphen_values(true)
    };
    let word = |name: &'static str, value: &'static str, help: &'static str| {
        let arg = Arg::new(name).short(name.chars().next()).value_name(value).help(help);
        arg.action(ArgAction::Append)
            .value_parser(value_parser!(OsString))
            .allow_hyphen_values(true)
    };
    Command::new("solvm")
        .about("Run Lua 5.1 programs")
        .version(concat!(env!("CARGO_PKG_VERSION"), " (Lua 5.1)"))
        .override_usage("solvm [OPTIONS] [SCRIPT | -] [ARGS]...\n       solvm <COMMAND> [ARGS]...")
        .disable_help_subcommand(true)
        .after_help(
            "Commands take precedence over scripts of the same name; run such a script as \
             ./NAME.\n\n\
             Long options also accept a single dash. A script named \"-\" is read from stdin; \
             \"--\" ends the options. Without a script, SolVM starts the REPL on a terminal and \
             runs stdin otherwise.\n\n\
             Exit codes: 0 success, 1 script error, 2 usage error, 124 timeout, 130 SIGINT, \
             143 SIGTERM.",
        )
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(word("e", "CODE", "Execute CODE before the script"))
        .arg(word("l", "NAME", "Require the module NAME before the script"))
        .arg(flag("interactive", "Enter interactive mode after the script").short('i'))
        .arg(flag("v", "Print the version to stderr, as lua -v does").short('v'))
        .arg(
            option(
                "timeout",
                "DURATION",
                with_default(
                    "Stop the program after DURATION, such as 300ms, 10s or 1m30s; \
                     0 means no limit",
                    match limits.timeout {
                        Timeout::Default(limit) | Timeout::Fixed(limit) => format!("{limit:?}"),
                        Timeout::Never => "0".into(),
                    },
                ),
            )
            .value_parser(read_duration),
        )
        .arg(
            option(
                "memory-limit",
                "MIB",
                with_default(
                    "Maximum memory of the program in MiB",
                    (config.memory_limit >> 20).to_string(),
                ),
            )
            .value_parser(read_count),
        )
        .arg(
            option(
                "max-goroutines",
                "N",
                with_default(
                    "Maximum number of live goroutines",
                    config.max_goroutines.to_string(),
                ),
            )
            .value_parser(read_count),
        )
        .arg(
            option(
                "max-isolates",
                "N",
                "Maximum number of isolates that run functions for require \"worker\" [default: \
                 the larger of 4 and twice the cores]"
                    .into(),
            )
            .value_parser(read_count),
        )
        .arg(
            option(
                "run-limit",
                "DURATION",
                with_default(
                    "Maximum time a goroutine may run without waiting, in programs that serve or \
                     use timers and have no -timeout",
                    format!("{:?}", limits.run_limit),
                ),
            )
            .value_parser(read_duration),
        )
        .arg(
            option(
                "handler-timeout",
                "DURATION",
                with_default(
                    "Maximum time until a handler starts its response, in programs that have no \
                     -timeout",
                    format!("{:?}", limits.handler_timeout),
                ),
            )
            .value_parser(read_duration),
        )
        .arg(
            option(
                "compat",
                "DIALECT",
                with_default(
                    "The Lua that the script was written for: lua, lua5.1 (its globals alone; \
                     other libraries come by require) or gopher-lua (its messages and behaviour)",
                    "lua".into(),
                ),
            )
            .value_parser(PossibleValuesParser::new(Compat::NAMES).map(|name| Compat::of(&name))),
        )
        .arg(
            option(
                "dump",
                "WHAT",
                "Print tokens, ast or bytecode instead of running the script; or, to stderr while \
                 it runs, region or machine of what becomes native code"
                    .into(),
            )
            .hide_possible_values(true)
            .value_parser(
                PossibleValuesParser::new(["tokens", "ast", "bytecode", "region", "machine"]).map(
                    |what| match what.as_str() {
                        "tokens" => Dump::Stage(Stage::Tokens),
                        "ast" => Dump::Stage(Stage::Ast),
                        "bytecode" => Dump::Stage(Stage::Bytecode),
                        "region" => Dump::Native(Listing::Region),
                        _ => Dump::Native(Listing::Machine),
                    },
                ),
            ),
        )
        .arg(
            option(
                "jit",
                "WHEN",
                with_default("Make machine code for hot loops: on or off", "on".into()),
            )
            .value_parser(PossibleValuesParser::new(["on", "off"]).map(|when| when == "on")),
        )
        .arg(
            flag(
                "jit-log",
                "Print to stderr which loops become machine code, and why others do not",
            )
            .long("jit-log"),
        )
        .arg(
            flag(
                "debug",
                "Print limits, working directory and startup details to stderr; show locals in \
                 tracebacks",
            )
            .long("debug"),
        )
        .arg(flag("trace", "Print every function call and return to stderr").long("trace"))
        .arg(ErrorFormat::option())
        .args(permissions::options())
        .arg(
            Arg::new("version")
                .long("version")
                .action(ArgAction::Version)
                .help("Print the version"),
        )
        .arg(Arg::new("help").long("help").action(ArgAction::Help).help("Print help"))
}

/// Parses the command line, the program's name first. The error is the text to print: a usage
/// error, or the requested help or version; `full_command` makes the options with the commands, for
/// help.
pub(crate) fn parse(
    words: impl Iterator<Item = OsString>,
    full_command: fn() -> Command,
) -> Result<Arguments, clap::Error> {
    let mut words = words.peekable();
    let mut arguments =
        Arguments { before: words.next().into_iter().collect(), ..Arguments::default() };
    let mut is_file = false;
    // Otherwise clap, whose tables need more time to build than a small script to run, is not used.
    if words.peek().is_some_and(is_option) {
        (arguments, is_file) = parse_options(arguments.before, &mut words, full_command)?;
    }
    arguments.script = words
        .next()
        .map(|word| if word == "-" && !is_file { Script::Input } else { Script::File(word) });
    arguments.arguments = words.collect();
    Ok(arguments)
}

fn is_option(word: &OsString) -> bool {
    word.len() > 1 && word.as_encoded_bytes().starts_with(b"-")
}

/// The options that limit a program that runs.
const LIMITS: &[&str] =
    &["timeout", "memory-limit", "max-goroutines", "max-isolates", "run-limit", "handler-timeout"];

/// Parses the options that come next; `before` are the arguments before them. Also returns whether
/// they ended with "--".
fn parse_options(
    mut before: Vec<OsString>,
    words: &mut Peekable<impl Iterator<Item = OsString>>,
    full_command: fn() -> Command,
) -> Result<(Arguments, bool), clap::Error> {
    let command = options();
    let mut in_form = before.clone();
    let mut is_file = false;
    while let Some(word) = words.next_if(is_option) {
        before.push(word.clone());
        if word == "--" {
            is_file = true;
            break;
        }
        let (option, takes_next) = in_clap_form(&command, word);
        in_form.push(option);
        if takes_next && let Some(value) = words.next() {
            before.push(value.clone());
            in_form.push(value);
        }
    }
    let matches = match command.try_get_matches_from(&in_form) {
        Ok(matches) => matches,
        // The message may be about the commands.
        Err(_) => full_command()
            .try_get_matches_from(&in_form)
            .map_err(|error| as_typed(error, &before))?,
    };
    let flag = |name| matches.get_flag(name);
    let dump = matches.get_one("dump").copied();
    if let Some(Dump::Stage(_)) = dump
        && let Some(limit) = LIMITS.iter().find(|limit| matches.contains_id(limit))
    {
        let message = format!("--{limit} limits a program, and --dump runs none");
        return Err(full_command().error(ErrorKind::ArgumentConflict, message));
    }
    let jit = matches.get_one("jit").copied();
    if let (Some(Dump::Native(_)), Some(false)) = (dump, jit) {
        let message = "--dump shows native code, and --jit turns it off";
        return Err(full_command().error(ErrorKind::ArgumentConflict, message));
    }
    let arguments = Arguments {
        permissions: permissions::read(&matches)
            .map_err(|message| full_command().error(ErrorKind::ValueValidation, message))?,
        startup: startup(&matches),
        before,
        interactive: flag("interactive"),
        timeout: matches
            .get_one("timeout")
            .map(|limit: &Duration| (!limit.is_zero()).then_some(*limit)),
        memory_limit: matches
            .get_one("memory-limit")
            .map(|megabytes: &usize| megabytes.saturating_mul(1 << 20)),
        max_goroutines: matches.get_one("max-goroutines").copied(),
        max_isolates: matches.get_one("max-isolates").copied(),
        run_limit: (matches.get_one("run-limit"))
            .map(|limit: &Duration| if limit.is_zero() { Duration::MAX } else { *limit }),
        handler_timeout: (matches.get_one("handler-timeout"))
            .map(|limit: &Duration| if limit.is_zero() { Duration::MAX } else { *limit }),
        compat: matches.get_one("compat").copied().unwrap_or_default(),
        dump,
        debug: flag("debug"),
        trace: flag("trace"),
        jit,
        jit_log: flag("jit-log"),
        error_format: matches.get_one("error-format").copied().unwrap_or_default(),
        version: flag("v") || flag("interactive"),
        ..Arguments::default()
    };
    Ok((arguments, is_file))
}

/// An option in clap's form: long ones with two dashes, and nothing after a letter that takes no
/// value. Also returns whether the next argument is its value.
fn in_clap_form(command: &Command, word: OsString) -> (OsString, bool) {
    let Some(text) = word.to_str() else { return (word, false) };
    let name = text.trim_start_matches('-');
    let takes_value = |arg: &Arg| arg.get_action().takes_values();
    let find = |what: &dyn Fn(&Arg) -> bool| command.get_arguments().find(|arg| what(arg));
    let takes_next = |arg: &Arg| takes_value(arg) && !arg.is_require_equals_set();
    let (key, is_whole) = name.split_once('=').map_or((name, true), |(key, _)| (key, false));
    if let Some(arg) = find(&|arg| arg.get_long() == Some(key)) {
        return (format!("--{name}").into(), is_whole && takes_next(arg));
    }
    let short = find(&|arg| arg.get_short() == name.chars().next() && arg.get_short().is_some());
    let (takes_value, is_letter) = (short.is_some_and(takes_value), name.len() == 1);
    if !text.starts_with("--") && (takes_value || is_letter) {
        return (text.into(), takes_value && is_letter);
    }
    // clap reports unknown options.
    (format!("--{name}").into(), false)
}

/// An error that names an unknown option as it was typed, not in clap's form.
fn as_typed(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    if let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) {
        let names = |word: &str| word.trim_start_matches('-').split('=').next().map(String::from);
        let (wanted, words) =
            (names(unknown), words.iter().skip(1).filter_map(|word| word.to_str()));
        let typed = words.filter(|word| word.starts_with('-')).find(|word| names(word) == wanted);
        if let Some(typed) = typed.and_then(|word| word.split('=').next()).map(String::from) {
            error.insert(ContextKind::InvalidArg, ContextValue::String(typed));
        }
    }
    error
}

/// The values of `-e` and `-l` in the order in which they were given.
fn startup(matches: &ArgMatches) -> Vec<StartupAction> {
    let of = |name: &str, make: fn(OsString) -> StartupAction| {
        let values = matches.get_many::<OsString>(name).into_iter().flatten().cloned().map(make);
        let places = matches.indices_of(name).into_iter().flatten();
        places.zip(values).collect::<Vec<_>>()
    };
    let mut all = of("e", StartupAction::Code);
    all.extend(of("l", StartupAction::Library));
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, action)| action).collect()
}

/// Reads the value of an option that is a duration.
pub(crate) fn read_duration(text: &str) -> Result<Duration, &'static str> {
    if text.starts_with('-') {
        return Err("must not be negative");
    }
    duration::parse(text).ok_or("expected a duration such as 300ms, 10s or 1m30s")
}

/// Parses the value of an option that is a count: at least one.
fn read_count(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(0) => Err("must be at least 1"),
        Ok(count) => Ok(count),
        Err(_) => Err("expected a whole number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Arguments, clap::Error> {
        parse(["solvm"].iter().chain(words).map(OsString::from), options)
    }

    fn code(text: &str) -> StartupAction {
        StartupAction::Code(text.into())
    }

    #[test]
    fn table_of_options_is_consistent() {
        options().debug_assert();
    }

    #[test]
    fn options_end_at_the_script() {
        let arguments = parsed(&["-timeout", "1s", "a.lua", "-timeout", "x", "--", "-e"]).unwrap();
        assert_eq!(arguments.script, Some(Script::File("a.lua".into())));
        assert_eq!(arguments.timeout, Some(Some(Duration::from_secs(1))));
        assert_eq!(arguments.arguments, ["-timeout", "x", "--", "-e"]);
        assert_eq!(arguments.before, ["solvm", "-timeout", "1s"]);
        assert_eq!(parsed(&["-", "-"]).unwrap().script, Some(Script::Input));
        assert_eq!(parsed(&["--", "-"]).unwrap().script, Some(Script::File("-".into())));
        assert_eq!(parsed(&["--", "-x"]).unwrap().script, Some(Script::File("-x".into())));
        assert_eq!(parsed(&["-i", "--"]).unwrap().script, None);
    }

    #[test]
    fn no_options_mean_what_clap_says_of_none() {
        let (without, with) =
            (parsed(&["a.lua", "x"]).unwrap(), parsed(&["--", "a.lua", "x"]).unwrap());
        assert_eq!(without.before, ["solvm"]);
        assert_eq!(Arguments { before: without.before.clone(), ..with }, without);
    }

    #[test]
    fn long_options_have_one_dash_or_two() {
        for words in
            [["-timeout", "0"].as_slice(), &["--timeout", "0"], &["-timeout=0"], &["--timeout=0"]]
        {
            assert_eq!(parsed(words).unwrap().timeout, Some(None), "{words:?}");
        }
        assert_eq!(parsed(&["-memory-limit=2"]).unwrap().memory_limit, Some(2 << 20));
        assert_eq!(
            parsed(&["-dump=ast", "-dump", "tokens"]).unwrap().dump,
            Some(Dump::Stage(Stage::Tokens))
        );
    }

    #[test]
    fn what_a_dump_would_ignore_is_refused() {
        assert!(parsed(&["-dump=ast", "-timeout", "1s"]).is_err());
        assert!(parsed(&["-dump=region", "-timeout", "1s"]).is_ok());
        assert!(parsed(&["-dump=machine", "-jit", "off"]).is_err());
        assert!(parsed(&["-dump=machine", "-jit", "on"]).is_ok());
    }

    #[test]
    fn code_and_modules_keep_their_order() {
        let arguments =
            parsed(&["-e", "x=1", "-lm", "-ey=2", "-l", "-n", "-e ", "-e", ""]).unwrap();
        let library = |name: &str| StartupAction::Library(name.into());
        assert_eq!(
            arguments.startup,
            [code("x=1"), library("m"), code("y=2"), library("-n"), code(" "), code("")]
        );
    }

    #[test]
    fn wrong_usage_is_refused() {
        // Lua 5.1 has no -h, and its official suite relies on that.
        for words in [
            &["-timeout", "soon"][..],
            &["-nonsense"],
            &["-h"],
            &["-f"],
            &["-ix"],
            &["-e"],
            &["--e", "x"],
        ] {
            assert_eq!(parsed(words).unwrap_err().exit_code(), 2, "{words:?}");
        }
        for word in ["-help", "--help"] {
            assert_eq!(parsed(&[word]).unwrap_err().exit_code(), 0, "{word}");
        }
    }
}
