//! `thinnet data`

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// List the data sets that are known by name
    #[command(after_help = "Examples:\n  thinnet data list\n  thinnet data list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Download a data set, unless it is there
    #[command(after_help = "Examples:\n  thinnet data fetch cifar10")]
    Fetch {
        /// Its name
        name: String,
    },
    /// Check the files of a data set
    #[command(after_help = "Examples:\n  thinnet data verify fashion-mnist")]
    Verify {
        /// Its name
        name: String,
    },
    /// Write a data set as .npy files, for other programs: values as training sees them, and class numbers
    #[command(after_help = "Examples:\n  thinnet data export mnist --out mnist")]
    Export(Export),
    /// Draw samples with their labels, also below them as augmentation changes them
    #[command(after_help = "\
Examples:
  thinnet data show mnist --out digits.png
  thinnet data show cifar10-sample --augment --out augmented.png
  thinnet data show pets --image-size 64x64 --augment rotation_range=30,zoom_range=[0.8,1.2] --out augmented.png
  thinnet data show cifar10 --augment experiment.toml --epoch 3 --out augmented.png")]
    Show(Show),
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Its name
    pub(crate) name: String,
    /// The folder for x.npy, y.npy, x_test.npy and y_test.npy
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its name, or a folder of pictures with train/CLASS/*.png or *.jpg
    pub(crate) name: String,
    /// The height and the width to give the pictures of a folder
    #[arg(long, value_name = "HEIGHTxWIDTH", value_parser = image_size)]
    pub(crate) image_size: Option<(usize, usize)>,
    /// The picture, a PNG file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// How many samples [default: 50, with --augment 24]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) count: Option<u64>,
    /// Draw below each sample how training would see it: with options of ImageDataGenerator (OPTION=VALUE,...), or with
    /// the [augmentation] of an experiment (FILE.toml)
    #[arg(
        long,
        value_name = "OPTIONS|FILE",
        num_args = 0..=1,
        default_missing_value = "rotation_range=15,width_shift_range=0.1,height_shift_range=0.1,horizontal_flip=true"
    )]
    pub(crate) augment: Option<String>,
    /// The seed of the changes [default: the experiment's, else 42]
    #[arg(long, requires = "augment")]
    pub(crate) seed: Option<u64>,
    /// In which epoch, counted from 1
    #[arg(
        long,
        value_name = "N",
        requires = "augment",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(crate) epoch: u64,
}

fn image_size(text: &str) -> Result<(usize, usize), String> {
    let sizes = text.split_once(['x', '×']).map(|(height, width)| (height.parse(), width.parse()));
    match sizes {
        Some((Ok(height @ 1..=4096), Ok(width @ 1..=4096))) => Ok((height, width)),
        _ => Err("expected a height and a width from 1 to 4096, such as 32x32".into()),
    }
}
