//! What happens when keysieve itself is at fault.

use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::process;

use keysieve_report::escaped;

use super::exit_code::ExitStatus;

/// Ends the process with an error where a panic would have, from any thread. The message is left out: that of an index into a text
/// quotes the text, which may be a secret. For the same reason it leaves no core file, which would hold all that was read.
pub(crate) fn end_run_on_panic() {
    panic::set_hook(Box::new(|panic| {
        // Nothing is left to be done where standard error is closed.
        let _ = writeln!(io::stderr(), "keysieve: {}", told(panic));
        process::exit(ExitStatus::Trouble.code().into());
    }));
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map_or_else(
        || "a place that is not known".to_owned(),
        |location| escaped(format!("{}:{}", location.file(), location.line()).as_bytes()),
    );
    format!(
        "a defect of keysieve at {place}; the run was cut off, so do not take it for clean. Please report this line and \
         what was scanned (`keysieve --version` tells the version)"
    )
}
