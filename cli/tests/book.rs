//! The pages of the modules in `docs/modules` are what `solvm doc --book` makes of the libraries' definitions. Run with
//! `UPDATE_GOLDENS=1` to make them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

fn write_book(folder: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    assert!(command.args(["doc", "--book"]).arg(folder).status().expect("the command starts").success());
}

/// The pages in a folder, by their names.
fn pages(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())).collect()
}

#[test]
fn pages_are_up_to_date() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/modules");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        let _ = fs::remove_dir_all(&book);
        return write_book(&book);
    }
    let folder = tempfile::tempdir().unwrap();
    write_book(folder.path());
    let (recorded, made) = (pages(&book), pages(folder.path()));
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&recorded), names(&made));
    let is_stale = |name: &&String| recorded.get(*name) != made.get(*name);
    let stale: Vec<_> = made.keys().filter(is_stale).collect();
    assert!(stale.is_empty(), "not up to date, run with UPDATE_GOLDENS=1: {stale:?}");
}
