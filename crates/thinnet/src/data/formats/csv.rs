//! Tables of numbers as comma-separated values.

use std::collections::HashSet;
use std::path::Path;

use ndarray::{Array2, ArrayD, Axis};

use super::Source;
use crate::data::{AnyArray, Data, Features, Targets};
use crate::error::{Error, Result};
use crate::shape::Shape;

/// How a table is read.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("wine.csv");
/// # std::fs::write(&path, "acidity;alcohol;quality\n7.4;9.4;5\n7.8;9.8;6\n").unwrap();
/// use thinnet::data::formats::csv::Csv;
///
/// let table = Csv::new().delimiter(b';').read(&path)?;
/// let data = table.with_values(["quality"])?;
/// assert_eq!(data.x.sample_shape().axes(), [2]);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    /// What stands between two columns; `None` is whatever the first row has.
    delimiter: Option<u8>,
    header: Option<bool>,
}

impl Default for Csv {
    fn default() -> Self {
        Self { delimiter: Some(b','), header: None }
    }
}

impl Csv {
    /// Commas, and a header where the first row has no number.
    pub fn new() -> Self {
        Self::default()
    }

    /// What stands between two columns. Default: `,`.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// Takes for the delimiter what the first row has: commas, else semicolons, else white space of any length.
    ///
    /// ```
    /// use thinnet::data::formats::csv::Csv;
    /// let table = Csv::new().detect_delimiter().from_bytes("t.txt", b" 0.1  18.00 \t 2\n 0.2   0.00   7\n")?;
    /// assert_eq!(table.values().ncols(), 3);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    pub fn detect_delimiter(mut self) -> Self {
        self.delimiter = None;
        self
    }

    /// Whether the first row names the columns. Default: it does if it has no number; an error if it has both.
    pub fn header(mut self, header: bool) -> Self {
        self.header = Some(header);
        self
    }

    /// Reads a table, plain or gzipped.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read; [`Error::File`] where rows differ in length, a cell is not a number
    /// or two columns have one name, with the line.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table> {
        self.parse(Source::open(path)?)
    }

    /// Reads a table from memory; `path` is for messages.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes(&self, path: impl AsRef<Path>, bytes: &[u8]) -> Result<Table> {
        self.parse(Source::memory(path, bytes))
    }

    fn parse(&self, source: Source<'_>) -> Result<Table> {
        let path = source.path().to_owned();
        let mut text = source.up_to(u64::MAX)?;
        let delimiter = self.delimiter.unwrap_or_else(|| separated(&mut text));
        let mut rows = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .trim(csv::Trim::All)
            .from_reader(&text[..]);
        let mut record = csv::StringRecord::new();
        let (mut columns, mut values, mut whole) = (Vec::new(), Vec::new(), true);
        let mut first = true;
        while rows.read_record(&mut record).map_err(|error| unreadable(&path, &text, error))? {
            if std::mem::take(&mut first) {
                let is_name = |cell: &str| cell.parse::<f64>().is_err();
                let names = record.iter().filter(|cell| is_name(cell)).count();
                if self.header.is_none() && 0 < names && names < record.len() {
                    let (column, cell) =
                        record.iter().enumerate().find(|(_, cell)| is_name(cell)).unwrap_or((0, ""));
                    let message = format!(
                        "{}: expected a row of numbers or of names, got both: `{cell}` in column {column} is no number",
                        place(&text, record.position())
                    );
                    return Err(Error::file(path, message));
                }
                if self.header.unwrap_or(names > 0) {
                    columns = record.iter().map(str::to_owned).collect();
                    let mut seen = HashSet::new();
                    if let Some(twice) = columns.iter().find(|name| !seen.insert(name.as_str())) {
                        let place = place(&text, record.position());
                        let message = format!(
                            "{place}: expected a name for each column, got `{twice}` twice: rename one"
                        );
                        return Err(Error::file(path, message));
                    }
                    continue;
                }
                columns = (0..record.len()).map(|column| column.to_string()).collect();
            }
            for (cell, column) in record.iter().zip(&columns) {
                let Ok(value) = cell.parse::<f64>() else {
                    let place = place(&text, record.position());
                    let message = format!("{place}, column {column}: expected a number, got `{cell}`");
                    return Err(Error::file(path, message));
                };
                whole &= cell.parse::<i64>().is_ok_and(|integer| value as i64 == integer);
                values.push(value);
            }
        }
        if values.is_empty() {
            return Err(Error::file(path, "expected at least one row of numbers, got none"));
        }
        let shape = (values.len() / columns.len(), columns.len());
        let values = Array2::from_shape_vec(shape, values).expect("rows are of one length");
        Ok(Table { columns, values, whole })
    }
}

