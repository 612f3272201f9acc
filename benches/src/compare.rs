//! Whole programs on several interpreters. Runs are interleaved, so that other load on the machine
//! affects all of them; the measure is the processor time of the child process, the median of
//! several runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The size at which programs run in a smoke test.
const TINY: &str = "1";

/// What to measure.
pub(crate) struct Options {
    runs: usize,
    smoke: bool,
    solvm: Option<PathBuf>,
    names: Vec<String>,
}

impl Options {
    /// Takes the command line apart. The error is a message.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { runs: 5, smoke: false, solvm: None, names: Vec::new() };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--runs" => {
                    let number = words
                        .next()
                        .and_then(|number| number.parse().ok())
                        .filter(|&number| number > 0);
                    options.runs = number.ok_or("--runs needs a number")?;
                }
                "--smoke" => options.smoke = true,
                "--solvm" => {
                    options.solvm = Some(words.next().ok_or("--solvm needs a path")?.into())
                }
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                _ => options.names.push(word),
            }
        }
        if options.smoke {
            options.runs = 1;
        }
        Ok(options)
    }
}

/// An interpreter and the options with which it is run.
#[derive(Clone)]
pub(crate) struct Interpreter {
    pub(crate) name: &'static str,
    pub(crate) command: PathBuf,
    pub(crate) options: &'static [&'static str],
}

/// One program's run.
struct Run {
    time: Duration,
    output: Vec<u8>,
}

/// Measures everything and prints tables. False if a program failed or printed something else than
/// the others.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    let mut interpreters = find_interpreters(options.solvm.as_ref())?;
    add_counterparts(&mut interpreters);
    let programs = run_programs("scripts", "", &interpreters, options)?;
    // They use what Lua 5.2 has removed.
    let of_5_1: Vec<Interpreter> =
        (interpreters.iter()).filter(|interpreter| interpreter.name != "lua5.4").cloned().collect();
    let larger = run_programs("programs", "programs/", &of_5_1, options)?;
    // The four programs that the Go version of SolVM was measured with are also compared with the
    // interpreter that it was built on.
    interpreters.extend(find_interpreter("gopher-lua", "glua", &[]));
    let headline = run_programs("headline", "headline/", &interpreters, options)?;
    if programs.is_none() && larger.is_none() && headline.is_none() {
        return Err(format!("no program has {} in its name", options.names.join(" or ")));
    }
    Ok([programs, larger, headline].into_iter().flatten().all(|all_right| all_right))
}

/// Measures the programs of a directory, whose names have a prefix. None if none of them is
/// selected.
fn run_programs(
    folder: &str,
    prefix: &str,
    interpreters: &[Interpreter],
    options: &Options,
) -> Result<Option<bool>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut scripts = Vec::new();
    find_scripts(&folder, &mut scripts);
    scripts.sort();
    let name_of = |script: &Path| {
        format!(
            "{prefix}{}",
            script.strip_prefix(&folder).unwrap_or(script).with_extension("").display()
        )
    };
    scripts.retain(|script| {
        options.names.is_empty()
            || options.names.iter().any(|name| name_of(script).contains(name.as_str()))
    });
    if scripts.is_empty() {
        return Ok(None);
    }
    print!("{:<24}", "seconds, then ratios");
    interpreters.iter().for_each(|interpreter| print!("{:>14}", interpreter.name));
    println!();
    let mut all_right = true;
    let mut logarithms = vec![0.0; interpreters.len()];
    let mut counted = 0usize;
    for script in &scripts {
        let name = name_of(script);
        match measure(script, interpreters, options) {
            Ok(medians) => {
                print_row(&name, &medians);
                counted += 1;
                for (sum, median) in logarithms.iter_mut().zip(&medians) {
                    *sum += ratio(medians[0], *median).ln();
                }
            }
            Err(message) => {
                println!("{name:<24} {message}");
                all_right = false;
            }
        }
    }
    print!("{:<24}{:>14}", "geometric mean", "");
    for sum in &logarithms[1..] {
        print!("{:>14.2}", (sum / counted.max(1) as f64).exp());
    }
    println!("\n{counted} programs; a ratio is SolVM's time divided by the other's");
    Ok(Some(all_right))
}

fn ratio(solvm: Duration, other: Duration) -> f64 {
    // Below the clock's resolution nothing can be said.
    const LEAST: f64 = 1e-3;
    solvm.as_secs_f64().max(LEAST) / other.as_secs_f64().max(LEAST)
}

fn print_row(name: &str, medians: &[Duration]) {
    print!("{name:<24}{:>14.3}", medians[0].as_secs_f64());
    for median in &medians[1..] {
        print!("{:>8.3} {:>5.2}", median.as_secs_f64(), ratio(medians[0], *median));
    }
    println!();
}

