//! A web server for two pages: it answers GET, closes, and lets nobody hold it up.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Bytes of a request, at most.
const REQUEST_MAX: usize = 8 << 10;
/// Reads of one request, at most: with the timeout of each, so long can a slow client stay.
const READS_MAX: usize = 16;
/// How long a read or a write may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Clients at once; more are sent away.
const CLIENTS_MAX: usize = 16;

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// 200, or 503 for what is not well.
    pub status: u16,
    /// Its type.
    pub content_type: &'static str,
    /// Its text.
    pub body: String,
}

/// Makes the page of a path.
pub type Pages = dyn Fn(&str) -> Option<Page> + Send + Sync;

/// Serves until the process ends.
pub fn serve(listener: TcpListener, pages: Arc<Pages>) {
    let clients = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // Out of descriptors, most likely: there is no use in asking again at once.
                thread::sleep(Duration::from_millis(100));
                continue;
            };
            if clients.fetch_add(1, Ordering::SeqCst) >= CLIENTS_MAX {
                clients.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let leaves = Leaves(Arc::clone(&clients));
            let pages = Arc::clone(&pages);
            let spawned = thread::Builder::new().spawn(move || {
                let _leaves = leaves;
                // A client that has gone away needs no answer.
                let _ = answer(stream, &*pages);
            });
            drop(spawned);
        }
    });
}

/// Counts a client off, however its thread ends.
struct Leaves(Arc<AtomicUsize>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn answer(mut stream: TcpStream, pages: &Pages) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = read_request(&mut stream)?;
    let (page, with_body) = respond(&request, pages);
    let reason = match page.status {
        200 => "OK",
        404 => "Not Found",
        405 => "Method Not Allowed",
        503 => "Service Unavailable",
        _ => "Bad Request",
    };
    let head = format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        page.status,
        page.content_type,
        page.body.len()
    );
    stream.write_all(head.as_bytes())?;
    if with_body {
        stream.write_all(page.body.as_bytes())?;
    }
    stream.flush()
}

/// Reads up to the end of the head. What cannot be a request is cut, and answered as bad.
fn read_request(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut space = [0; 2048];
    for _ in 0..READS_MAX {
        let count = stream.read(&mut space)?;
        request.extend_from_slice(space.get(..count).unwrap_or_default());
        let is_whole = memchr::memmem::find(&request, b"\r\n\r\n").is_some();
        if count == 0 || is_whole || request.len() > REQUEST_MAX {
            break;
        }
    }
    Ok(request)
}

/// The page of a request, and whether its text is wanted.
fn respond(request: &[u8], pages: &Pages) -> (Page, bool) {
    let plain = |status: u16, body: &str| Page {
        status,
        content_type: "text/plain; charset=utf-8",
        body: body.to_owned(),
    };
    let is_whole = memchr::memmem::find(request, b"\r\n\r\n").is_some();
    let line = request
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let mut words = std::str::from_utf8(line).unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return (plain(400, "this is no request\n"), true);
    };
    if !is_whole || !version.starts_with("HTTP/1.") || request.len() > REQUEST_MAX {
        return (plain(400, "this is no request\n"), true);
    }
    if method != "GET" && method != "HEAD" {
        return (plain(405, "there is only GET\n"), true);
    }
    let path = target.split('?').next().unwrap_or_default();
    let page = pages(path).unwrap_or_else(|| plain(404, "there are /metrics and /healthz\n"));
    (page, method == "GET")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(request: &str) -> u16 {
        let pages = |path: &str| {
            (path == "/metrics").then(|| Page {
                status: 200,
                content_type: "text/plain",
                body: "x 1\n".to_owned(),
            })
        };
        respond(request.as_bytes(), &pages).0.status
    }

    #[test]
    fn only_whole_requests_for_known_pages_are_answered() {
        assert_eq!(status("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
        assert_eq!(status("GET /metrics?x=1 HTTP/1.0\r\n\r\n"), 200);
        assert_eq!(status("HEAD /metrics HTTP/1.1\r\n\r\n"), 200);
        assert_eq!(status("GET /other HTTP/1.1\r\n\r\n"), 404);
        assert_eq!(status("POST /metrics HTTP/1.1\r\n\r\n"), 405);
        for bad in [
            "",
            "GET /metrics HTTP/1.1\r\n",
            "GET /metrics\r\n\r\n",
            "GET /metrics HTTP/2 x\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert_eq!(status(bad), 400, "{bad:?}");
        }
        assert_eq!(
            status(&format!(
                "GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n",
                "y".repeat(REQUEST_MAX)
            )),
            400
        );
    }
}
