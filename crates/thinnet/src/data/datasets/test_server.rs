//! A server on this machine that answers as a test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

/// What `curl` asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// How many requests came before.
    pub(super) number: usize,
    pub(super) path: String,
    /// Where the wanted range begins.
    pub(super) from: Option<usize>,
}

/// A running server; it ends with the tests.
pub(super) struct Server {
    /// `http://127.0.0.1:PORT`
    pub(super) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server that sends what `answer` makes, headers and all, and then closes the connection.
    pub(super) fn start(answer: impl Fn(&Request) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let mut request = Request { number, path: String::new(), from: None };
                for line in BufReader::new(&stream).lines() {
                    let line = line.unwrap();
                    if let Some(get) = line.strip_prefix("GET ") {
                        request.path = get.split(' ').next().unwrap().to_owned();
                    } else if let Some(range) = line.strip_prefix("Range: bytes=") {
                        request.from = range.strip_suffix('-').map(|from| from.parse().unwrap());
                    } else if line.is_empty() {
                        break;
                    }
                }
                log.lock().unwrap().push(request.clone());
                // A client that has had enough closes first.
                let _ = stream.write_all(&answer(&request));
            }
        });
        Self { url, requests }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// What a good server answers: all of `body`, or the wanted range of it.
pub(super) fn good(body: &[u8], request: &Request) -> Vec<u8> {
    match request.from {
        Some(from) => {
            let (last, length) = (body.len() - 1, body.len());
            let range = format!("206 Partial Content\r\nContent-Range: bytes {from}-{last}/{length}");
            response(&range, &body[from..])
        }
        None => response("200 OK", body),
    }
}

/// A status line without its version, perhaps with more headers, and a body.
pub(super) fn response(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// `curl`, whatever proxy the environment names.
pub(super) fn direct_curl() -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--noproxy", "*"]);
    curl
}

/// Whether `curl` is installed; says which test is skipped otherwise.
pub(super) fn has_curl(test: &str) -> bool {
    let found = Command::new("curl").arg("--version").output().is_ok();
    if !found {
        println!("skipped: {test} needs the program `curl`");
    }
    found
}
