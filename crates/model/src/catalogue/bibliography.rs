//! The bibliography: BibTeX, as papers' authors keep it.

use biblatex::{Bibliography, ChunksExt};

/// A source as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Citation {
    /// Its key.
    pub key: String,
    /// `Jonas, Major & Sakmann 1993`
    pub short: String,
    /// One line with title, place and DOI.
    pub long: String,
}

pub(super) fn faults(text: &str) -> Vec<String> {
    match Bibliography::parse(text) {
        Ok(_) => Vec::new(),
        Err(e) => vec![e.to_string()],
    }
}

pub(super) fn read(text: &str) -> Vec<Citation> {
    let Ok(bibliography) = Bibliography::parse(text) else { return Vec::new() };
    bibliography.iter().map(citation).collect()
}

fn citation(entry: &biblatex::Entry) -> Citation {
    let get = |field: &str| entry.get(field).map(|c| c.format_verbatim()).filter(|s| !s.is_empty());
    let names: Vec<String> =
        entry.author().map(|people| people.into_iter().map(|p| p.name).collect()).unwrap_or_default();
    let year = get("year").or_else(|| get("date")).unwrap_or_default();
    let who = match names.as_slice() {
        [] => get("title").unwrap_or_else(|| entry.key.clone()),
        [a] => a.clone(),
        [a, b] => format!("{a} & {b}"),
        [a, b, c] => format!("{a}, {b} & {c}"),
        [a, ..] => format!("{a} et al."),
    };
    let short = if year.is_empty() { who.clone() } else { format!("{who} {year}") };
    let mut long = if names.is_empty() { String::new() } else { format!("{short}. ") };
    if let Some(title) = get("title") {
        long.push_str(&title);
        if names.is_empty() && !year.is_empty() {
            long.push_str(&format!(" ({year})"));
        }
        long.push_str(". ");
    }
    if let Some(journal) =
        get("journaltitle").or_else(|| get("journal")).or_else(|| get("howpublished")).or_else(|| get("booktitle"))
    {
        long.push_str(&journal);
        if let Some(volume) = get("volume") {
            long.push_str(&format!(" {volume}"));
        }
        if let Some(pages) = get("pages") {
            long.push_str(&format!(":{}", pages.replace("--", "-")));
        }
        long.push_str(". ");
    }
    if let Some(doi) = get("doi") {
        long.push_str(&format!("doi:{doi}"));
    }
    Citation { key: entry.key.clone(), short, long: long.trim_end().to_owned() }
}
