//! Operations of servers and clients per second: a Lua handler compared with other servers that are
//! installed, all driven by `wrk`; echoes of WebSockets and TCP; the HTTP client.

use crate::compare::build_solvm;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The target ratio of a Lua handler's rate to that of Node's `http` module.
const LEAST_RATIO: f64 = 1.5;
/// How often each server is measured, in turn. The median counts.
const ROUNDS: usize = 3;
/// How long each time, and how long every body is checked before, in seconds.
const MEASURED: u32 = 5;
const CHECKED: u32 = 1;

/// A server that is running.
struct Server {
    name: &'static str,
    process: Child,
    /// Its first output.
    words: Vec<String>,
    rates: Vec<f64>,
    /// Microseconds of processor time per request: other load on the machine affects them less.
    costs: Vec<f64>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts a server that prints its port; or one with a given port.
    fn start(
        name: &'static str,
        command: &mut Command,
        port: Option<u16>,
    ) -> Result<Server, String> {
        let failed = |error: std::io::Error| format!("{name}: {error}");
        let mut process = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
        let words = match port {
            Some(port) => {
                std::thread::sleep(Duration::from_millis(500));
                vec![port.to_string()]
            }
            None => {
                let output: ChildStdout = process.stdout.take().ok_or("no output")?;
                let mut line = String::new();
                BufReader::new(output).read_line(&mut line).map_err(failed)?;
                line.split_whitespace().map(String::from).collect()
            }
        };
        Ok(Server { name, process, words, rates: Vec::new(), costs: Vec::new() })
    }

    fn port(&self) -> &str {
        self.words.first().map_or("0", |port| port)
    }

    /// One more measurement.
    fn measure(&mut self) -> Result<(), String> {
        let url = format!("http://127.0.0.1:{}/some/path", self.port());
        let wrk = |seconds: u32, script: Option<PathBuf>| {
            let mut command = Command::new("wrk");
            command.args(["-t1", "-c32", &format!("-d{seconds}s")]);
            if let Some(script) = script {
                command.arg("-s").arg(script);
            }
            let output = command.arg(&url).output().map_err(|error| format!("wrk: {error}"))?;
            Ok::<_, String>(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let checked = wrk(CHECKED, Some(folder().join("check.lua")))?;
        if !checked.contains("wrong: 0\n") {
            return Err(format!("{}: not every answer is right:\n{checked}", self.name));
        }
        let before = processor_time(self.process.id());
        let measured = wrk(MEASURED, None)?;
        let after = processor_time(self.process.id());
        if measured.contains("Non-2xx") || measured.contains("Socket errors") {
            return Err(format!("{}: errors:\n{measured}", self.name));
        }
        let rate = measured
            .lines()
            .find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
        let rate: f64 = rate.ok_or_else(|| format!("no output of wrk:\n{measured}"))?;
        self.rates.push(rate);
        if let (Some(before), Some(after)) = (before, after) {
            self.costs.push((after - before) * 1e6 / (rate * f64::from(MEASURED)));
        }
        Ok(())
    }

    fn print(&self, remark: &str) {
        let (rate, cost) = (median(&self.rates), median(&self.costs));
        let rates: Vec<String> = self.rates.iter().map(|rate| format!("{rate:.0}")).collect();
        println!(
            "{:<32}{rate:>12.0}   {}; {cost:.1} µs of processor time each{remark}",
            self.name,
            rates.join(" ")
        );
    }
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Seconds of processor time that a process has used, on Linux.
fn processor_time(process: u32) -> Option<f64> {
    /// The unit of these figures, on every machine that Linux runs on.
    const TICKS: f64 = 100.0;
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut figures = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (figures.next()?.parse().ok()?, figures.next()?.parse().ok()?);
    Some((user + system) / TICKS)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("network")
}

fn is_here(command: &str) -> bool {
    let found =
        Command::new(command).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok()
}

/// Measures everything and prints it. False if a promise is not kept. `solvm` is the binary to
/// measure.
pub(crate) fn run(solvm: Option<PathBuf>) -> Result<bool, String> {
    let solvm = match solvm {
        Some(solvm) => solvm,
        None => build_solvm()?,
    };
    let mut server =
        Server::start("solvm", Command::new(&solvm).arg(folder().join("server.lua")), None)?;
    measure_clients(&solvm, &server)?;
    if !is_here("wrk") {
        println!("wrk is not installed: no measurement of the handler");
        return Ok(true);
    }
    let mut others = Vec::new();
    if is_here("node") {
        others.push(Server::start(
            "node",
            Command::new("node").arg(folder().join("node.js")),
            None,
        )?);
    }
    let temporary = std::env::temp_dir().join(format!("solvm-benches-{}", std::process::id()));
    if is_here("nginx") {
        others.extend(start_nginx(&temporary)?);
    }
    for _ in 0..ROUNDS {
        server.measure()?;
        others.iter_mut().try_for_each(Server::measure)?;
    }
    println!("requests per second of a handler, 32 clients, median of {ROUNDS}");
    server.print("");
    let mut is_kept = true;
    for other in &others {
        let ratio = median(&server.rates) / median(&other.rates);
        let is_promised = other.name == "node";
        let promise = if is_promised { format!(", at least {LEAST_RATIO}") } else { String::new() };
        is_kept &= !is_promised || ratio >= LEAST_RATIO;
        other.print(&format!("; ratio {ratio:.2}{promise}"));
    }
    drop(others);
    // Nginx has left files there, if it ran at all.
    let _ = fs::remove_dir_all(temporary);
    Ok(is_kept)
}

/// Nginx with its Lua module, if that is installed.
fn start_nginx(folder_for_files: &Path) -> Result<Option<Server>, String> {
    let failed = |error: std::io::Error| format!("nginx: {error}");
    fs::create_dir_all(folder_for_files).map_err(failed)?;
    // No other process takes it in so short a time.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(failed)?
        .port();
    let configuration = fs::read_to_string(folder().join("nginx.conf")).map_err(failed)?;
    let path = folder_for_files.join("nginx.conf");
    fs::write(&path, configuration.replace("PORT", &port.to_string())).map_err(failed)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder_for_files).arg("-c").arg(&path).stderr(Stdio::null());
    let mut server = Server::start("nginx", &mut command, Some(port))?;
    if server.process.try_wait().map_err(failed)?.is_some() {
        println!("nginx does not start; is its Lua module installed?");
        return Ok(None);
    }
    Ok(Some(server))
}

fn measure_clients(solvm: &Path, server: &Server) -> Result<(), String> {
    let mut command = Command::new(solvm);
    command
        .args(["-timeout", "60s"])
        .arg(folder().join("clients.lua"))
        .args(&server.words)
        .args(["32", "3"]);
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!(
            "clients.lua: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (name, rate) = line.split_once('\t').unwrap_or((line, ""));
        println!(
            "{name:<32}{:>12.0}   per second, 32 clients",
            rate.parse::<f64>().unwrap_or(f64::NAN)
        );
    }
    Ok(())
}
