//! The command line: SolVM's options, with one dash or two, and `lua`'s.

use solvm_stdlib::duration;
use std::ffi::OsString;
use std::time::Duration;

/// One line on how to call the program.
pub(crate) const USAGE: &str = "solvm [options] [script.lua | -] [args...]   (solvm -help tells more)";

/// What `-help` prints.
pub(crate) const HELP: &str = "SolVM runs Lua.

usage: solvm [options] [script.lua | -] [args...]

  -e CODE             run a piece of code before the script
  -timeout DURATION   stop after this time, as 300ms, 10s, 1m30s; 0 is never (default 5s)
  -memory-limit MB    the heap may not be larger (default 1024)
  -max-goroutines N   no more goroutines at a time (default 10000000)
  -run-limit DURATION a goroutine may not run longer without a wait, in programs that
                      serve or wait for timers and have no -timeout (default 30s)
  --dump=WHAT         print the script's tokens, ast or bytecode instead of running it
  -version, -v        print the version
  -help               print this
  -                   read the script from standard input
  --                  end of options

Exit code: 0, 1 after an error in the script, 2 for wrong usage, 124 when the time is up.
";

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// A file.
    File(OsString),
    /// Standard input.
    Input,
}

/// What to print instead of running the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dump {
    /// The lexer's tokens.
    Tokens,
    /// The syntax tree.
    Ast,
    /// The compiled code.
    Bytecode,
}

/// The command line, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Pieces of code to run first.
    pub code: Vec<OsString>,
    /// The script.
    pub script: Option<Script>,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// How many words stand before the script: `arg` has them at negative indices.
    pub before: Vec<OsString>,
    /// The time limit that the user gave; Some(None) is "none".
    pub timeout: Option<Option<Duration>>,
    /// The heap's limit in bytes.
    pub memory_limit: Option<usize>,
    /// The largest number of goroutines.
    pub max_goroutines: Option<usize>,
    /// How long a goroutine may run between two waits.
    pub run_limit: Option<Duration>,
    /// What to print instead of running.
    pub dump: Option<Dump>,
    /// Print the version.
    pub version: bool,
    /// Print the help.
    pub help: bool,
}

/// Takes the words behind the program's name apart. The error is a message.
pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Arguments, String> {
    let mut result = Arguments::default();
    let mut words = words;
    while let Some(word) = words.next() {
        let text = word.to_string_lossy().into_owned();
        if text == "-" {
            result.script = Some(Script::Input);
            break;
        }
        if !text.starts_with('-') {
            result.script = Some(Script::File(word));
            break;
        }
        result.before.push(word);
        if text == "--" {
            result.script = words.next().map(|word| if word == "-" { Script::Input } else { Script::File(word) });
            break;
        }
        if let Some(code) = text.strip_prefix("-e").filter(|code| !code.is_empty()) {
            result.code.push(OsString::from(code));
            continue;
        }
        let option = text.strip_prefix("--").or(text.strip_prefix('-')).unwrap_or(&text);
        let (name, mut attached) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (option, None),
        };
        let mut value = |what: &str| match attached.take() {
            Some(value) => Ok(OsString::from(value)),
            None => words.next().ok_or_else(|| format!("'-{name}' needs {what}")),
        };
        match name {
            "e" => {
                let code = value("a piece of code")?;
                result.before.push(code.clone());
                result.code.push(code);
            }
            "timeout" => {
                let given = read_duration(&value("a duration")?)?;
                result.timeout = Some((!given.is_zero()).then_some(given));
            }
            "run-limit" => {
                let given = read_duration(&value("a duration")?)?;
                result.run_limit = Some(if given.is_zero() { Duration::MAX } else { given });
            }
            "max-goroutines" => {
                let given = value("a number")?;
                let text = given.to_string_lossy();
                result.max_goroutines = Some(text.parse().map_err(|_| format!("'{text}' is no number"))?);
            }
            "memory-limit" => {
                let given = value("a number of megabytes")?;
                let text = given.to_string_lossy().into_owned();
                let megabytes: usize = text.parse().map_err(|_| format!("'{text}' is no number of megabytes"))?;
                result.memory_limit = Some(megabytes.saturating_mul(1 << 20));
            }
            "dump" => {
                let given = value("tokens, ast or bytecode")?;
                result.dump = Some(match given.to_string_lossy().as_ref() {
                    "tokens" => Dump::Tokens,
                    "ast" => Dump::Ast,
                    "bytecode" => Dump::Bytecode,
                    other => return Err(format!("cannot dump '{other}': tokens, ast or bytecode")),
                });
            }
            "v" | "version" => result.version = true,
            "h" | "help" => result.help = true,
            _ => return Err(format!("unrecognized option '{text}'")),
        }
    }
    result.arguments = words.collect();
    Ok(result)
}

fn read_duration(given: &OsString) -> Result<Duration, String> {
    let text = given.to_string_lossy();
    duration::parse(&text).ok_or_else(|| format!("'{text}' is no duration (as 300ms, 10s, 1m30s)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Arguments, String> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn options_end_at_the_script() {
        let arguments = parsed(&["-timeout", "1s", "a.lua", "-timeout", "x"]).unwrap();
        assert_eq!(arguments.script, Some(Script::File("a.lua".into())));
        assert_eq!(arguments.timeout, Some(Some(Duration::from_secs(1))));
        assert_eq!(arguments.arguments, ["-timeout", "x"]);
        assert_eq!(parsed(&["--timeout=0", "-"]).unwrap().timeout, Some(None));
        assert!(parsed(&["-timeout", "soon"]).is_err());
        assert!(parsed(&["-nonsense"]).is_err());
        assert_eq!(parsed(&["-e", "x=1", "-ey=2"]).unwrap().code, ["x=1", "y=2"]);
    }
}
