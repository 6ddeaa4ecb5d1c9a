//! `voordeur routes`, and the page that explains routing: its files and commands are run, its output is compared.

use std::{path::Path, time::Duration};

use serde_json::Value;
use voordeur_testkit::eventually;

use crate::support::{Everything, Run, command, file, voordeur, voordeur_with_input};

const SAMPLE: &str = "deploy/directory/voorbeeld.toml";

/// One block of code of a page: what stands in the line before it, its language, its lines.
struct Block<'p> {
    before: &'p str,
    language: &'p str,
    text: String,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inner: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block { before, language, text: inner.join("\n") + "\n" });
        }
        before = line;
    }
    blocks
}

/// What a line of a terminal would show: standard output, then standard error.
fn shell(folder: &Path, line: &str) -> String {
    let (line, input) = match line.split_once(" < ") {
        Some((line, input)) => (line, std::fs::read_to_string(folder.join(input)).unwrap()),
        None => (line, String::new()),
    };
    let arguments: Vec<&str> = line.split(' ').skip(1).collect();
    let mut run = command(&arguments);
    run.current_dir(folder).stdin(std::process::Stdio::piped());
    let mut child =
        run.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let run = Run::from(child.wait_with_output().unwrap());
    format!("{}{}", run.out, run.err)
}

/// Runs every command of a page in a folder with its files; gives the page with what came out.
fn run_page(page: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(file(SAMPLE), folder.path().join("voorbeeld.toml")).unwrap();
    let mut out = page.to_owned();
    for block in blocks(page) {
        let named = block.before.strip_prefix("<!-- file: ").and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(name) = named {
            std::fs::write(folder.path().join(name), &block.text).unwrap();
        } else if block.language == "console" {
            let command = block.text.lines().next().unwrap();
            let shown = shell(folder.path(), command.strip_prefix("$ ").unwrap());
            let was = format!("```console\n{}```", block.text);
            out = out.replace(&was, &format!("```console\n{command}\n{shown}```"));
        }
    }
    out
}

#[test]
fn the_page_on_routing_shows_what_its_commands_print() {
    let page = std::fs::read_to_string(file("docs/domain/routing.md")).unwrap();
    let commands = blocks(&page).iter().filter(|block| block.language == "console").count();
    assert!(commands >= 5, "{commands} commands");
    let now = run_page(&page);
    if now != page {
        let written = std::env::temp_dir().join("routing.md");
        std::fs::write(&written, &now).unwrap();
        let differs = page.lines().zip(now.lines()).find(|(a, b)| a != b);
        panic!("{differs:?}: when it should have changed, take {}", written.display());
    }
}

