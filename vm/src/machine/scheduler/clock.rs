//! Where the scheduler takes the time from.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The system's monotonic clock, or one that a test moves. Clones of a manual clock move together.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's.
    #[default]
    System,
    /// A clock that does not advance on its own.
    Manual(Arc<Mutex<Instant>>),
}

impl Clock {
    /// A manual clock with this time.
    pub fn manual() -> Clock {
        Clock::Manual(Arc::new(Mutex::new(Instant::now())))
    }

    /// The time.
    pub fn now(&self) -> Instant {
        match self {
            Clock::System => Instant::now(),
            Clock::Manual(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a manual clock forward. The system's goes its own way.
    pub fn advance(&self, by: Duration) {
        if let Clock::Manual(time) = self {
            *time.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }
}
