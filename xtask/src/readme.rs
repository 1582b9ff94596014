//! The quickstart of README.md, run as a reader would type it.
//!
//! Three kinds of fenced blocks matter, by the words after the fence:
//! - `sh start`: one line, `cargo xtask dev …`; a server is started with these options, on a free port and in a folder
//!   of its own;
//! - `sh quickstart`: run in order by one shell in an empty folder, where every command must succeed; the port 8787 of
//!   the text becomes the server's;
//! - `text output` or `json output`: exactly what the `quickstart` block before it prints, where `…` stands for anything.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::dev;
use crate::process::{self, Echo, say};
use crate::test::Counts;
use crate::workspace::Workspace;

/// Where README.md says that the server listens, after whichever name of this machine.
const PORT: &str = ":8787";

/// What README.md's quickstart consists of.
#[derive(Default, PartialEq, Eq, Debug)]
struct Quickstart {
    start: Option<String>,
    blocks: Vec<Block>,
}

#[derive(PartialEq, Eq, Debug)]
struct Block {
    /// The line of README.md where it begins, counted from 1.
    line: usize,
    script: String,
    output: Option<String>,
}

/// A command line of the `start` block, for clap.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct Start {
    #[command(flatten)]
    options: dev::Options,
}

/// Runs the quickstart; each block is one test.
pub(crate) fn run(workspace: &Workspace) -> Result<Counts> {
    let text = fs::read_to_string(workspace.path("README.md")).context("reading README.md")?;
    let quickstart = parse(&text)?;
    let start = quickstart.start.context("README.md has no block `sh start`")?;
    if quickstart.blocks.is_empty() {
        bail!("README.md has no block `sh quickstart`");
    }
    let folder = Scratch::new(workspace)?;
    let mut options = options(&start)?;
    options.port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    options.data = folder.0.join("data");
    let server = dev::start(workspace, &options)?;
    let port = format!(":{}", options.port);

    let place = folder.0.join("reader");
    fs::create_dir_all(&place)?;
    // A line that no README contains ends each block, with what it is to be told apart by.
    let marker = format!("symbolon-end-of-block-{}", std::process::id());
    let mut script = String::from("set -euo pipefail\n");
    for block in &quickstart.blocks {
        script.push_str(&block.script.replace(PORT, &port));
        script.push_str(&format!("\nprintf '\\n%s\\n' {marker}\n"));
    }
    let path = folder.0.join("quickstart.sh");
    fs::write(&path, script)?;
    let mut command = Command::new("bash");
    command.arg(&path).current_dir(&place).env("SYMBOLON_ROOT", &workspace.root);
    let finished = process::capture(&mut command, "the quickstart", Echo::Shown)?;
    drop(server);

    let printed: Vec<&str> = finished.stdout.split(&format!("\n{marker}\n")).collect();
    let mut counts = Counts::default();
    for (index, block) in quickstart.blocks.iter().enumerate() {
        let done = index.saturating_add(1) < printed.len();
        let got = printed.get(index).copied().unwrap_or_default().replace(&port, PORT);
        let verdict = match (&block.output, done) {
            (_, false) if index.saturating_add(1) == printed.len() => {
                Err(format!("a command of this block failed ({})", finished.status))
            }
            (_, false) => Err("this block was not reached".to_owned()),
            (Some(wanted), true) if !matches(wanted, &got) => {
                Err(format!("this block should print\n{wanted}\nbut prints\n{got}"))
            }
            (_, true) => Ok(()),
        };
        match verdict {
            Ok(()) => counts.passed = counts.passed.saturating_add(1),
            Err(why) => {
                say(&format!("README.md:{}: {why}", block.line));
                counts.failed = counts.failed.saturating_add(1);
            }
        }
    }
    Ok(counts)
}

fn options(start: &str) -> Result<dev::Options> {
    let joined = start.replace("\\\n", " ");
    let mut words = joined.split_whitespace();
    if [words.next(), words.next(), words.next()] != [Some("cargo"), Some("xtask"), Some("dev")] {
        bail!("the block `sh start` of README.md is not `cargo xtask dev …`");
    }
    Ok(Start::try_parse_from(words).context("the block `sh start` of README.md")?.options)
}

fn parse(text: &str) -> Result<Quickstart> {
    let mut quickstart = Quickstart::default();
    let mut open: Option<(usize, &str, String)> = None;
    for (index, line) in text.lines().enumerate() {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            match open.take() {
                None => open = Some((index.saturating_add(1), info.trim(), String::new())),
                Some((line, "sh quickstart", script)) => quickstart.blocks.push(Block { line, script, output: None }),
                Some((line, "sh start", script)) => {
                    if quickstart.start.replace(script).is_some() {
                        bail!("README.md:{line}: a second block `sh start`");
                    }
                }
                Some((line, "text output" | "json output", output)) => {
                    let block = quickstart.blocks.last_mut().filter(|block| block.output.is_none());
                    let block = block.with_context(|| format!("README.md:{line}: output of no block"))?;
                    block.output = Some(output);
                }
                Some(_) => {}
            }
        } else if let Some((_, _, body)) = &mut open {
            body.push_str(line);
            body.push('\n');
        }
    }
    if let Some((line, _, _)) = open {
        bail!("README.md:{line}: a block without an end");
    }
    Ok(quickstart)
}

/// Whether `got` is `wanted`, where each `…` stands for anything, and space at the ends does not matter.
fn matches(wanted: &str, got: &str) -> bool {
    let mut pieces = wanted.trim().split('…');
    let Some(first) = pieces.next() else { return true };
    let Some(mut rest) = got.trim().strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// A folder that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(workspace: &Workspace) -> Result<Self> {
        let path = workspace.path(".tools").join(format!("readme-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_told_apart_by_the_words_after_the_fence() {
        let text = "a\n```sh start\ncargo xtask dev --setup-code x\n```\n```sh\nnot run\n```\n```sh quickstart\necho 1\necho 2\n```\n\
                    so\n```text output\n1\n2\n```\n```sh quickstart\ntrue\n```\n";
        let quickstart = parse(text).unwrap();
        assert_eq!(quickstart.start.as_deref(), Some("cargo xtask dev --setup-code x\n"));
        assert_eq!(
            quickstart.blocks,
            [
                Block { line: 8, script: "echo 1\necho 2\n".to_owned(), output: Some("1\n2\n".to_owned()) },
                Block { line: 17, script: "true\n".to_owned(), output: None },
            ]
        );
        assert!(parse("```text output\n1\n```\n").is_err());
        assert!(parse("```sh\n").is_err());
    }

    #[test]
    fn options_come_from_the_start_block_alone() {
        let options = options("cargo xtask dev --setup-code abc \\\n  --gateway-host api.localhost\n").unwrap();
        assert_eq!(options.setup_code.as_deref(), Some("abc"));
        assert_eq!(options.gateway_hosts, ["api.localhost"]);
        assert!(super::options("cargo build").is_err());
        assert!(super::options("cargo xtask dev --unknown").is_err());
    }

    #[test]
    fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
        assert!(matches("{\"id\":\"…\",\"n\":1}\n", "{\"id\":\"42\",\"n\":1}"));
        assert!(matches("a…b…c", "a1b2b3c"));
        assert!(matches("…", ""));
        assert!(matches("plain", "plain\n"));
        assert!(!matches("plain", "plain and more"));
        assert!(!matches("a…b", "a"));
        assert!(!matches("a…b", "xab"));
        assert!(!matches("a…b…c", "ac"));
    }
}
