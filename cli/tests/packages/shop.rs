//! A server of rocks, as a directory and by HTTP, and a project that uses it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use tempfile::TempDir;

/// The files of an archive, with their contents.
pub(crate) type Contents<'a> = &'a [(&'a str, &'a str)];

/// A directory with rocks and a project.
pub(crate) struct Shop {
    directory: TempDir,
}

impl Shop {
    pub(crate) fn new() -> Shop {
        let shop = Shop { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(shop.rocks()).unwrap();
        fs::create_dir(shop.project()).unwrap();
        shop
    }

    pub(crate) fn rocks(&self) -> PathBuf {
        self.directory.path().join("rocks")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.directory.path().join("project")
    }

    /// Adds a rock whose sources are a `.tar.gz`.
    pub(crate) fn add(&self, name: &str, version: &str, spec: &str, files: Contents) {
        let archive = format!("{name}-{version}.tar.gz");
        fs::write(self.rocks().join(&archive), tar_gz(&format!("{name}-src"), files)).unwrap();
        self.add_spec(name, version, &format!("source = {{ url = '{{}}/{archive}' }} {spec}"));
    }

    /// Adds a rockspec. `{}` in it is the address of the server.
    pub(crate) fn add_spec(&self, name: &str, version: &str, spec: &str) {
        let spec = spec.replace("{}", &format!("file://{}", self.rocks().display()));
        let spec = format!("package = '{name}' version = '{version}'\n{spec}\n");
        fs::write(self.rocks().join(format!("{name}-{version}.rockspec")), spec).unwrap();
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.rocks().join(name), contents).unwrap();
    }

    /// Writes the manifest, for what is in the directory.
    pub(crate) fn close(&self) {
        let mut rocks: BTreeMap<String, BTreeMap<String, Vec<&str>>> = BTreeMap::new();
        let forms = [(".rockspec", "rockspec"), (".src.rock", "src"), (".all.rock", "all")];
        for entry in fs::read_dir(self.rocks()).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            for (ending, form) in forms {
                let Some(stem) = file.strip_suffix(ending) else { continue };
                let at = stem.rfind('-').and_then(|end| stem[..end].rfind('-')).unwrap();
                let versions = rocks.entry(stem[..at].into()).or_default();
                versions.entry(stem[at + 1..].into()).or_default().push(form);
            }
        }
        let mut text = String::from("commands = {}\nmodules = {}\nrepository = {\n");
        for (name, versions) in rocks {
            text += &format!("['{name}'] = {{\n");
            for (version, forms) in versions {
                let forms = forms.iter().map(|form| format!("{{ arch = '{form}' }}, "));
                text += &format!("  ['{version}'] = {{ {} }},\n", forms.collect::<String>());
            }
            text += "},\n";
        }
        self.write("manifest-5.1", text + "}\n");
    }

    /// Runs `solvm` in the project, with this server for the commands that take one.
    pub(crate) fn solvm(&self, words: &[&str]) -> Output {
        let rocks = self.rocks().display().to_string();
        let server = match words[0] {
            "add" | "remove" | "update" | "install" => vec!["--server", &rocks],
            _ => Vec::new(),
        };
        run(&self.project(), &[words, &server].concat())
    }

    /// Runs a command that succeeds, and returns its output.
    pub(crate) fn done(&self, words: &[&str]) -> String {
        let output = self.solvm(words);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.replace(&self.rocks().display().to_string(), "ROCKS")
    }

    /// Runs a command that fails, checks that it has changed nothing, and returns its message.
    pub(crate) fn refused(&self, words: &[&str]) -> String {
        let before = snapshot(self.directory.path());
        let output = self.solvm(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert_eq!(snapshot(self.directory.path()), before, "{words:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        let message = message.replace(&self.rocks().display().to_string(), "ROCKS");
        message.strip_prefix("solvm: ").unwrap().trim_end().to_string()
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.project().join(path)).unwrap()
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }

    /// The paths in `lua_modules`.
    pub(crate) fn modules(&self) -> Vec<String> {
        let modules = self.project().join("lua_modules");
        let files = snapshot(&modules).into_iter().filter(|(_, contents)| contents.is_some());
        let relative = |path: &Path| path.strip_prefix(&modules).unwrap().display().to_string();
        files.map(|(path, _)| relative(&path)).collect()
    }
}

pub(crate) fn run(directory: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    command.args(words).current_dir(directory).output().unwrap()
}

/// Everything in a directory; the contents of directories are None.
pub(crate) fn snapshot(directory: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.append(&mut snapshot(&path));
            all.insert(path, None);
        } else {
            let contents = fs::read(&path).unwrap();
            all.insert(path, Some(contents));
        }
    }
    all
}

/// A `.tar.gz` with a directory. Paths are written as they are.
pub(crate) fn tar_gz(directory: &str, files: Contents) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    for (path, contents) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(contents.len() as u64);
        let path = format!("{directory}/{path}");
        header.as_ustar_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        if let Some(target) = contents.strip_prefix("link to ") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            header.set_link_name(target).unwrap();
            header.set_cksum();
            builder.append(&header, &b""[..]).unwrap();
            continue;
        }
        header.set_cksum();
        builder.append(&header, contents.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// A `.zip`, such as a rock.
pub(crate) fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, contents) in files {
        zip.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(contents).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Serves a directory by HTTP until the process ends. Returns the port, and the paths that were
/// requested.
pub(crate) fn serve(directory: PathBuf) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let requested = Arc::new(Mutex::new(Vec::new()));
    let noted = requested.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &directory, &noted);
        }
    });
    (port, requested)
}

fn answer(mut stream: TcpStream, directory: &Path, noted: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    let _ = reader.read_line(&mut line);
    let path = line.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_string();
    while line.trim_end() != "" {
        line.clear();
        if !matches!(reader.read_line(&mut line), Ok(1..)) {
            break;
        }
    }
    noted.lock().unwrap().push(path.clone());
    let (status, headers, body) = match fs::read(directory.join(&path)) {
        _ if path.starts_with("loop") => ("302 Found", "Location: /loop\r\n", Vec::new()),
        Ok(body) => ("200 OK", "", body),
        Err(_) => ("404 Not Found", "", Vec::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}
