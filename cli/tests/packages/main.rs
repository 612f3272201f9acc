//! `solvm add`, `remove`, `update`, `list` and `install` with a local server of rocks.
#![cfg(test)]

mod shop;

use shop::{Shop, run, serve, tar_gz, zip_of};
use std::fs;

const ALPHA: &str = "
    dependencies = { 'lua >= 5.1, < 5.5', 'beta >= 1, < 2', 'luafilesystem' }
    build = { type = 'builtin', modules = { alpha = 'src/alpha.lua' },
        install = { bin = { 'bin/alpha' } }, copy_directories = { 'doc' } }";

const MODULE: &str = "build = { type = 'builtin', modules = { M = 'M.lua' } }";

fn module(name: &str) -> String {
    MODULE.replace('M', name)
}

/// A shop with ten rocks: what needs what, and what is wrong with some of them.
fn shop() -> Shop {
    let shop = Shop::new();
    let files = [
        ("src/alpha.lua", "return { name = 'alpha', beta = require 'beta' }"),
        ("bin/alpha", "#!/usr/bin/env lua\nprint(require('alpha').name, arg[1])"),
        ("doc/guide.md", "A guide."),
        ("doc/link.md", "link to guide.md"),
    ];
    shop.add("alpha", "1.0-1", ALPHA, &files);
    let beta = |version| format!("return '{version}'");
    shop.add("beta", "1.0-1", &module("beta"), &[("beta.lua", &beta("1.0"))]);
    shop.add("beta", "2.0-1", &module("beta"), &[("beta.lua", &beta("2.0"))]);
    let gamma = format!("dependencies = {{ 'beta >= 2' }} {}", module("gamma"));
    shop.add("gamma", "1.0-1", &gamma, &[("gamma.lua", "return 3")]);
    shop.add_spec(
        "lyaml",
        "6.2-1",
        "source = { url = '{}/x.tar.gz' } build = { modules = { yaml = { 'yaml.c' } } }",
    );
    shop.add_spec("endless", "1.0-1", "while true do end");
    let escape = "build = { modules = { escape = '../../../etc/x.lua' } }";
    shop.add("escape", "1.0-1", escape, &[("escape.lua", "return 1")]);
    let damaged = "source.md5 = '00000000000000000000000000000000'";
    let damaged = format!("{damaged} {}", module("damaged"));
    shop.add("damaged", "1.0-1", &damaged, &[("damaged.lua", "return 1")]);
    shop.add("thief", "1.0-1", &module("beta"), &[("beta.lua", "return 'stolen'")]);
    let lost = format!("dependencies = {{ 'nowhere >= 1' }} {}", module("lost"));
    shop.add("lost", "1.0-1", &lost, &[("lost.lua", "return 1")]);
    shop.close();
    shop
}

#[test]
fn packages_are_added_and_found() {
    let shop = shop();
    assert_eq!(
        shop.done(&["add", "alpha"]),
        "added alpha 1.0-1 (ROCKS)\n\
         added beta 1.0-1 (ROCKS)\n\
         luafilesystem 1.8.0 is built into SolVM\n"
    );
    assert_eq!(shop.read("solvm.toml"), "[dependencies]\nalpha = \">= 1.0\"\n");
    assert_eq!(
        shop.modules(),
        [
            "bin/alpha",
            "installed.toml",
            "lib/luarocks/rocks-5.1/alpha/1.0-1/doc/guide.md",
            "share/lua/5.1/alpha.lua",
            "share/lua/5.1/beta.lua",
        ]
    );
    assert_eq!(
        shop.done(&["list"]),
        "alpha 1.0-1 (ROCKS)\nbeta 1.0-1 (ROCKS)\nluafilesystem 1.8.0 (built in)\n"
    );
    shop.put("main.lua", "print(require('alpha').beta)");
    assert_eq!(shop.done(&["main.lua"]), "1.0\n");
    assert_eq!(shop.done(&["--sandbox", "main.lua"]), "1.0\n");
    assert_eq!(shop.done(&["lua_modules/bin/alpha", "x"]), "alpha\tx\n");
    // Also from elsewhere.
    let script = shop.project().join("main.lua").display().to_string();
    assert_eq!(run(&shop.rocks(), &[&script]).stdout, b"1.0\n");
    // The second time nothing is left to do.
    assert_eq!(shop.done(&["add", "alpha"]), "nothing to do\n");
    assert_eq!(shop.done(&["install", "--frozen"]), "nothing to do\n");
}

