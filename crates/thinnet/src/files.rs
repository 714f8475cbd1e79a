//! Files that appear whole or not at all.

use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes a file by writing a temporary one beside it and renaming it. A reader sees the old contents or the new, never
/// a part; after an error the old file is as it was.
///
/// # Errors
/// What the operating system says, with the path: a full disk, a read-only folder …
pub fn write_whole(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let attempt = || {
        let temporary = tempfile::Builder::new().prefix(".thinnet-").tempfile_in(folder)?;
        let mut buffer = BufWriter::new(temporary);
        write(&mut buffer)?;
        let temporary = buffer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        temporary.as_file().sync_all()?;
        // A temporary file is private to its owner; the final one is an ordinary file.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            temporary.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        temporary.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    attempt().map_err(Error::io("write", path))
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
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
