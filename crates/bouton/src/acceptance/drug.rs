//! Checks of drugs: the constant that is cited, found again by what the drug does to its target.

use super::{Measures, one};
use crate::lower::{Folded, LoweredScheme, observable, scheme};
use crate::response::{self, ResponseError};
use model::catalogue::{Action, Catalogue, Entry, Mechanism};
use model::diagnostic::{Diagnostics, Sources};
use model::junction;
use model::pharmacology::{self, Drug};
use model::read::{Number, Read};
use model::resolve::{Part, part};
use model::units::Dimension;
use numerics::{bracket, math};
use std::sync::Arc;

/// A drug on one of its targets.
struct Assay<'a> {
    drug: &'a Part,
    target: Part,
    action: &'a Action,
    /// The target's ligand, if it has one.
    ligand: Option<usize>,
    v_m: f64,
}

/// Widest range of concentrations that is searched, mM.
const RANGE: (f64, f64) = (1e-12, 1e4);

/// Measures of a check of a drug.
pub(super) fn measure(
    entry: &Arc<Entry>,
    check: &Read,
    catalogue: &Catalogue,
    drug: &Part,
) -> Result<Measures, ResponseError> {
    let protocol = check.word("protocol").unwrap_or_default();
    let on = check.text("on").ok_or(ResponseError::Nothing("`on` is missing: the entry that the drug acts on"))?;
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let target = catalogue.entry(on, &mut sources, &mut out).ok_or(ResponseError::Nothing("`on` cannot be read"))?;
    let families: Vec<&str> = target.families().collect();
    let action = entry
        .actions
        .iter()
        .find(|a| a.targets.iter().any(|t| families.contains(&t.as_str())))
        .ok_or(ResponseError::Nothing("the drug does not act on that entry"))?;
    let ligand = match check.text("ligand") {
        Some(name) => Some(
            target
                .ligands()
                .iter()
                .position(|l| l == name)
                .ok_or(ResponseError::Nothing("`ligand` names no ligand of that entry"))?,
        ),
        None => None,
    };
    let placed = target.body.without_fields();
    let target = part(&target, target.temperature, &placed, &sources, &mut out);
    let number = |f: &str| check.number(f).map(Number::value);
    let assay = Assay { drug, target, action, ligand, v_m: number("v").unwrap_or(-70.0) };
    match protocol {
        "dose_ratio" => assay.dose_ratio(),
        "potency" => assay.potency(),
        "shift" => assay.shift(number("concentration").unwrap_or(0.0)),
        "inhibition" => assay.inhibition(number("concentration").unwrap_or(0.0)),
        "turnover" => assay.inhibitor(),
        "inactivation" => assay.inactivation(number("concentration")),
        _ => Err(ResponseError::Nothing("not a protocol for a drug")),
    }
}