#[cfg(unix)]
#[test]
fn installed_scripts_can_be_executed() {
    use std::os::unix::fs::PermissionsExt;
    let shop = shop();
    shop.done(&["add", "alpha"]);
    let script = shop.project().join("lua_modules/bin/alpha");
    assert_eq!(fs::metadata(script).unwrap().permissions().mode() & 0o100, 0o100);
}

#[test]
fn a_programs_own_files_come_first() {
    let shop = shop();
    shop.done(&["add", "beta"]);
    shop.put("main.lua", "print(require 'beta', require 'dotenv' ~= nil)");
    assert_eq!(shop.done(&["main.lua"]), "2.0\ttrue\n");
    shop.put("lua_modules/share/lua/5.1/dotenv.lua", "return 'installed'");
    let code = "print(require 'beta', require 'dotenv', require 'solvm.dotenv' == dotenv)";
    shop.put("main.lua", code);
    assert_eq!(shop.done(&["main.lua"]), "2.0\tinstalled\ttrue\n");
    shop.put("beta.lua", "return 'own'");
    assert_eq!(shop.done(&["main.lua"]), "own\tinstalled\ttrue\n");
}

#[test]
fn the_project_is_looked_for_above_only_in_a_repository() {
    let shop = shop();
    shop.done(&["add", "beta"]);
    shop.put("src/main.lua", "print(pcall(require, 'beta'))");
    assert!(shop.done(&["src/main.lua"]).starts_with("false\tmodule 'beta' not found"));
    fs::create_dir(shop.project().join(".git")).unwrap();
    assert_eq!(shop.done(&["src/main.lua"]), "true\t2.0\n");
    // Under a sandbox only the script's own directory counts.
    assert!(shop.done(&["--sandbox", "src/main.lua"]).starts_with("false"));
    // The commands find it, too.
    let output = run(&shop.project().join("src"), &["list"]);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("beta 2.0-1 ("));
}

