//! SolVM's archives: the module `tar`, and `import`, which loads modules from archives and URLs.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

#[cfg(feature = "net")]
pub mod import;
pub mod tar;
