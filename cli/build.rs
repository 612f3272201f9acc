//! The linking of the command.
//!
//! On Linux with glibc the standard library links `libgcc_s`. A program that aborts on a panic
//! needs only its unwinder, for backtraces, and loading the library costs 0.1 ms at each start. So
//! the command links the unwinder statically: the linker finds `libgcc_eh`, an archive with the
//! same code, under the shared library's name.
#![allow(clippy::expect_used, reason = "a build that cannot be prepared must end")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let is_glibc =
        variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    let is_native = variable("HOST") == variable("TARGET");
    if !is_glibc || !is_native {
        return;
    }
    // If the archive is not installed, the shared library is used.
    let Some(unwinder) = find_archive("libgcc_eh.a") else { return };
    let folder = PathBuf::from(variable("OUT_DIR")).join("unwinder");
    fs::create_dir_all(&folder).expect("the build folder can be written to");
    fs::copy(unwinder, folder.join("libgcc_s.a")).expect("the build folder can be written to");
    println!("cargo::rustc-link-arg-bins=-L{}", folder.display());
}

/// Returns the path of an archive of the C compiler that links the command.
fn find_archive(name: &str) -> Option<PathBuf> {
    let compiler = env::var_os("RUSTC_LINKER").unwrap_or("cc".into());
    let output = Command::new(compiler).arg(format!("-print-file-name={name}")).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    // A compiler that does not have the file prints its name unchanged.
    Some(Path::new(path.trim()).to_path_buf()).filter(|path| path.is_absolute())
}
