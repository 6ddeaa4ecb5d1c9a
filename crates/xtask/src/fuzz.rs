//! Feeding every decoder inputs that are guided by coverage, on stable Rust: libFuzzer, linked into a program of ours, and the compiler's
//! own pass that counts edges.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::json;

use crate::{
    ci::target_folder,
    steps::{cargo, command, output, run},
};

/// What the compiler has to count; the same that cargo-fuzz asks for. All of it is there in stable Rust.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
const PACKAGE: &str = "voordeur-fuzz";
const KEPT: &str = "tests/fuzz/corpus";
/// Inputs that once broke something begin with this, and stay whatever they cover.
const FOUND: &str = "found-";

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask fuzz --list
  cargo xtask fuzz --seconds 60                  every target, a minute each
  cargo xtask fuzz --seconds 600 task-history    one of them
  cargo xtask fuzz --keep                        take what the last runs found new into tests/fuzz/corpus, as few and small as can be
Exit codes: 0 nothing found, 1 a promise was broken or something failed.")]
pub(crate) struct Args {
    /// Which targets; every one when left out.
    targets: Vec<String>,
    /// Show the targets.
    #[arg(long)]
    list: bool,
    /// How long each target is fed.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Feed nothing; choose the smallest set of inputs with the same coverage, out of the kept ones and the new ones, and keep that.
    #[arg(long)]
    keep: bool,
    /// The result as JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What came of one target.
struct Outcome {
    target: String,
    executions: u64,
    kept: usize,
    new: usize,
    found: Vec<String>,
    good: bool,
}

pub(crate) fn fuzz(root: &Path, args: &Args) -> Result<(), String> {
    let known = targets(root)?;
    if args.list {
        known.iter().for_each(|target| println!("{target}"));
        return Ok(());
    }
    if let Some(wrong) = args.targets.iter().find(|name| !known.contains(name)) {
        return Err(format!("there is no target {wrong}; `cargo xtask fuzz --list` shows which there are"));
    }
    let chosen = if args.targets.is_empty() { &known } else { &args.targets };
    let program = build(root)?;
    let mut outcomes = Vec::new();
    for target in chosen {
        let place = Place::of(root, target)?;
        eprintln!("── {target}");
        outcomes.push(if args.keep { place.keep(&program)? } else { place.feed(&program, args.seconds)? });
    }
    show(&outcomes, args.json);
    let broken: Vec<_> = outcomes.iter().filter(|outcome| !outcome.good).map(|o| o.target.as_str()).collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!(
        "broken: {}\nthe inputs are named above: mend what they show, and put each into {KEPT}/<target>/{FOUND}<what it was>",
        broken.join(", ")
    ))
}

