//! The page and the table of a made-up run: whole, escaped, the same every time. The page lies in the target folder's
//! `tmp/report.html` afterwards, to be looked at.

use bouton::recording::manifest::{Manifest, Run};
use bouton::recording::{Condition, Event, Fact, Measure, MeasureKind, Probe, ProbeKind, Recording, Role};
use bouton::report;
use model::catalogue::Catalogue;
use model::resolve::{self, Resolved};
use numerics::math::{exp, pow};

const MODEL: &str = include_str!("../../../examples/glutamate_spine.toml");

/// Numbers that look like luck: the same every time.
struct Luck(u64);

impl Luck {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

fn sampled(every: f64, duration: f64, f: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..=(duration / every).round() as usize).map(|k| f(k as f64 * every)).collect()
}

/// A difference of exponentials that begins at `start`, with a peak of about `size`.
fn bump(t: f64, start: f64, rise: f64, decay: f64, size: f64) -> f64 {
    let s = t - start;
    if s <= 0.0 {
        return 0.0;
    }
    let at = rise * decay / (decay - rise) * numerics::math::ln(decay / rise);
    size * (exp(-s / decay) - exp(-s / rise)) / (exp(-at / decay) - exp(-at / rise))
}

fn mean_of(all: &[(u64, Vec<f64>)]) -> (Vec<f64>, Vec<f64>) {
    let n = all.len() as f64;
    let at = |k: usize| all.iter().map(move |t| t.1[k]);
    let mean: Vec<f64> = (0..all[0].1.len()).map(|k| at(k).sum::<f64>() / n).collect();
    let sd = |k: usize| (at(k).map(|v| (v - mean[k]) * (v - mean[k])).sum::<f64>() / (n - 1.0)).sqrt();
    let sd = (0..mean.len()).map(sd).collect();
    (mean, sd)
}

struct Kind {
    name: &'static str,
    celsius: f64,
    p: f64,
    slow: f64,
    docked: usize,
}

