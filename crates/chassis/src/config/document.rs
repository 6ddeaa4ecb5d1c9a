//! The page about settings, made from the defaults.

use std::fmt::Write as _;

use super::{
    DEFAULTS, layers,
    rules::{RULES, Rule},
};

/// The page `docs/configuration.md`.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         This page is made from `crates/chassis/src/default.toml` by `voordeur config --markdown`; a test keeps them the same.\n\n\
         Three layers, each over the one before: the defaults below, the file given with `--config FILE` (TOML), the environment.\n\
         An unknown setting is an error, and everything that is wrong is reported at once. `--print-config` shows what is in force,\n\
         without secrets. A list is given in the environment with commas.\n",
    );
    let mut comment: Vec<&str> = Vec::new();
    let mut section = "";
    for line in DEFAULTS.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            let _ = write!(
                page,
                "\n## {section}\n\n{}\n\n| setting | default | may be | meaning |\n|---|---|---|---|\n",
                comment.join(" ")
            );
            comment.clear();
        } else if let Some((key, value)) = line.split_once(" = ") {
            let rule = RULES.iter().find(|rule| rule.0 == section && rule.1 == key).map(|rule| rule.2);
            let _ = writeln!(
                page,
                "| `{section}.{key}`<br>`{}` | `{value}` | {} | {} |",
                layers::variable_name(section, key),
                rule.map_or_else(|| kind(value).to_owned(), Rule::text),
                comment.join(" ").replace('|', "\\|"),
            );
            comment.clear();
        } else {
            comment.clear();
        }
    }
    page
}

fn kind(value: &str) -> &'static str {
    match value {
        "true" | "false" => "true or false",
        _ => "any text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_stands_on_the_page_with_its_meaning() {
        let page = markdown();
        let settings: usize =
            layers::defaults().values().filter_map(|v| v.as_table()).map(toml::Table::len).sum();
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), settings);
        for row in rows {
            assert!(!row.ends_with("|  |"), "no meaning: {row}");
        }
    }
}
