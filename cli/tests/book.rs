//! The pages in `docs/modules` must be the output of `solvm doc --book`. Run with
//! `UPDATE_GOLDENS=1` to regenerate them. No link in a page may be broken.
#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

fn write_book(directory: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    assert!(
        command
            .args(["doc", "--book"])
            .arg(directory)
            .status()
            .expect("the command starts")
            .success()
    );
}

/// The pages in a directory, by their names.
fn pages(directory: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

/// One test may be regenerating the pages while another reads them.
fn alone() -> MutexGuard<'static, ()> {
    static PAGES: Mutex<()> = Mutex::new(());
    PAGES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn pages_are_up_to_date() {
    let _alone = alone();
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/modules");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        let _ = fs::remove_dir_all(&book);
        return write_book(&book);
    }
    let directory = tempfile::tempdir().unwrap();
    write_book(directory.path());
    let (recorded, made) = (pages(&book), pages(directory.path()));
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&recorded), names(&made));
    let is_stale = |name: &&String| recorded.get(*name) != made.get(*name);
    let stale: Vec<_> = made.keys().filter(is_stale).collect();
    assert!(stale.is_empty(), "not up to date, run with UPDATE_GOLDENS=1: {stale:?}");
}

/// The relative links in a page, outside its examples.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    let targets = prose
        .flat_map(|part| part.split("](").skip(1))
        .filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://") && !target.starts_with('#')).collect()
}

/// Whether a link's file exists, and its heading, if it names one.
fn is_there(directory: &Path, target: &str) -> bool {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let anchor = |line: &str| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept =
            text.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.collect::<String>().replace(' ', "-")
    };
    let path = directory.join(file);
    let text = || fs::read_to_string(&path).unwrap_or_default();
    path.exists()
        && (heading.is_empty()
            || text().lines().any(|line| line.starts_with('#') && anchor(line) == heading))
}

/// The page that leads people to the code names files that exist.
#[test]
fn paths_in_the_architecture_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let crates =
        ["compiler/", "vm/", "stdlib/", "embed/", "cli/", "lua-tests/", "fuzz/", "benches/"];
    let paths = text.split('`').skip(1).step_by(2).filter(|path| {
        crates.iter().any(|start| path.starts_with(start)) && !path.contains([' ', '*', '{'])
    });
    let paths: Vec<_> = paths.collect();
    assert!(paths.len() > 50, "{paths:?}");
    let missing: Vec<_> = paths.iter().filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn links_lead_somewhere() {
    let _alone = alone();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for directory in ["", "docs", "docs/modules"] {
        let directory = root.join(directory);
        let pages = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        for page in pages.filter(|page| page.extension().is_some_and(|extension| extension == "md"))
        {
            let text = fs::read_to_string(&page).unwrap();
            let broken: Vec<_> =
                links(&text).into_iter().filter(|target| !is_there(&directory, target)).collect();
            assert!(broken.is_empty(), "{}: {broken:?}", page.display());
        }
    }
    assert_eq!(
        links("[a](b.md) ```\n[c](d)\n``` [e](http://f) [g](#h) [i](j/k.md)"),
        ["b.md", "j/k.md"]
    );
}
