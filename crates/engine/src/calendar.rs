//! What is to come, in order of time: days of one length, each put into order when it begins.

use serde::{Deserialize, Serialize};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Days that are kept apart.
pub(crate) const DAYS: usize = 512;

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event<W> {
    /// ms
    pub at: f64,
    /// For ties, and for its draws.
    pub serial: u64,
    /// What happens.
    pub what: W,
}

impl<W: PartialEq> Eq for Event<W> {}

impl<W: PartialEq> PartialOrd for Event<W> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<W: PartialEq> Ord for Event<W> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.total_cmp(&other.at).then(self.serial.cmp(&other.serial))
    }
}

/// Events to come.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "W: Serialize + PartialEq", deserialize = "W: Deserialize<'de> + PartialEq"))]
pub(crate) struct Calendar<W> {
    /// Length of a day, ms.
    day: f64,
    today: u64,
    /// What was to come when today began, the next last; and what came to it since.
    now: Vec<Event<W>>,
    since: BinaryHeap<Reverse<Event<W>>>,
    days: Vec<Vec<Event<W>>>,
    later: Vec<Event<W>>,
    /// How many there are.
    waiting: u64,
}

/// The order of what is to come today is that of time, however it is kept.
impl<W: PartialEq + Copy> PartialEq for Calendar<W> {
    fn eq(&self, other: &Self) -> bool {
        let today = |c: &Self| {
            let mut all = c.now.clone();
            all.extend(c.since.iter().map(|e| e.0));
            all.sort_unstable();
            all
        };
        (self.day, self.today, &self.days, &self.later) == (other.day, other.today, &other.days, &other.later)
            && today(self) == today(other)
    }
}

impl<W: PartialEq + Copy> Calendar<W> {
    /// From a time on, ms.
    pub fn new(day: f64, from: f64) -> Self {
        Self {
            day,
            today: (from / day) as u64,
            now: Vec::new(),
            since: BinaryHeap::new(),
            days: vec![Vec::new(); DAYS],
            later: Vec::new(),
            waiting: 0,
        }
    }

    /// Whether nothing is to come.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Goes on to a time, as nothing is to come.
    pub fn skip(&mut self, to: f64) {
        self.today = self.day(to);
    }

    /// The end of what is kept day by day, ms.
    #[inline(always)]
    pub fn horizon(&self) -> f64 {
        (self.today + DAYS as u64) as f64 * self.day
    }

    /// Number of today.
    #[inline(always)]
    pub fn today(&self) -> u64 {
        self.today
    }

    /// Number of the day that a time lies in; today if that is past.
    #[inline(always)]
    pub fn day(&self, at: f64) -> u64 {
        ((at / self.day) as u64).max(self.today)
    }

    #[inline(always)]
    pub fn add(&mut self, event: Event<W>) {
        self.waiting += 1;
        self.sort_in(event);
    }

    #[inline(always)]
    fn sort_in(&mut self, event: Event<W>) {
        let day = self.day(event.at);
        if day == self.today {
            self.since.push(Reverse(event));
        } else if day < self.today + DAYS as u64 {
            self.days[day as usize % DAYS].push(event);
        } else {
            self.later.push(event);
        }
    }

    /// The next event at `until` or before, if there is one.
    #[inline(always)]
    pub fn next(&mut self, until: f64) -> Option<Event<W>> {
        loop {
            let sudden = match (self.now.last(), self.since.peek()) {
                (Some(a), Some(Reverse(b))) => b < a,
                (None, Some(_)) => true,
                _ => false,
            };
            let next = if sudden { self.since.peek().map(|e| e.0.at) } else { self.now.last().map(|e| e.at) };
            if let Some(at) = next {
                if at > until {
                    return None;
                }
                self.waiting -= 1;
                return if sudden { self.since.pop().map(|e| e.0) } else { self.now.pop() };
            }
            if self.day(until) == self.today {
                return None;
            }
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.today += 1;
        self.now.append(&mut self.days[self.today as usize % DAYS]);
        self.now.sort_unstable_by(|a, b| b.cmp(a));
        if self.today.is_multiple_of(DAYS as u64 / 2) && !self.later.is_empty() {
            std::mem::take(&mut self.later).into_iter().for_each(|event| self.sort_in(event));
        }
    }

    /// When the next event is, if there is one.
    pub fn first(&self) -> Option<f64> {
        let soonest = |events: &Vec<Event<W>>| events.iter().map(|e| e.at).min_by(f64::total_cmp);
        let ahead = || (1..DAYS as u64).find_map(|k| soonest(&self.days[(self.today + k) as usize % DAYS]));
        let today = [self.now.last().map(|e| e.at), self.since.peek().map(|e| e.0.at)];
        let today = today.into_iter().flatten().min_by(f64::total_cmp);
        today.or_else(ahead).or_else(|| soonest(&self.later))
    }
}
