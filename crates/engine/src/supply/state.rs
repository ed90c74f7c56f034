//! A supply as it runs: steps of the grid, and vesicles that move, fuse and come back empty.

use super::plan::{Plan, Precursor, Source};
use crate::time::Tick;
use numerics::constants::AVOGADRO;
use numerics::math;
use serde::{Deserialize, Serialize};

/// What went over the borders since the start, molecules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Left with vesicles that fused.
    pub released: f64,
    /// Put into the cytosol from what does not run dry.
    pub supplied: f64,
    /// Came back as transmitter.
    pub returned: f64,
    /// Precursor that was left outside by what splits the transmitter.
    pub left_outside: f64,
    /// Of that: washed away.
    pub washed_away: f64,
    /// Of that: taken up again.
    pub recaptured: f64,
    /// Precursor taken up that came from far away, net.
    pub taken_up: f64,
    /// Precursor that came from far away into the space, net.
    pub from_far: f64,
}

/// A supply's state: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The grid's last point.
    clock: Tick,
    /// Vesicles and molecules in each pool; of the docked pool the molecules stand in `sites`.
    counts: Vec<u32>,
    contents: Vec<f64>,
    /// Content of each docked vesicle, molecules.
    sites: Vec<Option<f64>>,
    /// Transmitter in the cytosol, precursor there, molecules.
    cytosol: f64,
    precursor: f64,
    /// Precursor outside, molecules: left by what was released, and all other.
    outside: [f64; 2],
    account: Account,
}

/// What is left of `from` when it exchanges with `to` for `h` ms at the rates `out` and `back`, /ms. The sum stays.
fn exchange(from: f64, to: f64, (out, back): (f64, f64), h: f64) -> f64 {
    let rate = out + back;
    if rate <= 0.0 {
        return from;
    }
    let settled = (from + to) * (back / rate);
    (from - settled).mul_add(math::exp(-rate * h), settled)
}

impl State {
    pub(super) fn new(plan: &Plan) -> Self {
        let of = &plan.of;
        let (docked, places) = of.docked;
        let mut contents: Vec<f64> = of.vesicles.iter().map(|&n| f64::from(n) * of.full).collect();
        contents[docked] = 0.0;
        let sites = (0..places).map(|s| (s < of.vesicles[docked] as usize).then_some(of.full)).collect();
        let other = if let Source::Made(p) = of.source { p.outside * p.volume * AVOGADRO } else { 0.0 };
        Self {
            clock: Tick::ZERO,
            counts: of.vesicles.clone(),
            contents,
            sites,
            cytosol: of.cytosol * plan.molar,
            precursor: plan.precursor(),
            outside: [0.0, other],
            account: Account::default(),
        }
    }

    /// Books since the start.
    #[must_use]
    pub fn account(&self) -> Account {
        self.account
    }

    /// In all vesicles, molecules.
    #[must_use]
    pub fn in_vesicles(&self) -> f64 {
        self.contents.iter().sum::<f64>() + self.sites.iter().flatten().sum::<f64>()
    }

    /// Content of each docked vesicle, molecules.
    #[must_use]
    pub fn docked(&self) -> &[Option<f64>] {
        &self.sites
    }

    /// Mean content of the docked vesicles, molecules; where none is docked, of those that may come next.
    #[must_use]
    pub fn content(&self, plan: &Plan) -> f64 {
        let docked = self.counts[plan.of.docked.0];
        if docked > 0 {
            return self.sites.iter().flatten().sum::<f64>() / f64::from(docked);
        }
        let waiting = (0..self.counts.len()).find(|&p| p != plan.of.fused && self.counts[p] > 0);
        waiting.map_or(0.0, |p| self.contents[p] / f64::from(self.counts[p]))
    }

    /// Transmitter in the cytosol, mM.
    #[must_use]
    pub fn cytosol(&self, plan: &Plan) -> f64 {
        self.cytosol / plan.molar
    }

    /// Precursor inside, mM.
    #[must_use]
    pub fn precursor(&self, plan: &Plan) -> f64 {
        self.precursor / plan.molar
    }

    /// Precursor in the space outside, mM.
    #[must_use]
    pub fn outside(&self, plan: &Plan) -> f64 {
        if let Source::Made(p) = plan.of.source {
            (self.outside[0] + self.outside[1]) / (p.volume * AVOGADRO)
        } else {
            0.0
        }
    }

    /// What does not add up, relative to all there ever was; rounding if all is well.
    #[must_use]
    pub fn defect(&self, plan: &Plan) -> f64 {
        let start = Self::new(plan);
        let here = |s: &Self| s.in_vesicles() + s.cytosol + s.precursor + s.outside[0] + s.outside[1];
        let a = &self.account;
        let there = here(&start) + a.supplied + a.returned + a.left_outside + a.from_far;
        ((here(self) + a.released + a.washed_away - there) / there).abs()
    }

    /// To the last point of the grid that is not after `to`. Where a run is cut shows in no bit.
    pub fn advance(&mut self, plan: &Plan, to: Tick) {
        while self.clock + plan.of.step <= to {
            self.step(plan);
            self.clock += plan.of.step;
        }
    }

    fn step(&mut self, plan: &Plan) {
        let h = plan.of.step.ms();
        self.fill(plan, h);
        match plan.of.source {
            Source::Held | Source::Returned { restored: None } => {}
            Source::Returned { restored: Some(_) } => {
                let rest = plan.of.cytosol * plan.molar;
                let now = (self.cytosol - rest).mul_add(plan.left.restored, rest);
                self.account.supplied += now - self.cytosol;
                self.cytosol = now;
            }
            Source::Made(p) => {
                self.make(plan, &p);
                self.take_up(plan, &p, h);
            }
        }
    }

