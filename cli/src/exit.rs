//! `os.exit` where the process must survive: `solvm test` continues with the next test, `solvm run
//! --watch` waits for a change.
//!
//! The call ends the program past every `pcall`, like the real one: it interrupts the program and
//! never returns.

use solvm_lua::os::ExitCode;
use solvm_vm::native::wait_for;
use solvm_vm::{Call, Error, Table, Value};
use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use tokio::task::yield_now;

/// The replacement of `os.exit` in a program.
pub(crate) struct Exit {
    /// A description of the call that ended it.
    called: Rc<RefCell<Option<String>>>,
}

impl Exit {
    /// Replaces `os.exit` in a program; `interrupt` ends it.
    pub(crate) fn replace(call: &mut Call, interrupt: impl Fn() + 'static) -> Result<Exit, Error> {
        let called = Rc::new(RefCell::new(None));
        let noted = called.clone();
        let exit = call.closure(move |call: &mut Call, code: Option<ExitCode>| {
            let ExitCode(code) = code.unwrap_or_default();
            let place = String::from_utf8_lossy(&call.position(1)).into_owned();
            noted.borrow_mut().get_or_insert(format!("{place}os.exit({code}) was called"));
            interrupt();
            wait_for(never(), |_, ()| Ok(Value::NIL))
        });
        let os = call.string(b"os")?;
        if let Some(os) = Table::from_value(call.globals().get(os)) {
            os.set_field(call, "exit", exit)?;
        }
        Ok(Exit { called })
    }

    /// A description of the call since this was last called.
    pub(crate) fn take(&self) -> Option<String> {
        self.called.take()
    }
}

/// Is never ready, but wakes the program once, so that it notices the interruption.
async fn never() {
    yield_now().await;
    pending().await
}
