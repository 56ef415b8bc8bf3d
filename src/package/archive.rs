//! The zip file: one entry, `bootstrap`, with nothing in it that depends on when, where or by whom it was made.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveWriter};

/// What Lambda starts in a package for `provided.al2023` (Lambda developer guide, "OS-only runtimes").
pub const BOOTSTRAP: &str = "bootstrap";

/// Owner may read, write and start it, others may read and start it: Lambda runs it as somebody else.
const MODE: u32 = 0o100_755;

/// The first second that a zip file can bear: 1980-01-01 (PKZIP APPNOTE, 4.4.6).
const EARLIEST: i64 = 315_532_800;

/// Largest zip file that a call may carry: 50 MB (Lambda quotas, "Deployment package").
pub const LARGEST_ZIP: usize = 50 * 1024 * 1024;

/// Largest package when it is unpacked: 250 MB; the same source.
pub const LARGEST_PROGRAM: usize = 250 * 1024 * 1024;

/// Why a zip file cannot be written, or is no package.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    /// It cannot be written.
    #[error("the zip file cannot be written: {0}")]
    Unwritable(String),
    /// It is none, or a damaged one.
    #[error("it is no zip file that can be read: {0}")]
    Unreadable(String),
    /// Lambda would find nothing to start.
    #[error(
        "it holds no `{BOOTSTRAP}`, which is what Lambda starts: make it with `pgvigil package`"
    )]
    NoBootstrap,
    /// Lambda could not start it.
    #[error(
        "`{BOOTSTRAP}` may not be started by everybody (mode {0:o}): make the package with `pgvigil package`"
    )]
    NotStartable(u32),
    /// Lambda would not take it.
    #[error("it has {size} bytes, and Lambda takes at most {limit}")]
    TooLarge {
        /// Its size.
        size: usize,
        /// Most that Lambda takes.
        limit: usize,
    },
}

/// Writes the package of a program. The same program gives the same bytes: no time stamp, one compressor with one
/// level, which asks nothing of the processor it runs on.
///
/// # Errors
/// If Lambda would not take what comes out.
pub fn write(program: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    within(program.len(), LARGEST_PROGRAM)?;
    let unwritable = |error: &dyn std::fmt::Display| ArchiveFault::Unwritable(error.to_string());
    let mut bytes = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut bytes);
    let (mut entry, config) = archive
        .new_file(BOOTSTRAP)
        .compression_method(CompressionMethod::DEFLATE)
        .unix_permissions(MODE)
        .last_modified(UtcDateTime::from_unix(EARLIEST))
        .start()
        .map_err(|error| unwritable(&error))?;
    let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::best()));
    writer
        .write_all(program)
        .map_err(|error| unwritable(&error))?;
    let (encoder, described) = writer.finish().map_err(|error| unwritable(&error))?;
    encoder.finish().map_err(|error| unwritable(&error))?;
    entry
        .finish(described)
        .map_err(|error| unwritable(&error))?;
    archive.finish().map_err(|error| unwritable(&error))?;
    within(bytes.len(), LARGEST_ZIP)?;
    Ok(bytes)
}

/// Reads the program out of a package, whoever made it.
///
/// # Errors
/// If there is none that Lambda could start.
pub fn read(package: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    let unreadable = |error: &dyn std::fmt::Display| ArchiveFault::Unreadable(error.to_string());
    within(package.len(), LARGEST_ZIP)?;
    let archive = ZipArchive::from_slice(package).map_err(|error| unreadable(&error))?;
    let mut entries = archive.entries();
    while let Some(header) = entries.next_entry().map_err(|error| unreadable(&error))? {
        if header.file_path().as_ref() != BOOTSTRAP.as_bytes() {
            continue;
        }
        // A zip file that was made elsewhere than on Unix says nothing of who may start what.
        let mode = header.mode().value();
        if mode & 0o111 != 0o111 && mode & 0o777 != 0 {
            return Err(ArchiveFault::NotStartable(mode & 0o777));
        }
        let method = header.compression_method();
        let entry = archive
            .get_entry(header.wayfinder())
            .map_err(|error| unreadable(&error))?;
        let mut program = Vec::new();
        // One byte more than is allowed tells a bomb.
        let most = LARGEST_PROGRAM as u64 + 1;
        match method {
            CompressionMethod::STORE => entry
                .verifying_reader(entry.data())
                .take(most)
                .read_to_end(&mut program),
            CompressionMethod::DEFLATE => entry
                .verifying_reader(DeflateDecoder::new(entry.data()))
                .take(most)
                .read_to_end(&mut program),
            _ => {
                return Err(ArchiveFault::Unreadable(
                    "`bootstrap` is compressed in a way that Lambda does not know".to_owned(),
                ));
            }
        }
        .map_err(|error| unreadable(&error))?;
        within(program.len(), LARGEST_PROGRAM)?;
        return Ok(program);
    }
    Err(ArchiveFault::NoBootstrap)
}

fn within(size: usize, limit: usize) -> Result<(), ArchiveFault> {
    if size <= limit {
        Ok(())
    } else {
        Err(ArchiveFault::TooLarge { size, limit })
    }
}
