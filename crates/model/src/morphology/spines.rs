//! Regions on spines in the words of `on`: `spines.s` (heads and necks of the group `s`), `spines.s.head`, `spines.s.neck`,
//! and of one of them `spines.s[12]`, `spines.s[12].head`, `spines.s[12].neck`.

use super::locset::NoPlace;

/// A part of a spine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpinePart {
    /// Where synapses are.
    Head,
    /// Between the head and the dendrite.
    Neck,
}

/// Spines of a group, or a part of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnSpines<'a> {
    /// The group's name.
    pub group: &'a str,
    /// Which of them; none for all.
    pub number: Option<usize>,
    /// Which part; none for both.
    pub part: Option<SpinePart>,
}

impl<'a> OnSpines<'a> {
    /// Reads a region; `None` if it is not of spines at all.
    ///
    /// # Errors
    /// If it begins with `spines.` and goes on as none does.
    pub fn parse(text: &'a str) -> Option<Result<Self, NoPlace>> {
        let rest = text.trim().strip_prefix("spines.")?;
        let (whole, part) = match rest.rsplit_once('.') {
            None => (rest, Ok(None)),
            Some((whole, "head")) => (whole, Ok(Some(SpinePart::Head))),
            Some((whole, "neck")) => (whole, Ok(Some(SpinePart::Neck))),
            Some((whole, other)) => (whole, Err((other, whole))),
        };
        let part = match part {
            Ok(part) => part,
            Err((other, whole)) => {
                let message = format!("a spine has no part `{other}`");
                return Some(Err(NoPlace { message, hint: format!("`spines.{whole}.head` or `spines.{whole}.neck`") }));
            }
        };
        let (group, number) = match whole.split_once('[') {
            None => (whole, None),
            Some((group, number)) => match number.strip_suffix(']').and_then(|n| n.trim().parse().ok()) {
                Some(number) => (group, Some(number)),
                None => {
                    let message = format!("`{text}` does not say which spine");
                    return Some(Err(NoPlace { message, hint: format!("a number from 0, `spines.{group}[12]`") }));
                }
            },
        };
        Some(Ok(Self { group: group.trim(), number, part }))
    }

    /// Whether two such regions have something in common.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        fn alike<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
            a.zip(b).is_none_or(|(a, b)| a == b)
        }
        self.group == other.group && alike(self.number, other.number) && alike(self.part, other.part)
    }

    /// Whether a part of a spine is of the region.
    #[must_use]
    pub fn holds(&self, group: &str, number: usize, part: SpinePart) -> bool {
        self.meets(&OnSpines { group, number: Some(number), part: Some(part) })
    }
}

/// A place on a spine without its part, `s[3].neck`, and which part; the head, where none is said.
#[must_use]
pub fn part_of_spine(place: &str) -> (&str, SpinePart) {
    match place.trim().rsplit_once('.') {
        Some((rest, "neck")) => (rest, SpinePart::Neck),
        Some((rest, "head")) => (rest, SpinePart::Head),
        _ => (place.trim(), SpinePart::Head),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_spines_are_read_and_meet_where_they_should() {
        let read = |text| OnSpines::parse(text).map(|r| r.map_err(|n| n.message));
        let s = OnSpines { group: "s", number: None, part: None };
        assert_eq!(read("spines.s"), Some(Ok(s)));
        assert_eq!(read("spines.s.head"), Some(Ok(OnSpines { part: Some(SpinePart::Head), ..s })));
        let third = OnSpines { number: Some(3), part: Some(SpinePart::Neck), ..s };
        assert_eq!(read("spines.s[3].neck"), Some(Ok(third)));
        assert_eq!(read("dend"), None);
        assert!(matches!(read("spines.s.tail"), Some(Err(_))) && matches!(read("spines.s[x]"), Some(Err(_))));
        assert!(s.meets(&third) && s.holds("s", 7, SpinePart::Head) && !s.holds("t", 7, SpinePart::Head));
        assert!(third.holds("s", 3, SpinePart::Neck) && !third.holds("s", 3, SpinePart::Head));
        assert!(!third.meets(&OnSpines { number: Some(4), ..third }));
    }
}
