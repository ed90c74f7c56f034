//! Plots as SVG and for the terminal; axes with units, colours of Okabe & Ito (2008), which the colour-blind tell apart.

use kuva::backend::svg::SvgBackend;
use kuva::backend::terminal::TerminalBackend;
use kuva::plot::{BandPlot, LinePlot, LineStyle, ScatterPlot};
use kuva::render::annotations::TextAnnotation;
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::render_multiple;
use numerics::math;
use std::sync::Arc;

/// Blue, vermillion, green, purple, orange, sky.
pub const COLOURS: [&str; 6] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];

/// One curve.
#[derive(Debug, Clone)]
pub struct Series {
    /// For the legend.
    pub label: String,
    /// x and y in the units of the axes.
    pub points: Vec<(f64, f64)>,
    /// A realisation: drawn thin and in steps.
    pub jumps: bool,
}

/// A picture of curves.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Above it.
    pub title: String,
    /// With its unit.
    pub x_label: String,
    /// With its unit.
    pub y_label: String,
    /// Logarithmic axis.
    pub log_x: bool,
    /// Logarithmic axis.
    pub log_y: bool,
    /// The curves.
    pub series: Vec<Series>,
}

impl Picture {
    fn plots(&self, terminal: bool) -> Vec<Plot> {
        let mut order: Vec<(usize, &Series)> = self.series.iter().enumerate().collect();
        // Realisations lie under means.
        order.sort_by_key(|(_, s)| !s.jumps);
        order
            .into_iter()
            .map(|(i, s)| {
                let colour = COLOURS[i % COLOURS.len()];
                if s.jumps && terminal {
                    // Steps would be drawn over the mean; points leave it to be seen.
                    let every = (s.points.len() / 60).max(1);
                    let points = s.points.iter().step_by(every).copied();
                    return Plot::Scatter(ScatterPlot::new().with_data(points).with_color(colour).with_size(2.5));
                }
                let mut line = LinePlot::new()
                    .with_data(s.points.iter().copied())
                    .with_color(colour)
                    .with_stroke_width(if s.jumps { 1.0 } else { 2.5 });
                if self.series.len() > 1 && !terminal {
                    line = line.with_legend(s.label.clone());
                }
                if s.jumps {
                    line = line.with_step();
                }
                Plot::Line(line)
            })
            .collect()
    }

    fn layout(&self, plots: &[Plot]) -> Layout {
        let mut layout = Layout::auto_from_plots(plots)
            .with_title(self.title.clone())
            .with_x_label(self.x_label.clone())
            .with_y_label(self.y_label.clone());
        if self.log_x {
            layout = layout.with_log_x();
        }
        if self.log_y {
            layout = layout.with_log_y();
        }
        layout
    }

    /// A self-contained SVG, 720 by 440.
    pub fn svg(&self) -> String {
        let plots = self.plots(false);
        let mut layout = self.layout(&plots).with_width(720.0).with_height(440.0).with_title_size(16);
        // Room for the last number of the x axis; a legend leaves enough of it.
        layout.force_margin_right = (self.series.len() == 1).then_some(30.0);
        SvgBackend::new().render_scene(&render_multiple(plots, layout))
    }

    /// Characters for a terminal of this size, with a legend below; colours only where they can be seen.
    pub fn terminal(&self, columns: usize, rows: usize, colour: bool) -> String {
        let plots = self.plots(true);
        let layout = self
            .layout(&plots)
            .with_show_grid(false)
            .with_y_label("")
            .with_title(self.y_label.clone())
            .with_term_rows(rows as u32);
        let drawn = TerminalBackend::new(columns, rows).render_scene(&render_multiple(plots, layout));
        let mut out = restyle(&drawn, colour);
        while out.ends_with('\n') {
            out.pop();
        }
        out.push('\n');
        if self.series.len() > 1 {
            for (i, s) in self.series.iter().enumerate() {
                let mark = if s.jumps { "\u{2022}" } else { "\u{2500}\u{2500}" };
                let mark = if colour {
                    format!("{}{mark}\u{1b}[0m", ansi(COLOURS[i % COLOURS.len()]))
                } else {
                    mark.to_owned()
                };
                out.push_str(&format!("      {mark} {}\n", s.label));
            }
        }
        out
    }
}