fn find_scripts(folder: &Path, scripts: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_scripts(&path, scripts);
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            scripts.push(path);
        }
    }
}

/// SolVM first, then whatever else is installed.
pub(crate) fn find_interpreters(solvm: Option<&PathBuf>) -> Result<Vec<Interpreter>, String> {
    let solvm = match solvm {
        Some(path) => path.clone(),
        None => build_solvm()?,
    };
    let mut interpreters =
        vec![Interpreter { name: "solvm", command: solvm, options: &["-timeout", "0"] }];
    let others: [(&str, &str, &[&str]); 3] = [
        ("lua5.1", "lua5.1", &[]),
        ("luajit -joff", "luajit", &["-joff"]),
        ("lua5.4", "lua5.4", &[]),
    ];
    interpreters.extend(
        others
            .into_iter()
            .filter_map(|(name, command, options)| find_interpreter(name, command, options)),
    );
    Ok(interpreters)
}

/// After SolVM, which has native code: SolVM without, and LuaJIT with its compiler.
fn add_counterparts(interpreters: &mut Vec<Interpreter>) {
    let Some(first) = interpreters.first() else { return };
    let options = &["-timeout", "0", "-jit", "off"];
    let interpreted =
        Interpreter { name: "solvm -jit off", command: first.command.clone(), options };
    let luajit = find_interpreter("luajit", "luajit", &[]);
    interpreters.splice(1..1, [interpreted].into_iter().chain(luajit));
}

/// An interpreter, if it is installed.
fn find_interpreter(
    name: &'static str,
    command: &str,
    options: &'static [&'static str],
) -> Option<Interpreter> {
    let version = Command::new(command)
        .arg("-v")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let is_installed = version.is_ok_and(|status| status.success());
    is_installed.then(|| Interpreter { name, command: command.into(), options })
}

/// Brings the release build up to date; gives its path.
pub(crate) fn build_solvm() -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = this.parent().ok_or("this program runs from an unknown place")?;
    let target = folder.parent().ok_or("this program runs from an unknown place")?;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut build = Command::new("cargo");
    build
        .args(["build", "--quiet", "--release", "--package", "solvm-cli", "--manifest-path"])
        .arg(manifest);
    let status = build
        .arg("--target-dir")
        .arg(target)
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err(format!("building solvm: {status}"));
    }
    Ok(target.join("release").join(format!("solvm{}", std::env::consts::EXE_SUFFIX)))
}

/// The median time of a program on each interpreter.
fn measure(
    script: &Path,
    interpreters: &[Interpreter],
    options: &Options,
) -> Result<Vec<Duration>, String> {
    let mut times = vec![Vec::new(); interpreters.len()];
    let mut expected: Option<Vec<u8>> = None;
    for _ in 0..options.runs {
        for (interpreter, times) in interpreters.iter().zip(&mut times) {
            let run = run_once(script, interpreter, options.smoke)?;
            if *expected.get_or_insert_with(|| run.output.clone()) != run.output {
                return Err(format!("{} prints something else", interpreter.name));
            }
            times.push(run.time);
        }
    }
    Ok(times.into_iter().map(median).collect())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn run_once(script: &Path, interpreter: &Interpreter, smoke: bool) -> Result<Run, String> {
    let mut command = Command::new(&interpreter.command);
    command.args(interpreter.options).arg(script).stdin(Stdio::null());
    if smoke {
        command.arg(TINY);
    }
    let clock = Clock::start();
    let output = command.output().map_err(|error| format!("{}: {error}", interpreter.name))?;
    let time = clock.elapsed();
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{}: {} {}",
            interpreter.name,
            output.status,
            message.lines().next().unwrap_or("")
        ));
    }
    Ok(Run { time, output: output.stdout })
}

/// Measures the processor time of child processes; elapsed time if the OS does not report it.
struct Clock {
    started: Instant,
    #[cfg(unix)]
    used: Duration,
}

impl Clock {
    fn start() -> Clock {
        Clock {
            started: Instant::now(),
            #[cfg(unix)]
            used: children_time(),
        }
    }

    fn elapsed(&self) -> Duration {
        #[cfg(unix)]
        {
            let used = children_time().saturating_sub(self.used);
            if !used.is_zero() {
                return used;
            }
        }
        self.started.elapsed()
    }
}

/// The user time of all children that have ended.
#[cfg(unix)]
fn children_time() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return Duration::ZERO };
    let time = usage.user_time();
    let microseconds = time.tv_sec().saturating_mul(1_000_000).saturating_add(time.tv_usec());
    Duration::from_micros(u64::try_from(microseconds).unwrap_or(0))
}
