//! Errors as the user sees them: one line with the place, one with what to do.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use larder_core::Error;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Prints `error: <place>: <message>` and `hint: ...` to standard error; coloured on a terminal.
pub(crate) fn error(error: &Error) {
    write_all(&format!("{ERROR}error:{ERROR:#} {error}\n"));
    if let Some(hint) = error.hint() {
        write_all(&format!("{HINT}hint:{HINT:#} {hint}\n"));
    }
}

/// Prints `warning: <message>` to standard error.
pub(crate) fn warning(message: impl std::fmt::Display) {
    write_all(&format!("{WARNING}warning:{WARNING:#} {message}\n"));
}

/// Prints a line of progress to standard error.
pub(crate) fn note(message: impl std::fmt::Display) {
    write_all(&format!("{message}\n"));
}

fn write_all(text: &str) {
    // Nobody is left to tell when standard error is closed.
    drop(anstream::stderr().lock().write_all(text.as_bytes()));
}
