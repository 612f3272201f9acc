//! Whose names a program gets: its own files before SolVM's modules, and the names of Lua 5.1 alone
//! with `-compat lua5.1`.
#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs SolVM in a directory; returns its output and its errors.
fn run(directory: &Path, arguments: &[&str]) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_solvm"))
        .args(arguments)
        .current_dir(directory)
        // Modules that the system has are not found.
        .env("LUA_PATH", "./?.lua")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn assert_prints(directory: &Path, arguments: &[&str], expected: &str) {
    let (output, errors) = run(directory, arguments);
    assert_eq!((output.as_str(), errors.as_str()), (expected, ""));
}

#[test]
fn files_of_the_program_win() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("app/lib")).unwrap();
    for (name, text) in [
        ("app/json.lua", "return 'json of the app'"),
        ("app/lib/init.lua", "return 'lib of the app'"),
        ("app/shared.lua", "return 'shared of the app'"),
        ("shared.lua", "return 'shared of the working directory'"),
        (
            "app/main.lua",
            "print(require 'json', require 'lib', require 'shared')\n\
             print(require 'solvm.json' == json, require 'uuid' == uuid)\n\
             print((select(2, pcall(require, 'none'))))",
        ),
    ] {
        fs::write(at(name), text).unwrap();
    }
    let found = "json of the app\tlib of the app\t";
    let modules = "true\ttrue\nmodule 'none' not found:\n\tno field package.preload['none']\n\
         \tno file './none.lua'\n";
    let end = "\tno C module 'none', since SolVM does not load them\n";
    assert_prints(
        directory.path(),
        &["app/main.lua"],
        &format!(
            "{found}shared of the working directory\n{modules}\
             \tno file 'app/none.lua'\n\tno file 'app/none/init.lua'\n{end}"
        ),
    );
    assert_prints(
        &at("app"),
        &["main.lua"],
        &format!("{found}shared of the app\n{modules}\tno file './none/init.lua'\n{end}"),
    );
    // Without a script there is only the working directory.
    assert_prints(&at("app"), &["-e", "print(require 'json')"], "json of the app\n");
    assert_prints(directory.path(), &["-e", "print(require 'json' == json)"], "true\n");
    // Under `--sandbox`, too.
    let (output, _) = run(directory.path(), &["--sandbox", "app/main.lua"]);
    assert!(output.starts_with("json of the app\tlib of the app\t"), "{output}");
}

/// The names of Lua 5.1, as `lua5.1` lists them with this code.
const LIST: &str = "local names = {}
    local function add(prefix, t)
        for name, value in pairs(t) do
            names[#names + 1] = prefix .. name
            if type(value) == 'table' and value ~= _G and prefix == '' and name ~= 'arg' then
                add(name .. '.', value)
            end
        end
    end
    for name in pairs(package.loaded) do names[#names + 1] = 'loaded ' .. name end
    add('', _G)
    table.sort(names)
    print(table.concat(names, '\\n'))";

#[test]
fn a_program_can_have_the_names_of_lua_5_1_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (names, errors) = run(directory.path(), &["-compat", "lua5.1", "-e", LIST]);
    assert_eq!(errors, "");
    match Command::new("lua5.1").args(["-e", LIST]).output() {
        Ok(expected) => assert_eq!(names, String::from_utf8_lossy(&expected.stdout)),
        Err(_) => println!("skipped: there is no lua5.1"),
    }
    assert_prints(
        directory.path(),
        &[
            "-compat",
            "lua5.1",
            "-e",
            "print(json, bit, ('x').trim, require('json').decode('[7]')[1], json, \
             require('bit').band(6, 3), require('text').trim(' a '), (' a ').trim, \
             require('solvm.files').read_file ~= nil)",
        ],
        "nil\tnil\tnil\t7\tnil\t2\ta\tnil\ttrue\n",
    );
}

/// `-l`, `-e` and the script are one thread, as in `lua`.
#[test]
fn chunks_of_the_command_line_share_their_thread() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("cover.lua"), "debug.sethook(function() n = n + 1 end, 'l')")
        .unwrap();
    fs::write(directory.path().join("script.lua"), "local a = 1\na = 2\nprint(n, zone)").unwrap();
    assert_prints(
        directory.path(),
        &[
            "-e",
            "n = 0 setfenv(0, setmetatable({ zone = 'own' }, { __index = _G }))",
            "-l",
            "cover",
            "script.lua",
        ],
        "3\town\n",
    );
    let levels = "for level = 1, 3 do local i = debug.getinfo(level) print(i and i.what) end";
    assert_prints(directory.path(), &["-e", levels], "main\nC\nnil\n");
}

#[test]
fn debug_debug_runs_what_is_typed() {
    use std::io::Write;
    use std::process::Stdio;
    let mut child = Command::new(env!("CARGO_BIN_EXE_solvm"))
        .args(["-e", "x = 1 debug.debug() print(x, io.read())"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = b"x = x + 1\nx = = 2\nerror('wrong')\nx = x + 1\ncont\nrest\n";
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "3\trest\n");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "lua_debug> lua_debug> (debug command):1: unexpected symbol near '='\n\
         lua_debug> (debug command):1: wrong\nlua_debug> lua_debug> "
    );
}
