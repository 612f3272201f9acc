//! What a VM has of the isolates of its program.

use crate::pool::Pool;
use solvm_runtime::Host;
use solvm_vm::{Call, Error};

#[derive(Default)]
struct Workers {
    pool: Option<Pool>,
}

/// Lets a VM use the isolates of a pool.
pub fn set_pool(call: &mut Call<'_>, pool: Pool) {
    if let Some(host) = call.host::<Host>() {
        *host.state() = Workers { pool: Some(pool) };
    }
}

/// The isolates of the program.
pub(crate) fn pool(call: &mut Call<'_>) -> Result<Pool, Error> {
    let pool = call.host::<Host>().and_then(|host| host.state::<Workers>().pool.clone());
    pool.ok_or_else(|| Error::text("this program has no workers"))
}
