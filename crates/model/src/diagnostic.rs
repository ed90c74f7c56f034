//! Diagnostics are values: severity, message, places, cures; many at once, rendered as the terminal shows them.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
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
        self.0.push(Source { name: name.to_owned(), text });
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
    /// Line and column, from 1; columns count characters.
    pub fn line_column(&self, span: &Span) -> (usize, usize) {
        let text = self.text(span.file);
        let mut start = span.range.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        (line, column)
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
pub struct Diagnostics(pub Vec<Diagnostic>);

/// The most diagnostics that are shown; a file with more has one cause.
pub const MAX_SHOWN: usize = 100;

impl Diagnostics {
    /// Adds one, unless the same was said already.
    pub fn push(&mut self, d: Diagnostic) {
        if !self.0.contains(&d) {
            self.0.push(d);
        }
    }
    /// Whether an error is among them.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }
    /// How many errors.
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|d| d.severity == Severity::Error).count()
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
        if self.0.len() > MAX_SHOWN {
            out.push_str(&format!("... and {} more\n\n", self.0.len() - MAX_SHOWN));
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
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    let line = text[..line_start].matches('\n').count() + 1;
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

/// The name that was probably meant: the nearest within a third of its length, else one that contains it whole.
pub fn nearest(name: &str, known: &[String]) -> Option<String> {
    let lower = name.to_lowercase();
    if let Some(same) = known.iter().find(|k| k.to_lowercase() == lower) {
        return Some(same.clone());
    }
    let best = known.iter().map(|k| (strsim::osa_distance(&lower, &k.to_lowercase()), k)).min_by_key(|(d, _)| *d);
    if let Some((d, k)) = best
        && d <= (name.chars().count().max(3) / 3).max(1)
    {
        return Some(k.clone());
    }
    let tail = lower.rsplit('/').next().unwrap_or(&lower).to_owned();
    known.iter().find(|k| tail.len() >= 4 && k.to_lowercase().contains(&tail)).cloned()
}
