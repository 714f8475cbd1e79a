//! One file from the web, by the program `curl`: whole and right, or not at all.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::{OnProgress, Progress};
use crate::error::Error;
use crate::files::write_whole;

/// A file to download.
pub(super) struct Download<'a> {
    /// Its name, length and MD5 sum.
    pub(super) name: &'a str,
    pub(super) bytes: u64,
    pub(super) md5: &'a str,
    pub(super) url: &'a str,
    /// Where it is to appear, in a folder that exists.
    pub(super) target: &'a Path,
    /// How `curl` is started.
    pub(super) curl: fn() -> Command,
}

/// Why there is no file.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server or the way to it: another may do better.
    There(String),
    /// This machine: its disk, say.
    Here(Error),
}

/// How often a connection that brought something is made again.
const CONNECTIONS: usize = 10;

// What `curl` exits with.
const CANNOT_WRITE: i32 = 23;
const CANNOT_RESUME: i32 = 33;
/// Cut off: fewer bytes than announced, too slow, nothing received, connection lost.
const CUT_OFF: [i32; 4] = [18, 28, 52, 56];

/// How `curl` ended.
enum Ended {
    Done,
    /// Going on from here may help.
    CutOff(String),
    CannotResume,
    TooLong,
}

impl Download<'_> {
    /// Downloads into a file beside the target, from where an earlier attempt stopped; the target appears once the
    /// checksum is right. What has a wrong checksum is removed.
    pub(super) fn run(&self, progress: OnProgress<'_>) -> Result<(), Failure> {
        let partial = self.target.with_file_name(format!("{}.part", self.name));
        for connection in 1..=CONNECTIONS {
            let before = length(&partial);
            if before >= self.bytes {
                break;
            }
            match self.connect(&partial, progress)? {
                Ended::Done | Ended::TooLong => break,
                Ended::CannotResume => remove(&partial)?,
                Ended::CutOff(reason) => {
                    let after = length(&partial);
                    if connection == CONNECTIONS || after <= before {
                        let bytes = self.bytes;
                        let message =
                            format!("{reason}; {after} of {bytes} bytes are kept, try again to go on");
                        return Err(Failure::There(message));
                    }
                }
            }
        }
        self.install(&partial, progress)
    }

    /// Runs `curl` until it ends or has brought too much.
    fn connect(&self, partial: &Path, progress: OnProgress<'_>) -> Result<Ended, Failure> {
        let mut curl = (self.curl)();
        curl.args(["--fail", "--location", "--globoff", "--silent", "--show-error", "--continue-at", "-"])
            .args(["--connect-timeout", "20", "--speed-time", "30", "--speed-limit", "1", "--output"])
            .arg(partial)
            .args(["--url", self.url])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = curl.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Failure::There("downloading needs the program `curl`: install it".to_owned())
            }
            _ => Failure::Here(Error::io("start", "curl")(error)),
        })?;
        let waiting = |error| Failure::Here(Error::io("wait for", "curl")(error));
        // Short files should not wait, long ones not be looked at all the time.
        let mut pause = Duration::from_millis(2);
        while child.try_wait().map_err(waiting)?.is_none() {
            let received = length(partial);
            if received > self.bytes {
                child.kill().and_then(|()| child.wait()).map_err(waiting)?;
                return Ok(Ended::TooLong);
            }
            progress(Progress { file: self.name, received, total: self.bytes });
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(200));
        }
        let output = child.wait_with_output().map_err(waiting)?;
        ended(&output, partial)
    }

    /// Puts what arrived in its place if it is right; removes it otherwise.
    fn install(&self, partial: &Path, progress: OnProgress<'_>) -> Result<(), Failure> {
        let too_long = length(partial) > self.bytes;
        let contents = match fs::read(partial) {
            Ok(contents) => contents,
            // `curl` makes no file where the answer is empty.
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Failure::Here(Error::io("read", partial)(error))),
        };
        let found = format!("{:x}", md5::compute(&contents));
        if found != self.md5 {
            remove(partial)?;
            let (bytes, md5) = (self.bytes, self.md5);
            let got = if too_long { "more".to_owned() } else { format!("{} of MD5 {found}", contents.len()) };
            let message = format!("expected {bytes} bytes of MD5 {md5}, got {got}: removed it");
            return Err(Failure::There(message));
        }
        // A copy of what was checked: another process may be writing to the same partial file.
        write_whole(self.target, |out| out.write_all(&contents)).map_err(Failure::Here)?;
        remove(partial)?;
        progress(Progress { file: self.name, received: self.bytes, total: self.bytes });
        Ok(())
    }
}

