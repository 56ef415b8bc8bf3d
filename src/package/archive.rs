//! Zip files of one entry, with nothing in them that depends on when, where or by whom they were made.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveWriter};

/// What Lambda starts in a package for `provided.al2023` (Lambda developer guide, "OS-only runtimes").
pub const BOOTSTRAP: &str = "bootstrap";

/// Owner may read, write and start it, others may read and start it: Lambda runs it as somebody else.
const PROGRAM_MODE: u32 = 0o100_755;

/// The first second that a zip file can bear: 1980-01-01 (PKZIP APPNOTE, 4.4.6).
const EARLIEST: i64 = 315_532_800;

/// Largest zip file that a call may carry: 50 MB (Lambda quotas, "Deployment package").
pub const LARGEST_ZIP: usize = 50 * 1024 * 1024;

/// Largest package when it is unpacked: 250 MB; the same source.
pub const LARGEST_PROGRAM: usize = 250 * 1024 * 1024;

/// Why a zip file cannot be written, or is not the one that was expected.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    /// It cannot be written.
    #[error("the zip file cannot be written: {0}")]
    Unwritable(String),
    /// It is not a zip file, or is damaged.
    #[error("it is not a readable zip file: {0}")]
    Unreadable(String),
    /// Lambda would find nothing to start.
    #[error(
        "it does not contain `{BOOTSTRAP}`, which Lambda starts: make it with `pgvigil package`"
    )]
    NoBootstrap,
    /// It is not a layer of ours.
    #[error("the layer does not contain `{}`", super::layer::FILE)]
    NoRules,
    /// Lambda could not start it.
    #[error(
        "`{BOOTSTRAP}` is not executable for all users (mode {0:o}): make the package with `pgvigil package`"
    )]
    NotStartable(u32),
    /// Lambda would not take it.
    #[error("it has {size} bytes; the limit of Lambda is {limit}")]
    TooLarge {
        size: usize,
        /// Most that Lambda takes.
        limit: usize,
    },
}

/// Writes the package of a program.
///
/// # Errors
/// If Lambda would not take what comes out.
pub fn write(program: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    pack(BOOTSTRAP, PROGRAM_MODE, program)
}

/// Reads the program out of a package, whoever made it.
///
/// # Errors
/// If there is none that Lambda could start.
pub fn read(package: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    let (program, mode) = unpack(package, BOOTSTRAP)?.ok_or(ArchiveFault::NoBootstrap)?;
    // A zip file that was made elsewhere than on Unix says nothing of who may start what.
    if mode & 0o111 != 0o111 && mode & 0o777 != 0 {
        return Err(ArchiveFault::NotStartable(mode & 0o777));
    }
    Ok(program)
}

/// A zip file of one entry. The same contents give the same bytes: no time stamp, one compressor with one level, which
/// asks nothing of the processor it runs on.
pub(super) fn pack(name: &str, mode: u32, contents: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    within(contents.len(), LARGEST_PROGRAM)?;
    let unwritable = |error: &dyn std::fmt::Display| ArchiveFault::Unwritable(error.to_string());
    let mut bytes = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut bytes);
    let (mut entry, config) = archive
        .new_file(name)
        .compression_method(CompressionMethod::DEFLATE)
        .unix_permissions(mode)
        .last_modified(UtcDateTime::from_unix(EARLIEST))
        .start()
        .map_err(|error| unwritable(&error))?;
    let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::best()));
    writer
        .write_all(contents)
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

/// The contents and the mode of an entry, whoever made the zip file; `None` when it has no such entry.
pub(super) fn unpack(zip: &[u8], name: &str) -> Result<Option<(Vec<u8>, u32)>, ArchiveFault> {
    let unreadable = |error: &dyn std::fmt::Display| ArchiveFault::Unreadable(error.to_string());
    within(zip.len(), LARGEST_ZIP)?;
    let archive = ZipArchive::from_slice(zip).map_err(|error| unreadable(&error))?;
    let mut entries = archive.entries();
    while let Some(header) = entries.next_entry().map_err(|error| unreadable(&error))? {
        if header.file_path().as_ref() != name.as_bytes() {
            continue;
        }
        let mode = header.mode().value();
        let method = header.compression_method();
        let entry = archive
            .get_entry(header.wayfinder())
            .map_err(|error| unreadable(&error))?;
        let mut contents = Vec::new();
        // One byte more than is allowed tells a bomb.
        let most = LARGEST_PROGRAM as u64 + 1;
        match method {
            CompressionMethod::STORE => entry
                .verifying_reader(entry.data())
                .take(most)
                .read_to_end(&mut contents),
            CompressionMethod::DEFLATE => entry
                .verifying_reader(DeflateDecoder::new(entry.data()))
                .take(most)
                .read_to_end(&mut contents),
            _ => {
                return Err(ArchiveFault::Unreadable(format!(
                    "`{name}` is compressed in a way that Lambda does not support"
                )));
            }
        }
        .map_err(|error| unreadable(&error))?;
        within(contents.len(), LARGEST_PROGRAM)?;
        return Ok(Some((contents, mode)));
    }
    Ok(None)
}

fn within(size: usize, limit: usize) -> Result<(), ArchiveFault> {
    if size <= limit {
        Ok(())
    } else {
        Err(ArchiveFault::TooLarge { size, limit })
    }
}
