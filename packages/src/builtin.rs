//! What SolVM has itself: rocks that it provides, and modules in place of rocks that it cannot
//! install.

use crate::version::Version;
use solvm_rocks::ROCKS;

/// The name by which rocks need the language itself.
pub(crate) const LUA: &str = "lua";

/// The version of a rock that is built in; `lua` is one.
pub(crate) fn version_of(name: &str) -> Option<Version> {
    let rock = ROCKS.iter().find(|rock| rock.name == name);
    let version = rock.map(|rock| rock.version).or((name == LUA).then_some("5.1"))?;
    Version::parse(version)
}

/// Rocks with C code, and the modules or functions of SolVM that do the same work. Their interfaces
/// differ.
const ALTERNATIVES: &[(&str, &str)] = &[
    ("lbase64", "crypto.base64_encode and crypto.base64_decode"),
    ("linotify", "watch_file"),
    ("lpack", "string.pack"),
    ("lrandom", "the module random"),
    ("lua-yajl", "the module json"),
    ("luabitop", "the module bit"),
    ("luacrypto", "the module crypto"),
    ("luaossl", "the module crypto"),
    ("luuid", "the module uuid"),
    ("lyaml", "the module yaml"),
    ("lzlib", "the module zlib"),
    ("md5", "the module crypto"),
    ("openssl", "the module crypto"),
    ("rapidjson", "the module json"),
    ("sha1", "the module crypto"),
    ("struct", "string.pack"),
];

/// The message for a rock that cannot be installed.
pub(crate) fn refusal(name: &str, why: &str) -> String {
    let alternative = ALTERNATIVES.iter().find(|(rock, _)| *rock == name);
    let instead = alternative
        .map_or_else(String::new, |(_, use_instead)| format!("; SolVM has {use_instead}"));
    format!("cannot install {name}: {why}, and SolVM installs only rocks in pure Lua{instead}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_alternatives() {
        assert_eq!(version_of("lua").unwrap().to_string(), "5.1");
        assert!(version_of("lpeg").is_some() && version_of("penlight").is_none());
        assert!(ROCKS.iter().all(|rock| version_of(rock.name).is_some()));
        assert!(ALTERNATIVES.is_sorted());
        assert!(ALTERNATIVES.iter().all(|(name, _)| version_of(name).is_none()));
        assert_eq!(
            refusal("lyaml", "it is built by 'command'"),
            "cannot install lyaml: it is built by 'command', and SolVM installs only rocks in pure \
             Lua; SolVM has the module yaml"
        );
        assert!(!refusal("lua-protobuf", "x").contains("SolVM has"));
    }
}
