//! Which classes are taken for which.

use std::fmt::Display;

use ndarray::{Array1, Array2, ArrayView2};

use crate::error::{Error, Result};

/// How many samples of each class (row) were predicted as each class (column).
///
/// ```
/// use ndarray::array;
/// use thinnet::metrics::{confusion_matrix, per_class_accuracy};
///
/// let matrix = confusion_matrix(&[0, 0, 1, 2], &[0, 1, 1, 2], 3)?;
/// assert_eq!(matrix, array![[1, 1, 0], [0, 1, 0], [0, 0, 1]]);
/// assert_eq!(per_class_accuracy(matrix.view()), array![0.5, 1.0, 1.0]);
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// Where there are more labels than predictions or fewer, or one is not from 0 to `classes` − 1.
pub fn confusion_matrix<L, P>(labels: &[L], predictions: &[P], classes: usize) -> Result<Array2<u64>>
where
    L: Copy + Display + TryInto<usize>,
    P: Copy + Display + TryInto<usize>,
{
    if labels.len() != predictions.len() {
        return Err(Error::Data(format!(
            "expected a prediction for each label, got {} labels and {} predictions",
            labels.len(),
            predictions.len()
        )));
    }
    let mut matrix = Array2::zeros((classes, classes));
    for (sample, (&label, &prediction)) in labels.iter().zip(predictions).enumerate() {
        let row = class("label", label, classes, sample)?;
        let column = class("prediction", prediction, classes, sample)?;
        matrix[[row, column]] += 1;
    }
    Ok(matrix)
}

fn class<T: Copy + Display + TryInto<usize>>(
    kind: &str,
    value: T,
    classes: usize,
    sample: usize,
) -> Result<usize> {
    value.try_into().ok().filter(|&class| class < classes).ok_or_else(|| {
        Error::Data(format!(
            "{kind} {value} of sample {sample} is none of {classes} classes: classes are numbered from 0"
        ))
    })
}

/// The share of each class's samples that were predicted right: the diagonal of a [`confusion_matrix`] over its rows'
/// sums. NaN for a class without samples.
pub fn per_class_accuracy(matrix: ArrayView2<u64>) -> Array1<f64> {
    let share = |(right, row): (&u64, ndarray::ArrayView1<u64>)| *right as f64 / row.sum() as f64;
    matrix.diag().iter().zip(matrix.rows()).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn rows_are_labels_and_columns_predictions() {
        let matrix = confusion_matrix(&[1_u8, 2, 3], &[2_i64, 2, 3], 4).unwrap();
        assert_eq!(matrix, array![[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]);
        let accuracy = per_class_accuracy(matrix.view());
        assert!(accuracy[0].is_nan());
        assert_eq!(accuracy.to_vec()[1..], [0.0, 1.0, 1.0]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let message = |result: Result<Array2<u64>>| result.unwrap_err().to_string();
        assert_eq!(
            message(confusion_matrix(&[0, 1], &[0], 2)),
            "expected a prediction for each label, got 2 labels and 1 predictions"
        );
        assert_eq!(
            message(confusion_matrix(&[0, -1], &[0, 1], 2)),
            "label -1 of sample 1 is none of 2 classes: classes are numbered from 0"
        );
        assert_eq!(
            message(confusion_matrix(&[0], &[2], 2)),
            "prediction 2 of sample 0 is none of 2 classes: classes are numbered from 0"
        );
    }
}
