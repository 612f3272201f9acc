//! What can be seen from Lua, as scripts that state their outcome. The runner is `tests/scripts.rs`, the scripts are in
//! `scripts`; README.md says how to write one.
