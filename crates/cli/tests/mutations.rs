//! Ten thousand seeded mutations of good files: no panic, no hang, and each either resolves or says why not.

mod program;

use model::catalogue::Catalogue;
use model::diagnostic::{Diagnostics, Sources};
use program::{root, toml_files};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const MUTATIONS: usize = 10_000;
/// Every so many, the mutated text is an entry of the catalogue rather than a model.
const ENTRY_EVERY: usize = 4;
const SEED: u64 = 0x626f_7574_6f6e;
const EACH: Duration = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 1 });
/// Room for a machine that is busy with other tests.
const ALL: Duration = Duration::from_secs(if cfg!(debug_assertions) { 1200 } else { 120 });

/// SplitMix64 (Steele, Lea & Flood 2014): the same mutations on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

const NUMBERS: &[&str] = &[
    "0",
    "-0.0",
    "-1",
    "1e308",
    "-1e308",
    "1e-320",
    "1e999999999",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "0x7fffffffffffffff",
    "inf",
    "nan",
    "1_0",
    "1.",
    ".5",
    "1e",
    "00",
    "4294967296",
    "1e300",
    "0.1",
    "1e-300",
];
const UNITS: &[&str] = &[
    "ms",
    "mV",
    "nm",
    "/mM/ms",
    "/s",
    "degC",
    "K",
    "pS",
    "um2",
    "S/cm2",
    "",
    "%",
    "m",
    "M",
    "mv",
    "\u{b5}m",
    "um^-24",
    "ms^25",
    "degC^2",
    "1/(M*s)",
    "ohm*cm",
    "h",
    "s\u{207b}\u{b9}",
];
const PIECES: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\r\n",
    "\t",
    "\\u001b[2J",
    "\\",
    "\\u0000",
    "\u{1f9e0}",
    "\u{feff}",
    "e\u{301}",
    "\u{202e}",
    "^",
    "**",
    "-> ",
    "<->",
    "exp(",
    "exprelr(",
    "if(",
    "<",
    ")",
    "((((((((",
    "true",
    "1979-05-27T07:32:00Z",
    "{ value = ",
    "use = ",
    "without = [\"channel\"]",
    "condition.x.",
    "\u{0}",
    "v",
    "faraday",
    "temperature",
    "sqrt(",
    " / 0",
];

