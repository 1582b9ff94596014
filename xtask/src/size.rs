//! Sizes as they are stored and as they travel.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};

/// A file's bytes, raw and with gzip at its best.
#[derive(Clone, Copy, Default)]
pub(crate) struct Size {
    /// As stored.
    pub(crate) raw: usize,
    /// As it travels.
    pub(crate) gzip: usize,
}

impl Size {
    /// Measures a file.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes)?;
        Ok(Self { raw: bytes.len(), gzip: encoder.finish()?.len() })
    }

    /// Both numbers of two files together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { raw: self.raw.saturating_add(other.raw), gzip: self.gzip.saturating_add(other.gzip) }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} raw, {} gzip", Kib(self.raw), Kib(self.gzip))
    }
}

struct Kib(usize);

impl std::fmt::Display for Kib {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // One decimal, in whole numbers: tenths of a KiB.
        let tenths = self.0.saturating_mul(10) / 1024;
        write!(f, "{}.{} KiB", tenths / 10, tenths % 10)
    }
}
