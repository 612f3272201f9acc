//! `reload_script`: the program is run afresh.

use crate::Host;
use solvm_vm::{Call, Error};

/// `reload_script()`: ends everything that the script has started, and runs the script afresh.
pub(crate) fn reload_script(call: &mut Call) -> Result<(), Error> {
    match call.host::<Host>().map(|host| host.state::<Reload>()) {
        Some(reload) if *reload != Reload::Impossible => *reload = Reload::Asked,
        _ => {
            return Err(Error::text(
                "no script to reload: the program was not started from a file",
            ));
        }
    }
    Err(Error::end_goroutine())
}

/// Whether the program can be run afresh, and is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reload {
    /// The command does not restart programs.
    #[default]
    Impossible,
    /// The command would restart the program.
    Possible,
    /// It is to be run afresh.
    Asked,
}
