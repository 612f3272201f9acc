//! How much memory outside the heap may be taken by what others send and the program has not looked
//! at yet: one budget for all bodies of requests and all messages of WebSockets.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many bytes there are in all.
const ALL: usize = 256 << 20;
/// What is counted as one.
const UNIT: usize = 1 << 10;

/// What is left.
#[derive(Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// A part of the budget, until it is dropped.
#[derive(Default)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

impl Default for Budget {
    fn default() -> Self {
        Budget(Arc::new(Semaphore::new(ALL / UNIT)))
    }
}

impl Budget {
    /// Makes a share one of so many bytes. False if there is not enough left.
    pub(crate) fn extend(&self, share: &mut Share, size: usize) -> bool {
        let held = share.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = size.div_ceil(UNIT).saturating_sub(held);
        if missing == 0 {
            return true;
        }
        let Ok(missing) = u32::try_from(missing) else { return false };
        let Ok(permit) = self.0.clone().try_acquire_many_owned(missing) else { return false };
        match &mut share.0 {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        true
    }

    /// Waits until there is a share of this size. One of more than there is in all is all that
    /// there is.
    pub(crate) async fn reserve(&self, size: usize) -> Share {
        let units = size.min(ALL).div_ceil(UNIT) as u32;
        Share(self.0.clone().acquire_many_owned(units).await.ok())
    }
}