/// What separates the columns of a table. Where that is white space, each stretch of it within a row gets one comma, in
/// place, so that all offsets stay what they were.
fn separated(text: &mut [u8]) -> u8 {
    let first = text.split(|&byte| byte == b'\n').find(|row| !row.trim_ascii().is_empty()).unwrap_or(&[]);
    if let Some(&delimiter) = [b',', b';'].iter().find(|delimiter| first.contains(delimiter)) {
        return delimiter;
    }
    for row in text.split_mut(|&byte| byte == b'\n') {
        let start = row.len() - row.trim_ascii_start().len();
        let end = row.trim_ascii_end().len();
        let (mut at, mut within) = (start, false);
        while at < end {
            let space = row[at].is_ascii_whitespace();
            if space {
                row[at] = if within { b' ' } else { b',' };
            }
            within = space;
            at += 1;
        }
        if end == 0 {
            // Nothing but space: no row, where a space would be one with an empty cell.
            row.fill(b'\r');
        }
    }
    b','
}

/// The line and the offset of a row. The parser's position is where the row before ended: within a `\r\n`, or before empty
/// lines.
fn place(text: &[u8], position: Option<&csv::Position>) -> String {
    let end = position.map_or(0, |position| position.byte() as usize);
    let skipped = text[end..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let start = end + skipped;
    let line = 1 + text[..start].iter().filter(|&&byte| byte == b'\n').count();
    format!("line {line} (byte {start})")
}

/// What the parser says, with the line.
fn unreadable(path: &Path, text: &[u8], error: csv::Error) -> Error {
    let place = place(text, error.position());
    Error::file(
        path,
        match error.into_kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{place}: expected {expected_len} columns, got {len}")
            }
            csv::ErrorKind::Utf8 { .. } => format!("{place}: expected UTF-8 text"),
            other => format!("{place}: not a table: {other:?}"),
        },
    )
}

/// A table of numbers, a row a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    values: Array2<f64>,
    whole: bool,
}

impl Table {
    /// The columns' names; without a header their numbers, from 0.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The numbers, a row a sample.
    pub fn values(&self) -> &Array2<f64> {
        &self.values
    }

    /// All columns as one array: of integers if all of them are written as such and a double holds each, of floats
    /// otherwise.
    pub fn into_array(self) -> AnyArray {
        if self.whole {
            AnyArray::I64(self.values.mapv(|value| value as i64).into_dyn())
        } else {
            AnyArray::F32(to_f32(self.values))
        }
    }

