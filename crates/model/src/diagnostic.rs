//! Diagnostics are values: severity, message, places, cures; many at once, rendered as the terminal shows them.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// A file of model text, by its index in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A byte range of one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Its bytes.
    pub range: Range<usize>,
}

impl Span {
    /// The part of a quoted one-line string's inside; the whole span where the string is written in another way.
    pub fn inside(&self, sources: &Sources, inner: &Range<usize>) -> Self {
        let text = sources.text(self.file).get(self.range.clone()).unwrap_or("");
        let plain = text.len() >= 2
            && !text.contains('\\')
            && !text.starts_with("\"\"\"")
            && !text.starts_with("'''")
            && text.starts_with(['"', '\'']);
        if !plain {
            return self.clone();
        }
        let start = self.range.start + 1 + inner.start;
        let end = self.range.start + 1 + inner.end;
        let end = end.min(self.range.end - 1);
        let start = start.min(end);
        Self { file: self.file, range: start..end.max(start) }
    }
}

/// A text that was read, with the name to show for it.
#[derive(Debug, Clone)]
pub struct Source {
    /// As the user named it, or `catalogue:receptor/x.toml`.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
    /// Byte at which each line starts.
    lines: Vec<usize>,
    /// Characters before every 1024th byte, so that a column is found without reading a long line from its start.
    characters: Vec<usize>,
}

/// Bytes between two entries of `Source::characters`.
const MARK: usize = 1024;

impl Source {
    fn new(name: &str, text: Arc<str>) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        // A byte that continues a character is 10xxxxxx.
        let starts = |bytes: &[u8]| bytes.iter().filter(|b| **b & 0xC0 != 0x80).count();
        let mut characters = vec![0];
        for chunk in text.as_bytes().chunks(MARK) {
            characters.push(characters.last().copied().unwrap_or(0) + starts(chunk));
        }
        Self { name: name.to_owned(), text, lines, characters }
    }
    /// Characters that start before a byte.
    fn characters_before(&self, byte: usize) -> usize {
        let mark = byte / MARK;
        let rest = &self.text.as_bytes()[mark * MARK..byte];
        self.characters[mark] + rest.iter().filter(|b| **b & 0xC0 != 0x80).count()
    }
    /// Index of the line that a byte lies in.
    fn line(&self, byte: usize) -> usize {
        self.lines.partition_point(|start| *start <= byte) - 1
    }
}

/// All texts that a model was read from.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a text; the same name again gives the same id.
    pub fn add(&mut self, name: &str, text: Arc<str>) -> FileId {
        if let Some(i) = self.0.iter().position(|s| s.name == name) {
            return FileId(i as u32);
        }
        self.0.push(Source::new(name, text));
        FileId(self.0.len() as u32 - 1)
    }
    /// The text of a file.
    pub fn text(&self, file: FileId) -> &str {
        &self.0[file.0 as usize].text
    }
    /// The name of a file.
    pub fn name(&self, file: FileId) -> &str {
        &self.0[file.0 as usize].name
    }
    /// Line and column, from 1; columns count characters. Cost: logarithmic in the text.
    pub fn line_column(&self, span: &Span) -> (usize, usize) {
        let source = &self.0[span.file.0 as usize];
        let mut start = span.range.start.min(source.text.len());
        while !source.text.is_char_boundary(start) {
            start -= 1;
        }
        let line = source.line(start);
        (line + 1, source.characters_before(start) - source.characters_before(source.lines[line]) + 1)
    }
    /// `file:line:column`
    pub fn place(&self, span: &Span) -> String {
        let (line, column) = self.line_column(span);
        format!("{}:{line}:{column}", self.name(span.file))
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Severity {
    Warning,
    Error,
}

/// One fault, with its place and its cure.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Names the thing and the value.
    pub message: String,
    /// Where; `None` only for a file that could not be read at all.
    pub span: Option<Span>,
    /// Said at the place.
    pub label: String,
    /// Other places that matter.
    pub related: Vec<(Span, String)>,
    /// Cures.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(message: impl Into<String>, span: impl Into<Option<Span>>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            span: span.into(),
            label: String::new(),
            related: Vec::new(),
            hints: Vec::new(),
        }
    }
    /// A warning at a place.
    pub fn warning(message: impl Into<String>, span: impl Into<Option<Span>>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message, span) }
    }
    /// Adds a cure.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
    /// Adds a cure if there is one.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hints.extend(hint.map(Into::into));
        self
    }
    /// What to say at the place itself.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
    /// Another place that matters.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }
}

/// Faults gathered along the way; nothing stops at the first.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>, Tally);

/// What was said already, and what was left unsaid.
#[derive(Debug, Clone, Default)]
struct Tally {
    seen: HashSet<(Option<Span>, String)>,
    errors: usize,
    dropped: usize,
}

/// The most diagnostics that are shown; a file with more has one cause.
pub const MAX_SHOWN: usize = 100;
/// The most that are kept.
const MAX_KEPT: usize = 1000;