/// The folders of kept inputs; a test holds them against the table of targets.
fn targets(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join(KEPT);
    let mut names = Vec::new();
    for path in files(&folder)? {
        if path.is_dir() {
            names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    Ok(names)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(failed)?.collect();
    let mut files: Vec<_> = entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}

/// Builds with counters. With `--target`, so that build scripts and macros stay as they are.
fn build(root: &Path) -> Result<PathBuf, String> {
    let version = output(&mut command(root, "rustc", ["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc names no host")?;
    let mut build = cargo(root, ["build", "--locked", "--profile", "coverage", "--package", PACKAGE]);
    run(build.args(["--features", "libfuzzer", "--target", host]).env("RUSTFLAGS", COVERAGE))?;
    Ok(target_folder(root)?.join(host).join("coverage").join(PACKAGE))
}

/// The folders of one target.
struct Place {
    target: String,
    kept: PathBuf,
    new: PathBuf,
    found: PathBuf,
}

impl Place {
    fn of(root: &Path, target: &str) -> Result<Self, String> {
        let work = target_folder(root)?.join("fuzz-work").join(target);
        let place = Self {
            target: target.to_owned(),
            kept: root.join(KEPT).join(target),
            new: work.join("new"),
            found: work.join("found"),
        };
        for folder in [&place.kept, &place.new, &place.found] {
            fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        Ok(place)
    }

    /// One run of libFuzzer; its own words go to a file.
    fn start(&self, program: &Path, args: &[String]) -> Result<(bool, String), String> {
        let log = self.found.with_file_name("log");
        let failed = |error| format!("{}: {error}", log.display());
        let file = File::create(&log).map_err(failed)?;
        let mut fuzzer = command(&self.kept, program, args);
        fuzzer.env("VOORDEUR_FUZZ_TARGET", &self.target);
        let status = fuzzer.stdout(Stdio::null()).stderr(file).status().map_err(failed)?;
        let said = fs::read(&log).map_err(failed)?;
        Ok((status.success(), String::from_utf8_lossy(&said).into_owned()))
    }

    fn feed(&self, program: &Path, seconds: u32) -> Result<Outcome, String> {
        let before = files(&self.found)?;
        let args = [
            format!("-max_total_time={seconds}"),
            "-max_len=4096".to_owned(),
            // An input that takes this long or this much is a finding.
            "-timeout=10".to_owned(),
            "-rss_limit_mb=2048".to_owned(),
            "-print_final_stats=1".to_owned(),
            format!("-dict={}", self.kept.with_file_name("").join("../dictionary").display()),
            format!("-artifact_prefix={}/", self.found.display()),
            self.new.display().to_string(),
            self.kept.display().to_string(),
        ];
        let (good, said) = self.start(program, &args)?;
        let found: Vec<_> = files(&self.found)?.into_iter().filter(|file| !before.contains(file)).collect();
        if !good {
            // What it was is told just before the stack.
            said.lines().filter(|line| !line.starts_with('#')).take(40).for_each(|line| eprintln!("{line}"));
        }
        self.outcome(good, &said, found.iter().map(|file| file.display().to_string()).collect())
    }

    /// The fewest inputs that reach the same edges, however often, and those that once broke something.
    fn keep(&self, program: &Path) -> Result<Outcome, String> {
        let chosen = self.found.with_file_name("chosen");
        let failed = |error| format!("{}: {error}", chosen.display());
        if chosen.exists() {
            fs::remove_dir_all(&chosen).map_err(failed)?;
        }
        fs::create_dir_all(&chosen).map_err(failed)?;
        let folders = [&chosen, &self.kept, &self.new].map(|folder| folder.display().to_string());
        let args: Vec<_> = ["-set_cover_merge=1", "-use_counters=0", "-max_len=4096"]
            .map(str::to_owned)
            .into_iter()
            .chain(folders)
            .collect();
        let (good, said) = self.start(program, &args)?;
        if !good {
            return Err(format!("{}: {said}", self.target));
        }
        for file in files(&self.kept)? {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if !name.starts_with(FOUND) {
                fs::remove_file(&file).map_err(failed)?;
            }
        }
        for file in files(&chosen)? {
            if let Some(name) = file.file_name() {
                fs::copy(&file, self.kept.join(name)).map_err(failed)?;
            }
        }
        self.outcome(true, "", Vec::new())
    }

    fn outcome(&self, good: bool, said: &str, found: Vec<String>) -> Result<Outcome, String> {
        let executions = said
            .lines()
            .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
            .and_then(|number| number.trim().parse().ok());
        Ok(Outcome {
            target: self.target.clone(),
            executions: executions.unwrap_or(0),
            kept: files(&self.kept)?.len(),
            new: files(&self.new)?.len(),
            found,
            good,
        })
    }
}

fn show(outcomes: &[Outcome], as_json: bool) {
    if as_json {
        let targets: Vec<_> = outcomes
            .iter()
            .map(|o| json!({"target": o.target, "executions": o.executions, "kept": o.kept, "new": o.new, "found": o.found, "good": o.good}))
            .collect();
        println!("{}", json!({"targets": targets}));
        return;
    }
    println!("{:<18}{:>12}{:>8}{:>8}  found", "target", "executions", "kept", "new");
    for o in outcomes {
        println!("{:<18}{:>12}{:>8}{:>8}  {}", o.target, o.executions, o.kept, o.new, o.found.join(" "));
    }
}
