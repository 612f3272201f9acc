//! The packages of LuaRocks whose modules SolVM has, for package managers: a program that depends
//! on one of them needs no installation.

/// A package whose modules SolVM has.
pub struct Rock {
    /// The name of the package at LuaRocks.
    pub name: &'static str,
    /// The version whose interface the modules have.
    pub version: &'static str,
    /// The modules.
    pub modules: &'static [&'static str],
}

/// All of them, by name.
pub static ROCKS: &[Rock] = &[
    Rock { name: "bit32", version: "5.3.5.1", modules: &["bit32"] },
    Rock {
        name: "compat53",
        version: "0.7",
        modules: &[
            "compat53",
            "compat53.module",
            "compat53.string",
            "compat53.table",
            "compat53.utf8",
        ],
    },
    Rock { name: "lpeg", version: "1.1.0", modules: &["lpeg", "re"] },
    Rock { name: "lua-cjson", version: "2.1.0.14", modules: &["cjson", "cjson.safe"] },
    Rock {
        name: "lua-term",
        version: "0.7",
        modules: &["term", "term.core", "term.colors", "term.cursor"],
    },
    Rock { name: "lua-zlib", version: "1.2", modules: &["zlib"] },
    Rock { name: "luafilesystem", version: "1.8.0", modules: &["lfs"] },
    Rock {
        name: "luasec",
        version: "1.2.0",
        modules: &["ssl", "ssl.config", "ssl.context", "ssl.core", "ssl.https", "ssl.x509"],
    },
    Rock {
        name: "luasocket",
        version: "3.1.0",
        modules: &[
            "ltn12",
            "mime",
            "mime.core",
            "socket",
            "socket.core",
            "socket.ftp",
            "socket.headers",
            "socket.http",
            "socket.smtp",
            "socket.tp",
            "socket.unix",
            "socket.url",
        ],
    },
    Rock { name: "luasystem", version: "0.4.5", modules: &["system", "system.core"] },
    Rock {
        name: "luaposix",
        version: "33.4.0",
        modules: &[
            "posix",
            "posix.ctype",
            "posix.dirent",
            "posix.errno",
            "posix.libgen",
            "posix.pwd",
            "posix.signal",
            "posix.stdio",
            "posix.stdlib",
            "posix.sys.stat",
            "posix.sys.time",
            "posix.sys.utsname",
            "posix.time",
            "posix.unistd",
            "posix.utime",
        ],
    },
    Rock { name: "luautf8", version: "0.1.6", modules: &["lua-utf8"] },
];
