//! Plots as SVG and for the terminal; axes with units, colours of Okabe & Ito (2008), which the colour-blind tell apart.

use kuva::backend::svg::SvgBackend;
use kuva::backend::terminal::TerminalBackend;
use kuva::plot::LinePlot;
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
                let mut line = LinePlot::new()
                    .with_data(s.points.iter().copied())
                    .with_color(COLOURS[i % COLOURS.len()])
                    .with_stroke_width(if s.jumps { 1.0 } else { 2.5 });
                if self.series.len() > 1 {
                    line = line.with_legend(s.label.clone());
                }
                if s.jumps && !terminal {
                    line = line.with_step();
                }
                Plot::Line(line)
            })
            .collect()
    }

    fn layout(&self, plots: &[Plot]) -> Layout {
        let mut layout = Layout::auto_from_plots(plots).with_title(self.title.clone()).with_x_label(self.x_label.clone()).with_y_label(self.y_label.clone());
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
        let layout = self.layout(&plots).with_width(720.0).with_height(440.0).with_title_size(16);
        SvgBackend::new().render_scene(&render_multiple(plots, layout))
    }

    /// Characters for a terminal of this size.
    pub fn terminal(&self, columns: usize, rows: usize) -> String {
        let plots = self.plots(true);
        let layout = self.layout(&plots).with_term_rows(rows as u32);
        TerminalBackend::new(columns, rows).render_scene(&render_multiple(plots, layout))
    }
}
