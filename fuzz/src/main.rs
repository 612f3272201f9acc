//! Fuzzing on a stable compiler: `cargo run --release -- source|program|decoder|template|archive|
//! grammar [COUNT] [SEED]`, or `... run FILE [SLICE]`, or `... show TARGET INDEX`. `differential`,
//! `loops`, `patterns`, `formats`, `numerals` and `grammars` instead of `source` compare with Lua
//! 5.1. `corpus` runs the inputs in `corpus/`, which libFuzzer has found.
//!
//! The inputs are numbered and determined by their numbers. A child process runs them and writes
//! the current number to a file; when it crashes or hangs, the input is kept in `artifacts/` and
//! the next child continues after it. At the end the number of different failures is printed; the
//! exit code is 1 if there were any.

use solvm_fuzz::differential::{self, Difference, Programs, interpreter};
use solvm_fuzz::{Corpus, Random, archive, decoder, fill, program, run, template};
use std::collections::HashMap;
use std::fs;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The time after which an input hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(10);
/// The number of inputs that are kept for each kind of failure.
const KEPT: usize = 3;
/// The number of differences that are printed.
const SHOWN: usize = 20;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(default);
    match words.first().map(String::as_str) {
        Some(target @ ("source" | "program" | "decoder" | "template" | "archive" | "grammar")) => {
            drive(target, number(1, 100_000), number(2, 0))
        }
        Some("corpus") => replay(),
        Some("show") => {
            let target = words.get(1).map_or("program", |word| word);
            let text = match differential::kind(target) {
                Some(programs) => programs(number(2, 0)).into_bytes(),
                None => Inputs::new(target).input(number(2, 0)).0,
            };
            println!("{}", String::from_utf8_lossy(&text));
            ExitCode::SUCCESS
        }
        Some("run") => {
            let text = words.get(1).and_then(|path| fs::read(path).ok()).unwrap_or_default();
            if let Some(message) = run(&text, number(2, 1000) as u32) {
                println!("{message}");
            }
            ExitCode::SUCCESS
        }
        Some("child") => {
            work(&words[1], number(2, 0), number(3, 0), Path::new(&words[4]));
            ExitCode::SUCCESS
        }
        target => {
            if let Some((name, programs)) =
                target.and_then(|name| Some((name, differential::kind(name)?)))
            {
                return compare(name, programs, number(1, 10_000), number(2, 0));
            }
            let kinds: Vec<&str> = differential::KINDS.iter().map(|(name, _)| *name).collect();
            let kinds = kinds.join("|");
            eprintln!(
                "usage: solvm-fuzz source|program|decoder|template|archive|grammar|{kinds} [COUNT] \
                 [FIRST] | corpus | run FILE [SLICE] | show TARGET NUMBER"
            );
            ExitCode::from(2)
        }
    }
}

