//! Pictures in folders, one folder for each class.
//!
//! ```text
//! pets/train/cat/0001.jpg      the training pictures of the class `cat`
//! pets/train/dog/0001.png
//! pets/test/cat/0901.jpg       the test pictures; the folder `test` may be missing
//! ```
//!
//! Classes are numbered in alphabetical order of their folders. Files that end in `.png`, `.jpg` or `.jpeg` are read, in
//! the order of their names; hidden ones (that begin with a dot) are not. The classes' pictures are spread evenly over the
//! training half, so that a part of it, such as what `validation_split` sets aside, has about the same share of each.

use std::fs;
use std::num::NonZero;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread;

use ndarray::Array3;

use super::image::{ColorMode, Interpolation, check_size, load_image};
use crate::data::{Data, Dataset, Features, Targets};
use crate::error::{Error, Result};
use crate::shape::Shape;

/// How a folder of pictures is read.
///
/// ```no_run
/// use thinnet::data::formats::image_folder::ImageFolder;
///
/// let pets = ImageFolder::new().image_size(64, 64).read("pets")?.dataset;
/// assert_eq!(pets.class_names, ["cat", "dog"]);
/// assert_eq!(pets.train.x.sample_shape().axes(), [64, 64, 3]);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFolder {
    image_size: Option<(usize, usize)>,
    interpolation: Interpolation,
    color_mode: ColorMode,
    skip_corrupt: bool,
}

/// What a folder holds.
#[derive(Debug)]
pub struct ReadFolder {
    /// The pictures, bytes that are scaled to [0, 1], of shape (height, width, channels), with their class numbers. The
    /// test half is empty where there is no folder `test`.
    pub dataset: Dataset,
    /// What was wrong with each file that was skipped.
    pub skipped: Vec<Error>,
}

/// The pictures of a folder that has a folder for each class, in the order of the classes and of their names.
#[derive(Debug)]
pub(crate) struct ClassFolders {
    /// (height, width, channels)
    pub(crate) shape: [usize; 3],
    /// Bytes, one picture after the other.
    pub(crate) pixels: Vec<u8>,
    /// Each picture's class.
    pub(crate) classes: Vec<i64>,
    /// Each picture's path within the folder.
    pub(crate) names: Vec<PathBuf>,
    pub(crate) class_names: Vec<String>,
}

/// One picture's file.
struct Picture {
    path: PathBuf,
    class: usize,
}

impl ImageFolder {
    /// RGB, of one size, and what cannot be read is an error.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives all pictures this size. Default: they must have one size already.
    #[must_use]
    pub fn image_size(mut self, height: usize, width: usize) -> Self {
        self.image_size = Some((height, width));
        self
    }

    /// How. Default: bilinear.
    #[must_use]
    pub fn interpolation(mut self, interpolation: Interpolation) -> Self {
        self.interpolation = interpolation;
        self
    }

    /// Which channels the pictures are given. Default: RGB.
    #[must_use]
    pub fn color_mode(mut self, color_mode: ColorMode) -> Self {
        self.color_mode = color_mode;
        self
    }

    /// Whether pictures that cannot be read are left out, and listed in [`ReadFolder::skipped`]. Default: they are errors.
    #[must_use]
    pub fn skip_corrupt(mut self, skip: bool) -> Self {
        self.skip_corrupt = skip;
        self
    }

