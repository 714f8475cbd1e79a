//! `thinnet data show`

use std::path::Path;

use thinnet::data::augmentation::{Augment, ImageDataGenerator};
use thinnet::data::formats::image_folder::ImageFolder;
use thinnet::data::{ContactSheet, Dataset};
use thinnet::datasets;
use thinnet::experiment::Experiment;
use thinnet::model::DEFAULT_SEED;
use thinnet::{Error, Result};

use crate::arguments::Show;
use crate::exit::print;

pub(crate) fn run(show: &Show) -> Result<()> {
    let Show { name, image_size, out, count, augment, seed, epoch } = show;
    // What is wrong with the options is said before the data are read.
    let augmentation = augment.as_deref().map(augmentation).transpose()?;
    let data = read(name, *image_size)?;
    match augmentation {
        None => plain(name, &data, out, count.unwrap_or(50) as usize),
        Some((datagen, own_seed)) => {
            let seed = seed.or(own_seed).unwrap_or(DEFAULT_SEED);
            augmented(name, &data, out, count.unwrap_or(24) as usize, datagen, (seed, *epoch))
        }
    }
}

fn read(name: &str, image_size: Option<(usize, usize)>) -> Result<Dataset> {
    match datasets::find(name) {
        // A name comes first: a folder of that name is `./NAME`.
        Err(_) if Path::new(name).is_dir() => {
            let reader = ImageFolder::new();
            let reader = match image_size {
                Some((height, width)) => reader.image_size(height, width),
                None => reader,
            };
            Ok(reader.read(name)?.dataset)
        }
        _ if image_size.is_some() => {
            Err(Error::Usage(format!("--image-size: is for a folder of pictures, {name} is none")))
        }
        _ => datasets::load(name),
    }
}

/// The augmentation that is asked for, and the seed of the experiment that it is from.
fn augmentation(text: &str) -> Result<(ImageDataGenerator, Option<u64>)> {
    if !text.ends_with(".toml") {
        return Ok((text.parse()?, None));
    }
    let experiment = Experiment::from_file(text, &[])?;
    match experiment.augmentation {
        Some(augmentation) => Ok((augmentation, Some(experiment.seed))),
        None => Err(Error::file(text, "expected a table [augmentation], got none")),
    }
}

fn plain(name: &str, data: &Dataset, out: &Path, count: usize) -> Result<()> {
    const COLUMNS: usize = 12;
    let samples = data.train.take(count);
    let title = format!("{name}: the first {} training samples", samples.len());
    let sheet = ContactSheet::new()
        .columns(COLUMNS.min(samples.len()))
        .rows(samples.len().div_ceil(COLUMNS))
        .title(title);
    sheet.write(out, &samples, &data.class_names)?;
    print(&format!("{} samples of {name}: {}\n", samples.len(), out.display()))
}

/// Draws samples with their augmented versions below, the same that training on all of them with this seed would see in this
/// epoch: statistics are those of all training samples, also where an experiment keeps some for validation.
fn augmented(
    name: &str,
    data: &Dataset,
    out: &Path,
    count: usize,
    mut datagen: ImageDataGenerator,
    (seed, epoch): (u64, u64),
) -> Result<()> {
    const COLUMNS: usize = 8;
    let samples = data.train.take(count);
    let place = |message| Error::config("augmentation", message);
    if datagen.needs_statistics() {
        datagen.fit(&data.train.x)?;
    }
    datagen.check(samples.x.sample_shape()).map_err(place)?;
    let changed = datagen.augmented(&samples.x, seed, epoch - 1);
    let sheet = ContactSheet::new()
        .columns(COLUMNS.min(samples.len()))
        .rows(samples.len().div_ceil(COLUMNS))
        .smallest_side(96)
        .title(format!(
            "{name}: the first {} training samples, below each its augmented version",
            samples.len()
        ))
        .note(format!("{datagen} (epoch {epoch}, seed {seed})"));
    let versions = [("original", &samples.x), ("augmented", &changed)];
    sheet.write_versions(out, &versions, &samples.y, &data.class_names)?;
    print(&format!("{} samples of {name} and their augmented versions: {}\n", samples.len(), out.display()))
}