fn ansi(hex: &str) -> String {
    let part = |i: usize| hex.get(i..i + 2).and_then(|h| u8::from_str_radix(h, 16).ok()).unwrap_or(0);
    format!("\u{1b}[38;2;{};{};{}m", part(1), part(3), part(5))
}

/// Drops all colours, or all but those of the curves: black axes vanish on a black terminal.
fn restyle(drawn: &str, colour: bool) -> String {
    let curves: Vec<String> = COLOURS.iter().map(|c| ansi(c)).collect();
    let mut out = String::with_capacity(drawn.len());
    let mut rest = drawn;
    while let Some(start) = rest.find('\u{1b}') {
        out.push_str(&rest[..start]);
        let end = rest[start..].find('m').map_or(rest.len(), |e| start + e + 1);
        let code = &rest[start..end];
        if colour {
            out.push_str(if curves.iter().any(|c| c == code) { code } else { "\u{1b}[0m" });
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// How a line is drawn; told apart in black and white too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dash {
    #[default]
    Solid,
    Dashed,
    Dotted,
    DashDot,
}

impl Dash {
    /// One for each of several curves, in turn.
    pub fn of(index: usize) -> Self {
        [Self::Solid, Self::Dashed, Self::DashDot, Self::Dotted][index % 4]
    }

    fn style(self) -> LineStyle {
        match self {
            Self::Solid => LineStyle::Solid,
            Self::Dashed => LineStyle::Dashed,
            Self::Dotted => LineStyle::Dotted,
            Self::DashDot => LineStyle::DashDot,
        }
    }

    /// For an SVG attribute; `None` for a solid line.
    pub fn array(self) -> Option<String> {
        self.style().dasharray()
    }
}

/// What is drawn in a [`Panel`], in the units of its axes; later layers lie over earlier ones.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Layer {
    /// A curve, broken where y is not finite.
    Line { points: Vec<(f64, f64)>, colour: String, width: f64, dash: Dash },
    /// Dots.
    Dots { points: Vec<(f64, f64)>, colour: String, size: f64 },
    /// Bars standing on 0, each from x to x with a height; filled from 0, an outline, to 1.
    Bars { bars: Vec<(f64, f64, f64)>, colour: String, fill: f64 },
    /// A word at a place, centred.
    Word { x: f64, y: f64, text: String },
}

/// A figure of a report: no title, no legend, which are text and stand beside it.
#[derive(Debug, Clone, Default)]
pub struct Panel {
    /// With its unit.
    pub x_label: String,
    /// With its unit.
    pub y_label: String,
    /// Logarithmic axis.
    pub log_x: bool,
    /// Logarithmic axis.
    pub log_y: bool,
    /// Whole numbers only on the y axis.
    pub counts: bool,
    /// Below it the x axis has no numbers.
    pub x_numbers_from: Option<f64>,
    /// The part of the x axis that is shown.
    pub x: (f64, f64),
    /// The part of the y axis that is shown.
    pub y: (f64, f64),
    /// What is drawn.
    pub layers: Vec<Layer>,
}

impl Panel {
    /// An SVG element, 520 by 300, that scales with its surroundings; `id` tells it from the others of its page.
    pub fn svg(&self, id: &str) -> String {
        let mut plots: Vec<Plot> = self.layers.iter().flat_map(|l| self.drawn(l)).collect();
        if plots.is_empty() {
            plots.push(Plot::Line(LinePlot::new().with_data([(self.x.0, self.y.0)])));
        }
        let mut layout = Layout::new(self.x, self.y)
            .with_x_axis_min(self.x.0)
            .with_x_axis_max(self.x.1)
            .with_y_axis_min(self.y.0)
            .with_y_axis_max(self.y.1)
            .with_x_label(self.x_label.clone())
            .with_y_label(self.y_label.clone())
            .with_width(520.0)
            .with_height(300.0)
            .with_ticks(6)
            .with_label_size(14)
            .with_tick_size(12)
            .with_body_size(12)
            .with_grid_line_width(0.5);
        layout.theme.grid_color = "#ddd".into();
        layout.show_legend = false;
        // Room for half of the last number of the x axis.
        layout.force_margin_right = Some(26.0);
        layout.force_margin_top = Some(12.0);
        (layout.log_x, layout.log_y) = (self.log_x, self.log_y);
        let (counts, log, first) = (self.counts, self.log_y, self.x_numbers_from.unwrap_or(f64::NEG_INFINITY));
        let number = |v: f64, span: f64| if v.abs() < 1e-9 * span { "0".to_owned() } else { tick(v) };
        let (x_span, y_span) = (self.x.1 - self.x.0, self.y.1 - self.y.0);
        let wide = self.log_x;
        layout.x_tick_format = TickFormat::Custom(Arc::new(move |v| match () {
            () if wide => tick(v),
            () if v < first => String::new(),
            () => number(v, x_span),
        }));
        layout.y_tick_format = TickFormat::Custom(Arc::new(move |v| match () {
            () if log => tick(v),
            () if counts && v.fract() != 0.0 => String::new(),
            () => number(v, y_span),
        }));
        for l in &self.layers {
            if let Layer::Word { x, y, text } = l {
                layout = layout.with_annotation(TextAnnotation::new(text.clone(), *x, *y).with_font_size(12));
            }
        }
        let svg = SvgBackend::new().render_scene(&render_multiple(plots, layout));
        inline(&svg, id)
    }

    fn drawn(&self, layer: &Layer) -> Vec<Plot> {
        match layer {
            Layer::Line { points, colour, width, dash } => {
                let lowest = if self.log_y { 0.0 } else { f64::NEG_INFINITY };
                points
                    .split(|p| !(p.1.is_finite() && p.1 > lowest))
                    .filter(|part| part.len() > 1)
                    .map(|part| {
                        let height = |y: f64| if self.log_y { math::log10(y) } else { y };
                        let least = 1e-3 * (height(self.y.1) - height(self.y.0)).abs();
                        let across = |x: f64| if self.log_x { math::log10(x.max(f64::MIN_POSITIVE)) } else { x };
                        let points = straightened(&thinned(part, self.x), across, height, least);
                        let line = LinePlot::new().with_data(points).with_color(colour.clone());
                        Plot::Line(line.with_stroke_width(*width).with_line_style(dash.style()))
                    })
                    .collect()
            }
            Layer::Dots { points, colour, size } => {
                let dots = ScatterPlot::new().with_data(points.iter().copied());
                vec![Plot::Scatter(dots.with_color(colour.clone()).with_size(*size))]
            }
            Layer::Bars { bars, colour, fill } => bars
                .iter()
                .filter(|b| b.2 > 0.0)
                .flat_map(|&(from, to, height)| {
                    let body = BandPlot::new([from, to], [0.0, 0.0], [height, height]).with_color(colour.clone());
                    let edge = [(from, 0.0), (from, height), (to, height), (to, 0.0)];
                    let edge = LinePlot::new().with_data(edge).with_color(colour.clone()).with_stroke_width(1.2);
                    [Plot::Band(body.with_opacity(*fill)), Plot::Line(edge)]
                })
                .collect(),
            Layer::Word { .. } => Vec::new(),
        }
    }
}

/// A number of an axis: digits where there are few, a power of ten otherwise; with a true minus.
fn tick(v: f64) -> String {
    let text = format!("{v:.5e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if v == 0.0 || (-3..5).contains(&exponent) {
        let rounded: f64 = text.parse().unwrap_or(v);
        return rounded.to_string().replace('-', "\u{2212}");
    }
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.').replace('-', "\u{2212}");
    let raised: String = exponent
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '\u{207b}',
            '1' => '\u{b9}',
            '2' => '\u{b2}',
            '3' => '\u{b3}',
            c => char::from_u32(0x2070 + c.to_digit(10).unwrap_or(0)).unwrap_or(c),
        })
        .collect();
    if mantissa == "1" { format!("10{raised}") } else { format!("{mantissa}\u{b7}10{raised}") }
}

