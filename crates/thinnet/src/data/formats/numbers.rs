//! Numbers as files store them: of several types, in either byte order.

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use super::Source;
use crate::data::AnyArray;
use crate::error::Result;

/// The type of stored numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F32,
    F64,
}

impl Kind {
    /// The bytes of one number.
    fn size(self) -> u64 {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// An array of numbers about to be read.
pub(super) struct Numbers {
    pub(super) kind: Kind,
    pub(super) big_endian: bool,
    pub(super) shape: Vec<usize>,
    /// Whether the first axis is the fastest.
    pub(super) fortran: bool,
}

impl Numbers {
    /// Reads the array's elements, which must be the rest of `source`.
    pub(super) fn read(self, source: &mut Source<'_>) -> Result<AnyArray> {
        let sizes = self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        let length =
            self.shape.iter().try_fold(self.kind.size(), |length, &axis| length.checked_mul(axis as u64));
        let Some(length) = length else {
            return Err(source.error(format!("an array of {sizes} elements is larger than any file")));
        };
        let what = format!("{:?} values ({sizes})", self.kind).to_lowercase();
        let bytes = source.bytes(length, &what)?;
        source.end()?;

        macro_rules! decode {
            ($type:ty) => {{
                let from = if self.big_endian { <$type>::from_be_bytes } else { <$type>::from_le_bytes };
                bytes.as_chunks().0.iter().map(move |&bytes| from(bytes))
            }};
        }
        Ok(match self.kind {
            Kind::U8 => AnyArray::U8(self.arrange(source, bytes)?),
            Kind::Bool => {
                AnyArray::U8(self.arrange(source, bytes.iter().map(|&byte| u8::from(byte != 0)).collect())?)
            }
            Kind::U16 => AnyArray::I64(self.arrange(source, decode!(u16).map(i64::from).collect())?),
            Kind::U32 => AnyArray::I64(self.arrange(source, decode!(u32).map(i64::from).collect())?),
            Kind::U64 => {
                let signed: Result<Vec<i64>, _> = decode!(u64).map(i64::try_from).collect();
                let signed =
                    signed.map_err(|_| source.error("expected integers below 2^63, got a larger one"))?;
                AnyArray::I64(self.arrange(source, signed)?)
            }
            Kind::I8 => AnyArray::I64(self.arrange(source, decode!(i8).map(i64::from).collect())?),
            Kind::I16 => AnyArray::I64(self.arrange(source, decode!(i16).map(i64::from).collect())?),
            Kind::I32 => AnyArray::I64(self.arrange(source, decode!(i32).map(i64::from).collect())?),
            Kind::I64 => AnyArray::I64(self.arrange(source, decode!(i64).collect())?),
            Kind::F32 => AnyArray::F32(self.arrange(source, decode!(f32).collect())?),
            Kind::F64 => {
                AnyArray::F32(self.arrange(source, decode!(f64).map(|value| value as f32).collect())?)
            }
        })
    }

    /// The elements in standard order, with their shape.
    fn arrange<T: Clone>(&self, source: &Source<'_>, values: Vec<T>) -> Result<ArrayD<T>> {
        let shape = IxDyn(&self.shape).set_f(self.fortran);
        let array = ArrayD::from_shape_vec(shape, values)
            .map_err(|error| source.error(format!("an array of shape {:?}: {error}", self.shape)))?;
        Ok(if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() })
    }
}
