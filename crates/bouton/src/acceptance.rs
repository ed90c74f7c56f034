//! `bouton catalogue check`: every entry's own checks, compared to the printed digits, and every loop of every scheme.

mod drug;
mod firing;
mod recipe;

use crate::lower::{self, LoweredScheme, observable};
use crate::response::{self, ResponseError};
use model::catalogue::{Catalogue, Entry};
use model::diagnostic::{Diagnostics, Sources};
use model::junction;
use model::read::{Evidence, Number, Read, Typed};
use model::resolve::{Origin, Part, ResolvedValue, part};
use model::units::{Dimension, Quantity};
use numerics::math;

/// One expected value of one check, and what came.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What was done, in words.
    pub protocol: String,
    /// What was measured.
    pub measure: String,
    /// As written in the entry.
    pub expected: String,
    /// What came, in the same unit and digits.
    pub got: String,
    /// Whether they agree.
    pub passed: bool,
}

/// A loop of a scheme.
#[derive(Debug, Clone)]
pub struct LoopVerdict {
    /// `C1 - C2 - C4 - C3`
    pub states: String,
    /// Product of forward over backward rates.
    pub product: f64,
    /// How far it may be from 1; `None` for a driven scheme.
    pub tolerance: Option<f64>,
}

/// All that came of checking one entry.
#[derive(Debug, Clone)]
pub struct EntryVerdict {
    /// The entry.
    pub name: String,
    /// Its expected values.
    pub verdicts: Vec<Verdict>,
    /// The loops of its scheme.
    pub loops: Vec<LoopVerdict>,
    /// Numbers that nobody has seen in a source.
    pub assumed: Vec<ResolvedValue>,
    /// What each check measured, by its protocol; the second of a protocol is `pulse_2`.
    pub measured: Vec<(String, Measures)>,
    /// Checks that could not be run, with the reason.
    pub failures: Vec<String>,
}

impl EntryVerdict {
    /// Whether everything agrees.
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.verdicts.iter().all(|v| v.passed) && !self.verdicts.is_empty()
    }
}

/// Runs the checks of an entry at its own temperature. `None` if it cannot be read; `out` says why.
pub fn check(name: &str, catalogue: &Catalogue, sources: &mut Sources, out: &mut Diagnostics) -> Option<EntryVerdict> {
    let entry = catalogue.entry(name, sources, out)?;
    let placed = empty(&entry);
    let part = part(&entry, entry.temperature, &placed, sources, out);
    let mut verdict = EntryVerdict {
        name: name.to_owned(),
        verdicts: Vec::new(),
        loops: loops(&part),
        assumed: assumed(&part),
        measured: Vec::new(),
        failures: Vec::new(),
    };
    let scheme = entry.scheme.as_ref().map(|_| lower::scheme(&part));
    let scheme = match scheme {
        Some(Err(e)) => {
            verdict.failures.push(e.to_string());
            return Some(verdict);
        }
        Some(Ok(s)) => Some(s),
        None => None,
    };
    for check in entry.body.list("check") {
        let subject = Subject { entry: &entry, part: &part, scheme: scheme.as_ref() };
        let title = title(check);
        let measures = match check.word("protocol") {
            Some("firing") => firing::measure(&entry, check, catalogue),
            Some("at_rest") => recipe::at_rest(&entry, catalogue),
            Some("quantum") => recipe::quantum(&entry, check, catalogue),
            Some("junction") if entry.kind == "synapse" => recipe::junction(&entry, check, catalogue),
            Some("evoked") => recipe::evoked(&entry, check, catalogue),
            _ if entry.kind == "drug" => drug::measure(&entry, check, catalogue, &part),
            _ => subject.measure(check),
        };
        match measures {
            Ok(measures) => {
                expectations(check, &title, &measures, &mut verdict);
                let word = check.word("protocol").unwrap_or_default();
                let before = verdict
                    .measured
                    .iter()
                    .filter(|m| m.0.trim_end_matches(|c: char| c == '_' || c.is_ascii_digit()) == word)
                    .count();
                let name = if before == 0 { word.to_owned() } else { format!("{word}_{}", before + 1) };
                verdict.measured.push((name, measures));
            }
            Err(e) => verdict.failures.push(format!("{title}: {e}")),
        }
    }
    if verdict.verdicts.is_empty() && verdict.failures.is_empty() {
        verdict.failures.push("its checks expect no value".into());
    }
    Some(verdict)
}

