//! A small rasteriser for pictures of the window: no driver, no display, the same bytes everywhere.

use egui::epaint::{ImageData, Primitive, TextureId, Vertex};
use egui::{Color32, FullOutput, TexturesDelta};
use egui_kittest::TestRenderer;
use image::{Rgba, RgbaImage};
use std::collections::HashMap;

#[derive(Default)]
pub struct Soft {
    textures: HashMap<TextureId, Texture>,
}

struct Texture {
    size: [usize; 2],
    pixels: Vec<Color32>,
}

impl Texture {
    /// Bilinear, clamped at the edges; premultiplied.
    fn sample(&self, u: f32, v: f32) -> [f32; 4] {
        let (w, h) = (self.size[0] as f32, self.size[1] as f32);
        let (x, y) = ((u * w - 0.5).clamp(0.0, w - 1.0), (v * h - 0.5).clamp(0.0, h - 1.0));
        let (x0, y0) = (x as usize, y as usize);
        let (x1, y1) = ((x0 + 1).min(self.size[0] - 1), (y0 + 1).min(self.size[1] - 1));
        // In steps, so that a glyph looks the same wherever it lies in the atlas.
        let step = |f: f32| (f * 64.0).round() / 64.0;
        let (fx, fy) = (step(x - x0 as f32), step(y - y0 as f32));
        let at = |x: usize, y: usize| self.pixels[y * self.size[0] + x].to_array().map(f32::from);
        let (a, b, c, d) = (at(x0, y0), at(x1, y0), at(x0, y1), at(x1, y1));
        std::array::from_fn(|i| {
            let top = a[i] + (b[i] - a[i]) * fx;
            let bottom = c[i] + (d[i] - c[i]) * fx;
            (top + (bottom - top) * fy) / 255.0
        })
    }
}

impl TestRenderer for Soft {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, patches) in delta.set.drain() {
            for patch in patches {
                let ImageData::Color(image) = &patch.image;
                match patch.pos {
                    None => {
                        self.textures.insert(id, Texture { size: image.size, pixels: image.pixels.clone() });
                    }
                    Some([x, y]) => {
                        if let Some(t) = self.textures.get_mut(&id) {
                            for (row, line) in image.pixels.chunks_exact(image.size[0]).enumerate() {
                                let from = (y + row) * t.size[0] + x;
                                t.pixels[from..from + line.len()].copy_from_slice(line);
                            }
                        }
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(&mut self, ctx: &egui::Context, output: &FullOutput) -> Result<RgbaImage, String> {
        let ppp = output.pixels_per_point;
        let size = ctx.content_rect().size() * ppp;
        let (w, h) = (size.x.round() as i64, size.y.round() as i64);
        let mut pixels = vec![[0.0_f32, 0.0, 0.0, 1.0]; (w * h) as usize];
        for p in ctx.tessellate(output.shapes.clone(), ppp) {
            let Primitive::Mesh(mesh) = &p.primitive else { continue };
            let texture = self.textures.get(&mesh.texture_id).ok_or("a texture is missing")?;
            let clip = [
                (p.clip_rect.min.x * ppp).round().max(0.0) as i64,
                (p.clip_rect.min.y * ppp).round().max(0.0) as i64,
                ((p.clip_rect.max.x * ppp).round() as i64).min(w),
                ((p.clip_rect.max.y * ppp).round() as i64).min(h),
            ];
            for t in mesh.indices.chunks_exact(3) {
                let v = [0, 1, 2].map(|i| mesh.vertices[t[i] as usize]);
                triangle(&mut pixels, w, clip, ppp, v, texture);
            }
        }
        Ok(RgbaImage::from_fn(w as u32, h as u32, |x, y| {
            let c = pixels[(i64::from(y) * w + i64::from(x)) as usize];
            Rgba([c[0], c[1], c[2], 1.0].map(|v| (v * 255.0).round().clamp(0.0, 255.0) as u8))
        }))
    }
}

/// One triangle: sampled at pixel centres, top-left rule, blended premultiplied as egui's own renderers do.
fn triangle(pixels: &mut [[f32; 4]], width: i64, clip: [i64; 4], ppp: f32, v: [Vertex; 3], texture: &Texture) {
    // 24.8 fixed point: shared edges fall on exactly one side.
    let fix = |f: f32| (f64::from(f * ppp) * 256.0).round() as i64;
    let mut p = v.map(|v| (fix(v.pos.x), fix(v.pos.y)));
    let mut v = v;
    let cross = |a: (i64, i64), b: (i64, i64), c: (i64, i64)| (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
    let mut area = cross(p[0], p[1], p[2]);
    if area == 0 {
        return;
    }
    if area < 0 {
        p.swap(1, 2);
        v.swap(1, 2);
        area = -area;
    }
    let low = |f: fn(&(i64, i64)) -> i64| p.iter().map(f).min().unwrap_or(0);
    let high = |f: fn(&(i64, i64)) -> i64| p.iter().map(f).max().unwrap_or(0);
    let (x0, x1) = ((low(|p| p.0) >> 8).max(clip[0]), ((high(|p| p.0) >> 8) + 1).min(clip[2]));
    let (y0, y1) = ((low(|p| p.1) >> 8).max(clip[1]), ((high(|p| p.1) >> 8) + 1).min(clip[3]));
    let edge = |i: usize| (p[(i + 1) % 3], p[(i + 2) % 3]);
    let bias: [i64; 3] = std::array::from_fn(|i| {
        let (a, b) = edge(i);
        let top_left = (a.1 == b.1 && b.0 > a.0) || b.1 < a.1;
        if top_left { 0 } else { -1 }
    });
    let flat = v[0].uv == v[1].uv && v[1].uv == v[2].uv;
    let plain = flat.then(|| texture.sample(v[0].uv.x, v[0].uv.y));
    let colors = v.map(|v| v.color.to_array().map(|c| f32::from(c) / 255.0));
    for y in y0..y1 {
        for x in x0..x1 {
            let at = ((x << 8) + 128, (y << 8) + 128);
            let e: [i64; 3] = std::array::from_fn(|i| {
                let (a, b) = edge(i);
                cross(a, b, at)
            });
            if (0..3).any(|i| e[i] + bias[i] < 0) {
                continue;
            }
            let k = e.map(|e| e as f32 / area as f32);
            let mix = |f: fn(&Vertex) -> f32| k[0] * f(&v[0]) + k[1] * f(&v[1]) + k[2] * f(&v[2]);
            let texel = plain.unwrap_or_else(|| texture.sample(mix(|v| v.uv.x), mix(|v| v.uv.y)));
            let Some(under) = pixels.get_mut((y * width + x) as usize) else { continue };
            let alpha = (k[0] * colors[0][3] + k[1] * colors[1][3] + k[2] * colors[2][3]) * texel[3];
            for c in 0..3 {
                let color = (k[0] * colors[0][c] + k[1] * colors[1][c] + k[2] * colors[2][c]) * texel[c];
                under[c] = color + under[c] * (1.0 - alpha);
            }
        }
    }
}
