//! Plots as SVG and for the terminal; axes with units, colours of Okabe & Ito (2008), which the colour-blind tell apart.

use kuva::backend::svg::SvgBackend;
use kuva::backend::terminal::TerminalBackend;
use kuva::plot::{LinePlot, ScatterPlot};
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::render_multiple;

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