/// What an entry is placed with when nothing is said otherwise.
pub fn empty(entry: &Entry) -> Read {
    entry.body.without_fields()
}

/// Values of the catalogue that nobody here has seen in a source.
pub fn assumed(part: &Part) -> Vec<ResolvedValue> {
    let is = |v: &&ResolvedValue| {
        v.provenance.evidence == Some(Evidence::Assumed) && matches!(v.origin, Origin::Catalogue { .. })
    };
    part.values.iter().filter(is).cloned().collect()
}

fn loops(part: &Part) -> Vec<LoopVerdict> {
    let names = part.scheme.as_ref().map_or(&[][..], |s| &s.states);
    part.loops
        .iter()
        .map(|(states, product, tolerance)| LoopVerdict {
            states: states.iter().map(|&i| names[i].as_str()).collect::<Vec<_>>().join(" - "),
            product: *product,
            tolerance: *tolerance,
        })
        .collect()
}

fn title(check: &Read) -> String {
    let mut out = check.word("protocol").unwrap_or_default().to_owned();
    if let Some(drug) = check.text("drug") {
        out.push_str(&format!(" with {drug}"));
    }
    let written = |name: &str| check.span_of(name).and_then(|_| check.number(name)).map(|n| n.written.clone());
    let mut say = |text: String| {
        out.push(' ');
        out.push_str(&text);
    };
    for (name, word) in [
        ("concentration", ""),
        ("duration", "for "),
        ("from", "from "),
        ("to", "to "),
        ("peak", "to a peak of "),
        ("fwhm", "of width "),
        ("v", "at "),
    ] {
        if let Some(w) = written(name) {
            say(format!("{word}{w}"));
        }
    }
    if let Some(b) = check.numbers("between") {
        say(format!("between {}", b.iter().map(|n| n.written.as_str()).collect::<Vec<_>>().join(" and ")));
    }
    out
}

fn expectations(check: &Read, title: &str, measures: &[(String, Option<Quantity>)], verdict: &mut EntryVerdict) {
    let Some(Typed::NamedTexts(expected)) = check.get("expect") else { return };
    let within = check.number("within").map(Number::value);
    for (key, text, _) in expected {
        let Some((_, got)) = measures.iter().find(|m| m.0 == key.name) else {
            let names: Vec<&str> = measures.iter().map(|m| m.0.as_str()).collect();
            verdict.failures.push(format!(
                "{title}: there is no measure `{}`; there is {}",
                key.name,
                names.join(", ")
            ));
            continue;
        };
        let (passed, got) = match compare(text, *got, within) {
            Ok(x) => x,
            Err(e) => {
                verdict.failures.push(format!("{title}: `{} = {text}`: {e}", key.name));
                continue;
            }
        };
        verdict.verdicts.push(Verdict {
            protocol: title.to_owned(),
            measure: key.name.clone(),
            expected: text.clone(),
            got,
            passed,
        });
    }
}

