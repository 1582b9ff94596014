//! The pages under docs/tasks: their shell steps, run as a reader would.
//!
//! Three kinds of blocks are run, in their order, by one shell in an empty folder, where every command must succeed:
//! `sh run` as it stands; and of `yaml run NAME=FILE` the steps that are written as blocks (`run: |`, `- |`), with the
//! content of FILE in the variable NAME and no other credential, as the pipeline's settings would have it.

use std::fs;

use crate::support::World;
use crate::{admin, create};

const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tasks");

/// The script of a page, and how many blocks it has.
fn script(page: &str) -> (String, usize) {
    let mut script = "set -euo pipefail\n".to_owned();
    let mut count = 0;
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        let Some(info) = line.strip_prefix("```") else {
            if let Some((_, body)) = &mut open {
                body.push_str(line);
                body.push('\n');
            }
            continue;
        };
        match open.take() {
            None => open = Some((info.trim().to_owned(), String::new())),
            Some((info, body)) if info == "sh run" => {
                script.push_str(&body);
                count += 1;
            }
            Some((info, body)) => {
                let Some(setting) = info.strip_prefix("yaml run ") else { continue };
                let (name, file) = setting.split_once('=').unwrap();
                for step in steps(&body) {
                    script.push_str(&format!(
                        "(\nunset SYMBOLON_TOKEN SYMBOLON_PRIVATE_KEY\nexport {name}=\"$(cat {file})\"\n{step})\n"
                    ));
                    count += 1;
                }
            }
        }
    }
    (script, count)
}

/// The literal blocks of a piece of YAML.
fn steps(yaml: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut steps = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for line in yaml.lines() {
        if let Some((outer, body)) = &mut open {
            if line.trim().is_empty() || indent(line) > *outer {
                body.push_str(line.trim_start());
                body.push('\n');
                continue;
            }
            steps.extend(open.take().map(|(_, body)| body));
        }
        if line.ends_with("run: |") || line.trim() == "- |" {
            open = Some((indent(line), String::new()));
        }
    }
    steps.extend(open.map(|(_, body)| body));
    steps
}

fn check(mut world: World, name: &str, blocks: usize) {
    let page = fs::read_to_string(format!("{PAGES}/{name}.md")).unwrap();
    let (script, count) = script(&page);
    assert_eq!(count, blocks, "{name}.md has so many steps");
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_symbolon")).parent().unwrap().display().to_string();
    let path = format!("{binary}:{}", world.variable("PATH"));
    world.set("PATH", &path);
    let path = world.write("script.sh", &script);
    let output = world.command("bash").args(["-x", &path]).output().unwrap();
    assert!(
        output.status.success(),
        "{name}.md: {}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn github_actions() {
    check(admin(), "github-actions", 4);
}

#[test]
fn gitlab_ci() {
    check(admin(), "gitlab-ci", 5);
}

#[test]
fn rotating() {
    check(admin(), "rotating", 5);
}

#[test]
fn leaving_a_team() {
    let world = admin();
    let grace = ["member", "add", "--name", "Grace", "--email", "grace@acme.example", "--role", "developer"];
    world.run(&grace).good();
    create(&world, &["--kind", "key", "--permission", "api:read", "--name", "left behind", "--expires", "9d"]);
    check(world, "leaving-a-team", 4);
}

#[test]
fn every_page_is_run() {
    let mut pages: Vec<String> =
        fs::read_dir(PAGES).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort();
    assert_eq!(pages, ["github-actions.md", "gitlab-ci.md", "leaving-a-team.md", "rotating.md"]);
}
