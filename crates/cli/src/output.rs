//! What is printed: results on standard output, everything else on standard error.
//!
//! With `--json` the result is one JSON document (or, for streams, one a line), and a failure is one on standard error.
//! Colours are used on a terminal alone, and not where `NO_COLOR` is set or the terminal is `dumb`.

use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::system;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it is.
    Plain,
    /// What matters most.
    Bold,
    /// What matters less.
    Dim,
    /// All is well.
    Good,
    /// Take care.
    Warn,
    /// Something is wrong.
    Bad,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Warn => "\x1b[33m",
            Self::Bad => "\x1b[31m",
        }
    }
}

/// Where results and remarks go.
pub(crate) struct Output {
    out: io::BufWriter<io::Stdout>,
    json: bool,
    out_colored: bool,
    err_colored: bool,
}

impl Output {
    /// Output as the arguments and the terminal ask for.
    pub(crate) fn new(json: bool, color: Color) -> Self {
        let set = |name| system::variable(name).ok().flatten();
        let plain = set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| *term == "dumb");
        let colored = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        Self {
            out: io::BufWriter::new(io::stdout()),
            json,
            out_colored: colored(io::stdout().is_terminal()),
            err_colored: colored(io::stderr().is_terminal()),
        }
    }

    /// Whether results are JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// The result, for programs.
    ///
    /// # Errors
    /// [`Failure::OutputClosed`], and [`Failure::Local`] where it cannot be written.
    pub(crate) fn document<T: Serialize>(&mut self, document: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(document).map_err(|error| Failure::local("writing JSON", error))?;
        self.line(&text)
    }

    /// One of several results, for programs that read line by line.
    ///
    /// # Errors
    /// As [`Output::document`].
    pub(crate) fn document_line<T: Serialize>(&mut self, document: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(document).map_err(|error| Failure::local("writing JSON", error))?;
        self.line(&text)?;
        self.flush()
    }

    /// A line of the result.
    ///
    /// # Errors
    /// As [`Output::document`].
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(closed)
    }

    /// Bytes of the result, as they are.
    ///
    /// # Errors
    /// As [`Output::document`].
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(closed)
    }

    /// Name and value in a column each, for one thing.
    ///
    /// # Errors
    /// As [`Output::document`].
    pub(crate) fn fields(&mut self, fields: &[(&str, String)]) -> Result<(), Failure> {
        let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in fields {
            let name = self.styled(Style::Dim, &format!("{name:width$}"));
            self.line(&format!("{name}  {}", printable(value)))?;
        }
        Ok(())
    }

    /// Rows in columns, for several things.
    ///
    /// # Errors
    /// As [`Output::document`].
    pub(crate) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
        let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let join = |cells: &mut dyn Iterator<Item = &str>| {
            let mut line = String::new();
            for (cell, width) in cells.zip(&widths) {
                line.push_str(&format!("{cell:width$}  "));
            }
            line.trim_end().to_owned()
        };
        let head = self.styled(Style::Bold, &join(&mut head.iter().copied()));
        self.line(&head)?;
        for row in &rows {
            let line = join(&mut row.iter().map(String::as_str));
            self.line(&line)?;
        }
        Ok(())
    }

    /// Text for standard output, in colour where there is any.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        styled(self.out_colored, style, text)
    }

    /// A remark on standard error. Where it cannot be written there is nobody to tell.
    pub(crate) fn note(&mut self, style: Style, text: &str) {
        let _told = self.flush();
        let _told = writeln!(io::stderr(), "{}", styled(self.err_colored, style, text));
    }

    /// Writes out what is waiting.
    ///
    /// # Errors
    /// As [`Output::document`].
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(closed)
    }

    /// Says why the command failed, in one line.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        if matches!(failure, Failure::OutputClosed) {
            return;
        }
        let _told = self.flush();
        let text = if self.json {
            let mut error = json!({
                "code": failure.code(), "message": failure.to_string(), "exit_code": failure.exit_code(),
            });
            if let (Failure::Problem { problem, .. }, Some(object)) = (failure, error.as_object_mut()) {
                object.insert("problem".to_owned(), json!(problem));
            }
            json!({ "error": error }).to_string()
        } else {
            format!("{} {}", styled(self.err_colored, Style::Bad, "symbolon:"), printable(&failure.to_string()))
        };
        let _told = writeln!(io::stderr(), "{text}");
    }
}

fn styled(colored: bool, style: Style, text: &str) -> String {
    if colored && style != Style::Plain { format!("{}{text}\x1b[0m", style.code()) } else { text.to_owned() }
}

/// Text that others chose, made harmless for a terminal: a control character could repaint the screen.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn closed(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Failure::OutputClosed
    } else {
        Failure::local("writing to standard output", error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_others_chose_cannot_repaint_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
    }

    #[test]
    fn colours_are_left_out_where_they_are_not_wanted() {
        assert_eq!(styled(false, Style::Bad, "x"), "x");
        assert_eq!(styled(true, Style::Bad, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(styled(true, Style::Plain, "x"), "x");
    }
}