    /// Reads the pictures of a folder, on as many threads as the machine has cores.
    ///
    /// # Errors
    /// [`Error::Io`] where a folder or a file cannot be read; [`Error::File`] with the file or the folder where a folder
    /// is not as expected (no `train`, no folders of classes, a class without pictures, a class of `test` that `train`
    /// does not have), where a picture cannot be read, or where it has another size than the first.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<ReadFolder> {
        let path = path.as_ref();
        self.check()?;
        let (train, test) = (path.join("train"), path.join("test"));
        if !train.is_dir() {
            fs::read_dir(path).map_err(Error::io("read", path))?;
            let message =
                "expected a folder `train` with a folder of pictures for each class, as in train/cat/1.jpg";
            return Err(Error::file(path, message));
        }
        let class_names = folders(&train)?;
        if class_names.is_empty() {
            let message =
                "expected a folder of pictures for each class, as in train/cat/1.jpg, got no folders";
            return Err(Error::file(&train, message));
        }
        let train = spread(pictures(&train, &class_names, &class_names)?);
        let test = match test.is_dir() {
            true => pictures(&test, &folders(&test)?, &class_names)?,
            false => Vec::new(),
        };
        let mut skipped = Vec::new();
        let mut first = None;
        let train = self.half(train, &mut first, &mut skipped)?;
        let Some((_, shape)) = first else {
            return Err(Error::file(path, "expected training pictures that can be read, all were skipped"));
        };
        let test = self.half(test, &mut first, &mut skipped)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let data = |(pixels, classes): (Vec<u8>, Vec<i64>)| Data {
            x: Features::bytes(Shape::from([shape.0, shape.1, shape.2]), pixels, 1.0 / 255.0),
            y: Targets::Classes(classes.into()),
        };
        Ok(ReadFolder {
            dataset: Dataset { name, class_names, train: data(train), test: data(test) },
            skipped,
        })
    }

    /// Reads the pictures of a folder that has a folder for each class; only of `class_names`, where there are any. Of
    /// each class those are read that `part` picks, given how many it has.
    pub(crate) fn read_classes(
        &self,
        path: &Path,
        class_names: Option<Vec<String>>,
        part: impl Fn(usize) -> Range<usize>,
    ) -> Result<ClassFolders> {
        self.check()?;
        let class_names = class_names.map_or_else(|| folders(path), Ok)?;
        if class_names.is_empty() {
            let message = "expected a folder of pictures for each class, as in cat/1.jpg, got no folders";
            return Err(Error::file(path, message));
        }
        let mut of_classes = pictures(path, &class_names, &class_names)?;
        let mut picked = Vec::new();
        for class in 0..class_names.len() {
            let count = of_classes.iter().take_while(|picture| picture.class == class).count();
            let range = part(count);
            picked.extend(of_classes.drain(..count).enumerate().filter(|(i, _)| range.contains(i)));
        }
        let picked: Vec<Picture> = picked.into_iter().map(|(_, picture)| picture).collect();
        let within = |picture: &Picture| picture.path.strip_prefix(path).unwrap_or(&picture.path).to_owned();
        let names = picked.iter().map(within).collect();
        let mut first = None;
        let (pixels, classes) = self.half(picked, &mut first, &mut Vec::new())?;
        let Some((_, (height, width, channels))) = first else {
            return Err(Error::file(
                path,
                "expected pictures, got none in the subset (see validation_split)",
            ));
        };
        Ok(ClassFolders { shape: [height, width, channels], pixels, classes, names, class_names })
    }

    fn check(&self) -> Result<()> {
        let Some((height, width)) = self.image_size else { return Ok(()) };
        let error = |message| Error::config("image_size", message);
        if height == 0 || width == 0 {
            return Err(error(format!("expected positive sizes, got {height}×{width}")));
        }
        check_size(height, width, self.color_mode.channels()).map_err(error)
    }

    /// Reads pictures into bytes and class numbers. `first` is the first picture of all, and its shape.
    fn half(
        &self,
        pictures: Vec<Picture>,
        first: &mut Option<(PathBuf, (usize, usize, usize))>,
        skipped: &mut Vec<Error>,
    ) -> Result<(Vec<u8>, Vec<i64>)> {
        let (mut pixels, mut classes) = (Vec::new(), Vec::with_capacity(pictures.len()));
        // A few at a time, so that the pictures are not in memory twice, and so that what is wrong is soon found.
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        for some in pictures.chunks(32 * threads) {
            for (picture, image) in some.iter().zip(self.load(some, threads)) {
                let image = match image {
                    Err(error @ Error::File { .. }) if self.skip_corrupt => {
                        skipped.push(error);
                        continue;
                    }
                    other => other?,
                };
                let (first, shape) = first.get_or_insert_with(|| (picture.path.clone(), image.dim()));
                if image.dim() != *shape {
                    let message = format!(
                        "expected a picture of {}×{} pixels as {} is, got {}×{}: give an image_size",
                        shape.0,
                        shape.1,
                        first.display(),
                        image.dim().0,
                        image.dim().1
                    );
                    return Err(Error::file(&picture.path, message));
                }
                pixels.extend(image);
                classes.push(picture.class as i64);
            }
        }
        Ok((pixels, classes))
    }

    /// Some pictures, in their order.
    fn load(&self, pictures: &[Picture], threads: usize) -> Vec<Result<Array3<u8>>> {
        let load = |picture: &Picture| -> Result<Array3<u8>> {
            let image = self.color_mode.convert(load_image(&picture.path)?);
            Ok(match self.image_size {
                Some((height, width)) => self.interpolation.resize(&image, height, width),
                None => image,
            })
        };
        let each = pictures.len().div_ceil(threads).max(1);
        thread::scope(|scope| {
            let parts = pictures
                .chunks(each)
                .map(|part| scope.spawn(move || part.iter().map(load).collect::<Vec<_>>()));
            let parts: Vec<_> = parts.collect();
            parts
                .into_iter()
                .flat_map(|part| part.join().expect("reading a picture does not panic"))
                .collect()
        })
    }
}

