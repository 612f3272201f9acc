//! The first failed write of a stream. What was buffered is lost then, and the call that wrote it
//! has succeeded long ago, so flushing and closing the stream report the failure.

use std::io;

/// Whether written bytes were lost, and why.
#[derive(Default)]
pub(crate) struct Lost(Option<io::Error>);

impl Lost {
    /// Notes the result of a write.
    pub(crate) fn note(&mut self, result: io::Result<()>) -> io::Result<()> {
        if let Err(error) = &result {
            self.0.get_or_insert(copy(error));
        }
        result
    }

    /// The first failure so far.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |error| Err(copy(error)))
    }
}

fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
