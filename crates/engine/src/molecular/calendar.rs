//! What is to come of sites and molecules, and how many molecules there are where.

use crate::calendar::{self, DAYS};
use serde::{Deserialize, Serialize};

pub(super) type Event = calendar::Event<What>;

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

/// Events to come, and when molecules leave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calendar {
    events: calendar::Calendar<What>,
    /// Length of a day, ms.
    day: f64,
    /// When molecules come and go, by day.
    moves: Vec<Vec<Move>>,
    /// How many of these are to come.
    moving: u64,
}

impl Calendar {
    /// From a time on, ms.
    pub fn new(day: f64, from: f64) -> Self {
        Self { events: calendar::Calendar::new(day, from), day, moves: vec![Vec::new(); DAYS], moving: 0 }
    }

    /// Whether nothing is to come.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.moving == 0
    }

    /// Goes on to a time, as nothing is to come.
    pub fn skip(&mut self, to: f64) {
        self.events.skip(to);
    }

    /// The end of what can be foreseen, ms.
    #[inline(always)]
    pub fn horizon(&self) -> f64 {
        self.events.horizon()
    }

    #[inline(always)]
    pub fn add(&mut self, event: Event) {
        self.events.add(event);
    }

    /// A molecule comes or goes, before the horizon.
    #[inline(always)]
    pub fn note(&mut self, one: Move) {
        self.moving += 1;
        // What moved yesterday was counted: its place is that of a new day.
        let day = self.events.day(one.at).min(self.events.today() + DAYS as u64 - 1);
        self.moves[day as usize % DAYS].push(one);
    }

    /// The next event at `until` or before, if there is one.
    #[inline(always)]
    pub fn next(&mut self, until: f64) -> Option<Event> {
        self.events.next(until)
    }

    /// When something is next, if anything is: an event, or a molecule that comes or goes.
    pub fn first(&self) -> Option<f64> {
        let soonest = |k: u64| {
            let moves = &self.moves[(self.events.today() + k) as usize % DAYS];
            moves.iter().map(|m| m.at).min_by(f64::total_cmp)
        };
        let moved = (0..DAYS as u64).find_map(soonest);
        self.events.first().into_iter().chain(moved).min_by(f64::total_cmp)
    }

    /// How many more molecules there are in cleft, tissue and vesicles from after `from` until `to`; to be asked before events after `to` are.
    pub fn moved(&mut self, from: f64, to: f64) -> [i64; 3] {
        let (first, last) = (((from / self.day) as u64), (to / self.day) as u64);
        let mut more = [0; 3];
        for day in first..=last.min(first + DAYS as u64 - 1) {
            self.moves[day as usize % DAYS].retain(|one| {
                if one.at <= to {
                    self.moving -= 1;
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
