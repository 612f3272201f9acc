//! `reload_script`: restarts the program.

use crate::Host;
use solvm_vm::{Call, Error};

/// `reload_script()`: ends everything that the script has started, and runs the script again.
pub fn reload_script(call: &mut Call) -> Result<(), Error> {
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

/// Whether the program can be run again, and whether it has requested that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reload {
    /// The command does not restart programs.
    #[default]
    Impossible,
    /// The command would restart the program.
    Possible,
    /// The program has requested a restart.
    Asked,
}
