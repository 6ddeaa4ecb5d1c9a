//! The command line as clap reads it.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use voordeur_chassis::Identity;

use crate::{
    activity, audit, demo, episode, notice, operations, outcome, presence, routes, serve, signal, task,
};

/// One front door for everybody around a child: takes signals in, brings them to the professional at the centre, follows what comes of
/// them.
#[derive(Debug, Parser)]
#[command(
    name = "voordeur",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  voordeur serve all --dev --data ./data --directory directory.toml --endpoints-file endpoints.json
  export VOORDEUR_ENDPOINTS=endpoints.json
  voordeur signal submit --file signals.jsonl
  voordeur task list --as person:noor
  voordeur task accept tsk_0011… --as person:noor

Exit codes: 0 done, 1 failed, 2 wrong use, 3 refused by a rule, 4 not available now: try again."
)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Print JSON: one object a line, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Who calls, during development: organisation:<key>, person:<key> or operator
    #[arg(long = "as", global = true, value_name = "WHO", env = "VOORDEUR_AS", hide_env_values = true)]
    pub(crate) caller: Option<Identity>,

    /// File that `serve --endpoints-file` wrote; without it the addresses of the settings
    #[arg(long, global = true, value_name = "FILE", env = "VOORDEUR_ENDPOINTS", hide_env_values = true)]
    pub(crate) endpoints: Option<PathBuf>,

    /// Settings that lie over the defaults; `voordeur config --markdown` explains them
    #[arg(long, global = true, value_name = "FILE", env = "VOORDEUR_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    /// Seconds until an answer must be there
    #[arg(long, global = true, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("give seconds, 0.001 to 86400".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the services
    #[command(subcommand)]
    Serve(serve::Command),
    /// Hand signals over and hear what became of them
    #[command(subcommand)]
    Signal(signal::Command),
    /// The worklist of a professional or coordinator
    #[command(subcommand)]
    Task(task::Command),
    /// What you must act on
    #[command(subcommand)]
    Notice(notice::Command),
    /// Who is there
    #[command(subcommand)]
    Presence(presence::Command),
    /// Children's episodes
    #[command(subcommand)]
    Episode(episode::Command),
    /// Work on the floor, without a child
    #[command(subcommand)]
    Activity(activity::Command),
    /// What became of children, in numbers
    #[command(subcommand)]
    Outcome(outcome::Command),
    /// Organisations, centres and people
    #[command(subcommand)]
    Directory(operations::directory::Command),
    /// Which signal goes where: check a policy, explain it, rehearse it
    #[command(subcommand)]
    Routes(routes::Command),
    /// From the log alone: does any signal lie anywhere?
    Audit(audit::Options),
    /// The streams at the broker
    #[command(subcommand)]
    Streams(operations::streams::Command),
    /// Messages that could not be handled
    #[command(subcommand)]
    DeadLetters(operations::dead_letters::Command),
    /// Key material
    #[command(subcommand)]
    Keys(operations::keys::Command),
    /// Settings in force, and what they mean
    Config(operations::config::Command),
    /// The main job on an invented kindcentrum, with the routing service and the broker killed in the middle
    Demo(demo::DemoArgs),
}

/// What a person's act carries.
#[derive(Debug, Clone, Args)]
pub(crate) struct Act {
    /// Key of this act, the same when it is repeated; drawn when it is left out
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Version you saw when you decided; another one now is refused. 0: not compared
    #[arg(long, value_name = "VERSION", default_value_t = 0)]
    pub(crate) seen: u64,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn leaves(command: &clap::Command, path: &str, without: &mut Vec<String>) {
            for below in command.get_subcommands() {
                leaves(below, &format!("{path} {}", below.get_name()), without);
            }
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            if !command.has_subcommands() && !help.contains(path) {
                without.push(path.to_owned());
            }
        }
        let mut without = Vec::new();
        leaves(&Cli::command(), "voordeur", &mut without);
        assert!(without.is_empty(), "no example: {without:?}");
    }
}
