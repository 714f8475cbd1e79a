//! The file formats that data come in. Each malformed file is an error with the offset and what was expected there, and
//! no header is believed before its bytes have arrived: a file that claims 2⁶⁰ elements costs nothing.

pub mod csv;
pub mod idx;
pub mod image;
pub mod image_folder;
pub mod npy;
pub mod npz;
mod numbers;
mod source;

pub(crate) use source::Source;

use numbers::Numbers;