#[test]
fn a_policy_is_drawn_and_its_faults_end_with_two() {
    let sample = file(SAMPLE);
    let sample = sample.to_str().unwrap();
    let run = voordeur(&["routes", "check", sample, "--json"]).ends_with(0);
    let checked = &run.json()[0];
    assert_eq!((&checked["policy"]["version"], &checked["builtIn"]), (&1.into(), &false.into()));
    let branches = checked["policy"]["branches"].as_array().unwrap();
    let paths: Vec<String> = branches
        .iter()
        .map(|b| {
            b["branch"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect::<Vec<_>>().join("/")
        })
        .collect();
    assert_eq!(
        paths,
        [
            "root",
            "root/spoed",
            "root/overleg",
            "root/ouder-of-kind",
            "root/opvang",
            "root/opvang/taal-en-motoriek"
        ]
    );
    assert_eq!(checked["policy"]["safety"]["steps"][0]["audience"], "everybody_on_duty");

    let demo = file("deploy/directory/demo.toml");
    let run = voordeur(&["routes", "check", demo.to_str().unwrap()]).ends_with(0);
    assert!(run.out.contains("the built-in policy"), "{}", run.out);

    let folder = tempfile::tempdir().unwrap();
    let changed = |name: &str, from: &str, to: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, std::fs::read_to_string(sample).unwrap().replace(from, to)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let faulty = changed("faulty.toml", "ladder = \"spoed\"", "ladder = \"haast\"");
    let run = voordeur(&["routes", "check", &faulty]).ends_with(2);
    assert!(run.err.contains("there is no ladder of this name"), "{}", run.err);
    let run = voordeur(&["routes", "check", &faulty, "--json"]).ends_with(2);
    assert_eq!(run.json()[0]["faults"][0]["reason"], "UNKNOWN_REFERENCE");
    let odd = changed(
        "odd.toml",
        "when = { urgency = \"consult\" }\nladder = \"overleg\"",
        "when = { urgency = \"consult\" }",
    );
    let run = voordeur(&["routes", "check", &odd]).ends_with(1);
    assert!(run.err.contains("LADDER_UNUSED"), "{}", run.err);
    voordeur(&["routes", "check", "/nowhere.toml"]).ends_with(2);
}

fn demo_signal(line: usize) -> Value {
    let text = std::fs::read_to_string(file("deploy/demo/signals.jsonl")).unwrap();
    serde_json::from_str(text.lines().nth(line).unwrap()).unwrap()
}

fn explain(signal: &Value, arguments: &[&str]) -> Run {
    let sample = file(SAMPLE);
    let mut all = vec!["routes", "explain", "--json", "--directory", sample.to_str().unwrap()];
    all.extend(arguments);
    voordeur_with_input(&all, &signal.to_string())
}

#[test]
fn an_explanation_says_why_and_why_not() {
    let signal = demo_signal(0);
    let run =
        explain(&signal, &["--at", "2026-11-24T10:00", "--known", "noor", "--open", "sam=3"]).ends_with(0);
    let told = &run.json()[0];
    assert_eq!(told["branch"], serde_json::json!(["root"]));
    assert_eq!(told["first"]["asked"], serde_json::json!(["noor"]));
    let look = &told["looks"][1];
    assert_eq!((&look["branch"][1], &look["holds"]), (&"spoed".into(), &false.into()));
    assert_eq!(look["checks"][0]["found"], "regular");
    let step =
        told["steps"].as_array().unwrap().iter().find(|s| s["audience"] == "present_at_centre").unwrap();
    let yasmina =
        step["candidates"].as_array().unwrap().iter().find(|c| c["professional"] == "yasmina").unwrap();
    assert_eq!(yasmina["reasons"], serde_json::json!(["not_scheduled"]));
    let accept = told["clocks"].as_array().unwrap().iter().find(|clock| clock["clock"] == "accept").unwrap();
    assert_eq!(accept["local"], "2026-11-26 10:00");

    // Away with nobody for her: the next step, and it says that the first found nobody.
    let run =
        explain(&signal, &["--at", "2026-11-24T10:00", "--known", "noor", "--absent", "noor"]).ends_with(0);
    let told = &run.json()[0];
    assert_eq!(told["first"]["assignedTo"].as_str().or(told["first"]["asked"][0].as_str()), Some("sam"));
}

#[test]
fn what_cannot_be_explained_says_what_is_wrong() {
    let at = ["--at", "2026-11-24T10:00"];
    let wrong = |change: fn(&mut Value), arguments: &[&str]| {
        let mut signal = demo_signal(0);
        change(&mut signal);
        explain(&signal, &[&at[..], arguments].concat()).ends_with(2).err
    };
    type Wrong = (fn(&mut Value), &'static [&'static str], &'static str);
    let table: [Wrong; 6] = [
        (|s| s["centre"] = serde_json::json!({"key": "nergens"}), &[], "centre"),
        (|s| s["organisation"] = "nergens".into(), &[], "organisation"),
        (|s| s["domains"] = serde_json::json!([]), &[], "domains"),
        (|s| s["severity"] = 9.into(), &[], "severity"),
        (|_| (), &["--known", "niemand"], "niemand"),
        (|_| (), &["--open", "sam"], "noor=4"),
    ];
    for (change, arguments, expected) in table {
        let err = wrong(change, arguments);
        assert!(err.contains(expected), "{expected}: {err}");
    }
    let consult = explain(&demo_signal(2), &["--at", "2026-11-24T10:00", "--known", "noor"]).ends_with(2);
    assert!(consult.err.contains("no child"), "{}", consult.err);
}

/// Another policy than the built-in one: its ladders, but one clock shorter and one branch more.
fn new_policy() -> String {
    let built_in = std::fs::read_to_string(file("crates/directory/src/policy/built_in.toml")).unwrap();
    let changed = built_in
        .replace("version = 0", "version = 1")
        .replace("answer = \"3 working days\"", "answer = \"2 working days\"");
    format!("{changed}\n[[routing.route]]\nname = \"gedrag\"\nwhen = {{ domains = \"GEDRAG\" }}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_choices_come_out_the_same_by_their_own_policy_and_are_rehearsed_by_another() {
    let everything = Everything::start().await;
    let endpoints = everything.endpoints.to_str().unwrap();
    let signals = file("deploy/demo/signals.jsonl");
    let submit = ["--endpoints", endpoints, "signal", "submit", "--file", signals.to_str().unwrap()];
    voordeur(&submit).ends_with(0);
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("new.toml");
    std::fs::write(&policy, new_policy()).unwrap();
    let policy = policy.to_str().unwrap().to_owned();
    let replay = ["routes", "replay", "--policy", &policy, "--since", "2020-01-01", "--list"];
    let told = eventually("every signal has its task", Duration::from_secs(20), || async {
        let run = everything.run("operator", &replay);
        match run.json().last() {
            Some(last) if run.code == 0 && last["tasks"] == 12 => Ok(run.json()),
            _ => Err(format!("{} {}", run.out, run.err)),
        }
    })
    .await;
    let (report, changes) = told.split_last().unwrap();
    // Twelve signals: one of them about safety, three about behaviour of which one is urgent, two consults.
    assert_eq!(
        (&report["same"], &report["fixed"], &report["different"]),
        (&12.into(), &1.into(), &serde_json::json!([]))
    );
    assert_eq!(
        (&report["otherBranch"], &report["otherClocks"], &report["otherFirstPerson"]),
        (&1.into(), &2.into(), &0.into())
    );
    assert_eq!((report["changed"].as_u64(), changes.len()), (Some(3), 3));
    let branch: Vec<&Value> = changes.iter().filter(|change| change["branch"].is_object()).collect();
    assert_eq!(branch[0]["branch"]["would"], "root > gedrag");
    assert!(branch[0]["taskId"].as_str().unwrap().starts_with("tsk_"));

    // With the very same policy nothing changes.
    let demo = file("deploy/directory/demo.toml");
    let same = everything
        .run("operator", &["routes", "replay", "--policy", demo.to_str().unwrap(), "--since", "2020-01-01"])
        .ends_with(0)
        .json();
    assert_eq!((&same[0]["changed"], &same[0]["same"]), (&0.into(), &12.into()));
    let none = everything
        .run("operator", &["routes", "replay", "--policy", &policy, "--since", "2100-01-01"])
        .ends_with(0)
        .json();
    assert_eq!(none[0]["tasks"], 0);

    // What stands in the surroundings of the operator is not what the service counted with, and the service has told.
    let mut other = command(&["--endpoints", endpoints, "routes", "replay", "--policy"]);
    other.args([&policy, "--since", "2020-01-01"]).env("VOORDEUR__ROUTING__ACCEPT_S", "77");
    let run = Run::from(other.output().unwrap()).ends_with(0);
    assert!(run.out.contains("12 made again"), "{}", run.out);
}

/// People, whether they were chosen and why, step by step: as `explain` says it, and as the service does.
fn told(plan: &Value) -> Vec<(String, Vec<String>)> {
    let plain = |word: &Value, prefix: &str| {
        let word = word.as_str().unwrap().to_lowercase();
        word.strip_prefix(prefix).unwrap_or(&word).to_owned()
    };
    let candidate = |candidate: &Value| {
        let reasons = candidate["reasons"].as_array().unwrap();
        let reasons: Vec<String> = reasons.iter().map(|reason| plain(reason, "choice_reason_")).collect();
        let chosen = candidate["chosen"] == true;
        format!("{} {chosen} {}", candidate["professional"].as_str().unwrap(), reasons.join(" "))
    };
    let steps = plan["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            let candidates = step["candidates"].as_array().unwrap().iter().map(candidate).collect();
            (plain(&step["audience"], "audience_"), candidates)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_explanation_beforehand_says_what_the_service_does() {
    let everything = Everything::start().await;
    let endpoints = everything.endpoints.to_str().unwrap();
    let signals = file("deploy/demo/signals.jsonl");
    let submit =
        ["--endpoints", endpoints, "--json", "signal", "submit", "--file", signals.to_str().unwrap()];
    let receipts = voordeur(&submit).ends_with(0).json();
    let demo = file("deploy/directory/demo.toml");
    for (line, receipt) in receipts.iter().enumerate() {
        let signal = receipt["accepted"]["signalId"].as_str().unwrap();
        let task = eventually("the signal has its task", Duration::from_secs(20), || async {
            let run = everything.run("person:marit", &["task", "list", "--whole-centre"]);
            let tasks = if run.code == 0 { run.json() } else { Vec::new() };
            let found = tasks.iter().find(|task| task["signalId"] == signal);
            found.map(|task| task["taskId"].as_str().unwrap().to_owned()).ok_or(run.err)
        })
        .await;
        let made = everything.run("person:marit", &["task", "explain", &task]).ends_with(0).json();
        let (plan, sight) = (&made[0]["plan"], &made[0]["sight"]);
        // What it saw of people's work is what has to be supposed beforehand.
        let people = sight["people"].as_array().unwrap();
        let open: Vec<String> = people
            .iter()
            .map(|seen| format!("--open={}={}", seen["professional"].as_str().unwrap(), seen["openTasks"]))
            .collect();
        let known =
            sight["known"].as_str().filter(|known| !known.is_empty()).map(|known| format!("--known={known}"));
        let mut arguments = vec![
            "routes",
            "explain",
            "--json",
            "--directory",
            demo.to_str().unwrap(),
            "--at",
            sight["at"].as_str().unwrap(),
        ];
        arguments.extend(open.iter().chain(&known).map(String::as_str));
        let run = voordeur_with_input(&arguments, &demo_signal(line).to_string()).ends_with(0);
        let before = &run.json()[0];
        assert_eq!(told(before), told(plan), "{line}");
        assert_eq!((&before["ladder"], &before["branch"]), (&plan["ladder"], &plan["branch"]), "{line}");
    }
    assert_eq!(receipts.len(), 12);
}
