//! What a VM has of the isolates of its program.

use crate::pool::Pool;
use solvm_runtime::Host;
use solvm_vm::{Call, Error};

#[derive(Default)]
struct Workers(Option<(Pool, usize)>);

/// Lets a VM use the isolates of a pool, for calls of that depth.
pub(crate) fn set_pool(call: &mut Call<'_>, pool: Pool, depth: usize) {
    if let Some(host) = call.host::<Host>() {
        *host.state() = Workers(Some((pool, depth)));
    }
}

/// The isolates of the program, and the depth of the calls that this VM makes.
pub(crate) fn pool(call: &mut Call<'_>) -> Result<(Pool, usize), Error> {
    let pool = call.host::<Host>().and_then(|host| host.state::<Workers>().0.clone());
    pool.ok_or_else(|| Error::text("this program has no workers"))
}
