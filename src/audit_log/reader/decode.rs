//! Decompresses, makes UTF-8 of UTF-16, and counts the bytes read for the progress.

use crate::audit_log::form::{Encoding, Packing};
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Compression inside compression, at most: delivery streams compress what is compressed already.
const LAYERS_MAX: usize = 3;

/// A text, decompressed while it is read.
pub(super) fn open<'a>(
    source: Box<dyn Read + Send + 'a>,
    read: &Arc<AtomicU64>,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut reader: Box<dyn Read + Send + 'a> = Box::new(Counting {
        source,
        read: Arc::clone(read),
    });
    for _ in 0..LAYERS_MAX {
        let mut head = Head::new(reader)?;
        reader = match Packing::of(head.peek()) {
            Some(Packing::Gz) => Box::new(flate2::bufread::MultiGzDecoder::new(
                BufReader::with_capacity(128 << 10, head),
            )),
            Some(Packing::Zst) => Box::new(Zst::new(head)?),
            Some(packing) => {
                return Err(io::Error::other(format!(
                    "the file is compressed ({}), which is not supported: unpack it with `{}`",
                    packing.name(),
                    packing.remedy()
                )));
            }
            None => match Encoding::of(head.peek()) {
                Some(encoding) => Box::new(Utf16::new(head, encoding)),
                None => return Ok(Box::new(head)),
            },
        };
    }
    Ok(reader)
}

/// A text in UTF-16 as UTF-8. What is no character becomes U+FFFD; half a character at the end is a fault.
struct Utf16<R> {
    source: BufReader<R>,
    encoding: Encoding,
    /// The first half of a character that needs two units.
    high: Option<u16>,
    is_first: bool,
    /// What has been made and not handed out.
    made: Vec<u8>,
    from: usize,
    /// What went wrong behind it.
    failed: Option<io::Error>,
}

impl<R: Read> Utf16<R> {
    fn new(source: R, encoding: Encoding) -> Self {
        Self {
            source: BufReader::with_capacity(128 << 10, source),
            encoding,
            high: None,
            is_first: true,
            made: Vec::new(),
            from: 0,
            failed: None,
        }
    }

    /// The next unit; none at the end.
    fn unit(&mut self) -> io::Result<Option<u16>> {
        let mut bytes = [0; 2];
        let mut filled = 0;
        while let Some(space @ [_, ..]) = bytes.get_mut(filled..) {
            match self.source.read(space) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(io::Error::other("the UTF-16 text ends inside a character")),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(match self.encoding {
            Encoding::Utf16Le => u16::from_le_bytes(bytes),
            Encoding::Utf16Be => u16::from_be_bytes(bytes),
        }))
    }

    fn push(&mut self, character: char) {
        let mut room = [0; 4];
        self.made
            .extend_from_slice(character.encode_utf8(&mut room).as_bytes());
    }

    fn make(&mut self) -> io::Result<()> {
        self.made.clear();
        self.from = 0;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        while self.made.len() < 32 << 10 {
            let unit = match self.unit() {
                Ok(unit) => unit,
                Err(error) if self.made.is_empty() => return Err(error),
                // The text before it can still be read.
                Err(error) => {
                    self.failed = Some(error);
                    return Ok(());
                }
            };
            let Some(unit) = unit else {
                if self.high.take().is_some() {
                    self.push(char::REPLACEMENT_CHARACTER);
                }
                return Ok(());
            };
            if std::mem::take(&mut self.is_first) && unit == 0xfeff {
                continue;
            }
            match (self.high.take(), unit) {
                (Some(high), 0xdc00..=0xdfff) => {
                    let code =
                        0x1_0000 + ((u32::from(high) - 0xd800) << 10) + (u32::from(unit) - 0xdc00);
                    self.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    continue;
                }
                (Some(_), _) => self.push(char::REPLACEMENT_CHARACTER),
                (None, _) => {}
            }
            match unit {
                0xd800..=0xdbff => self.high = Some(unit),
                _ => self
                    .push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)),
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.from >= self.made.len() {
            self.make()?;
        }
        let ready = self.made.get(self.from..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.from += count;
        Ok(count)
    }
}

struct Counting<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.read
            .fetch_add(count.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(count)
    }
}

/// Bytes that tell how a text is packed: tar writes its name far behind.
const PEEK: usize = 264;

/// A reader whose first bytes can be seen before they are read.
struct Head<R> {
    head: [u8; PEEK],
    from: usize,
    to: usize,
    /// What went wrong behind them.
    failed: Option<io::Error>,
    rest: R,
}

impl<R: Read> Head<R> {
    fn new(mut rest: R) -> io::Result<Self> {
        let mut head = [0; PEEK];
        let mut to = 0;
        let mut failed = None;
        while let Some(space @ [_, ..]) = head.get_mut(to..) {
            match rest.read(space) {
                Ok(0) => break,
                Ok(count) => to += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The text before it can still be read.
                Err(error) if to > 0 => {
                    failed = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            head,
            from: 0,
            to,
            failed,
            rest,
        })
    }

    fn peek(&mut self) -> &[u8] {
        self.head.get(self.from..self.to).unwrap_or_default()
    }
}

impl<R: Read> Read for Head<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = self.head.get(self.from..self.to).unwrap_or_default();
        if head.is_empty() {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            return self.rest.read(buffer);
        }
        let count = head.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), head.get(..count)) {
            to.copy_from_slice(from);
        }
        self.from += count;
        Ok(count)
    }
}

/// All frames of a Zstandard file.
struct Zst<R: Read> {
    decoder: zstd::stream::read::Decoder<'static, BufReader<R>>,
}

impl<R: Read> Zst<R> {
    fn new(source: R) -> io::Result<Self> {
        Ok(Self {
            decoder: zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(
                128 << 10,
                source,
            ))?,
        })
    }
}

impl<R: Read> Read for Zst<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer)
    }
}