/// Whether `got` rounds to the printed digits of `expected`; and `got` in its unit with two digits more.
fn compare(expected: &str, got: Option<Quantity>, within: Option<f64>) -> Result<(bool, String), String> {
    if expected == "none" {
        return Ok((got.is_none(), got.map_or("none".into(), |q| q.to_string())));
    }
    let Some(got) = got else { return Ok((false, "none".into())) };
    let wanted = Quantity::parse(expected).map_err(|e| e.message)?;
    if wanted.dimension != got.dimension {
        return Err(format!("the measure is {}", got.dimension));
    }
    let number = expected.split_whitespace().next().unwrap_or(expected);
    let unit = expected[number.len()..].trim();
    let scale = if unit.is_empty() { 1.0 } else { Quantity::parse(&format!("1 {unit}")).map_err(|e| e.message)?.value };
    let (mantissa, exponent) =
        number.split_once(['e', 'E']).map_or((number, 0), |(m, e)| (m, e.parse::<i32>().unwrap_or(0)));
    let decimals = mantissa.split_once('.').map_or(0, |(_, f)| f.len() as i32);
    let value = got.value / scale;
    let last = math::powi(10.0, exponent - decimals);
    let allowed = match within {
        Some(w) => w * (wanted.value / scale).abs(),
        // Half a unit of the last digit, and the rounding of the decimal itself.
        None => 0.5 * last * (1.0 + 1e-9),
    };
    let passed = (value - wanted.value / scale).abs() <= allowed;
    let shown = if exponent == 0 {
        format!("{value:.*}", (decimals + 2) as usize)
    } else {
        format!("{value:.*e}", (decimals + 2) as usize)
    };
    Ok((passed, format!("{shown} {unit}").trim_end().to_owned()))
}

struct Subject<'a> {
    entry: &'a Entry,
    part: &'a Part,
    scheme: Option<&'a LoweredScheme>,
}

/// What a check measured, by name; `None` where there is none.
pub type Measures = Vec<(String, Option<Quantity>)>;

fn one(name: &str, value: f64, dimension: Dimension) -> (String, Option<Quantity>) {
    (name.to_owned(), Some(Quantity { value, dimension }))
}

