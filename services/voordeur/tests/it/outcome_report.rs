//! `voordeur outcome report` against everything in one process.

use std::fs;

use crate::support::{Everything, voordeur};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_printed_in_dutch_and_as_json_and_is_refused_when_it_may_not_be_published() {
    let everything = Everything::start().await;
    let endpoints = everything.endpoints.display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("uitkomsten.csv").display().to_string();
    let plots = folder.path().join("plots").display().to_string();
    let file = folder.path().join("leerlingen.csv");
    fs::write(&file, "centre,from,until,children\nde-wilg,2020-01-01,2020-12-31,300\n").unwrap();
    let file = file.display().to_string();
    let year = ["outcome", "report", "--from", "2020-01-01", "--until", "2020-12-31"];
    let of_wilg = [&year[..], &["--centre", "de-wilg", "--known-on", "2023-01-01"]].concat();
    let as_marit = ["--endpoints", &endpoints, "--as", "person:marit"];

    let more = ["--population", &file, "--csv", &csv, "--plots", &plots];
    let shown = voordeur(&[&as_marit[..], &of_wilg, &more].concat()).ends_with(0);
    assert!(shown.out.starts_with("AFSPRAKEN EN UITKOMSTEN\nKindcentrum"), "{}", shown.out);
    assert!(shown.out.contains("DEFINITIEF.") && shown.out.contains("Resultaatafspraken"), "{}", shown.out);
    assert!(shown.err.contains("there is no plot"), "{}", shown.err);
    assert!(fs::read_to_string(&csv).unwrap().starts_with("onderdeel;tabel;rij;kolom;"));

    let json = everything.run("person:marit", &of_wilg).ends_with(0).json();
    assert_eq!((json.len(), json[0]["status"].as_str()), (1, Some("definitief")));
    let publish = [&of_wilg[..], &["--publish"]].concat();
    let refused = voordeur(&[&as_marit[..], &publish].concat()).ends_with(3);
    assert!(refused.err.contains("fewer than ten children at risk; take more centres"), "{}", refused.err);
    let professional = everything.run("person:noor", &of_wilg);
    assert_eq!(professional.code, 3, "{}", professional.err);
    assert!(everything.run("person:noor", &["outcome", "report", "--list"]).ends_with(0).out.is_empty());

    let wrong = folder.path().join("fout.csv");
    fs::write(&wrong, "centre,from,until,children\nde-els,2020-01-01,2020-12-31,veel\n").unwrap();
    let wrong = wrong.display().to_string();
    let wrong = [&of_wilg[..], &["--population", &wrong]].concat();
    let wrong = voordeur(&[&as_marit[..], &wrong].concat()).ends_with(3);
    assert!(
        wrong.err.contains("line 2, centre:") && wrong.err.contains("line 2, children:"),
        "{}",
        wrong.err
    );
    let both = [&of_wilg[..], &["--municipality", "9999"]].concat();
    voordeur(&both).ends_with(2);
    voordeur(&year).ends_with(2);
}