    /// Vesicles and cytosol, for a denominator held. All vesicles lose the same share and gain the same amount.
    fn fill(&mut self, plan: &Plan, h: f64) {
        let of = &plan.of;
        let number: u32 = self.counts.iter().enumerate().filter(|(p, _)| *p != of.fused).map(|(_, n)| n).sum();
        let (share, k_m) = of.hindered;
        if number == 0 || share == 0.0 {
            return;
        }
        let number = f64::from(number);
        let speed = share * plan.fastest / (k_m + self.cytosol / plan.molar);
        let (inward, outward) = (speed / plan.molar, speed * of.cytosol / of.full);
        let before = self.in_vesicles();
        let kept = math::exp(-outward * h);
        let after = if of.source == Source::Held {
            let settled = number * of.full;
            (before - settled).mul_add(kept, settled)
        } else {
            exchange(before, self.cytosol, (outward, number * inward), h)
        };
        let gain = ((after - before * kept) / number).max(0.0);
        for (p, content) in self.contents.iter_mut().enumerate() {
            if p != of.fused && p != of.docked.0 {
                *content = content.mul_add(kept, f64::from(self.counts[p]) * gain);
            }
        }
        for content in self.sites.iter_mut().flatten() {
            *content = content.mul_add(kept, gain);
        }
        // What the vesicles truly took, rounding and all.
        let taken = self.in_vesicles() - before;
        if of.source == Source::Held {
            self.account.supplied += taken;
        } else {
            self.cytosol -= taken;
        }
    }

    /// Transmitter from precursor, and back: mass action, exact.
    fn make(&mut self, plan: &Plan, p: &Precursor) {
        let settled = (self.cytosol + self.precursor) / (1.0 + p.ratio);
        let made = (self.precursor - settled) * (1.0 - plan.left.synthesis);
        self.precursor -= made;
        self.cytosol += made;
    }

    /// Precursor through the membrane and out of the space, for a denominator held.
    fn take_up(&mut self, plan: &Plan, p: &Precursor, h: f64) {
        let there = p.volume * AVOGADRO;
        let [own, other] = self.outside;
        let all = own + other;
        let speed = p.uptake / (p.k_m + all / there);
        let back = speed * p.outside * p.ratio / (plan.of.cytosol * plan.molar);
        let net = all - exchange(all, self.precursor, (speed / there, back), h);
        self.precursor += net;
        // What comes out again is nobody's: choline of the terminal.
        let share = if net > 0.0 { own / all } else { 0.0 };
        let recaptured = net * share;
        self.outside = [own - recaptured, other - (net - recaptured)];
        self.account.recaptured += recaptured;
        self.account.taken_up += net - recaptured;
        let rest = p.outside * there;
        let [own, other] = self.outside;
        let kept = own * plan.left.washout;
        self.account.washed_away += own - kept;
        let settled = (other - rest).mul_add(plan.left.washout, rest);
        self.account.from_far += settled - other;
        self.outside = [kept, settled];
    }

    /// A vesicle went from pool to pool at `at`; `site`: where it docked, or had been docked. It takes its content along,
    /// from a pool the mean. Panics on a pool or site that is not there.
    pub fn moved(&mut self, plan: &Plan, at: Tick, (from, to): (usize, usize), site: Option<u32>) {
        self.advance(plan, at);
        let docked = plan.of.docked.0;
        let site = site.map(|s| s as usize);
        let content = match site {
            Some(site) if from == docked => self.sites[site].take().unwrap_or(0.0),
            _ => {
                let content = self.contents[from] / f64::from(self.counts[from].max(1));
                self.contents[from] = if self.counts[from] == 1 { 0.0 } else { self.contents[from] - content };
                content
            }
        };
        self.counts[from] = self.counts[from].saturating_sub(1);
        self.counts[to] += 1;
        match site {
            Some(site) if to == docked => self.sites[site] = Some(content),
            _ => self.contents[to] += content,
        }
    }

    /// The vesicle at a site fuses at `at`; molecules that leave with it. `size`: of its volume, relative to the mean; what
    /// a larger one holds beyond that is lent by all others, and what a smaller one lacks goes to them.
    pub fn fuse(&mut self, plan: &Plan, at: Tick, site: u32, size: f64) -> f64 {
        self.advance(plan, at);
        let content = self.sites[site as usize].take().unwrap_or(0.0);
        self.counts[plan.of.docked.0] = self.counts[plan.of.docked.0].saturating_sub(1);
        self.counts[plan.of.fused] += 1;
        let others = self.in_vesicles();
        let released = if others > 0.0 { (content * size).min(content + others) } else { content };
        if others > 0.0 && released != content {
            let scale = (others + (content - released)) / others;
            self.contents.iter_mut().chain(self.sites.iter_mut().flatten()).for_each(|c| *c *= scale);
        }
        self.account.released += released;
        released
    }

    /// Precursor that was left outside by `at`, molecules.
    pub fn left_outside(&mut self, plan: &Plan, at: Tick, molecules: f64) {
        self.advance(plan, at);
        self.outside[0] += molecules;
        self.account.left_outside += molecules;
    }

    /// Transmitter that came back by `at`, molecules.
    pub fn returned(&mut self, plan: &Plan, at: Tick, molecules: f64) {
        self.advance(plan, at);
        self.account.returned += molecules;
        if plan.of.source == Source::Held {
            self.account.supplied -= molecules;
        } else {
            self.cytosol += molecules;
        }
    }
}
