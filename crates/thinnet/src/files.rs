//! Files that appear whole or not at all.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Writes a file by writing a temporary one beside it and renaming it. A reader sees the old contents or the new, never
/// a part; after an error the old file is as it was. The new one has the old one's permissions.
///
/// A link stays: what it points to is written. What is there and no ordinary file (a pipe), and what a process has open
/// (`/dev/stdout`, whatever it is for the moment), is written straight.
///
/// # Errors
/// What the operating system says, with the path: a full disk, a read-only folder …
pub fn write_whole(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let attempt = || {
        let old = match fs::metadata(path) {
            Ok(old) if !old.is_file() || is_open_already(path) => return write_straight(path, write),
            Ok(old) => Some(old),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let path = behind_links(path);
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Errors of the temporary file itself, and of writing through it, would name it.
        let temporary =
            temporary_file(folder, old.as_ref()).map_err(|error| std::io::Error::from(error.kind()))?;
        let mut buffer = BufWriter::new(temporary.as_file());
        write(&mut buffer)?;
        buffer.flush()?;
        drop(buffer);
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    attempt().map_err(Error::io("write", path))
}

/// Whether a path names what a process has open, and no file of its own. (Files in `/dev/shm` are such.)
fn is_open_already(path: &Path) -> bool {
    ["/proc", "/dev/fd", "/dev/stdout", "/dev/stderr"].iter().any(|start| path.starts_with(start))
}

fn write_straight(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    // Standard output may be a file that others write to as well.
    let mut buffer = BufWriter::new(OpenOptions::new().append(true).open(path)?);
    write(&mut buffer)?;
    buffer.flush()
}

/// What a link points to, which need not be there; another path as it is. Links do not go round: the system has followed them.
fn behind_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    while let Ok(target) = fs::read_link(&path) {
        path.pop();
        path.push(target);
    }
    path
}

/// With the permissions of the old file, or those of any new file: a temporary one would be private to its owner.
#[cfg(unix)]
fn temporary_file(folder: &Path, old: Option<&Metadata>) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let ordinary = fs::Permissions::from_mode(0o666);
    let temporary = tempfile::Builder::new().prefix(".thinnet-").permissions(ordinary).tempfile_in(folder)?;
    if let Some(old) = old {
        temporary.as_file().set_permissions(old.permissions())?;
    }
    Ok(temporary)
}

#[cfg(not(unix))]
fn temporary_file(folder: &Path, _: Option<&Metadata>) -> std::io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".thinnet-").tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        write_whole(&path, |out| out.write_all(b"old")).unwrap();
        let error = write_whole(&path, |out| {
            out.write_all(b"new, but")?;
            Err(std::io::Error::other("disk full"))
        });
        assert!(error.unwrap_err().to_string().ends_with("disk full"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_error_names_the_file_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none").join("weights");
        let message = write_whole(&path, |_| Ok(())).unwrap_err().to_string();
        assert!(message.contains("weights") && !message.contains(".thinnet-"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_what_they_point_to_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("there")).unwrap();
        std::os::unix::fs::symlink("there/real", at("first")).unwrap();
        std::os::unix::fs::symlink(at("first"), at("second")).unwrap();
        // First what the links point to is not there, then it is.
        for contents in ["old", "new"] {
            write_whole(at("second"), |out| out.write_all(contents.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(at("there/real")).unwrap(), contents);
            assert!(at("first").is_symlink() && at("second").is_symlink());
        }
    }

    #[test]
    fn what_is_open_already_is_told_from_files() {
        let is_open = |path: &str| is_open_already(Path::new(path));
        assert!(["/dev/stdout", "/dev/fd/3", "/proc/self/fd/1"].into_iter().all(is_open));
        assert!(!["/dev/shm/run/history.csv", "stdout", "/home/dev/stdout"].into_iter().any(is_open));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_straight() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let reader = std::thread::spawn({
            let path = path.clone();
            move || fs::read(path).unwrap()
        });
        write_whole(&path, |out| out.write_all(b"through")).unwrap();
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
        assert_eq!(reader.join().unwrap(), b"through");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_the_old_file_or_of_any_new_one() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (folder.path().join("ours"), folder.path().join("other"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        write_whole(&ours, |_| Ok(())).unwrap();
        fs::write(&other, "").unwrap();
        assert_eq!(mode(&ours), mode(&other));
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o600)).unwrap();
        write_whole(&ours, |_| Ok(())).unwrap();
        assert_eq!(mode(&ours), 0o600);
    }
}