    /// One column as class numbers, all others as inputs. A column is named as in the header, or by its number from 0.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an unknown column; [`Error::Data`] where a class number is not an integer, or no column is
    /// left for the inputs.
    pub fn with_classes(&self, target: &str) -> Result<Data<'static>> {
        let column = self.column(target)?;
        let classes = self.values.column(column).into_iter().enumerate().map(|(row, &value)| {
            let class = value as i64;
            if class as f64 == value {
                return Ok(class);
            }
            Err(Error::Data(format!("expected class numbers in column `{target}`, got {value} in row {row}")))
        });
        let classes = classes.collect::<Result<Vec<_>>>()?;
        Ok(Data { x: self.inputs(&[column])?, y: Targets::Classes(classes.into()) })
    }

    /// Some columns as values to predict, all others as inputs. Columns are named as in
    /// [`with_classes`](Self::with_classes).
    ///
    /// # Errors
    /// [`Error::Unknown`] for an unknown column; [`Error::Data`] where no column is left for the inputs or the targets.
    pub fn with_values<'n>(&self, targets: impl IntoIterator<Item = &'n str>) -> Result<Data<'static>> {
        let columns = targets.into_iter().map(|name| self.column(name)).collect::<Result<Vec<_>>>()?;
        if columns.is_empty() {
            return Err(Error::Data("expected at least one target column, got none".to_owned()));
        }
        let values = to_f32(self.values.select(Axis(1), &columns));
        let y =
            Targets::Values { sample: Shape::from(columns.len()), values: values.iter().copied().collect() };
        Ok(Data { x: self.inputs(&columns)?, y })
    }

    /// A column's number by its name in the header, or by its number from 0.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an unknown column.
    pub fn column(&self, name: &str) -> Result<usize> {
        let by_name = self.columns.iter().position(|column| column == name);
        let by_number = || name.parse().ok().filter(|&number: &usize| number < self.columns.len());
        by_name
            .or_else(by_number)
            .ok_or_else(|| Error::unknown("column", name, self.columns.iter().map(String::as_str)))
    }

    /// All columns but those of the targets.
    fn inputs(&self, targets: &[usize]) -> Result<Features<'static>> {
        let columns: Vec<usize> =
            (0..self.columns.len()).filter(|column| !targets.contains(column)).collect();
        if columns.is_empty() {
            return Err(Error::Data("expected columns besides the targets, got none".to_owned()));
        }
        let values = to_f32(self.values.select(Axis(1), &columns));
        Ok(Features::floats(columns.len(), values.iter().copied().collect::<Vec<f32>>()))
    }
}

