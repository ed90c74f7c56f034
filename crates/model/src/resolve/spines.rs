//! Regions on spines: whether the group, the number and the part exist.

use super::Resolver;
use super::bind::Names;
use crate::diagnostic::{Diagnostic, Span};
use crate::morphology::OnSpines;
use crate::morphology::locset::NoPlace;
use crate::read::Read;

impl Resolver<'_> {
    /// A region of spines of a cell; false if it is none of spines.
    pub(super) fn on_spines(&mut self, (name, cell): (&str, &Read), region: &str, span: &Span) -> bool {
        let region = match OnSpines::parse(region) {
            None => return false,
            Some(Ok(region)) => region,
            Some(Err(NoPlace { message, hint })) => {
                self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
                return true;
            }
        };
        let known = Names::new(cell.named("spines").iter().map(|(k, _)| k.name.as_str()));
        let Some((_, group)) = cell.named("spines").iter().find(|(k, _)| k.name == region.group) else {
            self.unknown("group of spines", region.group, span.clone(), &known);
            return true;
        };
        if let (Some(number), Some(shape)) = (region.number, self.shapes.get(name).cloned())
            && let Ok(places) = shape.spines(group)
            && number >= places.len()
        {
            let message = format!("`spines.{}` of `{name}` are {}, from 0", region.group, places.len());
            self.out.push(Diagnostic::error(message, span.clone()).hint("a lower number, or more spines"));
        }
        true
    }
}
