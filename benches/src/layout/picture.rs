//! A coroutine's memory over its suspensions, as SVG: a row for each suspension, bytes from left to right.

use lab_layout::detail::{Piece, Suspended, Use};
use lab_layout::scheme::Scheme;
use maud::{Markup, html};

use super::names::{bytes, place, variable};
use super::{Findings, Large};

/// In pixels.
const LABELS: f64 = 210.0;
const WIDTH: f64 = 700.0;
const ROW: f64 = 24.0;
const CHARACTER: f64 = 6.5;

const LIVE: &str = "#4c86c6";
const DEAD: &str = "#d98b7a";
const FREE: &str = "#ececec";
const STATE: &str = "#444444";

/// Sizes to compare with, below the suspensions.
const COMPARED: [Scheme; 3] = [Scheme::Today, Scheme::Relocated, Scheme::Coroutine];

pub(super) fn of(findings: &Findings, large: &Large) -> String {
    let rows = large.detail.suspensions.len();
    let largest = COMPARED.map(|scheme| findings.size(large.ty, scheme)).into_iter().max();
    let scale = WIDTH / largest.unwrap_or(1).max(large.detail.size).max(1) as f64;
    let below = ROW * (rows as f64 + 1.5);
    let height = below + ROW * COMPARED.len() as f64 + 8.0;
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {} {height}", LABELS + WIDTH + 10.0))
            width=(LABELS + WIDTH + 10.0) font-family="sans-serif" font-size="12" {
            (legend())
            @for (i, suspended) in large.detail.suspensions.iter().enumerate() {
                (row(suspended, large.detail.size, ROW * (i as f64 + 1.0), scale))
            }
            @for (i, scheme) in COMPARED.iter().enumerate() {
                (size(scheme.name(), findings.size(large.ty, *scheme), below + ROW * i as f64, scale))
            }
        }
    };
    markup.into_string()
}

fn legend() -> Markup {
    let entries = [
        (LIVE, "live: needed at this suspension"),
        (DEAD, "dead: kept for another, or moved out"),
        (FREE, "free: padding, or used at others"),
    ];
    html! {
        @for (i, (colour, text)) in entries.into_iter().enumerate() {
            rect x=(LABELS + 230.0 * i as f64) y="4" width="12" height="12" fill=(colour) {}
            text x=(LABELS + 230.0 * i as f64 + 17.0) y="14" { (text) }
        }
    }
}

fn row(suspended: &Suspended, whole: u64, top: f64, scale: f64) -> Markup {
    html! {
        text x=(LABELS - 6.0) y=(top + 15.0) text-anchor="end" { (label(&place(&suspended.place))) }
        rect x=(LABELS) y=(top) width=(whole as f64 * scale) height=(ROW - 3.0) fill=(FREE) {}
        @for piece in &suspended.pieces { (block(piece, top, scale)) }
    }
}

/// The end of a text that is too long for its place.
fn label(text: &str) -> String {
    let room = (LABELS / CHARACTER) as usize;
    let length = text.chars().count();
    if length <= room {
        return text.to_owned();
    }
    format!("…{}", text.chars().skip(length - room).collect::<String>())
}

fn block(piece: &Piece, top: f64, scale: f64) -> Markup {
    let (x, width) = (LABELS + piece.offset as f64 * scale, piece.size as f64 * scale);
    let colour = match piece.use_ {
        Use::Live => LIVE,
        Use::Dead => DEAD,
        Use::State => STATE,
    };
    let name = variable(&piece.name);
    let text = format!("{name} {}", bytes(piece.size));
    let fits = |text: &str| text.chars().count() as f64 * CHARACTER < width;
    let shown =
        [text.as_str(), name].into_iter().find(|text| fits(text) && piece.use_ != Use::State);
    html! {
        rect x=(x) y=(top) width=(width.max(0.5)) height=(ROW - 3.0) fill=(colour) stroke="#ffffff" stroke-width="0.5" {
            title { (text) " bytes, at " (piece.offset) }
        }
        @if let Some(shown) = shown { text x=(x + 3.0) y=(top + 15.0) fill="#ffffff" { (shown) } }
    }
}

fn size(name: &str, size: u64, top: f64, scale: f64) -> Markup {
    let width = size as f64 * scale;
    let text = bytes(size);
    let inside = width > text.chars().count() as f64 * CHARACTER + 8.0;
    html! {
        text x=(LABELS - 6.0) y=(top + 12.0) text-anchor="end" { (name) }
        rect x=(LABELS) y=(top) width=(width) height=(ROW - 8.0) fill="#8a9a5b" {}
        text x=(LABELS + if inside { 4.0 } else { width + 4.0 }) y=(top + 12.0)
            fill=(if inside { "#ffffff" } else { "#000000" }) { (text) }
    }
}
