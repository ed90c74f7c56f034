//! Models written as text, run, looked at. Every model is one of dotted keys, so that pieces can be put together.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use bouton::measure::{Look, Take, Trace, measure};
use bouton::recording::{Condition, Probe};
use bouton::simulation::{Batch, Cancel, Event, EventKind, Plan, Progress, Scratch, Traces, Work, run};
use engine::time::Tick;
use model::catalogue::Catalogue;
use model::diagnostic::Diagnostics;

/// Two-sided, at a false-alarm rate of 1e-6.
pub const Z: f64 = 4.892;

/// A bath and the tissue around.
pub const WORLD: &str = r#"
temperature = "22 degC"
solution.bath = { na = "140 mM", k = "3 mM", cl = "130 mM", ca = "2 mM", mg = "1 mM", hco3 = "24 mM" }
space.ecs = { volume_fraction = 0.2, tortuosity = 1.6, glial_membrane = "1.4 um2/um3" }
"#;

/// The Schaffer collateral synapse, onto a cell without dendrites.
pub const ON_POINT: &str = r#"
cell.receiver.membrane = { capacitance = "1 uF/cm2", area = "100 um2" }
cell.receiver.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" }
synapse.contact.from = "sender.axon"
synapse.contact.to   = "receiver.soma"
synapse.contact.use  = "synapse/ca1_spine"
"#;

/// Exactly one vesicle, always of the same content, at each spike.
pub const CERTAIN: &str = r#"
synapse.contact.without = ["terminal.sensor", "terminal.channel", "spine"]
synapse.contact.terminal.molecules_cv = 0
"#;

/// Its release machinery, and no spine.
pub const RELEASING: &str = r#"
synapse.contact.without = ["spine"]
"#;

/// Held as if there were no series resistance.
pub const CLAMPED: &str = r#"
clamp.ideal = { at = "receiver.soma", hold = "-70 mV" }
"#;

/// What a text and what is said otherwise becomes; panics on any fault.
pub fn plans_of(catalogue: &Catalogue, text: &str, sets: &[&str]) -> Vec<Plan> {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let outcome = model::resolve::model_with("model.toml", text.into(), &sets, catalogue);
    assert!(!outcome.diagnostics.has_errors(), "{}", outcome.diagnostics.render(&outcome.sources, false));
    let mut faults = Diagnostics::default();
    let made: Vec<_> = outcome.resolved.iter().map(|r| bouton::lower::model(r, &mut faults)).collect();
    assert!(!faults.has_errors(), "{}", faults.render(&outcome.sources, false));
    made.into_iter().flatten().collect()
}

/// The plan of the file as it stands.
pub fn plan_with(text: &str, sets: &[&str]) -> Plan {
    plans_of(&Catalogue::embedded(), text, sets).remove(0)
}

/// The same, nothing said otherwise.
pub fn plan(text: &str) -> Plan {
    plan_with(text, &[])
}

/// All trials of a plan, and what it took.
pub fn ran(plan: Plan) -> (Condition, Work) {
    let outcome = run(&[plan], "", 2, &Progress::default(), &Cancel::new()).expect("a good run");
    let mut recording = outcome.recording;
    (recording.conditions.remove(0), outcome.work[0])
}

/// All trials of a text.
pub fn run_with(text: &str, sets: &[&str]) -> Condition {
    ran(plan_with(text, sets)).0
}

/// A trace that was asked for.
pub fn probe<'a>(c: &'a Condition, path: &str) -> &'a Probe {
    c.probes.iter().find(|p| p.path == path).unwrap_or_else(|| panic!("no probe `{path}`"))
}

/// The value of a mean trace at `ms`, which is one of its samples.
pub fn at(p: &Probe, ms: f64) -> f64 {
    p.mean[(ms / p.every).round() as usize]
}

/// A number of a trace, after `stimulus` ms.
pub fn take(values: &[f64], every: f64, stimulus: f64, what: Take) -> f64 {
    let look = Look { stimulus, ..Look::default() };
    measure(&Trace { dt_ms: every, start_ms: 0.0, values }, &look, what).unwrap_or(f64::NAN)
}

/// A number of a mean trace, after `stimulus` ms.
pub fn of_mean(c: &Condition, path: &str, stimulus: f64, what: Take) -> f64 {
    let p = probe(c, path);
    take(&p.mean, p.every, stimulus, what)
}

/// Largest value of a trace and its time, ms.
pub fn peak(values: &[f64], every: f64) -> (f64, f64) {
    let (k, v) = values.iter().enumerate().fold((0, f64::MIN), |best, (k, v)| if *v > best.1 { (k, *v) } else { best });
    (v, k as f64 * every)
}

/// Times of the fusions of a synapse, ms, by trial.
pub fn fusions(c: &Condition, synapse: &str) -> Vec<Vec<f64>> {
    let mut all = vec![Vec::new(); c.trials as usize];
    let name = format!("{synapse}.fusion");
    for e in c.events.iter().filter(|e| e.what == name) {
        all[e.trial as usize].push(e.at);
    }
    all
}

/// A batch on its way, with all that it left behind.
pub struct Going {
    pub batch: Batch,
    pub scratch: Scratch,
    pub traces: Traces,
    pub events: Vec<Event>,
    pub work: Work,
}

impl Going {
    /// Trials `first` and on, at time 0.
    pub fn new(plan: &Plan, first: u64, lanes: usize) -> Self {
        let batch = Batch::new(plan, first, lanes).expect("a batch");
        let (scratch, traces) = (Scratch::new(plan), Traces::new(plan));
        Self { batch, scratch, traces, events: Vec::new(), work: Work::default() }
    }

    /// On to `ms`.
    pub fn to(&mut self, plan: &Plan, ms: f64) {
        let until = Tick::from_ms(ms).expect("a time");
        let Self { batch, scratch, traces, events, work } = self;
        batch.advance(plan, scratch, until, traces, events, work).expect("a good step");
    }

    /// Steps, jumps and slots up to now.
    pub fn work(&self, plan: &Plan) -> Work {
        let mut all = self.work;
        all.add(&self.batch.terminal_work(plan));
        all
    }

    /// Fusions up to now.
    pub fn fused(&self) -> usize {
        self.events.iter().filter(|e| matches!(e.kind, EventKind::Fusion { .. })).count()
    }
}

/// Share of the difference.
pub fn off(a: f64, b: f64) -> f64 {
    (a - b).abs() / b.abs()
}
