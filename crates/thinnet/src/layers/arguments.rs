//! Arguments that layers of maps share: sizes, padding, the axes' order.

use serde::{Deserialize, Serialize};

use crate::config::words;
use crate::shape::Shape;

/// Two sizes along a map's rows and columns; one number stands for both.
///
/// ```
/// use thinnet::layers::Pair;
/// assert_eq!(Pair::from(3), Pair::from([3, 3]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrTwo", into = "[usize; 2]")]
pub struct Pair(pub [usize; 2]);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number or a list of two")]
enum OneOrTwo {
    One(usize),
    Two([usize; 2]),
}

impl From<OneOrTwo> for Pair {
    fn from(sizes: OneOrTwo) -> Self {
        match sizes {
            OneOrTwo::One(size) => Self([size; 2]),
            OneOrTwo::Two(sizes) => Self(sizes),
        }
    }
}

impl From<usize> for Pair {
    fn from(size: usize) -> Self {
        Self([size; 2])
    }
}

impl From<[usize; 2]> for Pair {
    fn from(sizes: [usize; 2]) -> Self {
        Self(sizes)
    }
}

impl From<(usize, usize)> for Pair {
    fn from((rows, columns): (usize, usize)) -> Self {
        Self([rows, columns])
    }
}

impl From<Pair> for [usize; 2] {
    fn from(Pair(sizes): Pair) -> Self {
        sizes
    }
}

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({}, {})", self.0[0], self.0[1])
    }
}

/// A size along a sequence; Keras also writes it as a list of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "NumberOrList", into = "[usize; 1]")]
pub(super) struct Single(pub(super) usize);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number or a list of one")]
enum NumberOrList {
    Number(usize),
    List([usize; 1]),
}

impl From<NumberOrList> for Single {
    fn from(size: NumberOrList) -> Self {
        match size {
            NumberOrList::Number(size) | NumberOrList::List([size]) => Self(size),
        }
    }
}

impl From<usize> for Single {
    fn from(size: usize) -> Self {
        Self(size)
    }
}

impl From<Single> for [usize; 1] {
    fn from(Single(size): Single) -> Self {
        [size]
    }
}

words! {
    /// What windows find beyond a map's edge.
    ///
    /// ```
    /// use thinnet::layers::{Conv2D, Padding};
    /// assert_eq!(Conv2D::new(8, 3).padding(Padding::Same), Conv2D::new(8, 3).padding("same"));
    /// ```
    Padding("padding") {
        /// Nothing: windows lie within the map.
        Valid = "valid",
        /// As many windows as there are strides in the map; what lies beyond the edge is zero for a convolution and not
        /// counted by pooling. An odd number of rows or columns beyond has its extra one behind.
        Same = "same",
        /// For `Conv1D`: a window ends at its own place, so that no output depends on what comes later.
        Causal = "causal",
    }
}

/// The order of the axes. Only channels last are known here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Option<String>", into = "String")]
pub(super) struct DataFormat;

impl TryFrom<Option<String>> for DataFormat {
    type Error = String;

    fn try_from(name: Option<String>) -> Result<Self, String> {
        match name.as_deref() {
            None | Some("channels_last") => Ok(Self),
            Some(other) => Err(format!(
                "must be \"channels_last\", got {other:?}: put the channels' axis last with a transposition of the data"
            )),
        }
    }
}

impl From<DataFormat> for String {
    fn from(_: DataFormat) -> Self {
        "channels_last".into()
    }
}

/// The inputs of a layer of `units` that works on one row a sample.
pub(super) fn row(input: &Shape, units: usize) -> Result<usize, String> {
    let &[inputs] = input.axes() else {
        return Err(format!("expected samples of shape (inputs), got {input}: put a Flatten before"));
    };
    if units == 0 || inputs == 0 {
        return Err(format!("expected at least one input and one unit, got {inputs} and {units}"));
    }
    Ok(inputs)
}

/// Steps and channels of sequences.
pub(super) fn sequence(input: &Shape) -> Result<[usize; 2], String> {
    match *input.axes() {
        [steps, channels] if channels > 0 => Ok([steps, channels]),
        _ => Err(format!("expected sequences of shape (steps, channels), got samples of shape {input}")),
    }
}

/// Rows, columns and channels of maps.
pub(super) fn map(input: &Shape) -> Result<[usize; 3], String> {
    match *input.axes() {
        [rows, columns, channels] if channels > 0 => Ok([rows, columns, channels]),
        _ => Err(format!(
            "expected maps of shape (rows, columns, channels), got samples of shape {input}: for images without an \
             axis of channels, put a Reshape before"
        )),
    }
}

/// How windows lie along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// Places before the map's first.
    pub(super) before: usize,
}

