//! How errors look: the option `--error-format`.

use clap::Arg;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::io::IsTerminal;

/// How errors look on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ErrorFormat {
    /// Long on a terminal, otherwise short.
    #[default]
    Automatic,
    /// With the source and hints.
    Long,
    /// As `lua` prints them.
    Short,
}

impl ErrorFormat {
    /// Whether errors on that stream are long.
    pub(crate) fn is_long(self, stream: &impl IsTerminal) -> bool {
        match self {
            ErrorFormat::Automatic => stream.is_terminal(),
            ErrorFormat::Long => true,
            ErrorFormat::Short => false,
        }
    }

    /// The option that chooses it.
    pub(crate) fn option() -> Arg {
        Arg::new("error-format")
            .long("error-format")
            .value_name("FORMAT")
            .help(
                "How errors look: long, with the source line and hints, or short, a line each \
                 [default: long on a terminal]",
            )
            .allow_hyphen_values(true)
            .value_parser(PossibleValuesParser::new(["long", "short"]).map(|format| {
                match format.as_str() {
                    "long" => ErrorFormat::Long,
                    _ => ErrorFormat::Short,
                }
            }))
    }
}
