//! A web server for two pages: it answers GET, closes, and lets nobody hold it up.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes of a request, at most.
const REQUEST_MAX: usize = 8 << 10;
/// Reads of one request, at most: with the timeout of each, so long can a slow client stay.
const READS_MAX: usize = 16;
/// How long a read or a write may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Clients at once. One more sends away the one that is here longest: a client that asks at once is answered at once, so those
/// that stay are slow.
const CLIENTS_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// 200, or 503 for what is not well.
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

/// Makes the page of a path.
pub type Pages = dyn Fn(&str) -> Option<Page> + Send + Sync;

/// Serves until the process ends.
pub fn serve(listener: TcpListener, pages: Arc<Pages>) {
    let clients = Arc::new(Clients::default());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // Out of descriptors, most likely: there is no use in asking again at once.
                thread::sleep(Duration::from_millis(100));
                continue;
            };
            let client = Client {
                stream: clients.take_in(stream),
                clients: Arc::clone(&clients),
            };
            let pages = Arc::clone(&pages);
            let spawned = thread::Builder::new().spawn(move || {
                // A client that has gone away needs no answer.
                let _ = answer(&client.stream, &*pages);
            });
            drop(spawned);
        }
    });
}

/// Those that are being answered, the first to come first.
#[derive(Default)]
struct Clients(Mutex<VecDeque<Arc<TcpStream>>>);

impl Clients {
    /// Makes room for a client, and counts it.
    fn take_in(&self, stream: TcpStream) -> Arc<TcpStream> {
        let stream = Arc::new(stream);
        let mut all = self.lock();
        if all.len() >= CLIENTS_MAX
            && let Some(slow) = all.pop_front()
        {
            // It ends what its thread waits for. One that has gone away is shut already.
            let _ = slow.shutdown(Shutdown::Both);
        }
        all.push_back(Arc::clone(&stream));
        stream
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<TcpStream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client, which is counted off however its thread ends.
struct Client {
    stream: Arc<TcpStream>,
    clients: Arc<Clients>,
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut all = self.clients.lock();
        all.retain(|other| !Arc::ptr_eq(other, &self.stream));
    }
}

fn answer(mut stream: &TcpStream, pages: &Pages) -> io::Result<()> {
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
        return (plain(400, "this is not a valid request\n"), true);
    };
    if !is_whole || !version.starts_with("HTTP/1.") || request.len() > REQUEST_MAX {
        return (plain(400, "this is not a valid request\n"), true);
    }
    if method != "GET" && method != "HEAD" {
        return (plain(405, "only GET is supported\n"), true);
    }
    let path = target.split('?').next().unwrap_or_default();
    let page = pages(path).unwrap_or_else(|| plain(404, "only /metrics and /healthz exist\n"));
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

    /// More clients than there is room for say nothing, and stay.
    #[test]
    fn slow_clients_keep_the_pages_from_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let page = |_: &str| {
            Some(Page {
                status: 200,
                content_type: "text/plain",
                body: "ok\n".to_owned(),
            })
        };
        serve(listener, Arc::new(page));
        let slow: Vec<TcpStream> = (0..CLIENTS_MAX * 3)
            .map(|_| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(b"GET /heal").unwrap();
                stream
            })
            .collect();
        for _ in 0..20 {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.ends_with("ok\n"), "{answer}");
        }
        drop(slow);
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