/// Columns of a panel that are told apart.
const COLUMNS: f64 = 380.0;

/// The points within a range, and the next on either side; of each column no more than the first, the lowest, the
/// highest and the last, so that no extreme is lost.
fn thinned(points: &[(f64, f64)], (from, to): (f64, f64)) -> Vec<(f64, f64)> {
    let first = points.partition_point(|p| p.0 < from).saturating_sub(1);
    let last = (points.partition_point(|p| p.0 <= to) + 1).min(points.len());
    let seen = points.get(first..last).unwrap_or_default();
    if seen.len() as f64 <= 3.0 * COLUMNS {
        return seen.to_vec();
    }
    let column = |p: &(f64, f64)| ((p.0 - from) / (to - from) * COLUMNS).floor();
    let mut out = Vec::new();
    for group in seen.chunk_by(|a, b| column(a) == column(b)) {
        let at = |better: fn(f64, f64) -> bool| {
            (1..group.len()).fold(0, |best, i| if better(group[i].1, group[best].1) { i } else { best })
        };
        let mut keep = [0, at(|a, b| a < b), at(|a, b| a > b), group.len() - 1];
        keep.sort_unstable();
        for (i, k) in keep.iter().enumerate() {
            if i == 0 || keep[i - 1] != *k {
                out.push(group[*k]);
            }
        }
    }
    out
}