impl Axis {
    /// The axis that a sequence lacks to be a map.
    pub(super) const ONE: Self = Self::places(1);

    /// Windows of one place each.
    pub(super) const fn places(count: usize) -> Self {
        Self { input: count, output: count, kernel: 1, stride: 1, dilation: 1, before: 0 }
    }

    /// Places from a window's first element to its last, both counted.
    pub(super) fn extent(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// Places that all windows together reach, from the first's first element on.
    pub(super) fn reach(&self) -> usize {
        (self.output - 1) * self.stride + self.extent()
    }

    /// The windows along an axis of `input` places; `what` is the argument that gives their size.
    pub(super) fn new(
        what: &str,
        input: usize,
        [kernel, stride, dilation]: [usize; 3],
        padding: Padding,
    ) -> Result<Self, String> {
        for (name, size) in [(what, kernel), ("strides", stride), ("dilation_rate", dilation)] {
            if size == 0 {
                return Err(format!("{name} must be positive, got 0"));
            }
        }
        let too_large = || format!("{what} is too large for an input of {input} places along this axis");
        let extent = (kernel - 1)
            .checked_mul(dilation)
            .and_then(|extent| extent.checked_add(1))
            .ok_or_else(too_large)?;
        let (output, before) = match padding {
            Padding::Valid if extent > input => {
                let dilated =
                    if dilation > 1 { format!(" (dilated: {extent} places)") } else { String::new() };
                return Err(format!(
                    "{what} {kernel}{dilated} does not fit into an input of {input} places along this axis: use a \
                     smaller one, padding \"same\", or larger inputs"
                ));
            }
            Padding::Valid => ((input - extent) / stride + 1, 0),
            Padding::Same => {
                let output = input.div_ceil(stride);
                let reach = output.saturating_sub(1).saturating_mul(stride).checked_add(extent);
                (output, reach.ok_or_else(too_large)?.saturating_sub(input) / 2)
            }
            Padding::Causal => (input.div_ceil(stride), extent - 1),
        };
        if output == 0 {
            return Err(format!("expected at least one place along each axis, got {input}"));
        }
        if extent.saturating_add(input) > 1 << 24 {
            return Err(too_large());
        }
        Ok(Self { input, output, kernel, stride, dilation, before })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_lie_as_in_keras() {
        let axis = |input, sizes, padding| Axis::new("kernel_size", input, sizes, padding).unwrap();
        for (input, sizes, padding, output, before) in [
            (7, [3, 1, 1], Padding::Valid, 5, 0),
            (7, [3, 2, 1], Padding::Valid, 3, 0),
            (7, [3, 1, 3], Padding::Valid, 1, 0),
            (7, [3, 1, 1], Padding::Same, 7, 1),
            (7, [2, 1, 1], Padding::Same, 7, 0),
            (7, [2, 2, 1], Padding::Same, 4, 0),
            (8, [3, 2, 1], Padding::Same, 4, 0),
            (7, [4, 1, 1], Padding::Same, 7, 1),
            (7, [1, 3, 1], Padding::Same, 3, 0),
            (7, [3, 2, 2], Padding::Causal, 4, 4),
        ] {
            let axis = axis(input, sizes, padding);
            assert_eq!((axis.output, axis.before), (output, before), "{input} {sizes:?} {padding:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_explained() {
        let message = |input, sizes| Axis::new("kernel_size", input, sizes, Padding::Valid).unwrap_err();
        assert_eq!(
            message(4, [5, 1, 1]),
            "kernel_size 5 does not fit into an input of 4 places along this axis: use a smaller one, padding \
             \"same\", or larger inputs"
        );
        assert!(message(4, [3, 1, 2]).starts_with("kernel_size 3 (dilated: 5 places) does not fit"));
        assert_eq!(message(4, [0, 1, 1]), "kernel_size must be positive, got 0");
        assert_eq!(message(4, [1, 0, 1]), "strides must be positive, got 0");
    }

    #[test]
    fn channels_first_is_refused() {
        assert!(serde_json::from_str::<DataFormat>("null").is_ok());
        let error = serde_json::from_str::<DataFormat>("\"channels_first\"").unwrap_err().to_string();
        assert!(error.starts_with("must be \"channels_last\", got \"channels_first\""), "{error}");
    }

    #[test]
    fn sizes_are_read_in_both_forms() {
        let pair = |text: &str| serde_json::from_str::<Pair>(text);
        assert_eq!(pair("3").unwrap(), pair("[3, 3]").unwrap());
        assert_eq!(pair("[1, 2]").unwrap(), Pair([1, 2]));
        assert!(pair("[1, 2, 3]").unwrap_err().to_string().contains("a whole number or a list of two"));
        assert_eq!(serde_json::from_str::<Single>("[4]").unwrap(), Single(4));
    }
}
