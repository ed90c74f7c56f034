//! Bouton, the facade: lower, run, check, report.
