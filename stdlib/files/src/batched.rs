//! An iterator that advances on the blocking pool, several items at a time, while Lua takes them
//! one by one.

use solvm_runtime::pool::in_pool;
use solvm_vm::native::{Either, Results, asynchronous};
use solvm_vm::{Call, Error, Value};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Number of items that are collected at a time.
const BATCH: usize = 128;

/// The iterator on the pool.
pub(crate) type Source<T> = Arc<Mutex<Box<dyn Iterator<Item = T> + Send>>>;

/// See the introduction of this file.
pub struct Batched<T> {
    source: Source<T>,
    /// Items that have not been returned yet.
    ready: Rc<RefCell<VecDeque<T>>>,
}

impl<T: Send + 'static> Batched<T> {
    /// Items of a source, which runs on the pool.
    pub fn new(source: impl Iterator<Item = T> + Send + 'static) -> Self {
        Batched { source: Arc::new(Mutex::new(Box::new(source))), ready: Rc::default() }
    }

    /// Returns the results for the next item, or for the end.
    pub fn next<'c, C>(
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
            // Another goroutine may have refilled it.
            if ready.borrow().is_empty() {
                let batch = in_pool(move || source.by_ref().take(BATCH).collect::<Vec<_>>()).await;
                ready.borrow_mut().extend(batch.unwrap_or_default());
            }
            let next = ready.borrow_mut().pop_front();
            lua.finish_with(|call| convert(call, next))
        })))
    }
}