impl Subject<'_> {
    fn scheme(&self) -> Result<&LoweredScheme, ResponseError> {
        self.scheme.ok_or(ResponseError::Nothing("the entry has no scheme"))
    }

    fn ligand(&self, check: &Read) -> Result<usize, ResponseError> {
        let name = check.text("ligand").or_else(|| self.entry.ligands().first().map(String::as_str));
        name.and_then(|n| self.entry.ligands().iter().position(|l| l == n))
            .ok_or(ResponseError::Nothing("`ligand` names no ligand of the scheme"))
    }

    fn measure(&self, check: &Read) -> Result<Measures, ResponseError> {
        let need = |name: &'static str, what: &'static str| {
            check.number(name).map(Number::value).ok_or(ResponseError::Nothing(what))
        };
        let v_m = need("v", "`v` is missing")?;
        let (time, plain, rate, concentration) =
            (Dimension::TIME, Dimension::NONE, Dimension::RATE, Dimension::CONCENTRATION);
        match check.word("protocol").unwrap_or_default() {
            "pulse" => {
                let (c, d) =
                    (need("concentration", "`concentration` is missing")?, need("duration", "`duration` is missing")?);
                let p = response::pulse(self.scheme()?, self.ligand(check)?, c, d, v_m)?;
                Ok(vec![
                    one("peak_open", p.peak_open, plain),
                    one("t_peak", p.t_peak, time),
                    one("rise_10_90", p.rise_10_90, time),
                    one("half_decay", p.half_decay, time),
                    one("decay_1e", p.decay_1e, time),
                ])
            }
            "step" => {
                let s = response::step(
                    self.scheme()?,
                    self.ligand(check)?,
                    need("concentration", "`concentration` is missing")?,
                    v_m,
                )?;
                let tau = s.tau_des.map(|value| Quantity { value, dimension: time });
                Ok(vec![one("ss_over_peak", s.ss_over_peak, plain), ("tau_des".into(), tau)])
            }
            "dose_response" => {
                Ok(vec![one("ec50", response::dose_response(self.scheme()?, self.ligand(check)?, v_m)?, concentration)])
            }
            "calcium_step" => {
                let peak = response::calcium_step(
                    self.scheme()?,
                    need("from", "`from` is missing")?,
                    need("to", "`to` is missing")?,
                    v_m,
                )?;
                Ok(vec![one("peak_rate", peak, rate)])
            }
            "calcium_slope" => {
                let from = need("from", "`from` is missing")?;
                let [low, high] = check.numbers("between").map(Vec::as_slice).unwrap_or_default() else {
                    return Err(ResponseError::Nothing("`between` needs two concentrations"));
                };
                let at = |n: &Number| response::calcium_step(self.scheme()?, from, n.value(), v_m);
                let slope = math::ln(at(high)? / at(low)?) / math::ln(high.value() / low.value());
                Ok(vec![one("slope", slope, plain)])
            }
            "calcium_transient" => {
                let t = response::calcium_transient(
                    self.scheme()?,
                    need("from", "`from` is missing")?,
                    need("peak", "`peak` is missing")?,
                    need("fwhm", "`fwhm` is missing")?,
                    v_m,
                )?;
                Ok(vec![
                    one("p_release", t.p_release, plain),
                    one("lag", t.lag, time),
                    one("rate_fwhm", t.rate_fwhm, time),
                    one("peak_rate", t.peak_rate, rate),
                ])
            }
            "equilibrium" => {
                let scheme = self.scheme()?;
                let mut ligands = vec![0.0; scheme.kinetics.ligands()];
                ligands[self.ligand(check)?] = need("concentration", "`concentration` is missing")?;
                let p = scheme.rest(v_m, &ligands)?;
                let states =
                    &self.part.scheme.as_ref().ok_or(ResponseError::Nothing("the entry has no scheme"))?.states;
                let mut fraction = 0.0;
                for (name, _) in check.texts("of") {
                    fraction += states
                        .iter()
                        .position(|s| s == name)
                        .map(|i| p[i])
                        .ok_or(ResponseError::Nothing("`of` names a state that is not there"))?;
                }
                Ok(vec![one("fraction", fraction, plain)])
            }
            "voltage" => self.voltage(v_m, check.number("concentration").map(Number::value)),
            "junction" => self.junction(v_m),
            "fill" => self.fill(),
            "block" => {
                let block = self.part.block.as_ref().ok_or(ResponseError::Nothing("the entry is no block"))?;
                let c = need("concentration", "`concentration` is missing")?;
                let values = self.part.layout.values(&self.part.parameters, v_m, self.part.temperature, &[c]);
                Ok(vec![one("open_fraction", block.open_fraction.expr.evaluate(&values), plain)])
            }
            "turnover" => {
                let (top, k_m) = response::turnover(self.scheme()?, self.ligand(check)?, v_m)?;
                Ok(vec![one("turnover", top, rate), one("k_m", k_m, concentration)])
            }
            "membrane" => self.membrane(),
            _ => Err(ResponseError::Nothing("no such protocol")),
        }
    }

    /// Concentration after 1 ms of 1 uA/cm2 and in the end, and the time constant near rest.
    fn fill(&self) -> Result<Measures, ResponseError> {
        let pool = lower::pool(self.part).ok_or(ResponseError::Nothing("the entry is no pool"))?;
        // 0.01 pA/um2 of inward current through 1 um2.
        let (dynamics, valence) = pool;
        let rest = dynamics.rest;
        let after = |ms: f64, step: f64| {
            let steps = (ms / step).round() as u32;
            (0..steps).fold(rest, |c, _| dynamics.after(c, -0.01 * f64::from(valence.signum()), valence, step))
        };
        let tau = (1.0 + dynamics.bound) / dynamics.removal(rest).1;
        Ok(vec![
            one("rise", after(1.0, 0.001) - rest, Dimension::CONCENTRATION),
            one("level", after(50.0 * tau, 0.005 * tau) - rest, Dimension::CONCENTRATION),
            one("tau", tau, Dimension::TIME),
        ])
    }

    fn voltage(&self, v_m: f64, inside: Option<f64>) -> Result<Measures, ResponseError> {
        if let Some(scheme) = self.scheme {
            let none = vec![0.0; scheme.kinetics.ligands()];
            let open = response_open(scheme, v_m, &none)?;
            return Ok(vec![
                one("open", open, Dimension::NONE),
                one("tau", response::slowest_time_constant(&scheme.held(v_m, &none)?)?, Dimension::TIME),
            ]);
        }
        if inside.is_none() && !self.entry.reads.is_empty() {
            return Err(ResponseError::Nothing("its gates read a concentration: `concentration` is missing"));
        }
        let mut out = Vec::new();
        let mut open = 1.0;
        for gate in &self.part.gates {
            let g = response::gate_at(self.part, gate, v_m, inside.unwrap_or(f64::NAN))?;
            open *= math::powi(g.steady, g.count as i32);
            out.push(one(&format!("{}_inf", g.name), g.steady, Dimension::NONE));
            out.push(one(&format!("{}_tau", g.name), g.tau, Dimension::TIME));
        }
        out.push(one("open", open, Dimension::NONE));
        Ok(out)
    }

    /// A gap-junction channel at `v` mV across.
    fn junction(&self, v: f64) -> Result<Measures, ResponseError> {
        if self.entry.kind != "connexin" {
            return Err(ResponseError::Nothing("the entry is no gap-junction channel"));
        }
        let steady = |v: f64| junction::steady(self.part, v).map_err(ResponseError::from);
        let rest = steady(0.0)?;
        let at_once = junction::at_once(self.part, v)?;
        let tau = match self.scheme {
            Some(scheme) if scheme.kinetics.states() > 1 => {
                Some(response::slowest_time_constant(&scheme.held(v, &vec![0.0; scheme.kinetics.ligands()])?)?)
            }
            _ => None,
        };
        Ok(vec![
            ("unitary".into(), self.part.unitary.map(|value| Quantity { value, dimension: Dimension::CONDUCTANCE })),
            one("open", rest, Dimension::NONE),
            one("at_once", at_once / rest, Dimension::NONE),
            one("settled", steady(v)? / rest, Dimension::NONE),
            one("rectification", steady(v)? / steady(-v)?, Dimension::NONE),
            ("tau".into(), tau.map(|value| Quantity { value, dimension: Dimension::TIME })),
        ])
    }

    fn membrane(&self) -> Result<Measures, ResponseError> {
        let body = &self.entry.body;
        let membrane = body.table("membrane").ok_or(ResponseError::Nothing("the entry has no membrane"))?;
        let value = |name: &str| membrane.number(name).map(Number::value);
        let cylinder = |of: &Read| {
            let size = |name: &str| of.number(name).map(Number::value);
            let (d, l) = (size("diameter")?, size("length")?);
            // Of a frustum: pi times the mean diameter times the slant height.
            let end = size("end_diameter").unwrap_or(d);
            Some(std::f64::consts::PI * 0.5 * (d + end) * (0.5 * (d - end)).hypot(l))
        };
        let sections: Vec<(&str, f64)> =
            body.named("section").iter().filter_map(|(k, s)| Some((k.name.as_str(), cylinder(s)?))).collect();
        let area = if sections.is_empty() {
            value("area").or_else(|| cylinder(membrane)).ok_or(ResponseError::Nothing("the membrane has no area"))?
        } else {
            sections.iter().map(|s| s.1).sum()
        };
        let capacitance = value("capacitance").ok_or(ResponseError::Nothing("the membrane has no capacitance"))? * area;
        let mut leak = 0.0;
        for (_, channel) in body.named("channel") {
            if channel.text("use") == Some("channel/leak") {
                let here =
                    |name: &str| channel.texts("on").is_empty() || channel.texts("on").iter().any(|t| t.0 == name);
                let on = sections.iter().filter(|s| here(s.0)).map(|s| s.1).sum::<f64>();
                let on = if sections.is_empty() { area } else { on };
                leak += channel.number("density").map_or(0.0, Number::value) * on;
            }
        }
        Ok(vec![
            one("area", area, Dimension::AREA),
            one("capacitance", capacitance, Dimension::CAPACITANCE),
            one("leak_conductance", leak, Dimension::CONDUCTANCE),
            one("tau_m", capacitance / leak, Dimension::TIME),
        ])
    }
}

fn response_open(scheme: &LoweredScheme, v_m: f64, ligands: &[f64]) -> Result<f64, ResponseError> {
    let p = scheme.rest(v_m, ligands)?;
    Ok(response::dot(&p, scheme.weights(observable::OPEN)))
}