/// The same line with fewer points, nowhere farther from it than `least` (Ramer 1972; Douglas & Peucker 1973).
fn straightened(
    points: &[(f64, f64)],
    across: impl Fn(f64) -> f64,
    height: impl Fn(f64) -> f64,
    least: f64,
) -> Vec<(f64, f64)> {
    let Some(last) = points.len().checked_sub(1) else { return Vec::new() };
    let mut keep = vec![false; points.len()];
    (keep[0], keep[last]) = (true, true);
    let mut parts = vec![(0, last)];
    while let Some((a, b)) = parts.pop() {
        let ((x0, y0), (x1, y1)) = (points[a], points[b]);
        let (x0, x1, y0, y1) = (across(x0), across(x1), height(y0), height(y1));
        let slope = if x1 > x0 { (y1 - y0) / (x1 - x0) } else { 0.0 };
        let off = |k: usize| (height(points[k].1) - y0 - slope * (across(points[k].0) - x0)).abs();
        let worst = (a + 1..b).map(|k| (k, off(k))).fold((a, 0.0), |w, o| if o.1 > w.1 { o } else { w });
        if worst.1 > least {
            keep[worst.0] = true;
            parts.extend([(a, worst.0), (worst.0, b)]);
        }
    }
    points.iter().zip(keep).filter(|(_, keep)| *keep).map(|(p, _)| *p).collect()
}

/// Numbers within tags to two places after the point.
fn short(svg: &str) -> String {
    let mut out = String::with_capacity(svg.len());
    let (mut tag, mut places) = (false, None);
    for c in svg.chars() {
        match c {
            '<' => tag = true,
            '>' => tag = false,
            _ => {}
        }
        places = match (c, places) {
            ('.', _) if tag => Some(0),
            ('0'..='9', Some(n)) => Some(n + 1),
            _ => None,
        };
        if places.is_none_or(|n| n <= 2) {
            out.push(c);
        }
    }
    out
}

/// An SVG document as an element of a page: sized by its surroundings, with names of its own.
fn inline(svg: &str, id: &str) -> String {
    let start = svg.find("<svg").unwrap_or(0);
    let svg = &svg[start..];
    let end = svg.find('>').map_or(0, |e| e + 1);
    let mut body = svg[end..].trim_end().to_owned();
    // kuva numbers its clips by a counter of the process.
    while let Some(at) = body.find("kuva-clip-") {
        let digits = body[at + 10..].bytes().take_while(u8::is_ascii_digit).count();
        body.replace_range(at..at + 10 + digits, &format!("clip-{id}"));
    }
    let body = short(&body);
    format!("<svg viewBox=\"0 0 520 300\" role=\"img\" font-family=\"inherit\">{body}")
}
