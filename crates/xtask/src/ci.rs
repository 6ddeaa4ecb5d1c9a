//! What must hold before a change lands, quick checks first.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    codegen, layering,
    steps::{Steps, cargo, command, output, run},
    tidy,
    tools::{Tools, on_path},
};

/// Static checks, then the tests. Every quick check runs, so that all faults are seen at once.
pub(crate) fn ci(root: &Path) -> Result<(), String> {
    let tools = Tools::new(root)?;
    let mut steps = Steps::default();
    steps.step("format", || run(&mut cargo(root, ["fmt", "--all", "--check"])));
    steps.step("tidiness", || tidy::check(root));
    steps.step("layering", || layering::check(root));
    steps.step("generated code", || codegen::check(root));
    steps.step("spelling", || run(&mut command(root, tools.typos()?, ["--config", "typos.toml"])));
    steps.step("contracts", || {
        let buf = tools.node()?.join("node_modules/.bin/buf");
        run(&mut command(root, &buf, ["lint"]))?;
        run(&mut command(root, &buf, ["breaking", "--against", codegen::BASELINE]))
    });
    steps.step("document of the streams", || check_asyncapi(root, &tools));
    steps.step("configuration of the broker", || check_broker_files(root, &tools));
    if on_path("cargo-deny").is_empty() {
        println!(
            "\n── licences and sources: passed over, cargo-deny is not there (`cargo install cargo-deny --locked`)"
        );
    } else {
        steps.step("licences and sources", || {
            run(&mut cargo(root, ["deny", "check", "bans", "licenses", "sources"]))
        });
    }
    steps.all_good()?;
    steps.step("lints", || {
        run(&mut cargo(root, ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
    });
    steps.step("documentation of the code", || {
        run(cargo(root, ["doc", "--workspace", "--lib", "--no-deps", "--locked"])
            .env("RUSTDOCFLAGS", "-D warnings"))
    });
    steps.all_good()?;
    test(root, &mut steps)?;
    steps.finish()
}

/// Tools, build, tests in Rust, and a client that is not ours.
pub(crate) fn test(root: &Path, steps: &mut Steps) -> Result<(), String> {
    let tools = Tools::new(root)?;
    steps.step("tools", || {
        println!("nats-server: {}", tools.nats_server()?.display());
        Ok(())
    });
    steps.all_good()?;
    steps.step("build", || run(&mut cargo(root, ["build", "--workspace", "--all-targets", "--locked"])));
    steps.all_good()?;
    steps.step("tests", || {
        let with_nextest = output(&mut cargo(root, ["nextest", "--version"])).is_ok();
        if !with_nextest {
            println!("cargo-nextest is not there; cargo test does the same, one package at a time");
        }
        let runner: &[&str] = if with_nextest { &["nextest", "run"] } else { &["test"] };
        let mut tests = cargo(root, runner.iter().chain(&["--workspace", "--locked"]));
        tools.prepare(&mut tests)?;
        tests.env("SMTP_PACKAGES", tools.smtp_server()?);
        run(&mut tests)
    });
    steps.step("a client that is not ours", || interop(root, &tools));
    steps.all_good()
}

/// The folder that cargo builds into.
pub(crate) fn target_folder(root: &Path) -> Result<PathBuf, String> {
    let metadata = output(&mut cargo(root, ["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).map_err(|e| format!("cargo metadata: {e}"))?;
    let folder = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    folder.map(PathBuf::from).ok_or_else(|| "cargo metadata names no target folder".to_owned())
}

fn interop(root: &Path, tools: &Tools) -> Result<(), String> {
    let packages = tools.python_packages("grpc-python", &root.join("tests/interop/requirements.txt"))?;
    let binary = target_folder(root)?.join("debug/voordeur");
    let mut client = command(root, "python3", ["-B", "tests/interop/client.py", "--voordeur"]);
    client.arg(binary).env("PYTHONPATH", packages);
    tools.prepare(&mut client)?;
    run(&mut client)
}

fn check_asyncapi(root: &Path, tools: &Tools) -> Result<(), String> {
    let modules = tools.node()?.join("node_modules");
    run(command(root, "node", ["docs/events/check.cjs"]).env("NODE_PATH", modules))
}

/// The broker itself reads every configuration that we hand out.
fn check_broker_files(root: &Path, tools: &Tools) -> Result<(), String> {
    let server = tools.nats_server()?;
    let folder = root.join("deploy/nats");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .iter()
        .map(fs::DirEntry::path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    files.sort();
    for file in &files {
        let mut check = command(root, &server, ["-t", "-c"]);
        output(check.arg(file).env("NATS_NAME", "voordeur-1").env("NATS_STORE", "/var/lib/nats"))?;
        println!("{} is good", file.display());
    }
    if files.is_empty() { Err("deploy/nats holds no configuration".to_owned()) } else { Ok(()) }
}