/// What `curl`'s exit status and message mean.
fn ended(output: &Output, partial: &Path) -> Result<Ended, Failure> {
    let message = String::from_utf8_lossy(&output.stderr);
    let message = message.trim().replace('\n', "; ");
    match output.status.code() {
        Some(0) => Ok(Ended::Done),
        Some(CANNOT_RESUME) => Ok(Ended::CannotResume),
        Some(CANNOT_WRITE) => Err(Failure::Here(Error::io("write", partial)(std::io::Error::other(message)))),
        Some(code) if CUT_OFF.contains(&code) => Ok(Ended::CutOff(message)),
        Some(_) => Err(Failure::There(message)),
        None => Err(Failure::There("curl was stopped".to_owned())),
    }
}

/// The bytes that are there; none where there is no file.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Removes a file that may not exist.
fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::Here(Error::io("remove", path)(error)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_server::{Request, Server, direct_curl, good, has_curl, response};
    use super::*;

    const BODY: &[u8] = b"sixteen bytes or";

    /// What is left in the folder after a download: the file and the partial file.
    #[derive(Debug, PartialEq)]
    struct Left {
        file: Option<Vec<u8>>,
        partial: Option<Vec<u8>>,
    }

    const COMPLETE: fn() -> Left = || Left { file: Some(BODY.to_vec()), partial: None };
    const NOTHING: Left = Left { file: None, partial: None };

    /// Downloads after an earlier attempt has left `partial`.
    fn download(url: &str, partial: &[u8], curl: fn() -> Command) -> (Result<(), Failure>, Left, Vec<u64>) {
        let folder = tempfile::tempdir().unwrap();
        let (target, part) = (folder.path().join("body"), folder.path().join("body.part"));
        if !partial.is_empty() {
            fs::write(&part, partial).unwrap();
        }
        let url = format!("{url}/body");
        let mut received = Vec::new();
        let (bytes, md5) = (16, "e3c037ae8430b9bee6ed513135e374d6");
        let download = Download { name: "body", bytes, md5, url: &url, target: &target, curl };
        let result = download.run(&mut |progress| received.push(progress.received));
        let left = Left { file: fs::read(&target).ok(), partial: fs::read(&part).ok() };
        (result, left, received)
    }

    fn reason(result: Result<(), Failure>) -> String {
        match result {
            Err(Failure::There(reason)) => reason,
            other => panic!("expected the server's failure, got {other:?}"),
        }
    }

    /// An answer that promises all that is wanted and sends only some bytes of it.
    fn cut_off(request: &Request, sent: usize) -> Vec<u8> {
        let mut answer = good(BODY, request);
        let missing = BODY.len() - request.from.unwrap_or(0) - sent;
        answer.truncate(answer.len() - missing);
        answer
    }

    #[test]
    fn a_whole_file_appears_and_nothing_else() {
        if !has_curl("download::a_whole_file_appears_and_nothing_else") {
            return;
        }
        let server = Server::start(|request| good(BODY, request));
        let (result, left, received) = download(&server.url, b"", direct_curl);
        result.unwrap();
        assert_eq!(left, COMPLETE());
        assert_eq!(received.last(), Some(&16));
    }

    #[test]
    fn a_download_goes_on_where_it_was_cut_off() {
        if !has_curl("download::a_download_goes_on_where_it_was_cut_off") {
            return;
        }
        let server = Server::start(|request| match request.number {
            0 => cut_off(request, 7),
            1 => cut_off(request, 2),
            _ => good(BODY, request),
        });
        let (result, left, _) = download(&server.url, b"", direct_curl);
        result.unwrap();
        assert_eq!(left, COMPLETE());
        let starts: Vec<_> = server.requests().iter().map(|request| request.from).collect();
        assert_eq!(starts, [None, Some(7), Some(9)]);
    }

    #[test]
    fn what_an_earlier_attempt_left_is_not_asked_for_again() {
        if !has_curl("download::what_an_earlier_attempt_left_is_not_asked_for_again") {
            return;
        }
        let server = Server::start(|request| good(BODY, request));
        let (result, left, _) = download(&server.url, &BODY[..10], direct_curl);
        result.unwrap();
        assert_eq!(left, COMPLETE());
        assert_eq!(server.requests()[0].from, Some(10));

        let (result, left, _) = download(&server.url, BODY, direct_curl);
        result.unwrap();
        assert_eq!(left, COMPLETE());
        assert_eq!(server.requests().len(), 1, "a complete file needs no connection");
    }

    #[test]
    fn a_server_that_cannot_resume_is_asked_for_everything() {
        if !has_curl("download::a_server_that_cannot_resume_is_asked_for_everything") {
            return;
        }
        let server = Server::start(|_| response("200 OK", BODY));
        let (result, left, _) = download(&server.url, &BODY[..10], direct_curl);
        result.unwrap();
        assert_eq!(left, COMPLETE());
    }

    #[test]
    fn what_arrived_is_kept_where_the_server_sends_no_more() {
        if !has_curl("download::what_arrived_is_kept_where_the_server_sends_no_more") {
            return;
        }
        let server = Server::start(|request| cut_off(request, if request.number == 0 { 5 } else { 0 }));
        let (result, left, _) = download(&server.url, b"", direct_curl);
        let reason = reason(result);
        assert!(reason.ends_with("5 of 16 bytes are kept, try again to go on"), "{reason}");
        assert_eq!(left, Left { file: None, partial: Some(BODY[..5].to_vec()) });
    }

    #[test]
    fn a_wrong_file_is_removed_and_said_so() {
        if !has_curl("download::a_wrong_file_is_removed_and_said_so") {
            return;
        }
        let wrong = Server::start(|request| good(b"sixteen others!!", request));
        let (result, left, _) = download(&wrong.url, b"", direct_curl);
        let expected = "expected 16 bytes of MD5 e3c037ae8430b9bee6ed513135e374d6, got 16 of MD5 b019915571f970cb5f62f5c5b15bd532: removed it";
        assert_eq!(reason(result), expected);
        assert_eq!(left, NOTHING);

        let page = Server::start(|_| response("200 OK", b"<html>"));
        let (result, left, _) = download(&page.url, b"", direct_curl);
        assert!(reason(result).contains("got 6 of MD5"));
        assert_eq!(left, NOTHING);

        let long = Server::start(|_| response("200 OK", &[0; 1_000_000]));
        let (result, left, _) = download(&long.url, b"", direct_curl);
        assert!(reason(result).ends_with("got more: removed it"));
        assert_eq!(left, NOTHING);
    }

    #[test]
    fn a_damaged_partial_file_does_not_survive() {
        if !has_curl("download::a_damaged_partial_file_does_not_survive") {
            return;
        }
        let server = Server::start(|request| good(BODY, request));
        let (result, left, _) = download(&server.url, b"garbage", direct_curl);
        assert!(reason(result).ends_with(": removed it"));
        assert_eq!(left, NOTHING);
    }

    #[test]
    fn a_server_without_the_file_is_told_by_its_status() {
        if !has_curl("download::a_server_without_the_file_is_told_by_its_status") {
            return;
        }
        let server = Server::start(|_| response("404 Not Found", b"no such file"));
        let (result, left, _) = download(&server.url, b"", direct_curl);
        assert!(reason(result).contains("404"));
        assert_eq!(left, NOTHING);
        let (_, left, _) = download(&server.url, &BODY[..3], direct_curl);
        assert_eq!(left.partial.as_deref(), Some(&BODY[..3]), "another server may have the rest");
    }

    #[test]
    fn a_machine_without_curl_is_told_what_to_install() {
        let (result, left, _) = download("http://127.0.0.1:1", b"", || Command::new("/nowhere/curl"));
        assert_eq!(reason(result), "downloading needs the program `curl`: install it");
        assert_eq!(left, NOTHING);
    }
}
