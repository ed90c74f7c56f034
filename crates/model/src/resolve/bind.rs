//! Names bound, and what must hold between fields.

use super::Resolver;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::read::Read;
use std::collections::{HashMap, HashSet};

/// Fields of a cell that has no membrane: what it does is given.
const GIVEN: [&str; 4] = ["times", "train", "rate", "course"];

/// Names of one kind.
pub(super) struct Names {
    pub list: Vec<String>,
    pub set: HashSet<String>,
}

impl Names {
    pub fn new<'a>(all: impl Iterator<Item = &'a str>) -> Self {
        let list: Vec<String> = all.map(str::to_owned).collect();
        let set = list.iter().cloned().collect();
        Self { list, set }
    }
}

/// What such a field gives.
fn given(field: &str) -> &'static str {
    match field {
        "times" => "given spike times",
        "train" => "a train of spikes",
        "rate" => "a rate of spikes",
        _ => "an imposed voltage",
    }
}

impl Resolver<'_> {
    pub(super) fn bind(&mut self, model: &Read) {
        let of = |table: &'static str| Names::new(model.named(table).iter().map(|(k, _)| k.name.as_str()));
        let (cells, clamps) = (of("cell"), of("clamp"));
        let synapses: HashMap<&str, &Read> = model.named("synapse").iter().map(|(k, s)| (k.name.as_str(), s)).collect();
        let spiking: HashSet<&str> = model
            .named("cell")
            .iter()
            .filter(|(_, c)| GIVEN.iter().any(|f| c.get(f).is_some()))
            .map(|(k, _)| k.name.as_str())
            .collect();
        for (key, _) in model.named("synapse") {
            if cells.set.contains(&key.name) {
                self.out.push(
                    Diagnostic::error(format!("`{}` is a cell and a synapse", key.name), key.span.clone())
                        .hint("paths such as a probe's `read` need them to differ"),
                );
            }
        }
        for (key, cell) in model.named("cell") {
            self.cell(&key.name, &key.span, cell);
        }
        for (key, synapse) in model.named("synapse") {
            self.place(synapse, "from", &cells, model);
            self.place(synapse, "to", &cells, model);
            self.transmitter(synapse);
            self.heard(&key.name, &key.span, synapse, model);
            let recipe = synapse.get("use").is_some();
            if !recipe
                && !["terminal", "cleft", "receptor", "conductance", "current", "junction"]
                    .iter()
                    .any(|f| synapse.get(f).is_some())
            {
                self.out.push(
                    Diagnostic::error(format!("synapse `{}` has no parts", key.name), key.span.clone()).hint(
                        "use = \"synapse/...\", a `terminal`, `cleft` and `receptor` of its own, or a `junction`",
                    ),
                );
            }
            self.plain(&key.name, synapse);
            self.junction(&key.name, synapse, model);
            self.between(&key.name, synapse, model);
            for (name, receptor) in synapse.named("receptor") {
                // Where each is says how many they are.
                if receptor.get("x").is_none() {
                    self.either(receptor, &name.name, &name.span, ["count", "density"], true);
                }
            }
            if let Some(terminal) = synapse.table("terminal") {
                for (name, channel) in terminal.named("channel") {
                    if let Some(span) = channel.span_of("permeability") {
                        let message = format!("`{}` is in a terminal, which counts its channels", name.name);
                        self.out.push(Diagnostic::error(message, span.clone()).hint("count = 20"));
                    }
                    for field in ["stochastic", "unitary"] {
                        if let Some(span) = channel.span_of(field) {
                            let message = format!("`{}` is in a terminal, where channels open one by one", name.name);
                            let hint = format!("leave `{field}` out: it is for the membrane of a neuron");
                            self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
                        }
                    }
                    self.either(channel, &name.name, &name.span, ["count", "density"], true);
                }
                if let Some(supply) = terminal.table("supply") {
                    self.supply(synapse, supply);
                }
                if let Some(extrusion) = terminal.table("extrusion") {
                    let has = |f: &str| extrusion.get(f).is_some();
                    if has("rate") == (has("v_max") || has("k_m")) || has("v_max") != has("k_m") {
                        self.out.push(
                            Diagnostic::error(
                                "extrusion has either a `rate`, or `v_max` and `k_m`",
                                extrusion.span.clone(),
                            )
                            .hint("e.g. extrusion = { rate = \"1 /ms\" }"),
                        );
                    }
                }
            }
            if let Some(pore) = synapse.table("cleft").and_then(|c| c.table("pore")) {
                self.pore(pore);
            }
        }
        self.messengers(model);
        for (key, clamp) in model.named("clamp") {
            self.place(clamp, "at", &cells, model);
            if let (Some(at), Some(span)) = (clamp.text("at"), clamp.span_of("at"))
                && let Some(cell) = Some(super::member(at).0).filter(|c| spiking.contains(c))
            {
                self.out.push(
                    Diagnostic::error(format!("`{cell}` only spikes: there is no membrane to clamp"), span.clone())
                        .hint("clamp a cell that has a `membrane`"),
                );
            }
            self.held(clamp, model);
            if let (Some(at), Some(span)) = (clamp.text("at"), clamp.span_of("at"))
                && ["hold", "noise", "conductance", "conductance_noise"].iter().any(|f| clamp.get(f).is_some())
            {
                self.many(at, span, model);
            }
            self.does_one_thing(&key.name, &key.span, clamp);
            if let (Some(start), Some(stop)) = (clamp.number("start"), clamp.number("stop"))
                && stop.value() <= start.value()
                && let Some(span) = clamp.span_of("stop")
            {
                let what = if clamp.get("conductance").is_some() { "conductance" } else { "current" };
                let message = format!("the {what} of `{}` stops before it starts", key.name);
                self.out.push(Diagnostic::error(message, span.clone()));
            }
        }
        for (field, table) in [("of", "measure"), ("read", "probe")] {
            for (_, m) in model.named(table) {
                self.observable(model, m, field, &synapses, &clamps);
            }
        }
    }

    /// A pipette holds a voltage, injects a current, or is a conductance.
    fn does_one_thing(&mut self, name: &str, span: &Span, clamp: &Read) {
        let kinds = ["hold", "current", "conductance"];
        let given: Vec<&str> = kinds.into_iter().filter(|f| clamp.get(f).is_some()).collect();
        if let [first, second, ..] = given[..] {
            let span = clamp.span_of(second).unwrap_or(span).clone();
            let message = format!("`{name}` has both `{first}` and `{second}`");
            self.out.push(Diagnostic::error(message, span).hint("give one of them"));
        }
        if given.is_empty() && clamp.get("noise").is_none() && clamp.get("conductance_noise").is_none() {
            let message = format!("`{name}` needs `hold`, `current` or `conductance`");
            self.out.push(Diagnostic::error(message, span.clone()));
        }
        for (noise, of, kind) in [("noise", "current", "current"), ("conductance_noise", "conductance", "conductance")]
        {
            let Some(span) = clamp.span_of(noise) else { continue };
            if let Some(other) = given.iter().find(|k| **k != kind) {
                let does = match *other {
                    "hold" => "holds a voltage",
                    "current" => "injects a current",
                    _ => "is a conductance",
                };
                let message = format!("`{name}` {does}, and noise is of a {of}");
                self.out
                    .push(Diagnostic::error(message, span.clone()).hint(format!("a second pipette with `{noise}`")));
            }
        }
        if let (Some(span), Some(_)) = (clamp.span_of("conductance_noise"), clamp.get("noise")) {
            let message = format!("`{name}` has noise of a current and of a conductance");
            self.out.push(Diagnostic::error(message, span.clone()).hint("two pipettes"));
        }
        let conducts = ["conductance", "conductance_noise"].iter().find_map(|f| clamp.span_of(f));
        match (conducts, clamp.span_of("reversal")) {
            (Some(span), None) => {
                let message = format!("the conductance of `{name}` has no reversal potential");
                self.out.push(Diagnostic::error(message, span.clone()).hint("reversal = \"0 mV\""));
            }
            (None, Some(span)) => {
                let message = format!("the `reversal` of `{name}` is that of no conductance");
                self.out.push(Diagnostic::error(message, span.clone()).hint("conductance = \"5 nS\""));
            }
            _ => {}
        }
    }

    fn cell(&mut self, name: &str, span: &Span, cell: &Read) {
        let sections = cell.named("section");
        let point = cell.get("point").is_some();
        self.point(name, cell);
        self.arranged(name, cell);
        let reconstructed = cell.get("morphology").is_some();
        let membrane = cell.get("membrane").is_some() || !sections.is_empty() || reconstructed || point;
        let imposed: Vec<(&str, &Span)> = GIVEN.into_iter().filter_map(|f| Some((f, cell.span_of(f)?))).collect();
        if !membrane && imposed.is_empty() && cell.get("use").is_none() {
            self.out.push(
                Diagnostic::error(format!("cell `{name}` has neither a membrane nor spike times"), span.clone())
                    .hint("use = \"neuron/...\", a `membrane`, or `times` or a `rate` for a sender that only spikes"),
            );
        }
        if membrane && let Some((field, place)) = imposed.first() {
            let (what, own) = (given(field), if point { "point neuron" } else { "membrane" });
            self.out.push(
                Diagnostic::error(format!("cell `{name}` has a {own} and {what}"), (*place).clone())
                    .hint(format!("a cell with `{field}` has no membrane: its voltage is given")),
            );
        }
        if let [(one, _), (other, second), ..] = imposed[..] {
            let message = format!("cell `{name}` has both {} and {}", given(one), given(other));
            self.out.push(Diagnostic::error(message, second.clone()).hint("give one of them"));
        }
        if let (true, None) = (reconstructed && imposed.is_empty(), cell.get("membrane")) {
            let d = Diagnostic::error(format!("`{name}` has a morphology, but no `membrane`"), span.clone());
            self.out.push(d.hint("membrane = { capacitance = \"1 uF/cm2\", axial_resistivity = \"150 ohm*cm\" }"));
        }
        if let Some(train) = cell.table("train") {
            self.either(train, &format!("{name}.train"), &train.span, ["rate", "interval"], true);
        }
        if let (Some(m), true) = (cell.table("membrane"), imposed.is_empty()) {
            let (area, d, l) = (m.get("area"), m.get("diameter"), m.get("length"));
            let said = area.is_some() || d.is_some() || l.is_some();
            if sections.is_empty()
                && !reconstructed
                && (area.is_some() == (d.is_some() || l.is_some()) || d.is_some() != l.is_some())
            {
                self.out.push(Diagnostic::error(
                    format!("the membrane of `{name}` needs its `area`, or `diameter` and `length`"),
                    m.span.clone(),
                ));
            }
            if !sections.is_empty() && said && !reconstructed {
                self.out.push(
                    Diagnostic::error(
                        format!("the membrane of `{name}` has a size, and so have its sections"),
                        m.span.clone(),
                    )
                    .hint("sizes of a cell with sections stand in the sections"),
                );
            }
            if let (true, Some(span)) = (reconstructed && said, cell.span_of("morphology")) {
                let message = format!("the membrane of `{name}` has a size, and so has its morphology");
                let d = Diagnostic::error(message, m.span.clone()).related(span.clone(), "here");
                self.out.push(d.hint("leave `area`, `diameter` and `length` out"));
            }
            if (sections.len() > 1 || reconstructed) && m.get("axial_resistivity").is_none() {
                let what = if reconstructed { "a morphology" } else { "sections" };
                self.out.push(
                    Diagnostic::error(format!("`{name}` has {what}, but no `axial_resistivity`"), m.span.clone())
                        .hint("e.g. membrane.axial_resistivity = \"150 ohm*cm\""),
                );
            }
        }
        self.placed(name, cell);
        if let Some(course) = cell.table("course")
            && let (Some(times), Some(voltages)) = (course.numbers("times"), course.numbers("voltages"))
        {
            if times.len() != voltages.len() || times.len() < 2 {
                self.out.push(
                    Diagnostic::error(
                        format!("the course of `{name}` has {} times and {} voltages", times.len(), voltages.len()),
                        course.span.clone(),
                    )
                    .hint("as many voltages as times, two at least"),
                );
            }
            for pair in times.windows(2) {
                if pair[1].value() <= pair[0].value()
                    && let Some(place) = &pair[1].span
                {
                    let message = format!("the course does not go on: {} after {}", pair[1].written, pair[0].written);
                    self.out.push(Diagnostic::error(message, place.clone()).hint("times ascend"));
                }
            }
        }
        for (key, channel) in cell.named("channel") {
            self.amount(channel, &key.name, &key.span);
        }
        self.pools(name, cell);
        if let Some(times) = cell.numbers("times") {
            for pair in times.windows(2) {
                if pair[1].value() <= pair[0].value()
                    && let Some(span) = &pair[1].span
                {
                    let same = pair[1].value() == pair[0].value();
                    let what = if same { "are the same" } else { "go back" };
                    self.out.push(
                        Diagnostic::error(
                            format!("spike times {what}: {} after {}", pair[1].written, pair[0].written),
                            span.clone(),
                        )
                        .hint(if same {
                            "a spike is written once"
                        } else {
                            "write them in order"
                        }),
                    );
                }
            }
        }
    }

    /// What brings transmitter or precursor back is there, and carries what it should.
    fn supply(&mut self, synapse: &Read, supply: &Read) {
        let clearance = Names::new(synapse.named("clearance").iter().map(|(k, _)| k.name.as_str()));
        let precursor = supply.table("precursor");
        let from = precursor.and_then(|p| Some((p.text("from")?.to_owned(), p.span_of("from")?.clone())));
        let returns = supply.texts("returns").iter().map(|(name, span)| (name.clone(), span.clone()));
        for (name, span) in returns.chain(from) {
            if !clearance.set.contains(name.as_str()) {
                self.unknown("clearance", &name, span, &clearance);
            }
        }
        if let (Some(_), Some(span)) = (precursor, supply.span_of("returns").or_else(|| supply.span_of("restored"))) {
            let message = "a supply is made from a precursor, or has what returns";
            self.out.push(Diagnostic::error(message, span.clone()).hint("give one of them"));
        } else if let (Some(span), None) = (supply.span_of("restored"), supply.get("returns")) {
            let message = "`restored` makes up for what does not come back, and nothing does";
            let hint = "returns = [\"...\"]; without it the cytosol is held as it is";
            self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
        }
        if let Some(filling) = supply.table("filling") {
            self.either(filling, "supply.filling", &filling.span, ["tau", "count"], true);
        }
        let transmitter = synapse.table("cleft").and_then(|c| c.text("transmitter")).map(str::to_owned);
        self.carries(
            supply.table("filling"),
            |substrate| transmitter.as_deref().is_none_or(|t| t == substrate),
            || format!("the cleft holds {}", transmitter.as_deref().unwrap_or_default()),
        );
        self.carries(
            precursor,
            |substrate| transmitter.as_deref() != Some(substrate),
            || "that is the transmitter, and no precursor".to_owned(),
        );
    }

    /// Whether a placed transporter carries what it should.
    fn carries(&mut self, placed: Option<&Read>, good: impl Fn(&str) -> bool, but: impl Fn() -> String) {
        let Some((used, span)) = placed.and_then(|p| Some((p.text("use")?.to_owned(), p.span_of("use")?.clone())))
        else {
            return;
        };
        let entry = self.entry(&used);
        let substrate = entry.as_ref().and_then(|e| e.body.table("transport")?.text("substrate"));
        if let Some(substrate) = substrate.filter(|s| !good(s)) {
            let message = format!("`{used}` carries {substrate}, but {}", but());
            self.out.push(Diagnostic::error(message, span).hint("another entry"));
        }
    }

    fn pore(&mut self, pore: &Read) {
        let needs: &[&str] = match pore.word("kind") {
            Some("first_order") => &["tau"],
            Some("expanding") => &["growth", "widest", "length", "volume", "diffusion"],
            Some(_) => &[],
            None => return,
        };
        let kind = pore.word("kind").unwrap_or_default();
        let missing: Vec<&str> = needs.iter().filter(|f| pore.get(f).is_none()).copied().collect();
        if !missing.is_empty() {
            let message = format!("a pore of kind `{kind}` needs {}", missing.join(", "));
            self.out.push(Diagnostic::error(message, pore.span.clone()));
        }
        for (field, span, _) in pore.iter() {
            if field != "kind"
                && !needs.contains(&field)
                && let Some(span) = span
            {
                let message = format!("a pore of kind `{kind}` has no `{field}`");
                self.out.push(Diagnostic::error(message, span.clone()).hint("another `kind`, or leave it out"));
            }
        }
    }

    /// Exactly one of two fields, or (not `needed`) at most one.
    pub(super) fn either(&mut self, read: &Read, name: &str, span: &Span, fields: [&str; 2], needed: bool) {
        let given = fields.map(|f| read.span_of(f));
        match given {
            [Some(_), Some(second)] => self.out.push(
                Diagnostic::error(format!("`{name}` has both `{}` and `{}`", fields[0], fields[1]), second.clone())
                    .hint("give one of them"),
            ),
            [None, None] if needed => self
                .out
                .push(Diagnostic::error(format!("`{name}` needs `{}` or `{}`", fields[0], fields[1]), span.clone())),
            _ => {}
        }
    }

    pub(super) fn unknown(&mut self, what: &str, name: &str, span: Span, known: &Names) {
        let few = |list: &[String]| list.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
        let hint = match if self.out.crowded() { None } else { nearest(name, &known.list) } {
            Some(n) => format!("did you mean `{n}`?"),
            None if known.list.is_empty() => format!("the file has no {what}"),
            None => format!("there is: {}", few(&known.list)),
        };
        self.out.push(Diagnostic::error(format!("no {what} is called `{name}`"), span).hint(hint));
    }

    /// Whether something receives what is released, and whether what sits on glia has any to sit on.
    fn heard(&mut self, name: &str, span: &Span, synapse: &Read, model: &Read) {
        let Some(transmitter) = synapse.table("cleft").and_then(|c| c.text("transmitter")) else { return };
        if synapse.named("receptor").is_empty() {
            let message = format!("nothing receives the {transmitter} of `synapse.{name}`: it has no receptor");
            let hint =
                "receptor.NAME = { use = \"receptor/...\", count = 80 }; `bouton catalogue list receptor` shows them";
            self.out.push(Diagnostic::warning(message, span.clone()).hint(hint));
        }
        let tissue = model.named("space").iter().find(|(k, _)| k.name == "ecs").map(|(_, s)| s);
        if tissue.is_some_and(|s| s.get("glial_membrane").is_some()) {
            return;
        }
        for (key, placed) in synapse.named("clearance") {
            let entry = placed.text("use").map(str::to_owned).and_then(|used| self.entry(&used));
            let own = entry.as_ref().and_then(|e| e.body.table("transport")).and_then(|t| t.word("on"));
            if placed.word("on").or(own) != Some("glia") {
                continue;
            }
            let message = format!("`synapse.{name}.clearance.{}` sits on glia, of which the model has none", key.name);
            let hint = match tissue {
                Some(_) => "space.ecs.glial_membrane = \"1.4 um2/um3\"",
                None => "space.ecs = { volume_fraction = 0.2, tortuosity = 1.6, glial_membrane = \"1.4 um2/um3\" }",
            };
            let at = placed.span_of("on").or_else(|| placed.span_of("use")).unwrap_or(&placed.span).clone();
            self.out.push(Diagnostic::warning(message, at).hint(hint));
        }
    }

    /// What is released must be what the receptors bind and the transporters carry.
    fn transmitter(&mut self, synapse: &Read) {
        let Some(transmitter) = synapse.table("cleft").and_then(|c| c.text("transmitter")) else { return };
        let transmitter = transmitter.to_owned();
        for (table, verb) in [("receptor", "binds"), ("clearance", "takes up")] {
            for (_, placed) in synapse.named(table) {
                let (Some(used), Some(span)) = (placed.text("use"), placed.span_of("use")) else { continue };
                let Some(entry) = self.entry(used) else { continue };
                let substrate = entry.body.table("transport").and_then(|t| t.text("substrate"));
                let ligands: Vec<&str> = match substrate {
                    Some(s) => vec![s],
                    None => entry.ligands().iter().map(String::as_str).collect(),
                };
                if !ligands.contains(&transmitter.as_str()) {
                    self.out.push(
                        Diagnostic::error(
                            format!("`{used}` {verb} {}, but the cleft holds {transmitter}", ligands.join(" and ")),
                            span.clone(),
                        )
                        .hint("change the cleft's `transmitter`, or use another entry"),
                    );
                }
            }
        }
    }
}
