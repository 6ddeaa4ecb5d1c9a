//! Steps with a name and a time, and running other programs.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What was done so far.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration, bool)>,
}

impl Steps {
    /// Does one step; a failure is shown, remembered and does not stop what comes next.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<(), String>) -> bool {
        println!("\n── {name}");
        let started = Instant::now();
        let outcome = work();
        let took = started.elapsed();
        if let Err(error) = &outcome {
            eprintln!("{error}");
        }
        let word = if outcome.is_ok() { "good" } else { "FAILED" };
        println!("── {name}: {word}, {:.1} s", took.as_secs_f64());
        self.done.push((name.to_owned(), took, outcome.is_ok()));
        outcome.is_ok()
    }

    /// An error when any step failed so far.
    pub(crate) fn all_good(&self) -> Result<(), String> {
        let failed: Vec<_> =
            self.done.iter().filter(|(_, _, good)| !good).map(|(name, ..)| &**name).collect();
        if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
    }

    /// The times of all steps, then the outcome.
    pub(crate) fn finish(&self) -> Result<(), String> {
        println!();
        for (name, took, good) in &self.done {
            println!("{:>8.1} s  {}{name}", took.as_secs_f64(), if *good { "" } else { "FAILED " });
        }
        let total: Duration = self.done.iter().map(|(_, took, _)| *took).sum();
        println!("{:>8.1} s  in all", total.as_secs_f64());
        self.all_good()
    }
}

/// A program with arguments, in a folder, without standard input.
pub(crate) fn command<S: AsRef<OsStr>>(
    folder: &Path,
    program: impl AsRef<OsStr>,
    args: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).args(args).stdin(Stdio::null());
    command
}

/// The cargo that started us, or the one on the path.
pub(crate) fn cargo<S: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> Command {
    command(folder, std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args)
}

/// What was started, for messages.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs a program with our own output.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("`{}` could not be started: {e}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` ended with {status}", shown(command))) }
}

/// Runs a program and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("`{}` could not be started: {e}", shown(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{}` ended with {}\n{}", shown(command), output.status, said.trim_end()))
}