#[cfg(unix)]
#[test]
fn a_project_file_that_others_can_write_is_ignored() {
    use std::os::unix::fs::PermissionsExt;
    let shop = shop();
    shop.done(&["add", "beta"]);
    let file = shop.project().join("solvm.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    shop.put("main.lua", "print(pcall(require, 'beta'))");
    let output = shop.done(&["main.lua"]);
    assert!(
        output.contains("solvm.toml is ignored: other users can write to it (chmod go-w)"),
        "{output}"
    );
    assert!(shop.refused(&["install"]).contains("is ignored: other users can write to it"));
}

#[test]
fn constraints_are_kept() {
    let shop = shop();
    shop.put("solvm.toml", "# mine\n[dependencies]\nbeta = \"< 2\" # old\n");
    assert_eq!(shop.done(&["install"]), "added beta 1.0-1 (ROCKS)\n");
    assert_eq!(shop.done(&["add", "beta@>= 1"]), "nothing to do\n");
    assert_eq!(shop.read("solvm.toml"), "# mine\n[dependencies]\nbeta = \">= 1\" # old\n");
    assert_eq!(shop.done(&["update", "beta"]), "updated beta 1.0-1 to 2.0-1 (ROCKS)\n");
    shop.put("main.lua", "print(require 'beta')");
    assert_eq!(shop.done(&["main.lua"]), "2.0\n");
    assert_eq!(shop.done(&["add", "beta@1.0"]), "updated beta 2.0-1 to 1.0-1 (ROCKS)\n");
    assert_eq!(shop.done(&["add", "alpha@~> 1"]).lines().next(), Some("added alpha 1.0-1 (ROCKS)"));
    assert!(shop.read("solvm.toml").contains("alpha = \"~> 1\""));
}

#[test]
fn what_is_refused_changes_nothing() {
    let shop = shop();
    let directories: Vec<Vec<&str>> = vec![vec![], vec!["add", "alpha"]];
    for prepare in directories {
        if !prepare.is_empty() {
            shop.done(&prepare);
        }
        let refused = |names: &[&str]| shop.refused(&[&["add"], names].concat());
        assert_eq!(
            refused(&["lyaml"]),
            "cannot install lyaml: module 'yaml' is written in C, and SolVM installs only rocks in \
             pure Lua; SolVM has the module yaml"
        );
        assert_eq!(
            refused(&["beta", "endless"]),
            "cannot read endless-1.0-1.rockspec: it runs longer than 1s"
        );
        assert_eq!(
            refused(&["escape"]),
            "cannot read the rockspec of escape: path '../../../etc/x.lua' leaves its directory"
        );
        let message = refused(&["alpha", "damaged"]);
        let start = "cannot install damaged: the MD5 of damaged-1.0-1.tar.gz is ";
        let end = ", but its rockspec expects 00000000000000000000000000000000";
        assert!(message.starts_with(start) && message.ends_with(end), "{message}");
        assert_eq!(
            refused(&["alpha", "gamma"]),
            "alpha 1.0-1 needs beta >= 1, < 2, but gamma 1.0-1 needs beta >= 2"
        );
        assert_eq!(
            refused(&["beta@1.0", "thief"]),
            "beta and thief both install share/lua/5.1/beta.lua"
        );
        assert_eq!(
            refused(&["lost"]),
            "lost 1.0-1 needs nowhere >= 1, but no server has a package 'nowhere'"
        );
        assert_eq!(
            refused(&["nothing"]),
            "solvm.toml needs nothing, but no server has a package 'nothing'"
        );
        assert_eq!(
            refused(&["beta@>= 3"]),
            "solvm.toml needs beta >= 3, but the servers have 2.0-1, 1.0-1"
        );
        assert_eq!(refused(&["../evil"]), "invalid dependency '../evil'");
    }
}

#[test]
fn hostile_archives_are_refused() {
    let shop = shop();
    for (name, path, contents) in [
        ("up", "../../../escape.lua", "return 1"),
        ("linked", "linked.lua", "link to /etc/passwd"),
        ("hidden", "other.lua", "return 1"),
    ] {
        shop.add(name, "1.0-1", &module(name), &[(path, contents), ("x/y.lua", "")]);
    }
    shop.write("plain.txt", "no archive");
    shop.add_spec(
        "plain",
        "1.0-1",
        &format!("source = {{ url = '{{}}/plain.txt' }} {}", module("plain")),
    );
    shop.close();
    for (name, why) in [
        ("up", "cannot install up: path 'up-src/../../../escape.lua' leaves its directory"),
        ("linked", "cannot install linked: 'linked.lua' is a link, and links are not followed"),
        ("hidden", "cannot install hidden: the sources have no file 'hidden.lua'"),
        ("plain", "cannot install plain: plain.txt is not a .tar.gz, .tar, .zip or .lua file"),
    ] {
        assert_eq!(shop.refused(&["add", "beta", name]), why);
    }
}

#[test]
fn the_lock_file_holds_the_checksums() {
    let shop = shop();
    shop.done(&["add", "beta@1.0"]);
    fs::remove_dir_all(shop.project().join("lua_modules")).unwrap();
    assert_eq!(shop.done(&["list"]), "beta 1.0-1 (not installed: run solvm install)\n");
    // The sources change, then the rockspec.
    let original = fs::read(shop.rocks().join("beta-1.0-1.tar.gz")).unwrap();
    shop.write("beta-1.0-1.tar.gz", tar_gz("beta-src", &[("beta.lua", "return 'changed'")]));
    for words in [&["install"][..], &["install", "--frozen"], &["add", "alpha"]] {
        let message = shop.refused(words);
        assert!(message.starts_with("the SHA-256 of ROCKS/beta-1.0-1.tar.gz is "), "{message}");
        assert!(message.ends_with("good reason, run solvm update beta"), "{message}");
    }
    shop.write("beta-1.0-1.tar.gz", original);
    let rockspec = fs::read(shop.rocks().join("beta-1.0-1.rockspec")).unwrap();
    shop.write("beta-1.0-1.rockspec", [&rockspec[..], b"\nx = 1"].concat());
    assert!(shop.refused(&["install"]).starts_with("the SHA-256 of ROCKS/beta-1.0-1.rockspec"));
    assert_eq!(shop.done(&["update"]), "added beta 1.0-1 (ROCKS)\n");
    assert_eq!(shop.modules(), ["installed.toml", "share/lua/5.1/beta.lua"]);
    // A file that is missing is installed again.
    fs::remove_file(shop.project().join("lua_modules/share/lua/5.1/beta.lua")).unwrap();
    assert_eq!(shop.done(&["install", "--frozen"]), "installed beta 1.0-1 (ROCKS)\n");
}

#[test]
fn frozen_changes_nothing() {
    let shop = shop();
    assert_eq!(
        shop.refused(&["install", "--frozen"]),
        "no solvm.toml in this directory (solvm add creates it)"
    );
    shop.put("solvm.toml", "[dependencies]\nalpha = \"*\"\n");
    assert_eq!(
        shop.refused(&["install", "--frozen"]),
        "there is no solvm.lock, and --frozen creates none"
    );
    shop.done(&["install"]);
    for (toml, why) in [
        ("beta = \"*\"", "solvm.lock has alpha, which nothing needs"),
        ("alpha = \"> 1.0\"", "solvm.toml needs alpha > 1.0, but solvm.lock has 1.0-1"),
        ("alpha = \"*\"\ngamma = \"*\"", "solvm.toml needs gamma, which is not in solvm.lock"),
    ] {
        shop.put("solvm.toml", &format!("[dependencies]\n{toml}\n"));
        let message = shop.refused(&["install", "--frozen"]);
        assert_eq!(message, format!("{why}, and --frozen changes nothing"));
    }
}

#[test]
fn what_was_installed_is_removed() {
    let shop = shop();
    shop.put("mine.lua", "return 1");
    shop.put("lua_modules/share/lua/5.1/mine.lua", "return 1");
    shop.done(&["add", "alpha"]);
    assert_eq!(
        shop.refused(&["remove", "beta"]),
        "solvm.toml has no dependency 'beta'; alpha needs it"
    );
    assert_eq!(shop.refused(&["update", "gamma"]), "solvm.lock has no package 'gamma'");
    assert_eq!(shop.done(&["remove", "alpha"]), "removed alpha 1.0-1\nremoved beta 1.0-1\n");
    assert_eq!(shop.modules(), ["share/lua/5.1/mine.lua"]);
    assert!(!shop.project().join("lua_modules/bin").exists());
    assert_eq!(shop.read("solvm.toml"), "[dependencies]\n");
    assert_eq!(shop.done(&["list"]), "");
}

#[test]
fn files_of_others_are_not_replaced() {
    let shop = shop();
    shop.put("lua_modules/share/lua/5.1/beta.lua", "return 'mine'");
    let message = shop.refused(&["add", "beta"]);
    assert!(message.ends_with("beta.lua exists, and solvm has not installed it"), "{message}");
    // But those that an installation has left that was interrupted.
    shop.put("lua_modules/share/lua/5.1/beta.lua", "return '2.0'");
    shop.put("lua_modules/.staging-1/new-0", "x");
    assert_eq!(shop.done(&["add", "beta"]), "added beta 2.0-1 (ROCKS)\n");
    assert_eq!(shop.modules(), ["installed.toml", "share/lua/5.1/beta.lua"]);
}

#[test]
fn rocks_are_archives_with_their_rockspec() {
    let shop = shop();
    let sources = tar_gz("delta-1.0", &[("delta.lua", "return 'delta'")]);
    let url = "source = { url = 'git://example.org/none', file = 'delta-1.0.tar.gz' }";
    let spec = format!("package = 'delta' version = '1.0-1' {url} {}", module("delta"));
    let rock = zip_of(&[("delta-1.0-1.rockspec", spec.as_bytes()), ("delta-1.0.tar.gz", &sources)]);
    shop.write("delta-1.0-1.src.rock", rock);
    // From a repository: the files themselves.
    let url = "source = { url = 'git+ssh://example.org/e.git' }";
    let spec = format!("package = 'epsilon' version = '1.0-1' {url} {}", module("epsilon"));
    let rock = zip_of(&[
        ("epsilon-1.0-1.rockspec", spec.as_bytes()),
        ("e/epsilon.lua", b"return 'epsilon'"),
    ]);
    shop.write("epsilon-1.0-1.src.rock", rock);
    // As it is installed.
    let spec = "package = 'zeta' version = '1.0-1' source = { url = 'http://x' }";
    let rock = zip_of(&[
        ("zeta-1.0-1.rockspec", spec.as_bytes()),
        ("rock_manifest", b""),
        ("lua/zeta/init.lua", b"return 'zeta'"),
        ("bin/zeta", b"print 'zeta'"),
        ("doc/zeta.md", b"Zeta"),
    ]);
    shop.write("zeta-1.0-1.all.rock", rock);
    shop.close();
    shop.done(&["add", "delta", "epsilon", "zeta"]);
    shop.put("main.lua", "print(require 'delta', require 'epsilon', require 'zeta')");
    assert_eq!(shop.done(&["main.lua"]), "delta\tepsilon\tzeta\n");
    fs::remove_dir_all(shop.project().join("lua_modules")).unwrap();
    assert_eq!(shop.done(&["install", "--frozen"]).lines().count(), 3);
    assert_eq!(
        shop.modules(),
        [
            "bin/zeta",
            "installed.toml",
            "lib/luarocks/rocks-5.1/zeta/1.0-1/doc/zeta.md",
            "share/lua/5.1/delta.lua",
            "share/lua/5.1/epsilon.lua",
            "share/lua/5.1/zeta/init.lua",
        ]
    );
}

#[test]
fn servers_are_asked_by_http() {
    let shop = shop();
    let (port, requested) = serve(shop.rocks());
    let address = format!("http://127.0.0.1:{port}");
    // A rockspec of a server on the network may not name files of this machine.
    let solvm = |words: &[&str]| {
        let output = run(&shop.project(), words);
        let (text, errors) = (output.stdout, String::from_utf8(output.stderr).unwrap());
        (String::from_utf8(text).unwrap().replace(&address, "SERVER"), errors)
    };
    let (_, errors) = solvm(&["add", "beta", "--server", &address]);
    assert!(errors.contains("a file of this machine"), "{errors}");
    for entry in fs::read_dir(shop.rocks()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rockspec") {
            let text = fs::read_to_string(&path).unwrap();
            let local = format!("file://{}", shop.rocks().display());
            fs::write(&path, text.replace(&local, &address)).unwrap();
        }
    }
    shop.put("solvm.toml", &format!("[packages]\nservers = [\"{address}\"]\n"));
    let manifest = fs::read(shop.rocks().join("manifest-5.1")).unwrap();
    shop.write("manifest-5.1.zip", zip_of(&[("manifest-5.1", &manifest)]));
    let (lines, errors) = solvm(&["add", "alpha"]);
    assert_eq!(errors, "");
    assert_eq!(lines.lines().next().unwrap(), format!("added alpha 1.0-1 (127.0.0.1:{port})"));
    assert!(requested.lock().unwrap().contains(&"manifest-5.1.zip".to_string()));
    // What is locked needs no manifest, and what is installed nothing.
    requested.lock().unwrap().clear();
    solvm(&["install", "--frozen"]);
    assert_eq!(requested.lock().unwrap().len(), 0);
    fs::remove_dir_all(shop.project().join("lua_modules")).unwrap();
    solvm(&["install", "--frozen"]);
    let mut paths = requested.lock().unwrap().clone();
    paths.sort();
    assert_eq!(
        paths,
        ["alpha-1.0-1.rockspec", "alpha-1.0-1.tar.gz", "beta-1.0-1.rockspec", "beta-1.0-1.tar.gz"]
    );
    // Servers that are none.
    let before = shop::snapshot(&shop.project());
    for (server, why) in [
        (format!("{address}/nothing"), "is not a server of rocks: it has no manifest"),
        (format!("{address}/loop"), "too many redirects"),
        ("http://127.0.0.1:1".into(), "Connection refused"),
    ] {
        let (_, errors) = solvm(&["update", "--server", &server]);
        assert!(errors.contains(why), "{errors}");
    }
    assert_eq!(shop::snapshot(&shop.project()), before);
}

