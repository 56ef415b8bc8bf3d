//! Decompresses, and counts the bytes read for the progress.

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
            None => return Ok(Box::new(head)),
        };
    }
    Ok(reader)
}

/// Whether a text with this beginning is compressed.
pub(super) fn is_packed(head: &[u8]) -> bool {
    Packing::of(head).is_some()
}

enum Packing {
    Gz,
    Zst,
}

impl Packing {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gz),
            // Zstandard frames, and the skippable frames that may come before one.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zst),
            _ => None,
        }
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

/// A reader whose first four bytes can be seen before they are read.
struct Head<R> {
    head: [u8; 4],
    from: usize,
    to: usize,
    rest: R,
}

impl<R: Read> Head<R> {
    fn new(mut rest: R) -> io::Result<Self> {
        let mut head = [0; 4];
        let mut to = 0;
        while let Some(space @ [_, ..]) = head.get_mut(to..) {
            match rest.read(space) {
                Ok(0) => break,
                Ok(count) => to += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            head,
            from: 0,
            to,
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