fn to_f32(values: Array2<f64>) -> ArrayD<f32> {
    values.mapv(|value| value as f32).into_dyn()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    const IRIS: &str = "length,width,kind\n5.1,3.5,0\n 7.0, 3.2, 1\n\n6.3,3.3,2\n";

    fn read(text: &str) -> Result<Table> {
        Csv::new().from_bytes("table.csv", text.as_bytes())
    }

    fn message(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn targets_are_named_or_numbered_and_the_rest_are_inputs() {
        let table = read(IRIS).unwrap();
        assert_eq!(table.columns(), ["length", "width", "kind"]);
        for target in ["kind", "2"] {
            let data = table.with_classes(target).unwrap();
            let Targets::Classes(classes) = &data.y else { panic!("expected classes") };
            assert_eq!(classes[..], [0, 1, 2]);
            let mut sample = [0.0; 2];
            data.x.gather(1, &mut sample);
            assert_eq!(sample, [7.0, 3.2]);
        }
        let data = table.with_values(["width", "length"]).unwrap();
        let Targets::Values { sample, values } = &data.y else { panic!("expected values") };
        assert_eq!((sample.axes(), &values[..2]), (&[2][..], &[3.5, 5.1][..]));
        let unknown = table.with_classes("kinds").unwrap_err().to_string();
        assert_eq!(unknown, "unknown column `kinds`: did you mean `kind`?");
        let fraction = table.with_classes("width").unwrap_err().to_string();
        assert_eq!(fraction, "expected class numbers in column `width`, got 3.5 in row 0");
        assert!(table.with_values(["0", "1", "2"]).is_err());
    }

    #[test]
    fn a_header_is_seen_or_said() {
        let mixed = Csv::new().from_bytes("table.csv", b"1,NA,3\n4,5,6\n").unwrap_err().to_string();
        let expected =
            "line 1 (byte 0): expected a row of numbers or of names, got both: `NA` in column 1 is no number";
        assert_eq!(mixed, format!("table.csv: {expected}"));
        assert_eq!(read("1,2\n3,4\n").unwrap().values(), array![[1.0, 2.0], [3.0, 4.0]]);
        let named = Csv::new().header(true).from_bytes("table.csv", b"1,2\n3,4\n").unwrap();
        assert_eq!((named.columns(), named.values().nrows()), (&["1".to_owned(), "2".to_owned()][..], 1));
        let unnamed = Csv::new().header(false).from_bytes("table.csv", b"a,b\n3,4\n");
        let message = unnamed.unwrap_err().to_string();
        assert_eq!(message, "table.csv: line 1 (byte 0), column 0: expected a number, got `a`");
    }

    #[test]
    fn whole_tables_are_integers() {
        assert_eq!(
            read("1,2\n3,4\n").unwrap().into_array(),
            AnyArray::I64(array![[1, 2], [3, 4]].into_dyn())
        );
        assert_eq!(
            read("1,2\n3,4.0\n").unwrap().into_array(),
            AnyArray::F32(array![[1., 2.], [3., 4.]].into_dyn())
        );
        // 2⁵³ is a double, 2⁵³ + 1 is none.
        assert!(matches!(read("9007199254740992\n").unwrap().into_array(), AnyArray::I64(_)));
        assert!(matches!(read("9007199254740993\n").unwrap().into_array(), AnyArray::F32(_)));
    }

    #[test]
    fn columns_have_names_of_their_own() {
        let expected =
            "table.csv: line 1 (byte 0): expected a name for each column, got `y` twice: rename one";
        assert_eq!(message("y,x,y\n1,2,1\n"), expected);
    }

    #[test]
    fn malformed_tables_are_told_by_line_and_column() {
        let short = "table.csv: line 3 (byte 8): expected 2 columns, got 1";
        assert_eq!(message("a,b\n1,2\n3\n"), short);
        let word = "table.csv: line 2 (byte 4), column b: expected a number, got `two`";
        assert_eq!(message("a,b\n1,two\n"), word);
        assert_eq!(message("a,b\n1,\n"), "table.csv: line 2 (byte 4), column b: expected a number, got ``");
        assert_eq!(message("a,b\n"), "table.csv: expected at least one row of numbers, got none");
        assert_eq!(message(""), "table.csv: expected at least one row of numbers, got none");
        let binary = Csv::new().from_bytes("table.csv", b"1,2\n\xff,4\n").unwrap_err().to_string();
        assert_eq!(binary, "table.csv: line 2 (byte 4): expected UTF-8 text");
        for (text, place) in [
            ("a,b\r\n1,two\r\n", "line 2 (byte 5)"),
            ("\n\n1,two\n", "line 3 (byte 2)"),
            ("1,2\r\n\r\n3\r\n", "line 3 (byte 7)"),
        ] {
            let told = message(text);
            assert!(told.starts_with(&format!("table.csv: {place}")), "{text:?}: {told}");
        }
    }

    #[test]
    fn the_delimiter_is_what_the_first_row_has() {
        let read = |text: &str| Csv::new().detect_delimiter().from_bytes("t.txt", text.as_bytes());
        let expected = array![[1.0, 2.5], [-3.0, 4e2]];
        for text in [
            "1,2.5\n-3,4e2\n",
            "1;2.5\r\n-3;4e2\r\n",
            " 1 \t 2.5\n-3\t400\n\n",
            "\n 1   2.5  \r\n   \n\t-3 400",
        ] {
            assert_eq!(read(text).unwrap().values(), expected, "{text:?}");
        }
        let named = read("age  income\n1 2.5\n-3 400").unwrap();
        assert_eq!(
            (named.columns(), named.values()),
            (&["age".to_owned(), "income".to_owned()][..], &expected)
        );
        let ragged = read("1 2\n3  4\n5\n").unwrap_err().to_string();
        assert_eq!(ragged, "t.txt: line 3 (byte 9): expected 2 columns, got 1");
        let word = read("1 2\n3  four\n").unwrap_err().to_string();
        assert_eq!(word, "t.txt: line 2 (byte 4), column 1: expected a number, got `four`");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_table_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Csv::new().from_bytes("table.csv", &bytes);
            let _ = Csv::new().detect_delimiter().from_bytes("table.csv", &bytes);
        }

        #[test]
        fn truncated_and_mutated_tables_are_a_table_or_an_error(
            cut in 0..60_usize, at in 0..60_usize, value in any::<u8>(),
        ) {
            let mut bytes = IRIS.as_bytes().to_vec();
            let _ = Csv::new().from_bytes("table.csv", &bytes[..cut.min(bytes.len())]);
            let at = at % bytes.len();
            bytes[at] = value;
            if let Ok(table) = Csv::new().from_bytes("table.csv", &bytes) {
                let _ = table.with_classes("2");
            }
        }
    }
}
