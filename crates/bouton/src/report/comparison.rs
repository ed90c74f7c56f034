//! How far levels of detail agree: a table for the terminal, JSON, and a page.

use super::numbers::{Place, significant, unit};
use super::{STYLE, escaped, tables};
use crate::comparison::{self, Comparison, Number, ODDS, Quantity, Verdict, What};
use crate::recording::{Condition, Recording};
use crate::simulation::Detail;
use model::catalogue::Catalogue;
use model::resolve::Resolved;
use serde_json::json;
use std::fmt::Write as _;

const STYLE_HERE: &str = "
.good { color: #00664a; } .bad { color: #a33c00; font-weight: 600; } .open { color: #444; }
td.v { white-space: nowrap; }
table.levels td:not(:first-child), table.levels th:not(:first-child) { text-align: right; }
table.levels td { white-space: nowrap; }
table.levels tr.first td { border-top: 1px solid #999; }
";

/// Half of a 95 % interval in standard errors.
const HALF: f64 = 1.96;

/// `19.4 +- 0.5`, to as many digits as the interval leaves.
fn number(n: Number, pm: &str) -> String {
    if !n.value.is_finite() {
        return "\u{2013}".into();
    }
    let half = if n.error.is_finite() { HALF * n.error } else { 0.0 };
    if half < 1e-9 * n.value.abs() {
        return significant(n.value, 4);
    }
    let place = Place::of(n.value, n.value - half, n.value + half);
    format!("{}{pm}{}", place.write(n.value), place.write(half))
}

/// By how much a ratio is off, in percent.
fn percent(n: Number, pm: &str) -> String {
    if !n.value.is_finite() {
        return "\u{2013}".into();
    }
    let half = if n.error.is_finite() { HALF * n.error } else { 0.0 };
    format!("{:+.2}{pm}{:.2} %", 100.0 * (n.value - 1.0), 100.0 * half)
}

fn class(v: Verdict) -> &'static str {
    match v {
        Verdict::Agree => "good",
        Verdict::Compatible | Verdict::Open | Verdict::NoNumber => "open",
        Verdict::Differ => "bad",
    }
}

fn heading(c: &Comparison) -> String {
    let one = |l: &comparison::Level| {
        let n = l.condition.trials;
        format!(
            "{} {n} trial{}, {} ms of one core each",
            l.condition.name,
            if n == 1 { "" } else { "s" },
            significant(1e3 * l.seconds, 3)
        )
    };
    c.levels.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn what(q: &Quantity) -> String {
    let tail = if q.unit.is_empty() { String::new() } else { format!(" ({})", q.unit) };
    format!("{}{tail}", q.what.words())
}

/// Why levels may differ, said of those that are there.
fn reasons(c: &Comparison) -> Vec<&'static str> {
    let has = |level| c.levels.iter().any(|l| l.level == level);
    let mut all = vec![
        "All levels have the same luck at their terminals, so vesicles fuse at the same times and ratios are taken pair by pair; their \
         errors are by the jackknife over 32 groups of trials, and in tables half of a 95 % interval. \"Agree\": the ratio and its \
         interval are within the tolerance (2 % of a peak and an area, 3 % of its time and of the decay, 10 % of a variance). \"Agree \
         within the error\": the interval reaches into the tolerance. \"May differ\": it does not, but five errors do. Anything else \
         differs.",
    ];
    if has(Detail::Molecular) && has(Detail::Kinetic) {
        all.push(
            "At the kinetic level receptors jump one by one in a transmitter that feels their expectation, not their jumps. Where receptors \
             hold a large share of it, as at a neuromuscular junction, a receptor that has bound a molecule leaves less for others: at the \
             molecular level open channels then fluctuate less, and the variances must differ. Concentrations of a trial differ too: a count \
             of molecules has noise of its own.",
        );
    }
    if has(Detail::Mean) {
        all.push(
            "The mean level follows the expectation of each receptor in the mean transmitter. It leaves out that both fluctuate together: \
             where few molecules meet few receptors, or a potential feeds back on them, it must differ.",
        );
    }
    all
}

impl Comparison {
    fn rows(&self) -> impl Iterator<Item = (&Quantity, bool)> {
        let firsts = self.quantities.iter().map(|q| q.what == What::Peak);
        self.quantities.iter().zip(firsts)
    }

    /// For the terminal, at most 100 columns with three levels.
    #[must_use]
    pub fn terminal(&self) -> String {
        let mut out = String::new();
        for l in &self.levels {
            let each = significant(1e3 * l.seconds, 3);
            let _ =
                writeln!(out, "{:10} {:>7} trials, {each} ms of one core each", l.condition.name, l.condition.trials);
        }
        for (q, first) in self.rows() {
            if first {
                let _ = writeln!(out, "\n{}", q.path);
            }
            let _ = writeln!(out, "  {}", what(q));
            for (k, l) in self.levels.iter().enumerate() {
                let known =
                    q.ratios[k].map_or_else(String::new, |(r, v)| format!("{:>20}  {}", percent(r, " +- "), v.words()));
                // The mean has no variance of its own.
                if q.what == What::Variance && l.level == Detail::Mean {
                    continue;
                }
                let line = format!("    {:10}{:>24}{known}", l.condition.name, number(q.values[k], " +- "));
                let _ = writeln!(out, "{}", line.trim_end());
            }
        }
        if !self.distributions.is_empty() {
            out.push_str(
                "\ndistributions over trials: Kolmogorov's distance, and the odds of a larger one by chance\n",
            );
        }
        for d in &self.distributions {
            let names = [&self.levels[0], &self.levels[d.level]].map(|l| l.condition.name.as_str());
            let word = if d.odds < ODDS { "differ" } else { "no difference seen" };
            let name = format!("{} {}", d.path, d.quantity);
            let _ = writeln!(
                out,
                "  {name:44} {:.3}  {:>8}  {word}: {}",
                d.distance,
                significant(d.odds, 2),
                names.join(", ")
            );
        }
        out
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let finite = |x: f64| x.is_finite().then_some(x);
        let of = |n: &Number| json!({ "value": finite(n.value), "error": finite(n.error) });
        let levels: Vec<_> = self
            .levels
            .iter()
            .map(|l| json!({ "level": l.condition.name, "trials": l.condition.trials, "seconds_a_trial": l.seconds }))
            .collect();
        let quantities: Vec<_> = self
            .quantities
            .iter()
            .map(|q| {
                let ratio = |r: &Option<(Number, Verdict)>| r.as_ref().map(|(n, v)| json!({ "ratio": of(n), "verdict": v.words() }));
                json!({
                    "trace": q.path, "what": q.what.words(), "unit": q.unit, "tolerance": q.what.tolerance(),
                    "values": q.values.iter().map(of).collect::<Vec<_>>(), "against_first": q.ratios.iter().map(ratio).collect::<Vec<_>>(),
                })
            })
            .collect();
        let distributions: Vec<_> = self
            .distributions
            .iter()
            .map(|d| {
                let level = &self.levels[d.level].condition.name;
                json!({ "trace": d.path, "what": d.quantity, "level": level, "distance": d.distance, "odds": d.odds })
            })
            .collect();
        json!({ "agrees": self.agrees(), "levels": levels, "quantities": quantities, "distributions": distributions })
    }

    /// The page.
    #[must_use]
    pub fn html(&self, title: &str, resolved: &Resolved, catalogue: &Catalogue, version: &str) -> String {
        let mut out = String::with_capacity(1 << 18);
        let title = escaped(title);
        let _ = write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>{title}</title>\n<style>\n{STYLE}{STYLE_HERE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        );
        let of = resolved.condition.as_ref().map_or(String::new(), |c| format!("Condition {c}. "));
        let _ = writeln!(
            out,
            "<p class=\"byline\">{}The same model at {} levels of detail: {}. Simulated with bouton {}.</p>",
            escaped(&of),
            self.levels.len(),
            escaped(&heading(self)),
            escaped(version)
        );
        let differ =
            self.quantities.iter().flat_map(|q| q.ratios.iter().flatten()).filter(|r| r.1 == Verdict::Differ).count();
        let compared = self.quantities.iter().flat_map(|q| q.ratios.iter().flatten()).count();
        let _ = writeln!(
            out,
            "<div class=\"abstract\"><p>Of {compared} ratios {}.</p>",
            if differ == 0 { "none differs".to_owned() } else { format!("{differ} differ") }
        );
        reasons(self).iter().for_each(|r| {
            let _ = writeln!(out, "<p>{}</p>", escaped(r));
        });
        out.push_str("</div>\n<h2>Numbers</h2>\n<table class=\"levels\">\n<thead><tr><th></th>");
        for (k, l) in self.levels.iter().enumerate() {
            let _ = write!(out, "<th>{}</th>", escaped(&l.condition.name));
            if k > 0 {
                out.push_str("<th>over the first</th><th></th>");
            }
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for (q, first) in self.rows() {
            if first {
                let _ = writeln!(
                    out,
                    "<tr class=\"first\"><td colspan=\"{}\"><b>{}</b></td></tr>",
                    3 * self.levels.len() - 1,
                    escaped(&q.path)
                );
            }
            let tail = if q.unit.is_empty() { String::new() } else { format!(" ({})", unit(&q.unit)) };
            let _ = write!(out, "<tr><td>{}{tail}</td>", q.what.words());
            for (k, l) in self.levels.iter().enumerate() {
                let pm = " \u{b1} ";
                let text = if q.what == What::Variance && l.level == Detail::Mean {
                    String::new()
                } else {
                    number(q.values[k], pm)
                };
                let _ = write!(out, "<td>{}</td>", text.replace('-', "\u{2212}"));
                match q.ratios[k] {
                    Some((r, v)) => {
                        let text = percent(r, pm).replace('-', "\u{2212}");
                        let _ = write!(out, "<td>{text}</td><td class=\"v {}\">{}</td>", class(v), v.words());
                    }
                    None if k > 0 => out.push_str("<td></td><td></td>"),
                    None => {}
                }
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n");
        if !self.distributions.is_empty() {
            out.push_str(
                "<h2>Distributions over trials</h2>\n<table class=\"levels\">\n<thead><tr><th></th><th>levels</th><th>Kolmogorov\u{2019}s distance\
                 </th><th>odds of a larger one by chance</th><th></th></tr></thead>\n<tbody>\n",
            );
            for d in &self.distributions {
                let names = [&self.levels[0], &self.levels[d.level]].map(|l| escaped(&l.condition.name));
                let (class, word) = if d.odds < ODDS { ("bad", "differ") } else { ("good", "no difference seen") };
                let _ = writeln!(
                    out,
                    "<tr><td>{} {}</td><td>{}</td><td>{:.3}</td><td>{}</td><td class=\"v {class}\">{word}</td></tr>",
                    escaped(&d.path),
                    d.quantity,
                    names.join(", "),
                    d.distance,
                    significant(d.odds, 2)
                );
            }
            out.push_str("</tbody>\n</table>\n");
        }
        let conditions: Vec<Condition> = self.levels.iter().map(|l| l.condition.clone()).collect();
        super::figures(&Recording { conditions, ..Recording::default() }, &mut out);
        tables::parameters(std::slice::from_ref(resolved), catalogue, &mut out);
        let _ = write!(
            out,
            "<footer>Made by bouton {}. The numbers lie beside this page, in <code>comparison.json</code>.</footer>\n</body>\n</html>\n",
            escaped(version)
        );
        out
    }
}