fn condition(kind: &Kind, duration: f64, trials: u64) -> Condition {
    let mut luck = Luck(kind.name.len() as u64 + 7);
    let spikes = [50.0, 100.0];
    let mut events = Vec::new();
    let mut glutamate = Vec::new();
    let mut current = Vec::new();
    let mut voltage = Vec::new();
    let mut open = Vec::new();
    let mut measures: Vec<Vec<f64>> = vec![Vec::new(); 5];
    for trial in 0..trials {
        let mut releases = Vec::new();
        for spike in spikes {
            for slot in 0..kind.docked {
                if luck.next() < kind.p {
                    let at = spike + 0.6 * kind.slow - 0.25 * kind.slow * numerics::math::ln(luck.next() + 1e-9);
                    releases.push((at, slot, 0.7 + 0.6 * luck.next()));
                }
            }
        }
        releases.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at, slot, _) in &releases {
            events.push(Event { trial, at: *at, what: "contact.fusion".into(), index: *slot as u32 });
        }
        let pulse = |t: f64| {
            releases.iter().filter(|r| t >= r.0).map(|r| r.2 * 2.5 / pow(1.0 + (t - r.0) / 0.05, 1.3)).sum::<f64>()
        };
        let epsc =
            |t: f64| releases.iter().map(|r| bump(t, r.0, 0.2 * kind.slow, 1.6 * kind.slow, -11.0 * r.2)).sum::<f64>();
        let noise: Vec<f64> = (0..=(duration / 0.1) as usize).map(|_| 0.4 * luck.normal()).collect();
        glutamate.push((trial, sampled(0.01, duration, |t| pulse(t) + 1e-6)));
        let trace: Vec<f64> = sampled(0.1, duration, epsc).iter().zip(&noise).map(|(a, b)| a + b).collect();
        open.push((trial, sampled(0.1, duration, |t| (-epsc(t) / 0.7).round())));
        voltage.push((
            trial,
            sampled(0.1, duration, |t| {
                -70.0 + releases.iter().map(|r| bump(t, r.0, 1.0, 12.0 * kind.slow, 0.9 * r.2)).sum::<f64>()
            }),
        ));
        let peak = trace[500..1000].iter().fold(0.0f64, |a, b| a.min(*b));
        let failed = !releases.iter().any(|r| r.0 < 100.0);
        let or = |v: f64| if failed { f64::NAN } else { v };
        for (all, v) in measures.iter_mut().zip([
            peak,
            or(0.24 * kind.slow + 0.03 * luck.normal()),
            or(1.7 * kind.slow + 0.2 * luck.normal()),
            or(peak * 1.9 * kind.slow),
            f64::from(u8::from(failed)),
        ]) {
            all.push(v);
        }
        current.push((trial, trace));
    }
    let named = |quantity: &str, unit: &str, values: &[f64], kind| Measure {
        name: "epsc".into(),
        of: "clamp.vc.current".into(),
        quantity: quantity.into(),
        unit: unit.into(),
        values: values.to_vec(),
        kind,
    };
    let quantities = [("amplitude", "pA"), ("rise_20_80", "ms"), ("decay", "ms"), ("charge", "fC"), ("failures", "")];
    let measures: Vec<Measure> = quantities
        .iter()
        .zip(&measures)
        .map(|((q, u), v)| named(q, u, v, if u.is_empty() { MeasureKind::Proportion } else { MeasureKind::Mean }))
        .collect();
    let calcium = sampled(0.01, duration, |t| {
        let spike = |at: f64| bump(t, at + 0.2, 0.15 * kind.slow, 0.25 * kind.slow, 0.025);
        5e-5 + spikes.iter().map(|s| spike(*s) + bump(t, s + 0.2, 0.3, 40.0, 4e-4)).sum::<f64>()
    });
    let probe = |path: &str, unit, every, role, trials: Vec<(u64, Vec<f64>)>, keep: usize| {
        let (mean, sd) = mean_of(&trials);
        let trials = trials.into_iter().take(keep).collect();
        Probe { path: path.into(), unit, every, kind: ProbeKind::Asked, role, mean, sd, trials, groups: vec![] }
    };
    let desensitised = open.iter().map(|(n, y)| (*n, y.iter().map(|v| 0.6 * v).collect())).collect();
    Condition {
        trees: Vec::new(),
        clefts: Vec::new(),
        swept: None,
        name: kind.name.into(),
        temperature: kind.celsius + 273.15,
        trials_asked: trials,
        trials,
        duration,
        populations: Vec::new(),
        coupled: Vec::new(),
        pipettes: vec!["vc holds soma of receiver at -70 mV through 10 Mohm".into()],
        probes: vec![
            Probe {
                path: "contact.terminal.calcium".into(),
                unit: "mM",
                every: 0.01,
                kind: ProbeKind::Automatic,
                role: Role::Calcium,
                mean: calcium,
                sd: Vec::new(),
                trials: Vec::new(),
                groups: Vec::new(),
            },
            probe("contact.cleft.glutamate", "mM", 0.01, Role::Cleft, glutamate, 12),
            probe("contact.ampa.open", "", 0.1, Role::Receptor, open, 12),
            probe("contact.ampa.desensitised", "", 0.1, Role::Receptor, desensitised, 12),
            probe("clamp.vc.current", "pA", 0.1, Role::Current, current, 12),
            probe("receiver.soma.v_m", "mV", 0.1, Role::Voltage, voltage, 12),
        ],
        events,
        measures,
        facts: vec![
            Fact {
                name: "release probability".into(),
                value: kind.p,
                low: 0.8 * kind.p,
                high: 1.15 * kind.p,
                unit: String::new(),
                note: "of a docked vesicle, at the first spike".into(),
                ..Fact::default()
            },
            Fact {
                name: "paired-pulse ratio".into(),
                value: 1.12,
                low: 1.01,
                high: 1.24,
                unit: String::new(),
                note: "second over first mean amplitude".into(),
                ..Fact::default()
            },
        ],
    }
}

fn made_up(conditions: usize) -> Recording {
    let kinds = [
        Kind { name: "", celsius: 34.0, p: 0.2, slow: 1.0, docked: 8 },
        Kind { name: "room", celsius: 22.0, p: 0.14, slow: 2.2, docked: 8 },
        Kind { name: "one_vesicle", celsius: 34.0, p: 0.3, slow: 1.0, docked: 1 },
    ];
    Recording {
        title: "A glutamate synapse onto a pyramidal cell, warm and at room temperature".into(),
        conditions: kinds[..conditions].iter().map(|k| condition(k, 400.0, 60)).collect(),
        partial: None,
    }
}

fn manifest() -> Manifest {
    Manifest {
        version: "0.1.0".into(),
        model_name: "examples/glutamate_spine.toml".into(),
        model_text: MODEL.into(),
        seed: 7,
        trials: Some(60),
        overrides: vec!["synapse.contact.terminal.docked=8".into()],
        catalogues: Vec::new(),
        entries: Default::default(),
        morphologies: Default::default(),
        run: Run::default(),
    }
}

