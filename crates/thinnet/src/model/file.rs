//! Tensors and texts in a safetensors file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::files::write_whole;

/// The contents of a file, in the order in which they are written. The same contents are the same bytes.
#[derive(Debug, Default)]
pub(super) struct Contents<'a> {
    pub(super) metadata: BTreeMap<&'static str, String>,
    pub(super) tensors: Vec<(String, &'a [usize], &'a [f32])>,
}

impl Contents<'_> {
    /// Writes the file: the header's length, the header as JSON, the numbers.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let mut header = Map::new();
        header.insert("__metadata__".into(), json!(self.metadata));
        let mut end = 0;
        for (name, shape, values) in &self.tensors {
            let start = end;
            end += size_of_val(*values);
            header
                .insert(name.clone(), json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]}));
        }
        let mut header = Value::Object(header).to_string();
        // The numbers start at a multiple of eight bytes.
        header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
        write_whole(path, |out| {
            out.write_all(&(header.len() as u64).to_le_bytes())?;
            out.write_all(header.as_bytes())?;
            let values = self.tensors.iter().flat_map(|(_, _, values)| *values);
            values.into_iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
        })
    }
}

/// A file in memory.
#[derive(Debug)]
pub(super) struct ReadFile {
    path: PathBuf,
    bytes: Vec<u8>,
    pub(super) metadata: BTreeMap<String, String>,
}

impl ReadFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        let broken = |error| Error::file(path, format!("not a whole safetensors file: {error}"));
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(broken)?;
        // Checks that every tensor lies within the file.
        SafeTensors::deserialize(&bytes).map_err(broken)?;
        let metadata = metadata.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        Ok(Self { path: path.to_owned(), bytes, metadata })
    }

    /// A text of the metadata.
    pub(super) fn text(&self, key: &str) -> Result<&str> {
        let missing =
            || Error::file(&self.path, format!("has no `{key}` in its metadata: not a Thinnet model"));
        self.metadata.get(key).map(String::as_str).ok_or_else(missing)
    }

    /// Copies a tensor, which must have this shape.
    pub(super) fn copy(&self, name: &str, shape: &[usize], out: &mut [f32]) -> Result<()> {
        let error = |message: String| Error::file(&self.path, message);
        let file = SafeTensors::deserialize(&self.bytes).map_err(|e| error(e.to_string()))?;
        let tensor = file.tensor(name).map_err(|_| error(format!("has no tensor `{name}`")))?;
        if tensor.dtype() != Dtype::F32 {
            return Err(error(format!("tensor `{name}`: expected F32, got {:?}", tensor.dtype())));
        }
        if tensor.shape() != shape {
            return Err(error(format!(
                "tensor `{name}`: expected shape {shape:?}, got {:?}",
                tensor.shape()
            )));
        }
        for (out, bytes) in out.iter_mut().zip(tensor.data().as_chunks::<4>().0) {
            *out = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    /// Refuses files of a newer Thinnet, whose meaning cannot be known.
    pub(super) fn check_version(&self) -> Result<()> {
        let theirs = self.text("thinnet.version")?;
        let ours = env!("CARGO_PKG_VERSION");
        match (series(theirs), series(ours)) {
            (Some(theirs_series), Some(ours_series)) if theirs_series <= ours_series => Ok(()),
            (Some(_), _) => Err(Error::file(
                &self.path,
                format!("was written by Thinnet {theirs}, newer than this one ({ours}): update Thinnet"),
            )),
            (None, _) => {
                Err(Error::file(&self.path, format!("`thinnet.version` must be like {ours}, got `{theirs}`")))
            }
        }
    }
}

/// Major and minor version: what may change a file's meaning.
fn series(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}