#[test]
fn imports_are_locked() {
    let shop = shop();
    shop.write("tool.lua", "return 'first'");
    let (port, requested) = serve(shop.rocks());
    let url = format!("http://127.0.0.1:{port}/tool.lua");
    let done = |words: &[&str]| shop.done(words).replace(&url, "URL");
    assert_eq!(done(&["add", &url, "beta"]), "added beta 2.0-1 (ROCKS)\nadded URL\n");
    assert_eq!(done(&["list"]), "beta 2.0-1 (ROCKS)\nURL (import)\n");
    assert_eq!(done(&["add", &url]), "nothing to do\n");
    let code = format!("print(pcall(import, '{url}'))");
    shop.put("main.lua", &code);
    // The contents are there: neither a change at the server nor its end matters.
    shop.write("tool.lua", "return 'second'");
    requested.lock().unwrap().clear();
    assert_eq!(done(&["main.lua"]), "true\tfirst\n");
    assert_eq!(requested.lock().unwrap().len(), 0);
    // But the permission does.
    let denied = done(&["--sandbox", "main.lua"]);
    assert!(denied.starts_with("false\tcannot fetch URL: "), "{denied}");
    let address = format!("--allow-import=127.0.0.1:{port}");
    assert_eq!(done(&["--sandbox", &address, "main.lua"]), "true\tfirst\n");
    // Without them what is fetched has to be the same; a program never writes them.
    fs::remove_dir_all(shop.project().join("lua_modules")).unwrap();
    let refused = done(&["main.lua"]);
    assert!(refused.contains("does not have the contents that solvm.lock"), "{refused}");
    assert!(refused.contains("run solvm update URL"), "{refused}");
    let message = shop.refused(&["install", "--frozen"]).replace(&url, "URL");
    assert!(message.starts_with("the SHA-256 of URL is "), "{message}");
    assert_eq!(done(&["update", &url]), "added beta 2.0-1 (ROCKS)\nupdated URL\n");
    assert_eq!(done(&["update"]), "nothing to do\n");
    assert_eq!(done(&["main.lua"]), "true\tsecond\n");
    fs::remove_dir_all(shop.project().join("lua_modules")).unwrap();
    assert_eq!(done(&["main.lua"]), "true\tsecond\n");
    assert!(!shop.project().join("lua_modules").exists());
    assert_eq!(done(&["install", "--frozen"]), "added beta 2.0-1 (ROCKS)\ninstalled URL\n");
    assert_eq!(done(&["remove", &url]), "removed URL\n");
    assert_eq!(shop.modules(), ["installed.toml", "share/lua/5.1/beta.lua"]);
    assert!(shop.refused(&["update", &url]).starts_with("solvm.lock has no import"));
    assert!(shop.refused(&["add", "https://"]).contains("https://"));
    assert!(shop.refused(&["add", "ftp://x/y"]).contains("is not a URL"));
}

