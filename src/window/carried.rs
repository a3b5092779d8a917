//! What a message carries, made readable by jobs: its lines, or its picture.

use crate::prefs::BodyForm;
use egui::{ColorImage, TextureHandle};
use std::io::Cursor;
use std::sync::Arc;
use wirelore_content::{Form, Options, View, view};
use wirelore_kit::Buffer;
use wirelore_store::{Job, Jobs};

/// Pixels of a picture that is decoded.
const MOST_PIXELS: u64 = 64 << 20;
/// Bytes that decoding a picture may take.
const MOST_MEMORY: u64 = 512 << 20;
/// Pixels of a side of what is drawn; larger pictures are made smaller.
const MOST_SIDE: u32 = 2048;

/// A body made readable.
#[derive(Debug)]
pub struct Made {
    /// Its lines.
    pub view: View,
    /// Its picture, or why there is none.
    pub picture: Option<Result<Picture, String>>,
}

/// A picture.
#[derive(Debug)]
pub struct Picture {
    /// Its pixels, perhaps fewer than were sent.
    pub pixels: ColorImage,
    /// Width as sent.
    pub width: u32,
    /// Height as sent.
    pub height: u32,
    /// Its format.
    pub format: &'static str,
}

/// What was made, and of what.
#[derive(Debug, Clone)]
struct Key {
    bytes: bytes::Bytes,
    media: String,
    form: BodyForm,
    columns: usize,
}

impl Key {
    /// The same bytes at the same place: as a key holds them, no others can be there.
    fn is(&self, other: &Key) -> bool {
        self.bytes.as_ptr() == other.bytes.as_ptr()
            && self.bytes.len() == other.bytes.len()
            && (self.form, self.columns) == (other.form, other.columns)
            && self.media == other.media
    }
}

/// Has bodies made readable and keeps the last.
#[derive(Default)]
pub struct BodyKeeper {
    made: Option<(Key, Arc<Made>)>,
    making: Option<(Key, Job<Made>)>,
    texture: Option<(Arc<Made>, TextureHandle)>,
    broken: Option<(Key, String)>,
}

impl BodyKeeper {
    /// A body in a form, as soon as it is made. What was asked for before is cancelled.
    ///
    /// # Errors
    /// In words, where the work broke.
    pub fn of(
        &mut self,
        b: &Buffer,
        media: &str,
        form: BodyForm,
        columns: usize,
        jobs: &Jobs,
    ) -> Option<Result<Arc<Made>, String>> {
        let key = Key { bytes: b.bytes.clone(), media: media.to_owned(), form, columns };
        if let Some((k, job)) = &self.making
            && let Some(end) = job.poll()
        {
            match end {
                Ok(made) => self.made = Some((k.clone(), Arc::new(made))),
                Err(why) => self.broken = Some((k.clone(), why.to_string())),
            }
            self.making = None;
        }
        if let Some((k, why)) = &self.broken
            && k.is(&key)
        {
            return Some(Err(why.clone()));
        }
        if let Some((k, made)) = &self.made
            && k.is(&key)
        {
            self.making = None;
            return Some(Ok(made.clone()));
        }
        if !self.making.as_ref().is_some_and(|(k, _)| k.is(&key)) {
            let (bytes, media) = (key.bytes.clone(), key.media.clone());
            let job = jobs.start(move |work| {
                let view = view(&bytes, &media, Options { columns, plain: form == BodyForm::Raw }, work.cancel())?;
                let picture = (view.form == Form::Image).then(|| decode(&bytes));
                Some(Made { view, picture })
            });
            self.making = Some((key, job));
        }
        None
    }

    /// The texture of a picture.
    pub fn texture(&mut self, ctx: &egui::Context, made: &Arc<Made>) -> Option<TextureHandle> {
        if let Some((m, texture)) = &self.texture
            && Arc::ptr_eq(m, made)
        {
            return Some(texture.clone());
        }
        let Some(Ok(picture)) = &made.picture else { return None };
        let texture = ctx.load_texture("body", picture.pixels.clone(), egui::TextureOptions::LINEAR);
        self.texture = Some((made.clone(), texture.clone()));
        Some(texture)
    }

    /// Whether something is being made.
    #[must_use]
    pub const fn busy(&self) -> bool {
        self.making.is_some()
    }
}

/// Decodes a picture within bounds.
///
/// # Errors
/// What is wrong with it, in words.
fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let format = wirelore_content::image_format(bytes).ok_or("its first bytes are of no format that can be drawn")?;
    let reader = || {
        let mut r = image::ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(MOST_MEMORY);
        r.limits(limits);
        Ok::<_, String>(r)
    };
    let (width, height) = reader()?.into_dimensions().map_err(|e| e.to_string())?;
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!("it says it has {width} × {height} pixels, more than are decoded"));
    }
    let image = reader()?.decode().map_err(|e| e.to_string())?;
    let image = if width.max(height) > MOST_SIDE { image.thumbnail(MOST_SIDE, MOST_SIDE) } else { image };
    let rgba = image.into_rgba8();
    let size = [rgba.width() as usize, rgba.height() as usize];
    Ok(Picture { pixels: ColorImage::from_rgba_unmultiplied(size, rgba.as_raw()), width, height, format })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_is_cut_says_what_is_wrong() {
        let mut png = Vec::new();
        image::RgbaImage::new(3, 2).write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).expect("a picture");
        let p = decode(&png).expect("decoded");
        assert_eq!((p.width, p.height, p.format, p.pixels.size), (3, 2, "PNG", [3, 2]));
        assert!(decode(&png[..png.len() / 2]).is_err());
        assert!(decode(b"no picture").is_err());
    }

    #[test]
    fn a_picture_of_too_many_pixels_is_not_decoded() {
        // The header of a bitmap that says 60,000 × 60,000.
        let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        bmp.extend(60_000u32.to_le_bytes().repeat(2));
        bmp.extend([1, 0, 24, 0]);
        bmp.extend([0; 24]);
        let why = decode(&bmp).expect_err("too many");
        assert!(why.contains("60000 × 60000"), "{why}");
    }
}