impl Assay<'_> {
    fn drug(&self, concentration: f64) -> Drug<'_> {
        Drug { name: "drug", part: self.drug, concentration }
    }

    fn dosed(&self, concentration: f64) -> Result<Part, ResponseError> {
        let mut part = self.target.clone();
        pharmacology::dose(&mut part, &self.drug(concentration), &self.action.mechanism)
            .map_err(|e| ResponseError::Recipe(e.to_string()))?;
        Ok(part)
    }

    /// The dosed scheme with its own ligand, if it has one, as the only one.
    fn scheme(&self, concentration: f64) -> Result<LoweredScheme, ResponseError> {
        let part = self.dosed(concentration)?;
        let lowered = scheme(&part).map_err(|e| ResponseError::Recipe(e.to_string()))?;
        let mut held = vec![0.0; lowered.kinetics.ligands()];
        part.drugs.iter().for_each(|d| held[d.ligand] = d.concentration);
        let folded = Folded::new(&lowered, self.ligand, &held, self.v_m)?;
        Ok(LoweredScheme { kinetics: folded.kinetics, parameters: Vec::new(), temperature: lowered.temperature })
    }

    /// Open at equilibrium with the drug and `ligand` mM of the ligand.
    fn open(&self, drug: f64, ligand: f64) -> Result<f64, ResponseError> {
        if self.target.kind == "connexin" {
            let dosed = self.dosed(drug)?;
            return Ok(junction::steady(&dosed, self.v_m)?);
        }
        if self.target.scheme.is_none() {
            let part = self.dosed(drug)?;
            let mut open = 1.0;
            for gate in &part.gates {
                let g = response::gate_at(&part, gate, self.v_m, response::RESTING_CALCIUM)?;
                open *= math::powi(g.steady, g.count as i32);
            }
            return Ok(open);
        }
        let scheme = self.scheme(drug)?;
        let ligands: Vec<f64> = if self.ligand.is_some() { vec![ligand] } else { Vec::new() };
        Ok(response::dot(&scheme.rest(self.v_m, &ligands)?, scheme.weights(observable::OPEN)))
    }

    /// What the target does: what carries turns over, all else opens.
    fn does(&self, drug: f64, ligand: f64) -> Result<f64, ResponseError> {
        if self.target.body.body.table("transport").is_none() {
            return self.open(drug, ligand);
        }
        if self.ligand.is_none() {
            return Err(ResponseError::Nothing("`ligand` is missing: the substrate"));
        }
        response::uptake(&self.scheme(drug)?, 0, ligand, self.v_m)
    }

    /// The concentration in [`RANGE`] at which `f` crosses zero.
    fn crossing(f: impl Fn(f64) -> Result<f64, ResponseError>) -> Result<f64, ResponseError> {
        let (low, high) = (math::ln(RANGE.0), math::ln(RANGE.1));
        let found = bracket::root(|x| f(math::exp(x)).unwrap_or(f64::NAN), low, high, 1e-10)?;
        Ok(math::exp(found))
    }

    /// The ligand's concentration at which `share` of the opening by 1 mM without the drug is there with it.
    fn equally_open(&self, drug: f64, share: f64) -> Result<f64, ResponseError> {
        let wanted = share * self.open(0.0, 1.0)?;
        Self::crossing(|c| Ok(self.open(drug, c)? - wanted))
    }

    /// Gaddum and Schild: r - 1 = B / K_B, r the ratio of concentrations of equal effect.
    fn dose_ratio(&self) -> Result<Measures, ResponseError> {
        if self.ligand.is_none() {
            return Err(ResponseError::Nothing("`ligand` is missing: what the drug competes with"));
        }
        let alone = self.equally_open(0.0, 0.2)?;
        let mut dose = 1e-3;
        for _ in 0..24 {
            let ratio = self.equally_open(dose, 0.2)? / alone;
            if ratio > 100.0 {
                dose /= 10.0;
            } else if ratio < 2.0 {
                dose *= 10.0;
            } else {
                return Ok(vec![one("k_b", dose / (ratio - 1.0), Dimension::CONCENTRATION)]);
            }
        }
        Err(ResponseError::Nothing("the drug does not shift the ligand's effect"))
    }

    /// Equal effects of drug alone and ligand alone.
    fn potency(&self) -> Result<Measures, ResponseError> {
        let alone = self.equally_open(0.0, 0.2)?;
        let wanted = self.open(0.0, alone)?;
        let drug = Self::crossing(|c| Ok(self.open(c, 0.0)? - wanted))?;
        Ok(vec![one("k_ratio", drug / alone, Dimension::NONE)])
    }

    /// How many times less of the ligand opens as much in the presence of a drug.
    fn shift(&self, drug: f64) -> Result<Measures, ResponseError> {
        if self.ligand.is_none() {
            return Err(ResponseError::Nothing("`ligand` is missing: whose effect the drug shifts"));
        }
        let ratio = self.equally_open(0.0, 0.2)? / self.equally_open(drug, 0.2)?;
        Ok(vec![one("shift", ratio, Dimension::NONE)])
    }

    fn inhibition(&self, ligand: f64) -> Result<Measures, ResponseError> {
        let half = 0.5 * self.does(0.0, ligand)?;
        if half <= 0.0 {
            return Err(ResponseError::Nothing("nothing is open without the drug: a `concentration` of the ligand?"));
        }
        let ic50 = Self::crossing(|c| Ok(self.does(c, ligand)? - half))?;
        Ok(vec![one("ic50", ic50, Dimension::CONCENTRATION)])
    }

    /// K_m grows by 1 + I / K_i.
    fn inhibitor(&self) -> Result<Measures, ResponseError> {
        let k_m = |c: f64| Ok::<f64, ResponseError>(response::turnover(&self.scheme(c)?, 0, self.v_m)?.1);
        if self.ligand.is_none() {
            return Err(ResponseError::Nothing("`ligand` is missing: the substrate"));
        }
        let alone = k_m(0.0)?;
        let mut dose = 1e-3;
        for _ in 0..24 {
            let ratio = k_m(dose)? / alone;
            if ratio > 100.0 {
                dose /= 10.0;
            } else if ratio < 2.0 {
                dose *= 10.0;
            } else {
                return Ok(vec![one("k_i", dose / (ratio - 1.0), Dimension::CONCENTRATION)]);
            }
        }
        Err(ResponseError::Nothing("the drug does not compete with the substrate"))
    }

    fn inactivation(&self, concentration: Option<f64>) -> Result<Measures, ResponseError> {
        let Mechanism::Irreversible { k_on, .. } = &self.action.mechanism else {
            return Err(ResponseError::Nothing("the drug does not act irreversibly"));
        };
        let c = concentration.ok_or(ResponseError::Nothing("`concentration` is missing"))?;
        let drug = self.drug(c);
        let (mut far, left) = (1.0, |t: f64| drug.left_after(&self.action.mechanism, t) - 0.5);
        while left(far) > 0.0 {
            far *= 2.0;
            if far > 1e15 {
                return Err(ResponseError::Nothing("half of the target is never gone at that concentration"));
            }
        }
        let half = bracket::root(left, 0.0, far, 1e-9 * far)?;
        Ok(vec![one("rate", drug.value(k_on), Dimension::BINDING_RATE), one("half_time", half, Dimension::TIME)])
    }
}