/// The names of a folder's folders, in alphabetical order.
fn folders(path: &Path) -> Result<Vec<String>> {
    entries(path, |entry| entry.is_dir())
}

/// The names in a folder, in alphabetical order.
fn entries(path: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(Error::io("read", path))? {
        let entry = entry.map_err(Error::io("read", path))?;
        let Ok(name) = entry.file_name().into_string() else {
            let message = format!("expected a name in UTF-8, got {}", entry.file_name().display());
            return Err(Error::file(entry.path(), message));
        };
        if !name.starts_with('.') && wanted(&entry.path()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The pictures of a half in the order of the classes, of which `class_names` are all.
fn pictures(half: &Path, present: &[String], class_names: &[String]) -> Result<Vec<Picture>> {
    let mut pictures = Vec::new();
    for name in present {
        let folder = half.join(name);
        let Some(class) = class_names.iter().position(|known| known == name) else {
            let known = class_names.join(", ");
            return Err(Error::file(
                folder,
                format!("expected a class that is in `train` too, one of {known}"),
            ));
        };
        let is_picture = |path: &Path| {
            let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
            ["png", "jpg", "jpeg"].iter().any(|known| extension == *known) && path.is_file()
        };
        let files = entries(&folder, is_picture)?;
        if files.is_empty() {
            let message = format!("expected pictures (.png, .jpg, .jpeg) of class `{name}`, got none");
            return Err(Error::file(folder, message));
        }
        pictures.extend(files.iter().map(|file| Picture { path: folder.join(file), class }));
    }
    Ok(pictures)
}

/// The pictures, that are ordered by class, in an order in which each class is spread evenly.
fn spread(pictures: Vec<Picture>) -> Vec<Picture> {
    let mut counts = vec![0_u64; pictures.iter().map(|picture| picture.class + 1).max().unwrap_or(0)];
    pictures.iter().for_each(|picture| counts[picture.class] += 1);
    let mut seen = vec![0_u64; counts.len()];
    let mut placed: Vec<_> = pictures
        .into_iter()
        .map(|picture| {
            let (number, count) = (seen[picture.class], counts[picture.class]);
            seen[picture.class] += 1;
            // The middle of its share of the whole, in fractions of 2³².
            (((2 * number + 1) << 32) / (2 * count), picture)
        })
        .collect();
    placed.sort_by_key(|(place, picture)| (*place, picture.class));
    placed.into_iter().map(|(_, picture)| picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a picture of one colour.
    fn picture(path: &Path, (height, width): (usize, usize), rgb: [u8; 3]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&rgb.repeat(height * width)).unwrap();
    }

    /// Cats are red, dogs are green: three and six to train on, two dogs to test on.
    fn pets() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, count, rgb) in
            [("train/cat", 3, [200, 0, 0]), ("train/dog", 6, [0, 200, 0]), ("test/dog", 2, [0, 100, 0])]
        {
            for index in 0..count {
                let shade = rgb.map(|value| value + u8::from(value > 0) * index);
                picture(&folder.path().join(name).join(format!("{index}.png")), (4, 6), shade);
            }
        }
        fs::write(folder.path().join("train/cat/notes.txt"), "not a picture").unwrap();
        fs::write(folder.path().join("train/.hidden"), "").unwrap();
        folder
    }

    fn message(reader: &ImageFolder, path: &Path) -> String {
        let message = reader.read(path).map(drop).unwrap_err().to_string();
        message.replace(&path.display().to_string(), "PETS")
    }

    fn classes(data: &Data<'_>) -> Vec<i64> {
        let Targets::Classes(classes) = &data.y else { panic!("classes") };
        classes.to_vec()
    }

    #[test]
    fn classes_are_folders_and_are_spread_evenly() {
        let folder = pets();
        let ReadFolder { dataset, skipped } = ImageFolder::new().read(folder.path()).unwrap();
        assert!(skipped.is_empty());
        assert_eq!(dataset.class_names, ["cat", "dog"]);
        assert_eq!(dataset.train.x.sample_shape().axes(), [4, 6, 3]);
        assert_eq!(classes(&dataset.train), [1, 0, 1, 1, 0, 1, 1, 0, 1]);
        assert_eq!(classes(&dataset.test), [1, 1]);
        let mut sample = [0.0; 72];
        dataset.train.x.gather(4, &mut sample);
        assert_eq!(sample[..3], [201.0 * (1.0 / 255.0), 0.0, 0.0], "the second cat");
        dataset.test.x.gather(1, &mut sample);
        assert_eq!(sample[69..], [0.0, 101.0 * (1.0 / 255.0), 0.0], "the second dog");
    }

    #[test]
    fn size_and_channels_can_be_chosen() {
        let folder = pets();
        picture(&folder.path().join("train/cat/large.PNG"), (9, 9), [7, 7, 7]);
        let size = message(&ImageFolder::new(), folder.path());
        let expected = "PETS/train/cat/large.PNG: expected a picture of 4×6 pixels as PETS/train/dog/0.png is, got 9×9: \
                        give an image_size";
        assert_eq!(size, expected);
        for (mode, channels) in [(ColorMode::Grayscale, 1), (ColorMode::Rgb, 3), (ColorMode::Rgba, 4)] {
            let reader = ImageFolder::new().image_size(2, 5).color_mode(mode);
            let dataset = reader.read(folder.path()).unwrap().dataset;
            assert_eq!(dataset.train.x.sample_shape().axes(), [2, 5, channels]);
            assert_eq!((dataset.train.len(), dataset.test.len()), (10, 2));
        }
        assert_eq!(
            message(&ImageFolder::new().image_size(0, 5), folder.path()),
            "image_size: expected positive sizes, got 0×5"
        );
        assert_eq!(
            message(&ImageFolder::new().image_size(3_000_000_000, 3_000_000_000), folder.path()),
            "image_size: expected a picture of at most 256 MiB of pixels, got 3000000000×3000000000×3"
        );
    }

    #[test]
    fn a_corrupt_picture_is_an_error_or_is_skipped_and_told() {
        let folder = pets();
        let path = folder.path().join("train/dog/3.png");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
        let reader = ImageFolder::new();
        let corrupt = message(&reader, folder.path());
        assert!(corrupt.starts_with("PETS/train/dog/3.png: the picture is damaged: "), "{corrupt}");
        let read = reader.clone().skip_corrupt(true).read(folder.path()).unwrap();
        assert_eq!(classes(&read.dataset.train).len(), 8);
        assert_eq!(read.skipped.len(), 1);
        assert!(read.skipped[0].to_string().contains("dog/3.png"));

        for (class, count) in [("cat", 3), ("dog", 6)] {
            for index in 0..count {
                fs::write(folder.path().join(format!("train/{class}/{index}.png")), "no picture").unwrap();
            }
        }
        let all = message(&reader.skip_corrupt(true), folder.path());
        assert_eq!(all, "PETS: expected training pictures that can be read, all were skipped");
    }

    #[test]
    fn folders_that_are_not_as_expected_are_told() {
        let folder = pets();
        let (reader, path) = (ImageFolder::new(), folder.path());
        fs::create_dir(path.join("train/bird")).unwrap();
        let empty = "PETS/train/bird: expected pictures (.png, .jpg, .jpeg) of class `bird`, got none";
        assert_eq!(message(&reader, path), empty);
        fs::remove_dir(path.join("train/bird")).unwrap();
        picture(&path.join("test/bird/1.png"), (4, 6), [0; 3]);
        let unknown = "PETS/test/bird: expected a class that is in `train` too, one of cat, dog";
        assert_eq!(message(&reader, path), unknown);

        let other = tempfile::tempdir().unwrap();
        assert!(
            message(&reader, other.path()).starts_with("PETS: expected a folder `train` with a folder of")
        );
        fs::create_dir(other.path().join("train")).unwrap();
        fs::write(other.path().join("train/1.png"), "").unwrap();
        assert!(message(&reader, other.path()).ends_with("as in train/cat/1.jpg, got no folders"));
        let missing = reader.read("/nowhere/pets").map(drop).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read /nowhere/pets: "), "{missing}");
    }

    #[test]
    fn every_part_of_a_spread_order_has_its_share_of_each_class() {
        let of_class =
            |(class, count): (usize, usize)| (0..count).map(move |_| Picture { path: PathBuf::new(), class });
        let counts = [70, 20, 10];
        let order = spread(counts.into_iter().enumerate().flat_map(of_class).collect());
        for part in order.chunks(20) {
            for (class, count) in counts.into_iter().enumerate() {
                let found = part.iter().filter(|picture| picture.class == class).count();
                assert!(found.abs_diff(count / 5) <= 1, "class {class}: {found} of {count}");
            }
        }
    }
}
