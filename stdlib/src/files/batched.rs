//! An iterator that is gone on with on the blocking pool, several items at a time, and asked by Lua
//! for one after the other.

use crate::pool::in_pool;
use solvm_vm::native::{Either, Results, asynchronous};
use solvm_vm::{Call, Error, Value};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How many items are looked for in one go.
const BATCH: usize = 128;

/// The iterator on the pool.
type Source<T> = Arc<Mutex<Box<dyn Iterator<Item = T> + Send>>>;

/// See the head of this file.
pub(crate) struct Batched<T> {
    source: Source<T>,
    /// What has been found and not been asked for.
    ready: Rc<RefCell<VecDeque<T>>>,
}

impl<T: Send + 'static> Batched<T> {
    pub(crate) fn new(source: impl Iterator<Item = T> + Send + 'static) -> Self {
        Batched { source: Arc::new(Mutex::new(Box::new(source))), ready: Rc::default() }
    }

    /// Results of the next item, or of the end.
    pub(crate) fn next<'c, C>(
        &self,
        call: &mut Call<'c>,
        convert: C,
    ) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c, T, C>>, Error>
    where
        C: for<'a> FnOnce(&mut Call<'a>, Option<T>) -> Result<Vec<Value<'a>>, Error> + 'static,
    {
        let ready = self.ready.borrow_mut().pop_front();
        if ready.is_some() {
            return Ok(Either::Now(convert(call, ready)?));
        }
        let (source, ready) = (self.source.clone(), self.ready.clone());
        Ok(Either::Later(asynchronous::run(|lua| async move {
            let mut source = source.lock_owned().await;
            // Somebody else may have gone on meanwhile.
            if ready.borrow().is_empty() {
                let batch = in_pool(move || source.by_ref().take(BATCH).collect::<Vec<_>>()).await;
                ready.borrow_mut().extend(batch.unwrap_or_default());
            }
            let next = ready.borrow_mut().pop_front();
            lua.finish_with(|call| convert(call, next))
        })))
    }
}