/// The pieces between which tokens are cut: words, numbers, signs.
fn tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let len = rest.find(|d| word(d) != word(c) || !word(c) && d != c).unwrap_or(rest.len()).max(c.len_utf8());
        out.push(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

fn mutate(text: &str, others: &[String], dice: &mut Dice) -> String {
    let mut text = text.to_owned();
    for _ in 0..=dice.below(4) {
        let mut parts: Vec<&str> =
            if dice.below(2) == 0 { text.split_inclusive('\n').collect() } else { tokens(&text) };
        if parts.is_empty() {
            return text;
        }
        let (a, b) = (dice.below(parts.len()), dice.below(parts.len()));
        text = match dice.below(12) {
            0 => {
                let mut bytes = text.clone().into_bytes();
                for _ in 0..=dice.below(8) {
                    let i = dice.below(bytes.len());
                    bytes[i] ^= 1 << dice.below(8);
                }
                // What is not UTF-8 is refused before it is parsed.
                String::from_utf8_lossy(&bytes).into_owned()
            }
            1 => {
                parts.drain(a..(a + 1 + dice.below(8)).min(parts.len()));
                parts.concat()
            }
            2 => {
                let copy: Vec<&str> = parts[a..(a + 1 + dice.below(8)).min(parts.len())].to_vec();
                parts.splice(b..b, copy);
                parts.concat()
            }
            3 => {
                parts.swap(a, b);
                parts.concat()
            }
            4 | 5 => {
                let numbers: Vec<usize> =
                    (0..parts.len()).filter(|&i| parts[i].starts_with(|c: char| c.is_ascii_digit())).collect();
                if let Some(&i) = numbers.get(dice.below(numbers.len())) {
                    parts[i] = dice.of(NUMBERS);
                }
                parts.concat()
            }
            6 | 7 => {
                let units: Vec<usize> = (0..parts.len()).filter(|&i| UNITS.contains(&parts[i])).collect();
                if let Some(&i) = units.get(dice.below(units.len())) {
                    parts[i] = dice.of(UNITS);
                }
                parts.concat()
            }
            8 => {
                let mut at = dice.below(text.len());
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                text[..at].to_owned()
            }
            9 => {
                let other = &others[dice.below(others.len())];
                let lines: Vec<&str> = other.split_inclusive('\n').collect();
                let from = dice.below(lines.len());
                format!("{}{}", parts[..a].concat(), lines[from..].concat())
            }
            10 => {
                let times = [1, 2, 50, 3000][dice.below(4)];
                let piece = dice.of(PIECES).repeat(times);
                parts.splice(a..a, [piece.as_str()]);
                parts.concat()
            }
            _ => {
                parts[a] = dice.of(PIECES);
                parts.concat()
            }
        };
    }
    text
}

fn try_model(text: &str, catalogue: &Catalogue) -> bool {
    let outcome = model::resolve::model("mutated.toml", text.into(), catalogue);
    renders(&outcome.diagnostics, &outcome.sources, text.len());
    assert_eq!(outcome.resolved.is_empty(), outcome.diagnostics.has_errors(), "a file resolves or has an error");
    for r in &outcome.resolved {
        assert!(r.temperature.is_finite() && !r.values.is_empty());
        r.values.iter().for_each(|v| drop(bouton::listing::to_json(v)));
    }
    !outcome.resolved.is_empty()
}

fn try_entry(name: &str, text: &str, folder: &std::path::Path) -> bool {
    let path = folder.join(format!("{name}.toml"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    let mut catalogue = Catalogue::embedded();
    if let Err(refused) = catalogue.overlay(folder) {
        renders(&refused, &Sources::default(), 0);
        return false;
    }
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let entry = catalogue.entry(name, &mut sources, &mut out);
    assert_eq!(entry.is_none(), out.has_errors(), "an entry is read or has an error");
    if let Some(entry) = &entry {
        for kelvin in [263.15, entry.temperature, 310.15] {
            let part = model::resolve::part(entry, kelvin, &entry.body.without_fields(), &sources, &mut out);
            part.values.iter().for_each(|v| drop(bouton::listing::to_json(v)));
        }
    }
    renders(&out, &sources, text.len());
    entry.is_some()
}

fn renders(out: &Diagnostics, sources: &Sources, length: usize) {
    for colour in [true, false] {
        let shown = out.render(sources, colour);
        assert!(shown.is_empty() == out.0.is_empty());
        assert!(
            !shown.replace("\u{1b}[", "").contains('\u{1b}') && !shown.contains("\u{1b}[2J"),
            "a control sequence of the file reaches the terminal"
        );
    }
    drop(out.to_json(sources));
    for d in &out.0 {
        assert!(!d.message.is_empty());
        for s in d.span.iter().filter(|s| sources.name(s.file).contains("mutated")) {
            assert!(
                s.range.start <= s.range.end && s.range.end <= length.max(1),
                "{:?} of {length}: {}",
                s.range,
                d.message
            );
        }
    }
}

#[test]
fn ten_thousand_mutations_neither_panic_nor_hang() {
    let models: Vec<String> =
        toml_files(&root().join("examples")).iter().map(|p| std::fs::read_to_string(p).unwrap()).collect();
    let data = root().join("crates/catalogue/data");
    let names = [
        "receptor/ampa_jonas_1993",
        "receptor/nmda_kampa_2004",
        "channel/hh1952_na",
        "channel/cav2_1_li_2007",
        "sensor/lou_2005",
        "transporter/glt1",
        "buffer/egta",
        "block/mg_jahr_stevens_1990",
        "neuron/pospischil_rs",
    ];
    let entries: Vec<String> =
        names.iter().map(|n| std::fs::read_to_string(data.join(format!("{n}.toml"))).unwrap()).collect();
    let others: Vec<String> = models.iter().chain(&entries).cloned().collect();
    let next = AtomicUsize::new(0);
    let (resolved, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let started = Instant::now();
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    // What each worker is at, for the watchdog.
    type Watched = Mutex<Option<(Instant, Arc<str>)>>;
    let at: Vec<Watched> = (0..workers).map(|_| Mutex::new(None)).collect();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let failures: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let slowest = Mutex::new(Duration::ZERO);
    let left = AtomicUsize::new(workers);
    std::thread::scope(|scope| {
        for mine in &at {
            scope.spawn(|| {
                let catalogue = Catalogue::embedded();
                let folder = tempfile::tempdir().unwrap();
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= MUTATIONS {
                        left.fetch_sub(1, Ordering::Relaxed);
                        return;
                    }
                    let mut dice = Dice(SEED ^ (i as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
                    let entry = i.is_multiple_of(ENTRY_EVERY).then(|| dice.below(names.len()));
                    let base = entry.map_or_else(|| &models[dice.below(models.len())], |e| &entries[e]);
                    let text: Arc<str> = mutate(base, &others, &mut dice).into();
                    let begun = Instant::now();
                    *mine.lock().unwrap() = Some((begun, text.clone()));
                    let outcome = catch_unwind(AssertUnwindSafe(|| match entry {
                        Some(e) => try_entry(names[e], &text, folder.path()),
                        None => try_model(&text, &catalogue),
                    }));
                    *mine.lock().unwrap() = None;
                    let mut most = slowest.lock().unwrap();
                    *most = (*most).max(begun.elapsed());
                    match outcome {
                        Ok(true) => resolved.fetch_add(1, Ordering::Relaxed),
                        Ok(false) => refused.fetch_add(1, Ordering::Relaxed),
                        Err(e) => {
                            let why = e
                                .downcast_ref::<String>()
                                .map(String::as_str)
                                .or_else(|| e.downcast_ref::<&str>().copied())
                                .unwrap_or("?")
                                .to_owned();
                            failures.lock().unwrap().push(format!("mutation {i}: {why}\n{text}\n"));
                            0
                        }
                    };
                }
            });
        }
        scope.spawn(|| {
            while left.load(Ordering::Relaxed) > 0 {
                std::thread::sleep(Duration::from_millis(20));
                for (began, text) in at.iter().filter_map(|m| m.lock().unwrap().clone()) {
                    if began.elapsed() > EACH {
                        eprintln!("no end after {:?} with\n{text}", began.elapsed());
                        std::process::exit(101);
                    }
                }
            }
        });
    });
    std::panic::set_hook(hook);
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} mutations fail; the first:\n{}", failures.len(), failures[0]);
    let (resolved, refused) = (resolved.into_inner(), refused.into_inner());
    eprintln!(
        "{resolved} resolve, {refused} refused, slowest {:?}, all {:?}",
        slowest.into_inner().unwrap(),
        started.elapsed()
    );
    assert_eq!(resolved + refused, MUTATIONS);
    // A mutator that breaks everything, or nothing, tests nothing.
    assert!(resolved > MUTATIONS / 50 && refused > MUTATIONS / 2, "{resolved} resolve, {refused} are refused");
    assert!(started.elapsed() < ALL, "{:?}", started.elapsed());
}
