//! What is to come, in order of time: days of one length, each put into order when it begins.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Days that are kept apart.
const DAYS: usize = 512;

/// Where a free molecule is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Whereabouts {
    /// In the cleft, um.
    Cleft([f64; 2]),
    /// In a shell of the tissue, whose rim it was last at.
    Shell(u32, [f64; 2]),
}

/// How many more molecules there are in the cleft, in the tissue, and in vesicles, from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Move {
    /// ms
    pub at: f64,
    pub cleft: i8,
    pub tissue: i8,
    pub vesicles: i8,
}

impl Move {
    /// Nothing yet.
    pub fn at(at: f64) -> Self {
        Self { at, cleft: 0, tissue: 0, vesicles: 0 }
    }
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum What {
    /// A molecule meets a site that might bind it, at a place.
    Meet { site: u32, at: Whereabouts },
    /// A molecule goes on from a place.
    Go { at: Whereabouts },
    /// A site does something by itself, unless it has changed since.
    Turn { site: u32, epoch: u32 },
    /// A molecule leaves a vesicle, there.
    Emerge { at: [f64; 2] },
    /// A molecule comes in from the far field.
    Arrive,
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    /// ms
    pub at: f64,
    /// For ties, and for its draws.
    pub serial: u64,
    pub what: What,
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.total_cmp(&other.at).then(self.serial.cmp(&other.serial))
    }
}

/// Events to come, and when molecules leave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calendar {
    /// Length of a day, ms.
    day: f64,
    /// Today.
    today: u64,
    /// What is still to come of it, the next last.
    now: Vec<Event>,
    days: Vec<Vec<Event>>,
    /// After the days.
    later: Vec<Event>,
    /// When molecules come and go, by day.
    moves: Vec<Vec<Move>>,
    /// How many events and moves are to come.
    waiting: u64,
}

impl Calendar {
    /// From a time on, ms.
    pub fn new(day: f64, from: f64) -> Self {
        Self {
            day,
            today: (from / day) as u64,
            now: Vec::new(),
            days: vec![Vec::new(); DAYS],
            later: Vec::new(),
            moves: vec![Vec::new(); DAYS],
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

    /// The end of what can be foreseen, ms.
    pub fn horizon(&self) -> f64 {
        (self.today + DAYS as u64) as f64 * self.day
    }

    fn day(&self, at: f64) -> u64 {
        ((at / self.day) as u64).max(self.today)
    }

    #[inline(always)]
    pub fn add(&mut self, event: Event) {
        self.waiting += 1;
        self.sort_in(event);
    }

    #[inline(always)]
    fn sort_in(&mut self, event: Event) {
        let day = self.day(event.at);
        if day == self.today {
            let place = self.now.partition_point(|e| *e > event);
            self.now.insert(place, event);
        } else if day < self.today + DAYS as u64 {
            self.days[day as usize % DAYS].push(event);
        } else {
            self.later.push(event);
        }
    }

    /// A molecule comes or goes, before the horizon.
    #[inline(always)]
    pub fn note(&mut self, one: Move) {
        self.waiting += 1;
        let day = self.day(one.at).min(self.today + DAYS as u64 - 1);
        self.moves[day as usize % DAYS].push(one);
    }

    /// The next event at `until` or before, if there is one.
    pub fn next(&mut self, until: f64) -> Option<Event> {
        loop {
            if let Some(event) = self.now.last() {
                if event.at > until {
                    return None;
                }
                self.waiting -= 1;
                return self.now.pop();
            }
            if self.day(until) == self.today {
                return None;
            }
            self.today += 1;
            // What moved yesterday was counted: its place is that of a new day.
            self.now.append(&mut self.days[self.today as usize % DAYS]);
            self.now.sort_unstable_by(|a, b| b.cmp(a));
            if self.today.is_multiple_of(DAYS as u64 / 2) && !self.later.is_empty() {
                std::mem::take(&mut self.later).into_iter().for_each(|event| self.sort_in(event));
            }
        }
    }

    /// When something is next, if anything is: an event, or a molecule that comes or goes.
    pub fn first(&self) -> Option<f64> {
        let soonest = |k: usize| {
            let events = self.days[k].iter().map(|e| e.at);
            events.chain(self.moves[k].iter().map(|m| m.at)).min_by(f64::total_cmp)
        };
        let ahead = (0..DAYS as u64).find_map(|k| soonest((self.today + k) as usize % DAYS));
        let later = || self.later.iter().map(|e| e.at).min_by(f64::total_cmp);
        let now = self.now.last().map(|e| e.at);
        [now, ahead.or_else(later)].into_iter().flatten().min_by(f64::total_cmp)
    }

    /// How many more molecules there are in cleft, tissue and vesicles from after `from` until `to`; to be asked before events after `to` are.
    pub fn moved(&mut self, from: f64, to: f64) -> [i64; 3] {
        let (first, last) = (((from / self.day) as u64), (to / self.day) as u64);
        let mut more = [0; 3];
        for day in first..=last.min(first + DAYS as u64 - 1) {
            self.moves[day as usize % DAYS].retain(|one| {
                if one.at <= to {
                    self.waiting -= 1;
                    more[0] += i64::from(one.cleft);
                    more[1] += i64::from(one.tissue);
                    more[2] += i64::from(one.vesicles);
                }
                one.at > to
            });
        }
        more
    }
}