#[test]
fn archives_of_repositories_are_locked() {
    let shop = shop();
    fs::create_dir_all(shop.rocks().join("owner/tools/archive")).unwrap();
    let archive = zip_of(&[("tools-1/greet.lua", b"return 'hello'")]);
    shop.write("owner/tools/archive/HEAD.zip", archive);
    let (port, requested) = serve(shop.rocks());
    let mirror = format!("http://127.0.0.1:{port}");
    let solvm = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_solvm"));
        command.args(words).current_dir(shop.project()).env("SOLVM_GITHUB", &mirror);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(
        solvm(&["add", "github.com/owner/tools"]),
        format!("added {mirror}/owner/tools/archive/HEAD.zip\n")
    );
    requested.lock().unwrap().clear();
    shop.put("main.lua", "print(import('github.com/owner/tools').greet)");
    assert_eq!(solvm(&["main.lua"]), "hello\n");
    assert_eq!(requested.lock().unwrap().len(), 0);
}

#[test]
fn tests_find_packages() {
    let shop = shop();
    shop.done(&["add", "beta"]);
    shop.put("a_test.lua", "test('it', function() check.equal(require 'beta', '2.0') end)");
    assert!(shop.done(&["test"]).contains("1 passed"));
}

#[test]
fn wrong_usage() {
    let shop = shop();
    for words in [&["add"][..], &["remove"], &["add", "x", "--server", "ftp://x"], &["list", "x"]] {
        assert_eq!(run(&shop.project(), words).status.code(), Some(2), "{words:?}");
    }
    for command in ["remove", "update", "install", "list"] {
        let words = if command == "remove" { vec![command, "x"] } else { vec![command] };
        assert_eq!(shop.refused(&words), "no solvm.toml in this directory (solvm add creates it)");
    }
    shop.put("solvm.toml", "[dependencies]\nbeta = 1\n");
    assert!(shop.refused(&["install"]).ends_with("must be a string, such as \">= 1.0, < 2\""));
    shop.put("solvm.toml", "[dependencies]\nbeta = \"*\"\n");
    shop.put("solvm.lock", "version = 9\n");
    assert!(shop.refused(&["install"]).ends_with("which this SolVM reads"));
}