fn resolved(catalogue: &Catalogue) -> Vec<Resolved> {
    let outcome = resolve::model("examples/glutamate_spine.toml", MODEL.into(), catalogue);
    assert!(!outcome.diagnostics.has_errors(), "the example is well formed");
    outcome.resolved
}

#[test]
fn the_page_is_whole_and_the_same_every_time() {
    let catalogue = Catalogue::embedded();
    let (r, resolved) = (made_up(3), resolved(&catalogue));
    let page = report::html(&r, &resolved, &catalogue, &manifest());
    assert!(page == report::html(&r, &resolved, &catalogue, &manifest()), "the same bytes");
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("report.html"), &page).unwrap();
    let one = report::html(&made_up(1), &resolved, &catalogue, &manifest());
    std::fs::write(folder.join("report_one.html"), &one).unwrap();
    for m in r.conditions.iter().flat_map(|c| &c.measures) {
        assert!(page.contains(&m.path()), "{}", m.path());
    }
    for c in &r.conditions {
        assert!(
            page.contains(c.shown()) && page.contains(&c.facts[0].name) && page.contains(&c.facts[1].note),
            "{}",
            c.shown()
        );
    }
    assert!(page.contains("34\u{a0}°C") && page.contains("22\u{a0}°C"));
    assert!(page.contains("Assumed values") && page.contains("Schneggenburger"));
    assert!(page.contains("bouton run model.toml --seed 7 --trials 60 --set synapse.contact.terminal.docked=8"));
    for (words, figures) in [(&page, 10), (&one, 10)] {
        let count = words.matches("<figure>").count();
        assert!(count >= figures, "{count} figures");
        assert_eq!(count, words.matches("viewBox=\"0 0 520 300\"").count());
    }
    // Nothing is fetched, nothing is run.
    for bad in ["<script", "<link", "<img", "@import", "url(http", "src="] {
        assert!(!page.contains(bad), "{bad}");
    }
    // Every clip has a name of its own, or one figure would cut another.
    let mut clips: Vec<&str> = page.split("<clipPath id=\"").skip(1).filter_map(|s| s.split('"').next()).collect();
    let count = clips.len();
    clips.sort_unstable();
    clips.dedup();
    assert_eq!(count, clips.len());
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    // A dagger at every assumed value; a path and a caption at every figure.
    assert!(page.contains("\u{a0}\u{2020}"));
    assert_eq!(page.matches("<figcaption></figcaption>").count(), 0);
}

/// Conditions that share their luck: what is the same is drawn and said once.
#[test]
fn what_all_conditions_agree_on_is_said_once() {
    let catalogue = Catalogue::embedded();
    let mut r = made_up(1);
    let mut other = r.conditions[0].clone();
    other.name = "other".into();
    let facts = |k: f64| {
        let fact = |name: &str, value: f64, low, high, unit: &str| Fact {
            name: name.into(),
            value,
            low,
            high,
            unit: unit.into(),
            note: "of what was released".into(),
            ..Fact::default()
        };
        vec![
            fact("contact: glutamate diffused away", 4.26, f64::NAN, f64::NAN, "%"),
            fact("contact: glutamate taken up by glt1", 72.391, f64::NAN, f64::NAN, "%"),
            fact("contact: release probability", 0.23, 0.177, 0.293, ""),
            fact("contact: jitter", 0.3 * k, 0.29 * k, 0.31 * k, "ms"),
        ]
    };
    (r.conditions[0].facts, other.facts) = (facts(1.0), facts(2.0));
    let epsc = other.probes.iter_mut().find(|p| p.path == "clamp.vc.current").unwrap();
    epsc.mean.iter_mut().for_each(|v| *v *= 0.5);
    r.conditions.push(other);
    let text = report::terminal_summary(&r);
    for (words, times) in [("release probability", 1), ("0.23 ", 1), ("[0.18, 0.29]", 1), ("jitter", 2), ("72.4 %", 1)]
    {
        assert_eq!(text.matches(words).count(), times, "{words}\n{text}");
    }
    // Release, then measures, then where the transmitter went.
    let at = |words: &str| text.find(words).unwrap();
    assert!(at("release probability") < at("epsc.amplitude") && at("epsc.amplitude") < at("diffused away"));
    let page = report::html(&r, &[], &catalogue, &manifest());
    let figure = |path: &str| {
        let found = page.split("<figure>").find(|f| f.contains(&format!("<p class=\"path\">{path}</p>")));
        found.unwrap_or_else(|| panic!("{path}")).to_owned()
    };
    let (cleft, current) = (figure("contact.cleft.glutamate"), figure("clamp.vc.current"));
    assert!(cleft.contains("The same in all conditions") && !cleft.contains("class=\"legend\""));
    assert!(!current.contains("The same in all conditions") && current.contains("class=\"legend\""));
    assert!(page.contains("60 trials, one action potential released at least one vesicle in 14 (23 %"));
}

