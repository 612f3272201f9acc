//! The first failed write of a stream. The buffered data is lost, and the call that wrote it has
//! already succeeded, so flushing and closing the stream report the error.

use std::io;

/// The error by which written data was lost, if any.
#[derive(Default)]
pub struct WriteError(Option<io::Error>);

impl WriteError {
    /// Records the result of a write.
    pub fn record(&mut self, result: io::Result<()>) -> io::Result<()> {
        if let Err(error) = &result {
            self.0.get_or_insert(copy(error));
        }
        result
    }

    /// Returns the first error so far.
    pub fn check(&self) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |error| Err(copy(error)))
    }
}

fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
