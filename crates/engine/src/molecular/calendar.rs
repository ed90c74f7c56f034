//! What is to come, in order of time: days of one length, each put into order when it begins.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Days that are kept apart.
const DAYS: usize = 512;

/// Where a free molecule is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Whereabouts {
    /// In the cleft, um.
    Cleft([f64; 2]),
    /// In a shell of the tissue, whose rim it was last at.
    Shell(u32, [f64; 2]),
}

/// How many more molecules there are in the cleft, and in the tissue, from a moment on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Move {
    /// ms
    pub at: f64,
    pub cleft: i8,
    pub tissue: i8,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    /// A molecule meets a site that might bind it, at a place.
    Meet { site: u32, at: Whereabouts },
    /// A molecule goes on from a place.
    Go { at: Whereabouts },
    /// A site does something by itself, unless it has changed since.
    Turn { site: u32, epoch: u32 },
    /// A molecule comes in from the far field.
    Arrive,
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq)]
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
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    /// Length of a day, ms.
    day: f64,
    /// Today.
    today: u64,
    now: BinaryHeap<Reverse<Event>>,
    days: Vec<Vec<Event>>,
    /// After the days.
    later: Vec<Event>,
    /// When molecules come and go, by day.
    moves: Vec<Vec<Move>>,
}

impl Calendar {
    pub fn new(day: f64) -> Self {
        Self {
            day,
            today: 0,
            now: BinaryHeap::new(),
            days: vec![Vec::new(); DAYS],
            later: Vec::new(),
            moves: vec![Vec::new(); DAYS],
        }
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
        let day = self.day(event.at);
        if day == self.today {
            self.now.push(Reverse(event));
        } else if day < self.today + DAYS as u64 {
            self.days[day as usize % DAYS].push(event);
        } else {
            self.later.push(event);
        }
    }

    /// A molecule comes or goes, before the horizon.
    #[inline(always)]
    pub fn note(&mut self, one: Move) {
        let day = self.day(one.at).min(self.today + DAYS as u64 - 1);
        self.moves[day as usize % DAYS].push(one);
    }

    /// The next event at `until` or before, if there is one.
    pub fn next(&mut self, until: f64) -> Option<Event> {
        loop {
            if let Some(Reverse(event)) = self.now.peek() {
                return if event.at <= until { self.now.pop().map(|e| e.0) } else { None };
            }
            if self.day(until) == self.today {
                return None;
            }
            self.today += 1;
            // What moved yesterday was counted: its place is that of a new day.
            let due = std::mem::take(&mut self.days[self.today as usize % DAYS]);
            self.now.extend(due.into_iter().map(Reverse));
            if self.today.is_multiple_of(DAYS as u64 / 2) && !self.later.is_empty() {
                std::mem::take(&mut self.later).into_iter().for_each(|event| self.add(event));
            }
        }
    }

    /// How many more molecules there are in cleft and tissue from after `from` until `to`; to be asked before events after `to` are.
    pub fn moved(&mut self, from: f64, to: f64) -> [i64; 2] {
        let (first, last) = (((from / self.day) as u64), (to / self.day) as u64);
        let mut more = [0; 2];
        for day in first..=last.min(first + DAYS as u64 - 1) {
            self.moves[day as usize % DAYS].retain(|one| {
                if one.at <= to {
                    more[0] += i64::from(one.cleft);
                    more[1] += i64::from(one.tissue);
                }
                one.at > to
            });
        }
        more
    }
}