/// Runs the kept inputs, in short and in long slices. A failing one panics.
fn replay() -> ExitCode {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in ["source", "program"] {
        let directory = corpus.join(target);
        let mut paths: Vec<PathBuf> = fs::read_dir(&directory)
            .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        paths.sort();
        for path in &paths {
            let mut text = fs::read(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            if target == "program" {
                text = program(&text).into_bytes();
            }
            for slice in [1, 1000] {
                run(&text, slice);
            }
        }
        println!("{target}: {} kept inputs", paths.len());
    }
    ExitCode::SUCCESS
}

/// The numbered inputs of a target.
enum Inputs {
    Source(Corpus),
    Program,
    Decoder,
    Template,
    Archive,
    Grammar,
}

impl Inputs {
    fn new(target: &str) -> Self {
        match target {
            "program" => return Inputs::Program,
            "decoder" => return Inputs::Decoder,
            "template" => return Inputs::Template,
            "archive" => return Inputs::Archive,
            "grammar" => return Inputs::Grammar,
            _ => {}
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let directories = ["lua-tests/scripts", "benches/scripts", "compiler/tests", "vm/tests"]
            .map(|name| root.join(name));
        let corpus = Corpus::read(&directories.each_ref().map(PathBuf::as_path));
        Inputs::Source(corpus)
    }

    /// Returns the input, and the slice to run it with.
    fn input(&self, number: u64) -> (Vec<u8>, u32) {
        let mut random = Random::new(number);
        let slice = [1, 7, 1000, 1000][random.below(4)];
        let text = match self {
            Inputs::Program => {
                let count = 20 + random.below(400);
                program(&random.bytes(count)).into_bytes()
            }
            Inputs::Decoder => decoder(&mut random).into_bytes(),
            Inputs::Template => template(&mut random).into_bytes(),
            Inputs::Archive => archive(&mut random).into_bytes(),
            Inputs::Grammar => differential::grammar(number).into_bytes(),
            Inputs::Source(corpus) if corpus.is_empty() || random.below(50) == 0 => {
                let count = random.below(200);
                random.bytes(count)
            }
            Inputs::Source(corpus) => {
                let mut text = corpus.mutated(&mut random).into_bytes();
                if random.below(8) == 0 && !text.is_empty() {
                    let at = random.below(text.len());
                    text[at] = random.below(256) as u8;
                }
                text
            }
        };
        (text, slice)
    }

    /// Runs an input. A failing one panics.
    fn run(&self, text: &[u8], slice: u32) {
        match self {
            Inputs::Template => fill(&String::from_utf8_lossy(text)),
            Inputs::Decoder | Inputs::Archive => {
                let failure = run(text, slice).filter(|message| message != "not enough memory");
                assert!(failure.is_none(), "{}", failure.unwrap_or_default());
            }
            // These programs may fail.
            Inputs::Source(_) | Inputs::Program | Inputs::Grammar => drop(run(text, slice)),
        }
    }
}

/// The child: runs inputs, and writes down the number of each before.
fn work(target: &str, first: u64, last: u64, current: &Path) {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    std::thread::spawn(|| {
        let mut seen = 0;
        loop {
            std::thread::sleep(HANG_TIMEOUT);
            let now = STARTED.load(Ordering::Relaxed);
            if now == seen {
                eprintln!("hangs");
                std::process::abort();
            }
            seen = now;
        }
    });
    let inputs = Inputs::new(target);
    let mut current = fs::File::create(current).expect("the temporary directory can be written");
    for number in first..last {
        let (text, slice) = inputs.input(number);
        let noted = current.rewind().and_then(|()| current.write_all(&number.to_le_bytes()));
        noted.expect("the temporary directory can be written");
        STARTED.fetch_add(1, Ordering::Relaxed);
        inputs.run(&text, slice);
    }
}

/// Runs children until all inputs are done; keeps failing ones.
fn drive(target: &str, count: u64, first: u64) -> ExitCode {
    let current = std::env::temp_dir().join(format!("solvm-fuzz-{}", std::process::id()));
    let artifacts = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts");
    let inputs = Inputs::new(target);
    let mut failures: HashMap<String, usize> = HashMap::new();
    let last = first + count;
    let mut next = first;
    while next < last {
        let program = std::env::current_exe().expect("the program knows its path");
        let words = ["child".to_string(), target.to_string(), next.to_string(), last.to_string()];
        let mut child = Command::new(program)
            .args(words)
            .arg(&current)
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut message = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            let _ = stderr.read_to_string(&mut message);
        }
        let status = child.wait().expect("ends");
        if status.success() {
            break;
        }
        let number = fs::read(&current).ok().and_then(|bytes| bytes.try_into().ok());
        let number = number.map_or(next, u64::from_le_bytes);
        let (text, slice) = inputs.input(number);
        let note = format!("-- {target} {number}, slice {slice}");
        next = number + 1;
        let kind = kind_of(&message, &status.to_string());
        let seen = failures.entry(kind.clone()).or_default();
        *seen += 1;
        if *seen <= KEPT {
            println!("{kind}\n    {note}");
            let _ = std::io::stdout().flush();
            let name = format!("{target}-{number}.lua");
            let kept = [note.as_bytes(), b"\n", &text].concat();
            fs::create_dir_all(&artifacts)
                .and_then(|()| fs::write(artifacts.join(name), kept))
                .expect("can be kept");
        }
    }
    let _ = fs::remove_file(&current);
    println!("{target}: {count} inputs, {} kinds of failure", failures.len());
    for (kind, times) in &failures {
        println!("  {times} x {kind}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs programs on SolVM (`SOLVM`, or the release build) and on Lua 5.1 (`LUA`); prints the
/// differences.
fn compare(name: &str, programs: Programs, count: u64, first: u64) -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/solvm");
    let (solvm, lua) =
        (interpreter("SOLVM", &root.to_string_lossy()), interpreter("LUA", "lua5.1"));
    let mut differences = 0;
    let compared =
        differential::compare(programs, (&solvm, &lua), (first, first + count), |difference| {
            differences += 1;
            if differences <= SHOWN {
                let Difference { number, solvm, lua } = difference;
                println!("== program {number}");
                let lines = solvm.lines().zip(lua.lines()).find(|(ours, theirs)| ours != theirs);
                let (ours, theirs) = lines.unwrap_or((&solvm, &lua));
                println!("solvm: {ours}\nlua:   {theirs}");
            }
        });
    if let Err(error) = compared {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    println!("{name}: {count} programs, {differences} differences");
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the start of a failure's message, without variable parts.
fn kind_of(message: &str, status: &str) -> String {
    let mut lines = message.lines().filter(|line| !line.trim().is_empty());
    let place = lines.next().unwrap_or_default();
    let place = place.split_once("panicked at ").map_or(place, |(_, place)| place);
    format!("{status}: {place} {}", lines.next().unwrap_or_default())
}