/// A page of a thousand trials stays small and quick to make.
#[test]
fn a_thousand_trials_make_no_larger_a_page() {
    let kind = Kind { name: "", celsius: 34.0, p: 0.2, slow: 1.0, docked: 8 };
    let of = |trials| Recording { conditions: vec![condition(&kind, 150.0, trials)], ..Recording::default() };
    let page = |r: &Recording| report::html(r, &[], &Catalogue::embedded(), &manifest());
    let (few, many) = (page(&of(60)), page(&of(1000)));
    assert!(many.len() < 1_000_000 && many.len() < 2 * few.len(), "{} {}", few.len(), many.len());
}

#[test]
fn what_comes_from_files_is_escaped() {
    let mut r = made_up(2);
    let evil = "<script>alert(\"1\")</script>&'";
    r.title = evil.into();
    r.partial = Some(evil.into());
    for c in &mut r.conditions {
        c.name.push_str(evil);
        c.probes[2].path = evil.into();
        c.measures[0].name = evil.into();
        c.measures[0].unit = evil.into();
        c.events[0].what = format!("{evil}.fusion");
        c.facts[0].note = evil.into();
    }
    let mut m = manifest();
    m.model_name = evil.into();
    m.overrides.push(evil.into());
    let page = report::html(&r, &[], &Catalogue::embedded(), &m);
    assert!(!page.contains("<script"));
    assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)"));
}

#[test]
fn odd_recordings_make_a_page_too() {
    let catalogue = Catalogue::embedded();
    let empty = Recording::default();
    assert!(report::html(&empty, &[], &catalogue, &manifest()).ends_with("</html>\n"));
    let probe = |y: Vec<f64>, role| Probe { path: "a.b".into(), every: 0.5, role, mean: y, ..Probe::default() };
    let roles = [Role::Calcium, Role::Release, Role::Cleft, Role::Receptor, Role::Current, Role::Voltage, Role::Other];
    for y in [vec![], vec![f64::NAN; 9], vec![0.0; 9], vec![-3.0], vec![f64::INFINITY, 1.0, 2.0], vec![1e300, -1e300]] {
        for role in roles {
            let c =
                Condition { duration: 4.0, trials: 1, probes: vec![probe(y.clone(), role)], ..Condition::default() };
            let r = Recording { conditions: vec![c], ..Recording::default() };
            assert!(report::html(&r, &[], &catalogue, &manifest()).ends_with("</html>\n"), "{y:?} {role:?}");
        }
    }
    let failing = Measure { quantity: "amplitude".into(), values: vec![0.0, f64::NAN, 0.0], ..Measure::default() };
    let event = Event { what: "x.fusion".into(), at: 0.0, ..Event::default() };
    let c = Condition { measures: vec![failing], events: vec![event], ..Condition::default() };
    let r = Recording { conditions: vec![c], ..Recording::default() };
    assert!(report::html(&r, &[], &catalogue, &manifest()).ends_with("</html>\n"));
}

#[test]
fn the_table_for_the_terminal_is_aligned_and_says_all() {
    let mut r = made_up(2);
    r.partial = Some("interrupted".into());
    r.conditions[1].trials_asked = 200;
    let text = report::terminal_summary(&r);
    println!("{text}");
    for m in &r.conditions[0].measures {
        assert_eq!(text.matches(&m.path()).count(), 2, "{}", m.path());
    }
    assert!(text.contains("as written: 34 degC, 60 trials of 400 ms"));
    assert!(text.contains("room: 22 degC, 60 of 200 trials of 400 ms"));
    assert!(text.contains("not whole: interrupted"));
    assert!(text.contains(" pA ") && text.contains(" fC ") && text.contains("95 %"));
    let opens: Vec<usize> = text.lines().filter_map(|l| l.find('[')).collect();
    assert!(opens.len() >= 10 && opens.iter().all(|o| *o == opens[0]), "{opens:?}");
    assert!(text.lines().all(|l| l.chars().count() <= 100), "100 columns");
    assert!(text.lines().all(|l| l == l.trim_end()));
}