impl Diagnostics {
    /// Adds one, unless the same was said already. Beyond a thousand they are only counted.
    pub fn push(&mut self, mut d: Diagnostic) {
        d.message = shortened(d.message);
        d.hints = d.hints.into_iter().map(shortened).collect();
        if !self.1.seen.insert((d.span.clone(), d.message.clone())) {
            return;
        }
        let error = d.severity == Severity::Error;
        if self.0.len() >= MAX_KEPT && (self.1.errors > 0 || !error) {
            self.1.dropped += 1;
            self.1.seen.clear();
        } else {
            self.0.push(d);
        }
        self.1.errors += usize::from(error);
    }
    /// Whether an error is among them.
    pub fn has_errors(&self) -> bool {
        self.1.errors > 0
    }
    /// How many errors.
    pub fn errors(&self) -> usize {
        self.1.errors
    }
    /// Whether there are so many that suggestions are not worth their time.
    pub fn crowded(&self) -> bool {
        self.0.len() >= MAX_SHOWN
    }
    /// In the order of the text.
    pub fn sort(&mut self) {
        self.0.sort_by_key(|d| d.span.as_ref().map(|s| (s.file, s.range.start, s.range.end)));
    }

    /// As the terminal shows them. `colour` adds ANSI styles.
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for d in self.0.iter().take(MAX_SHOWN) {
            out.push_str(&renderer.render(&groups(d, sources)));
            out.push_str("\n\n");
        }
        let more = self.0.len().saturating_sub(MAX_SHOWN) + self.1.dropped;
        if more > 0 {
            out.push_str(&format!("... and {more} more\n\n"));
        }
        out
    }

    /// For editors: an array of objects with file, line, column, severity, message and hints.
    pub fn to_json(&self, sources: &Sources) -> serde_json::Value {
        let one = |d: &Diagnostic| {
            let (file, line, column, end) = match &d.span {
                Some(s) => {
                    let (line, column) = sources.line_column(s);
                    (Some(sources.name(s.file)), Some(line), Some(column), Some(s.range.end))
                }
                None => (None, None, None, None),
            };
            serde_json::json!({
                "severity": if d.severity == Severity::Error { "error" } else { "warning" },
                "message": d.message, "label": d.label, "file": file, "line": line, "column": column, "end_byte": end, "hints": d.hints,
            })
        };
        self.0.iter().map(one).collect()
    }
}

/// Lines longer than this are not drawn: a binary file has lines of megabytes.
const MAX_LINE: usize = 400;

fn groups<'a>(d: &'a Diagnostic, sources: &'a Sources) -> Vec<Group<'a>> {
    let level = if d.severity == Severity::Error { Level::ERROR } else { Level::WARNING };
    let title = level.primary_title(d.message.as_str());
    let mut group = match &d.span {
        None => Group::with_title(title),
        Some(span) => {
            let mut group = Group::with_title(title).element(snippet(span, &d.label, true, sources));
            for (other, label) in &d.related {
                group = group.element(snippet(other, label, false, sources));
            }
            group
        }
    };
    for hint in &d.hints {
        group = group.element(Level::HELP.with_name(Some("hint")).message(hint.as_str()));
    }
    vec![group]
}

fn snippet<'a>(
    span: &Span,
    label: &'a str,
    primary: bool,
    sources: &'a Sources,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = sources.text(span.file);
    let (mut start, mut end) = (span.range.start.min(text.len()), span.range.end.min(text.len()));
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let source = &sources.0[span.file.0 as usize];
    let line = source.line(start);
    let line_start = source.lines[line];
    let line_end = source.lines.get(line + 1).map_or(text.len(), |next| next - 1);
    let line = line + 1;
    let kind = if primary { AnnotationKind::Primary } else { AnnotationKind::Context };
    // Only the line itself is handed on: a file of 100 MB must not be laid out for one caret.
    let end = end.clamp(start, line_end);
    let (shown, start, end) = if line_end - line_start > MAX_LINE {
        ("", 0, 0)
    } else {
        (&text[line_start..line_end], start - line_start, end - line_start)
    };
    let mut annotation = kind.span(start..end.max(start));
    if !label.is_empty() {
        annotation = annotation.label(label);
    }
    Snippet::source(shown).line_start(line).path(sources.name(span.file)).annotation(annotation)
}

/// A name in back-quotes is repeated to its eightieth character.
fn shortened(message: String) -> String {
    const LONGEST: usize = 80;
    if message.len() <= LONGEST {
        return message;
    }
    let mut out = String::with_capacity(message.len().min(2000));
    for (i, part) in message.split('`').enumerate() {
        if i > 0 {
            out.push('`');
        }
        if i % 2 == 1 && part.chars().count() > LONGEST {
            out.extend(part.chars().take(LONGEST));
            out.push_str("...");
        } else {
            out.push_str(part);
        }
    }
    out
}

/// The most names among which a near miss is looked for, and the longest name.
const MAX_NAMES: usize = 2000;

/// The name that was probably meant: the nearest within a third of its length, else one that contains it whole.
pub fn nearest(name: &str, known: &[String]) -> Option<String> {
    if known.len() > MAX_NAMES || name.len() > 200 {
        return None;
    }
    let lower = name.to_lowercase();
    if let Some(same) = known.iter().find(|k| k.to_lowercase() == lower) {
        return Some(same.clone());
    }
    let best = known.iter().map(|k| (strsim::osa_distance(&lower, &k.to_lowercase()), k)).min_by_key(|(d, _)| *d);
    // One letter away from a name of two letters is any name.
    if let Some((d, k)) = best
        && name.chars().count() > 2
        && d <= (name.chars().count().max(3) / 3).max(1)
    {
        return Some(k.clone());
    }
    let tail = lower.rsplit('/').next().unwrap_or(&lower).to_owned();
    known.iter().find(|k| tail.len() >= 4 && k.to_lowercase().contains(&tail)).cloned()
}
